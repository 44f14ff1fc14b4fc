"""Benches on the insn clock: the same in every run and in any company. Needs a kernel and QEMU."""

import concurrent.futures
import json
import os
import subprocess
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")


def bench(*commands):
    """Bench and fit records of one boot, by (name, type, parameters), as the text they came in."""
    words = [LAUNCHER, "run", "--clock", "insn", "--smp", "1", "--timeout", "900", *commands]
    result = subprocess.run(words, text=True, capture_output=True, timeout=930, check=False,
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


class Bench(unittest.TestCase):
    def test_same_in_every_run_and_in_any_company(self):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            boots = [pool.submit(bench, "bench *"), pool.submit(bench, "bench *")]
            names = sorted({name for name, _, _ in boots[0].result()})
            # Each by itself, in the opposite order.
            boots.append(pool.submit(bench, *(f"bench {name}" for name in reversed(names))))
            first, again, alone = (boot.result() for boot in boots)
        self.assertGreater(len(names), 10)
        self.assertEqual(first, again)
        self.maxDiff = None
        self.assertEqual(first, alone)


if __name__ == "__main__":
    unittest.main()
