"""machine - boot one QEMU, pass its serial output on as it comes, and judge how it ended.

Owns: the QEMU process and its temporary files, time limits, the verdict.
Not here: QEMU's arguments (qemu.py), the terminal (console.py).
Idea: with commands the serial output goes to a file that is followed, so that a slow reader never
    changes what the guest does; interactively it goes through pipes.
Invariant: when run() returns or raises, the QEMU it started is gone, and only that one was ended.
"""

import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from . import errors, qemu
from .console import Console

POLL_SECONDS = 0.01
KVM_BOOT_SECONDS = 10       # a working KVM guest prints within one
AFTER_VERDICT_SECONDS = 60  # the verdict line is the last thing a guest does
MAX_LINE = 1 << 20
PR_SET_PDEATHSIG = 1

VERDICT = re.compile(rb"^mmlife: verdict (\w+)$")
# word -> (launcher status, value the guest writes to the exit port)
VERDICTS = {
    b"pass": (errors.PASS, 0x10),
    b"fail": (errors.FAIL, 0x11),
    b"refused": (errors.USAGE, 0x12),
    b"panic": (errors.PANIC, 0x13),
    b"skipped": (errors.SKIPPED, 0x14),
}


def say(text):
    """A line of the launcher's own, apart from the guest's output."""
    sys.stdout.flush()
    print("mmlife run: " + text, file=sys.stderr, flush=True)


class Output:
    """Where serial bytes go: standard output, the log, and the search for the verdict line."""

    def __init__(self, log, raw):
        self.log = log
        self.raw = raw              # a terminal in raw mode gets the bytes as they are
        self.stdout = sys.stdout.buffer
        self.line = b""
        self.last_line = b""
        self.lines = 0
        self.verdicts = []
        self.verdict_time = None
        self.held_cr = b""

    def feed(self, data):
        """Pass @data on. CR LF becomes LF: logs are text, the same under either boot."""
        text = self.held_cr + data
        self.held_cr = b"\r" if text.endswith(b"\r") else b""
        text = text[:len(text) - len(self.held_cr)].replace(b"\r\n", b"\n")
        self.stdout.write(data if self.raw else text)
        self.stdout.flush()
        if self.log:
            self.log.write(text)
            self.log.flush()
        self._scan(text)

    def _scan(self, text):
        *whole, self.line = (self.line + text).split(b"\n")
        self.line = self.line[-MAX_LINE:]
        for line in whole:
            self._line(line)

    def _line(self, line):
        self.lines += 1
        if line.strip():
            self.last_line = line
        match = VERDICT.match(line.rstrip(b"\r"))
        if match:
            self.verdicts.append(match.group(1))
            self.verdict_time = time.monotonic()

    def finish(self):
        """No more data: the unfinished line counts as a line."""
        if self.held_cr:
            held, self.held_cr = self.held_cr, b""
            self._scan(held)
        if self.line:
            self._line(self.line)
            self.line = b""


def judge(status, verdicts):
    """(launcher status, explanation or None) from QEMU's exit status and the verdict lines."""
    words = [word.decode() for word in verdicts]
    if len(words) > 1:
        return errors.DIED, f"the guest printed {len(words)} verdict lines: {' '.join(words)}"
    if not words:
        how = f"signal {-status}" if status < 0 else f"status {status}"
        why = " (a triple fault ends so)" if status == 0 else ""
        return errors.DIED, f"the guest died without a verdict: QEMU ended with {how}{why}"
    if verdicts[0] not in VERDICTS:
        return errors.DIED, f"the guest's verdict '{words[0]}' is none of " + " ".join(
            word.decode() for word in VERDICTS)
    result, value = VERDICTS[verdicts[0]]
    if status != 2 * value + 1:
        return errors.DIED, (f"the guest's verdict is '{words[0]}', but QEMU ended with status"
                             f" {status} instead of {2 * value + 1}")
    return result, None


class Watch:
    """The clocks that end a machine which does not end itself."""

    def __init__(self, options, limit):
        self.options = options
        self.limit = limit
        self.start = time.monotonic()

    def expired(self, output):
        """None, or (status, explanation) when the machine has to be stopped now."""
        now = time.monotonic()
        if self.limit and now > self.start + self.limit:
            last = output.last_line.decode(errors="replace")[:100]
            return errors.TIMEOUT, (f"no end within {self.limit:g} s: machine stopped;"
                                    f" last line: {last!r}")
        if self.options.gdb:
            return None
        if (self.options.accel == "kvm" and not output.lines
                and now > self.start + KVM_BOOT_SECONDS):
            return errors.TIMEOUT, (f"no line from the guest within {KVM_BOOT_SECONDS} s: KVM does"
                                    " not run guests on this host; use --accel tcg")
        if output.verdict_time and now > output.verdict_time + AFTER_VERDICT_SECONDS:
            return errors.DIED, "the guest gave its verdict and then did not end"
        return None


