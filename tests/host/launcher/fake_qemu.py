#!/usr/bin/env python3
"""fake_qemu.py - stands where QEMU stands: does to the launcher what a machine might do.

FAKE_SCRIPT holds steps separated by `;`: `print TEXT` (with \\n escapes), `lines N`,
`sleep SECONDS`, `hang`, `wait FILE` (until it exists), `stderr TEXT`, `echo` (send input lines back
until `poweroff`, and a `!` for each Ctrl-A when it comes), `args FILE` (save the arguments),
`cmdline FILE` (save the guest's command line), `pid FILE`, `kill` (die by SIGKILL), `exit N`.
"""

import os
import re
import sys
import time


def option(name):
    args = sys.argv
    return args[args.index(name) + 1] if name in args else ""


def unescape_path(text, key):
    match = re.search(key + r"=((?:[^,]|,,)*)", text)
    return match.group(1).replace(",,", ",") if match else None


class Fake:
    def __init__(self):
        self.path = unescape_path(option("-chardev"), "path")
        self.out = None

    def serial(self, data):
        if self.out is None:
            self.out = open(self.path, "wb", buffering=0) if self.path else sys.stdout.buffer
        self.out.write(data)
        self.out.flush()

    def echo(self):
        typed = b""
        while True:
            data = os.read(0, 1)
            if not data:
                return
            if data == b"\x01":
                self.serial(b"!")
            if data != b"\r":
                typed += data
                continue
            self.serial(b"got <" + typed.replace(b"\x01", b"^A") + b">\r\n")
            if typed == b"poweroff":
                return
            self.serial(b"mmlife> ")
            typed = b""

    def step(self, word, rest):
        if word == "print":
            self.serial(rest.encode().decode("unicode_escape").encode("latin-1"))
        elif word == "lines":
            self.serial((b"a" * 99 + b"\n") * int(rest))
        elif word == "sleep":
            time.sleep(float(rest))
        elif word == "hang":
            time.sleep(3600)
        elif word == "wait":
            while not os.path.exists(rest):
                time.sleep(0.01)
        elif word == "stderr":
            sys.stderr.write(rest + "\n")
        elif word == "echo":
            self.echo()
        elif word == "args":
            with open(rest, "w", encoding="utf-8") as out:
                out.write("\n".join(sys.argv[1:]))
        elif word == "cmdline":
            source = unescape_path(option("-fw_cfg"), "file")
            with open(source, "rb") as src, open(rest, "wb") as out:
                out.write(src.read())
        elif word == "pid":
            with open(rest, "w", encoding="utf-8") as out:
                out.write(str(os.getpid()))
        elif word == "kill":
            os.kill(os.getpid(), 9)
        elif word == "exit":
            sys.stderr.flush()
            os._exit(int(rest))
        else:
            raise SystemExit(f"fake_qemu: unknown step {word}")


def main():
    fake = Fake()
    for step in os.environ["FAKE_SCRIPT"].split(";"):
        word, _, rest = step.lstrip().partition(" ")
        fake.step(word, rest)


if __name__ == "__main__":
    main()
