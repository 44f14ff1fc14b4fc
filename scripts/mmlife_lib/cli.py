"""cli - the subcommands of scripts/mmlife and what their exit statuses mean.

Status of `run`: 0 all passed; 1 a command failed; 2 usage or environment; 3 the guest panicked;
4 everything skipped; 5 the guest died; 124 time limit. The others: 0 done, 2 bad words or input;
`compare` 1 when something got slower for certain.
"""

import os
import signal
import sys

from . import errors

USAGE = """\
usage: scripts/mmlife run [options] ['command' ...]
         boot the machine, run each shell command, power off; without a command: interactive
         (Ctrl-] or Ctrl-A X leaves; the end of piped input powers off)
         --boot direct|iso        QEMU's multiboot loader, or the GRUB ISO     (direct)
         --smp N                  processors                                   (2)
         --mem SIZE               memory, as 256M or 4G                        (256M)
         --clock tsc|insn|model   time stamp counter, exact instructions,
                                  modelled cycles                              (tsc)
         --accel tcg|kvm                                                       (tcg)
         --machine pc|q35                                                      (q35)
         --cpu NAME               a QEMU CPU name                              (max)
         --disk FILE              a virtio disk; the guest writes to it
         --timeout SECONDS        0 for none; interactive: none unless given   (120)
         --log FILE               a copy of the serial output
         --gdb                    wait for a debugger
       scripts/mmlife report LOG... -o report.html
       scripts/mmlife compare OLD NEW
       scripts/mmlife costs LOG...          what work costs, all clocks side by side
       scripts/mmlife trace LOG -o FILE
run's exit status: 0 all passed, 1 a command failed, 2 usage or environment, 3 panic,
4 everything skipped, 5 the guest died, 124 time limit
"""


def cmd_run(words):
    from . import machine, options
    return machine.run(options.parse_run(words))


def cmd_report(words):
    from . import report
    return report.main(words)


def cmd_compare(words):
    from . import compare
    return compare.main(words)


def cmd_costs(words):
    from . import costs
    return costs.main(words)


def cmd_trace(words):
    from . import trace
    return trace.main(words)


COMMANDS = {"run": cmd_run, "report": cmd_report, "compare": cmd_compare, "costs": cmd_costs,
            "trace": cmd_trace}


def _stop(signum, _frame):
    raise errors.Stopped(signum)


def dispatch(words):
    """Run one subcommand; returns the exit status or raises."""
    if not words:
        raise errors.UsageError("no subcommand; accepted: " + " ".join(COMMANDS))
    if words[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    if words[0] not in COMMANDS:
        raise errors.UsageError(f"'{words[0]}' is not a subcommand; accepted: "
                                + " ".join(COMMANDS))
    options_end = words.index("--") if "--" in words else len(words)
    if "--help" in words[:options_end] or "-h" in words[:options_end]:
        print(USAGE, end="")
        return 0
    return COMMANDS[words[0]](words[1:])


def main(words):
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _stop)
    try:
        return dispatch(words)
    except errors.UsageError as error:
        print(f"mmlife {error}", file=sys.stderr)
        return errors.USAGE
    except errors.Stopped as stopped:
        return 128 + stopped.args[0]
    except BrokenPipeError:
        # Nobody reads any more. Python would complain once again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        print(f"mmlife: {error}", file=sys.stderr)
        return errors.USAGE
    except Exception:       # a defect of the launcher must not look like a failed command
        import traceback
        traceback.print_exc()
        return errors.USAGE
