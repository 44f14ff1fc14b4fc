"""A disk in the machine: real I/O on both machines, and disks that cannot be used."""

import os
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")


def run(*words, seconds=600):
    """scripts/mmlife run WORDS..., with a limit of its own."""
    return subprocess.run([LAUNCHER, "run", "--timeout", str(seconds), *words], text=True,
                          errors="replace", capture_output=True, timeout=seconds + 30, check=False,
                          stdin=subprocess.DEVNULL)


class Disk(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "disk.img")

    def disk(self, size):
        with open(self.path, "wb") as file:
            file.truncate(size)

    def expect(self, status, *words):
        result = run("--disk", self.path, *words)
        self.assertEqual(result.returncode, status, result.stdout[-3000:] + result.stderr)
        return result.stdout + result.stderr

    def test_data_on_both_machines(self):
        for machine in ("pc", "q35"):
            with self.subTest(machine=machine):
                self.disk(1 << 20)
                text = self.expect(0, "--machine", machine, "--smp", "2", "test disk.*", "ledger")
                self.assertIn("ok 1 disk", text)
                self.assertNotIn("SKIP", text)
                self.assertIn("as when the shell started", text)
                with open(self.path, "rb") as file:
                    self.assertTrue(any(file.read()), "nothing was written to the file")

    def test_iso_and_checked(self):
        self.disk(1 << 20)
        text = self.expect(0, "--boot", "iso", "--smp", "1", "set points on; set checks on",
                           "test disk.*")
        self.assertNotIn("SKIP", text)

    def test_swap_commands(self):
        self.disk(8 << 20)
        text = self.expect(1, "swapon vda", "free", "swapon vda", "swapon sda", "swapoff vda",
                           "swapoff vda", "ledger")
        self.assertRegex(text, r"(?m)^  vda +2048 +0 +2048$")
        self.assertIn("swapon: vda: swapped to already", text)
        self.assertIn('swapon: no device "sda": there are ram0 to ram3, vda', text)
        self.assertIn("swapoff: vda: not swapped to", text)
        self.assertIn("as when the shell started", text)

    def test_sizes_that_do_not_work(self):
        for size, message in ((0, "it is empty"), (4096, "at least 65536 are needed"),
                              ((1 << 20) + 512, "no multiple of 4096"),
                              ((1 << 20) + 100, "no multiple of 512")):
            with self.subTest(size=size):
                self.disk(size)
                status = 2 if size % 512 else 1
                self.assertIn(message, self.expect(status, "swapon vda"))

    def test_one_that_does_not_answer(self):
        self.disk(1 << 20)
        text = self.expect(0, "test disk_dead.*", "ledger")
        self.assertIn("ok 1 disk_dead", text)
        self.assertNotIn("SKIP", text)
        self.assertRegex(text, "(?m)^vda: no answer for 0 ms, it is given up$")
        self.assertIn("as when the shell started", text)

    def test_no_disk(self):
        result = run("swapon vda", "swapoff vda")
        self.assertEqual(result.returncode, 1)
        self.assertIn('swapon: no device "vda": there are ram0 to ram3, and no disk (--disk FILE'
                      " gives one)", result.stdout)


if __name__ == "__main__":
    unittest.main()