class Machine:
    """One QEMU process with its temporary directory."""

    def __init__(self, options):
        self.options = options
        self.interactive = not options.commands
        self.dir = tempfile.mkdtemp(prefix="mmlife-")
        self.process = None
        self.pidfd = None

    def start(self):
        """Start QEMU; UsageError when something it needs is missing."""
        cmdline = os.path.join(self.dir, "cmdline")
        with open(cmdline, "wb") as out:
            out.write(qemu.guest_cmdline(self.options))
        serial = None if self.interactive else os.path.join(self.dir, "serial")
        argv = qemu.command(self.options, serial, cmdline)
        libc = ctypes.CDLL(None)

        def die_with_launcher():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        pipe = subprocess.PIPE if self.interactive else subprocess.DEVNULL
        with open(os.path.join(self.dir, "stderr"), "wb") as stderr:
            try:
                # A session of its own: the terminal's Ctrl-C is for us to handle.
                self.process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=stderr,
                                                start_new_session=True,
                                                preexec_fn=die_with_launcher)
            except OSError as error:
                raise errors.UsageError(f"run: cannot start {argv[0]}: {error.strerror}")
        self.pidfd = os.pidfd_open(self.process.pid)

    def follow(self, output, watch):
        """Pass the serial file on until QEMU ends. Returns what Watch.expired() said, or None."""
        path = os.path.join(self.dir, "serial")
        while not os.path.exists(path) and self.process.poll() is None:
            expired = watch.expired(output)
            if expired:
                return expired
            time.sleep(POLL_SECONDS / 10)
        if not os.path.exists(path):
            return None
        with open(path, "rb", buffering=0) as serial:
            while True:
                ended = bool(select.select([self.pidfd], [], [], POLL_SECONDS)[0])
                while data := serial.read(1 << 16):
                    output.feed(data)
                if ended:
                    return None
                expired = watch.expired(output)
                if expired:
                    return expired

    def stderr_text(self):
        with open(os.path.join(self.dir, "stderr"), encoding="utf-8", errors="replace") as err:
            return err.read().strip()

    def stop(self):
        """End QEMU if it still runs; remove its files."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            for pipe in filter(None, (self.process.stdin, self.process.stdout)):
                with contextlib.suppress(OSError):      # unsent input for a machine that is gone
                    pipe.close()
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None
        shutil.rmtree(self.dir, ignore_errors=True)


def _open_log(options):
    if options.log is None:
        return None
    try:
        return open(options.log, "wb")
    except OSError as error:
        raise errors.UsageError(f"run: --log: cannot write {options.log}: {error.strerror}")


def _conclude(machine, output):
    """Status of a machine that ended by itself; explains on standard error what is not plain."""
    status = machine.process.wait()
    stderr = machine.stderr_text()
    if status == 1 and not output.lines and stderr:
        # QEMU's own refusal: the guest never ran. (A guest's exit statuses begin at 0x21.)
        raise errors.UsageError(f"run: QEMU did not start the machine: {stderr.splitlines()[-1]}")
    result, why = judge(status, output.verdicts)
    if why:
        say(why)
        if stderr:
            say("QEMU said: " + stderr[-2000:])
    return result


def _time_limit(options):
    """Seconds or None. Nobody wants a limit on a session typed by hand unless asked for."""
    by_hand = not options.commands and sys.stdin is not None and sys.stdin.isatty()
    if not options.timeout_given and (by_hand or options.gdb):
        return None
    return options.timeout or None


def run(options):
    """Boot a machine as @options say; returns the launcher's exit status."""
    machine = Machine(options)
    log = None
    try:
        log = _open_log(options)
        console = Console() if machine.interactive else None
        output = Output(log, raw=bool(console and console.is_terminal))
        machine.start()
        watch = Watch(options, _time_limit(options))
        if options.gdb:
            say(f"waiting for a debugger: gdb {qemu.build_file('mmlife.elf')}"
                f" -ex 'target remote {qemu.gdb_target()}' -ex continue")
        if console:
            expired = console.run(machine, output, watch)
        else:
            expired = machine.follow(output, watch)
        output.finish()
        if expired:
            status, why = expired
            if why:
                say(why)
            return status
        return _conclude(machine, output)
    finally:
        machine.stop()
        if log:
            log.close()
