"""qemu - the one place that knows QEMU's command line and the guest's.

Owns: where the images are, the arguments, the words handed to the guest by fw_cfg.
Not here: starting and watching the process (machine.py).

Guest command line (fw_cfg file opt/mmlife/cmdline): words `name=value` separated by spaces, then
` -- ` and the commands, one a line. Without ` -- ` the guest is interactive.

Environment: MMLIFE_BUILD names another build directory than build/ (a relative one counts from the
top of the checkout), MMLIFE_QEMU another QEMU. MMLIFE_GDB is the path of a socket on which --gdb
waits instead of on a port. MMLIFE_WORDS holds more words for the guest's
command line (`slab=window poison=on`), put behind the launcher's own.
"""

import os
import re
import shutil

from .errors import UsageError
from .options import ram_bytes

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEBUG_EXIT_PORT = 0xf4
GDB_PORT = 1234
SECTOR = 512


def escape(value):
    """A value inside a QEMU option list: commas are doubled."""
    return value.replace(",", ",,")


def build_file(name):
    """Path of a file in the build directory."""
    return os.path.join(TOP, os.environ.get("MMLIFE_BUILD") or "build", name)


def need_file(path, hint):
    if not os.path.isfile(path):
        raise UsageError(f"run: no file {os.path.relpath(path)}: {hint}")
    return path


def find_qemu():
    """Path of QEMU; UsageError when there is none."""
    wanted = os.environ.get("MMLIFE_QEMU") or "qemu-system-x86_64"
    path = shutil.which(wanted)
    if not path:
        raise UsageError(f"run: no program {wanted}: scripts/deps run installs QEMU")
    return path


def extra_words():
    """The words of MMLIFE_WORDS; UsageError when one is not `name=value`."""
    words = os.environ.get("MMLIFE_WORDS", "").split()
    for word in words:
        if not re.fullmatch(r"[a-z][a-z0-9_.]*=\S+", word):
            raise UsageError(f"run: MMLIFE_WORDS: '{word}' is not accepted; accepted: name=value")
    return words


def guest_cmdline(options):
    """The bytes of opt/mmlife/cmdline."""
    words = [f"clock={options.clock}", f"accel={options.accel}"]
    if options.disk is not None:
        words.append("disk=1")
    words += extra_words()
    text = " ".join(words)
    if options.commands:
        text += " -- " + "\n".join(options.commands)
    return os.fsencode(text)


def _boot_args(options):
    if options.boot == "direct":
        image = need_file(build_file("mmlife.elf32"), "run make first")
        return ["-kernel", image]
    image = need_file(build_file("mmlife.iso"), "run make first")
    return ["-drive", f"file={escape(image)},format=raw,media=cdrom,readonly=on", "-boot", "d"]


def _accel_args(options):
    if options.accel == "kvm":
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise UsageError("run: --accel kvm: /dev/kvm is missing or not ours to open;"
                             " accepted here: tcg")
        return ["-accel", "kvm"]
    if options.clock == "tsc":
        return ["-accel", "tcg"]
    args = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-seed", "1",
            "-rtc", "base=2020-01-01,clock=vm"]
    if options.clock == "model":
        plugin = need_file(build_file("model.so"), "--clock model needs it: make model")
        args += ["-plugin", f"{escape(plugin)},ram={ram_bytes(options)}"]
    return args


def _cpu_args(options):
    cpu = options.cpu
    if options.accel == "kvm" and cpu == "max":
        # The TSC must not be stopped or scaled under us; migration would forbid saying so.
        cpu = "max,migratable=off,+invtsc"
    return ["-cpu", cpu, "-smp", str(options.smp), "-m", options.mem]


def _disk_args(options):
    if options.disk is None:
        return []
    if not os.path.exists(options.disk):
        raise UsageError(f"run: --disk: no file {options.disk}")
    if not os.access(options.disk, os.R_OK | os.W_OK):
        raise UsageError(f"run: --disk: {options.disk} cannot be read and written")
    size = os.path.getsize(options.disk)
    if size % SECTOR:
        raise UsageError(f"run: --disk: {options.disk} has {size} bytes, no multiple of {SECTOR}")
    return ["-drive", f"file={escape(options.disk)},format=raw,if=none,id=disk0",
            "-device", "virtio-blk-pci,drive=disk0"]


def gdb_target():
    """What a debugger connects to."""
    return os.environ.get("MMLIFE_GDB") or f"localhost:{GDB_PORT}"


def _gdb_args():
    path = os.environ.get("MMLIFE_GDB")
    if not path:
        return ["-gdb", f"tcp:127.0.0.1:{GDB_PORT}"]
    return ["-chardev", f"socket,id=gdb0,path={escape(path)},server=on,wait=off",
            "-gdb", "chardev:gdb0"]


def command(options, serial, cmdline_file):
    """The whole argument list.

    serial: path of the file that receives the serial output, or None for QEMU's standard streams.
    cmdline_file: path of a file with guest_cmdline(); by file, because it may be long.
    """
    if serial is None:
        chardev = "stdio,id=serial0,signal=off"
    else:
        chardev = f"file,id=serial0,path={escape(serial)}"
    args = [find_qemu(), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-monitor", "none", "-machine", options.machine]
    args += _accel_args(options) + _cpu_args(options)
    args += ["-chardev", chardev, "-serial", "chardev:serial0",
             "-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=4",
             "-fw_cfg", f"name=opt/mmlife/cmdline,file={escape(cmdline_file)}"]
    args += _disk_args(options) + _boot_args(options)
    if options.gdb:
        args += _gdb_args() + ["-S"]
    return args
