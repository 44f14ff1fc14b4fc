"""Two boots give the same records: modelled cycles, verdicts, costs, runs. Needs QEMU."""

import concurrent.futures
import os
import subprocess
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
HANG = 1800


def records(clock, *commands):
    """Every record of one boot, as the text it came in."""
    done = subprocess.run([LAUNCHER, "run", "--clock", clock, "--smp", "1", "--timeout", str(HANG),
                           *commands], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        raise AssertionError(done.stdout[-3000:] + done.stderr)
    return [ln for ln in done.stdout.splitlines() if ln.startswith('{"mmlife":1,')]


class Twice(unittest.TestCase):
    def same(self, least, clock, *commands):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            first, second = pool.map(lambda _: records(clock, *commands), range(2))
        self.assertGreater(len(first), least)
        self.assertEqual(first, second)

    def test_modelled_cycles(self):
        self.same(8, "model", "bench get_page*", "bench fork_pte", "bench fork_fail_hold_z*")

    def test_verdicts_costs_and_runs(self):
        self.same(1000, "insn", "matrix strategy=random:2", "costs",
                  "trace fork vmas=3 pages=2 swap=1 site=F13 k=1 sem=zero_marker walkers=swapoff",
                  "trace fork vmas=4 pages=2 site=F13 k=2 threads=2 stall=on strategy=vtime")


if __name__ == "__main__":
    unittest.main()
