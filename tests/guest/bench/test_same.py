"""Benches on the insn clock: the same in every run and in any company. Needs a kernel and QEMU.

With BENCH_LOG=FILE, a log of `bench *`, only some are run, each commit others, and held against it.
"""

import concurrent.futures
import json
import os
import subprocess
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
LOG = os.environ.get("BENCH_LOG")
PARTS = 12          # commits until each was run


def bench(*commands):
    """Bench and fit records of one boot, by (name, type, parameters), as the text they came in."""
    words = [LAUNCHER, "run", "--clock", "insn", "--smp", "1", "--timeout", "900", *commands]
    result = subprocess.run(words, text=True, capture_output=True, timeout=930, check=False,
                            stdin=subprocess.DEVNULL)
    if result.returncode:
        raise AssertionError(result.stdout[-3000:] + result.stderr)
    return read_records(result.stdout)


def read_records(text):
    records = {}
    for line in text.splitlines():
        if line.startswith('{"mmlife":1,'):
            record = json.loads(line)
            if record["type"] in ("bench", "fit"):
                key = (record["name"], record["type"], str(record.get("params")))
                records[key] = line
    return records


def commit_count():
    done = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=TOP, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return int(done.stdout or 0)


class Bench(unittest.TestCase):
    @unittest.skipUnless(LOG, "needs BENCH_LOG")
    def test_some_alone_are_as_in_the_log(self):
        with open(os.path.join(TOP, LOG), encoding="utf-8", errors="replace") as src:
            together = read_records(src.read())
        names = sorted({name for name, _, _ in together})[commit_count() % PARTS::PARTS]
        self.assertTrue(names)
        alone = bench(*(f"bench {name}" for name in reversed(names)))
        self.maxDiff = None
        self.assertEqual({key: line for key, line in together.items() if key[0] in names}, alone)

    @unittest.skipIf(LOG, "some are enough")
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
