"""options - the words given to `scripts/mmlife run`: meaning, defaults, checks.

Owns: RunOptions and the one-line message for every word that cannot be accepted.
Invariant: a RunOptions that parse_run() returned is consistent; nothing later checks it again.
"""

import re

from .errors import UsageError

SIZE = re.compile(r"^([0-9]{1,9})([KMGkmg]?)$")
UNITS = {"K": 1, "M": 1024, "G": 1024 * 1024}
MODEL_RAM = 2 << 30     # bytes; more would lie on both sides of the hole below 4 GiB
MAX_SCRIPT = 60000      # bytes; the guest keeps the command line in one 64 KiB buffer


class RunOptions:
    """What one run is asked for. The values here are the defaults."""

    def __init__(self):
        self.boot = "direct"
        self.smp = 2
        self.mem = "256M"
        self.clock = "tsc"
        self.accel = "tcg"
        self.machine = "q35"
        self.cpu = "max"
        self.disk = None
        self.timeout = 120.0        # seconds; 0: no limit
        self.timeout_given = False
        self.log = None
        self.gdb = False
        self.commands = []


def _bad(option, value, accepted):
    return UsageError(f"run: --{option}: '{value}' is not accepted; accepted: {accepted}")


def _choice(*words):
    def check(option, value):
        if value not in words:
            raise _bad(option, value, " ".join(words))
        return value
    return check


def _cpus(option, value):
    if not re.fullmatch(r"[0-9]{1,3}", value) or not 1 <= int(value) <= 255:
        raise _bad(option, value, "a number from 1 to 255")
    return int(value)


def _size(option, value):
    match = SIZE.match(value)
    accepted = "a size from 1M to 1024G, as 256M, 4G or a number of MiB"
    if not match:
        raise _bad(option, value, accepted)
    kib = int(match.group(1)) * UNITS[(match.group(2) or "M").upper()]
    if not 1024 <= kib <= 1024 * UNITS["G"]:
        raise _bad(option, value, accepted)
    return f"{kib // 1024}M" if kib % 1024 == 0 else f"{kib}K"


def ram_bytes(options):
    """The guest's memory in bytes."""
    return int(options.mem[:-1]) * UNITS[options.mem[-1]] * 1024


def _cpu_name(option, value):
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+=,-]*", value):
        raise _bad(option, value, "a QEMU CPU name, as max, qemu64 or max,-erms")
    return value


def _seconds(option, value):
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", value):
        raise _bad(option, value, "seconds, as 120 or 0.5; 0 for no limit")
    return float(value)


def _path(option, value):
    if not value:
        raise _bad(option, value, "a file name")
    return value


VALUED = {
    "boot": _choice("iso", "direct"),
    "smp": _cpus,
    "mem": _size,
    "clock": _choice("tsc", "insn", "model"),
    "accel": _choice("tcg", "kvm"),
    "machine": _choice("pc", "q35"),
    "cpu": _cpu_name,
    "disk": _path,
    "timeout": _seconds,
    "log": _path,
}
FLAGS = ("gdb",)


def _option_word(words, index):
    """The option at words[index]: (name, value or None, words used)."""
    name, equals, value = words[index][2:].partition("=")
    if name in FLAGS:
        if equals:
            raise UsageError(f"run: --{name} takes no value")
        return name, None, 1
    if name not in VALUED:
        accepted = " ".join("--" + n for n in (*VALUED, *FLAGS))
        raise UsageError(f"run: '{words[index]}' is not an option; accepted: {accepted}")
    if equals:
        return name, value, 1
    if index + 1 >= len(words):
        raise UsageError(f"run: --{name} needs a value")
    return name, words[index + 1], 2


def parse_run(words):
    """RunOptions from the words after `run`; UsageError names the word and what is accepted.

    Words beginning with a dash are options wherever they stand; after a lone `--` everything is a
    command. Of an option given twice the last counts.
    """
    options = RunOptions()
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--":
            options.commands += words[index + 1:]
            break
        if word.startswith("--"):
            name, value, used = _option_word(words, index)
            setattr(options, name, True if value is None else VALUED[name](name, value))
            options.timeout_given |= name == "timeout"
            index += used
        elif word.startswith("-") and word != "-":
            raise UsageError(f"run: '{word}' is not an option; see scripts/mmlife --help")
        else:
            options.commands.append(word)
            index += 1
    _check_together(options)
    return options


def _check_together(options):
    if options.clock != "tsc" and options.accel == "kvm":
        raise UsageError(f"run: --clock {options.clock} counts instructions inside QEMU and needs"
                         " --accel tcg, not kvm")
    if options.clock != "tsc" and options.disk is not None:
        raise UsageError(f"run: --disk completes in host time, so that --clock {options.clock}"
                         " would not repeat; use --clock tsc")
    if options.clock == "model" and options.smp != 1:
        raise UsageError(f"run: --clock model knows one CPU, not --smp {options.smp}; accepted:"
                         " --smp 1")
    if options.clock == "model" and ram_bytes(options) > MODEL_RAM:
        raise UsageError(f"run: --clock model reads the guest's tables below 4 GiB, not with --mem"
                         f" {options.mem}; accepted: up to {MODEL_RAM >> 20}M")
    size = len("\n".join(options.commands).encode("utf-8", "surrogateescape"))
    if size > MAX_SCRIPT:
        raise UsageError(f"run: the commands are {size} bytes long; accepted: up to {MAX_SCRIPT}")
