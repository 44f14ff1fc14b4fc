"""Benches on the insn clock: the same in every run and in any company. Needs a kernel and QEMU."""

import json
import os
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")


def bench(*commands):
    """Bench and fit records of one boot, by (name, type, parameters), as the text they came in."""
    words = [LAUNCHER, "run", "--clock", "insn", "--smp", "1", "--timeout", "300", *commands]
    result = subprocess.run(words, text=True, capture_output=True, timeout=330, check=False,
                            stdin=subprocess.DEVNULL)
    if result.returncode:
        raise AssertionError(result.stdout[-3000:] + result.stderr)
    records = {}
    for line in result.stdout.splitlines():
        if line.startswith('{"mmlife":1,'):
            record = json.loads(line)
            if record["type"] in ("bench", "fit"):
                key = (record["name"], record["type"], str(record.get("params")))
                records[key] = line
    return records


@unittest.skipUnless(os.environ.get("BENCH_SAME"), "takes two minutes: set BENCH_SAME=1")
class Bench(unittest.TestCase):
    def test_same_in_every_run_and_in_any_company(self):
        first = bench("bench *")
        names = sorted({name for name, _, _ in first})
        self.assertGreater(len(names), 10)
        self.assertEqual(first, bench("bench *"))
        # Each by itself, in the opposite order.
        alone = bench(*(f"bench {name}" for name in reversed(names)))
        self.maxDiff = None
        self.assertEqual(first, alone)


if __name__ == "__main__":
    unittest.main()
