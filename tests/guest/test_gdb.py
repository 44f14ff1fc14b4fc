"""The gdb commands of scripts/gdb on a stopped guest. Needs a built kernel, QEMU and gdb."""

import os
import shutil
import subprocess
import tempfile
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
BUILD = os.path.join(TOP, os.environ.get("MMLIFE_BUILD") or "build")
COMMANDS = ("spawn; mmap 2 addr=0x40000000 how=fixed len=16K; touch 2 addr=0x40000000 len=8K",
            "mprotect 2 addr=0x40001000 len=4K prot=r; poweroff")
# Nothing but a hang lasts so long.
HANG = 240


@unittest.skipUnless(shutil.which("gdb"), "gdb is not installed")
class Gdb(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.socket = os.path.join(folder.name, "gdb")

    def wait_for_socket(self, guest):
        deadline = time.monotonic() + HANG
        while not os.path.exists(self.socket):
            self.assertIsNone(guest.poll(), "the guest ended before gdb came")
            self.assertLess(time.monotonic(), deadline, "no socket for gdb")
            time.sleep(0.02)

    def gdb(self, *commands):
        """What gdb printed while the guest of COMMANDS stood at its power-off."""
        guest = subprocess.Popen([LAUNCHER, "run", "--smp", "2", "--gdb", "--timeout", str(HANG),
                                  *COMMANDS], env=dict(os.environ, MMLIFE_GDB=self.socket),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        try:
            self.wait_for_socket(guest)
            args = ["gdb", "-nx", "-batch", "-x", os.path.join(TOP, "scripts/gdb/mmlife.py"),
                    os.path.join(BUILD, "mmlife.elf"), "-ex", "set architecture i386:x86-64",
                    "-ex", f"target remote {self.socket}", "-ex", "hbreak cmd_poweroff",
                    "-ex", "continue"]
            for command in commands:
                args += ["-ex", f"echo == {command}\\n", "-ex", command]
            done = subprocess.run(args + ["-ex", "kill"], timeout=HANG, check=False, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        finally:
            guest.terminate()
            guest.communicate(timeout=HANG)
        return done.stdout

    def test_commands(self):
        text = self.gdb("mm-ps", "mm-tree 1", "mm-ledger", "mm-tree", "mm-tree 99", "mm-ps x")
        self.assertRegex(text, r"(?m)^shell +\d+ +\d+ +- +-$")
        self.assertRegex(text, r"(?m)^ +1 +1 +\d+ +3 +2 +0 +0  \w+, -, full_teardown_both_locks")
        tree = text[text.index("== mm-tree 1"):text.index("== mm-ledger")]
        self.assertRegex(tree, r"(?m)^pages 0x[0-9a-f]+ n 3$")
        for first, last in ((0x40000000, 0x40000fff), (0x40001000, 0x40001fff),
                            (0x40002000, 0x40003fff)):
            self.assertRegex(tree, rf"(?m)^  {first:#x}-{last:#x} vma 0x[0-9a-f]+ flags 0x")
        self.assertNotIn("OF MM", tree)
        ledger = text[text.index("== mm-ledger"):]
        self.assertRegex(ledger, r"(?m)^ +2  frames_anon$")
        self.assertRegex(ledger, r"(?m)^ +1  mm_struct$")
        self.assertRegex(ledger, r"(?m)^ +3  vm_area_struct$")
        for line in ("mm-tree: accepted is one number", "mm-tree: no address space 99",
                     "mm-ps: no words are accepted"):
            self.assertIn(line, text)


if __name__ == "__main__":
    unittest.main()
