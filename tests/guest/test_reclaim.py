"""A working set of 128 MiB on a machine with 32, and a swap disk: all of it comes back."""

import os
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
SECONDS = 900


class Reclaim(unittest.TestCase):
    def test_a_working_set_four_times_memory(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "swap.img")
            with open(path, "wb") as file:
                file.truncate(320 << 20)
            done = subprocess.run(
                [LAUNCHER, "run", "--timeout", str(SECONDS), "--mem", "32M", "--smp", "1",
                 "--disk", path, "test reclaim_disk.*", "ledger"],
                text=True, errors="replace", capture_output=True, timeout=SECONDS + 30,
                check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        self.assertNotIn("SKIP", done.stdout)
        self.assertIn("as when the shell started", done.stdout)


if __name__ == "__main__":
    unittest.main()
