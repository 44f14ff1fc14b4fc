"""`trace` in the guest, and what the launcher makes of its records. Needs a kernel and QEMU."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
BAD = "fork vmas=3 pages=2 swap=1 site=F13 k=1 sem=zero_marker walkers=swapoff"
STALLED = ("fork vmas=8 pages=4 site=F13 k=5 threads=2 stall=on"
           " sem=full_teardown_both_locks")


def launch(*words):
    return subprocess.run([LAUNCHER, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", check=False)


class Trace(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="mmlife-trace-")
        self.addCleanup(shutil.rmtree, self.dir)

    def boot(self, *commands):
        """(status, output, records) of one boot on the insn clock."""
        done = launch("run", "--clock", "insn", "--smp", "1", "--timeout", "600",
                      "--log", self.path("log"), *commands)
        return (done.returncode, done.stdout,
                [json.loads(ln) for ln in done.stdout.splitlines() if ln.startswith('{"mmlife"')])

    def path(self, name):
        return os.path.join(self.dir, name)

    def test_runs_are_told_and_drawn(self):
        status, out, records = self.boot(f"trace {BAD}", f"trace {STALLED} strategy=vtime",
                                         "trace exit walkers=maps strategy=vtime", "ledger")
        self.assertEqual(status, 0, out[-2000:])
        self.assertIn("as when the shell started", out)
        runs = [r for r in records if r["type"] == "run"]
        self.assertEqual([(r["verdict"], r["unit"], r["left_out"]) for r in runs],
                         [("marker", "step", 0), ("safe", "insn", 0), ("safe", "insn", 0)])
        first = records.index(runs[0]), records.index(runs[1])
        self.bad_run(runs[0], records[first[0] + 1:first[1]])
        self.stalled_run(records[first[1] + 1:records.index(runs[2])])
        self.assertEqual(launch("trace", self.path("log"), "-o", self.path("t")).returncode, 0)
        with open(self.path("t"), encoding="utf-8") as src:
            events = json.load(src)["traceEvents"]
        titles = [e["args"]["name"] for e in events if e["name"] == "process_name"]
        self.assertEqual(titles, [BAD, STALLED, "exit walkers=maps"])
        self.assertEqual(launch("report", self.path("log"), "-o", self.path("r")).returncode, 0)
        with open(self.path("r"), encoding="utf-8") as src:
            self.assertEqual(src.read().count("<svg "), 3)

    def bad_run(self, run, events):
        """swapoff reads the marker in W1, with the child's lock held."""
        self.assertIn("unuse_mm", run["why"])
        steps = [e for e in events if "lane" not in e]
        self.assertEqual([e["ts"] for e in steps], list(range(1, len(steps) + 1)))
        self.assertEqual({"forker", "swapoff"} - {e["actor"] for e in steps}, set())
        self.assertEqual(steps[-1]["actor"], "swapoff")
        self.assertIn("user:", steps[-1]["name"])
        at_end = [(e["actor"], e["lane"], e["name"]) for e in events
                  if "lane" in e and e["ts"] + e["dur"] == run["end"]]
        self.assertIn(("swapoff", "holds", "MMAP"), at_end)
        self.assertEqual([name for _, lane, name in at_end if lane == "window"], ["W1"])

    def stalled_run(self, events):
        """A sibling waits for mmap_lock while the forker holds it, and no longer."""
        holds = [e for e in events if e.get("lane") == "holds" and e["actor"] == "forker"
                 and e["name"] == "MMAP" and e["args"]["lock"].startswith("parent")]
        waits = [e for e in events if e.get("lane") == "waits" and e["name"] == "MMAP"]
        self.assertEqual(len(holds), 1)
        self.assertEqual({e["actor"] for e in waits}, {"sibling0", "sibling1"})
        longest = max(e["dur"] for e in waits)
        self.assertGreater(longest, holds[0]["dur"] // 2)
        windows = [e for e in events if e.get("lane") == "window"]
        self.assertEqual([e["name"] for e in windows][:3], ["W0", "W1", "W2"])
        for before, after in zip(windows, windows[1:]):
            self.assertLessEqual(before["ts"] + before["dur"], after["ts"])

    def test_what_cannot_be_drawn(self):
        status, out, records = self.boot("trace fork vmas=3 strategy=random:5", "trace nothing",
                                         "trace build=x fork", "ledger")
        self.assertEqual(status, 1)
        for line in ("trace: safe in 5 schedules: strategy=vtime draws a run that is not bad",
                     "trace: schedule= is missing: accepted is a line that `scenario` printed"):
            self.assertIn(line, out)
        self.assertFalse([r for r in records if r["type"] in ("run", "trace")])
        self.assertIn("as when the shell started", out)


if __name__ == "__main__":
    unittest.main()
