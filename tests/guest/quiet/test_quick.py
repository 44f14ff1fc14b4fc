"""Seconds that hold on a quiet machine, and only there. Needs a built kernel and QEMU."""

import os
import subprocess
import time
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
TRIES = 5


def seconds(status, *words):
    """What one call of the launcher takes, QEMU included."""
    start = time.monotonic()
    done = subprocess.run([LAUNCHER, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False)
    assert done.returncode == status, done.returncode
    return time.monotonic() - start


class Quick(unittest.TestCase):
    def least(self, what, limit, status, *words):
        """The least of some runs, without what the launcher itself takes, is below @limit."""
        launcher = min(seconds(0, "--help") for _ in range(TRIES))
        took = min(seconds(status, "run", *words) for _ in range(TRIES)) - launcher
        print(f"# {what}: {took:.2f} s, at most {limit}; the launcher {launcher:.2f} s more")
        self.assertLess(took, limit)

    def test_direct_boot_to_the_end_of_a_command(self):
        self.least("direct boot and help", 0.3, 0, "help")

    def test_iso_boot_to_the_end_of_a_command(self):
        self.least("ISO boot and help", 1.0, 0, "--boot", "iso", "help")

    def test_panic(self):
        self.least("boot and panic", 1.0, 3, "panic")


if __name__ == "__main__":
    unittest.main()
