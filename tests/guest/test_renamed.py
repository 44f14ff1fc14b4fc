"""Verdicts come from what a rule set does: under other names they are the same. Needs a kernel."""

import json
import os
import re
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
SWAPPED = "vmas=3 pages=2 swap=1 site=F13 k=1 walkers=swapoff,swapoff.stable=0"
MAPPED = ("vmas=3 pages=1 file=3 touching=on clean=on site=F13 k=1"
          " walkers=uprobe,uprobe.stable=0")
RULES = ("insert_one_by_one", "zero_marker", "zero_marker_sem", "zero_marker_flagged",
         "full_teardown_both_locks", "full_teardown_child_lock", "prune_tail", "prune_in_place",
         "prune_tail_flagged", "stable_gate", "late_publish", "count_only_walkers",
         "async_teardown")
KEPT = ("verdict", "letter", "schedules", "points", "found_in", "reproduced")


def commands(now):
    """`semantics`, and a search of each rule set, called as @now says, beside two walkers."""
    return ["semantics"] + [f"scenario fork {shape} sem={now[rule]} strategy=pct:3:12"
                            for rule in RULES for shape in (SWAPPED, MAPPED)]


def boot(script, **environment):
    done = subprocess.run([LAUNCHER, "run", "--smp", "1", "--timeout", "900", *script],
                          env=dict(os.environ, **environment), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace").replace("\r", "")


def names(text):
    """All rule sets that `semantics` lists, sorted."""
    found = re.findall(r"^  [a-z]+ +[ *] ([a-z][\w.-]+) +\S", text, re.M)
    return sorted(found)


def verdicts(text):
    """What each verdict record says but the line with the name."""
    records = [json.loads(line) for line in text.split("\n")
               if line.startswith('{"mmlife":1,"type":"verdict"')]
    return [{key: r[key] for key in KEPT} for r in records]


class Renamed(unittest.TestCase):
    def test_verdicts_are_the_same(self):
        status, text = boot(commands({rule: rule for rule in RULES}))
        self.assertEqual(status, 0, text[-2000:])
        _, listed = boot(["semantics"], MMLIFE_WORDS="rename_semantics=on")
        now = dict(zip(names(text), names(listed)))
        self.assertEqual(len(now), len(set(now.values())))
        for old, new in now.items():
            self.assertRegex(new, r"^rule\d\d$", old)
        status, other = boot(commands(now), MMLIFE_WORDS="rename_semantics=on")
        self.assertEqual(status, 0, other[-2000:])
        expected = verdicts(text)
        self.assertEqual(len(expected), 2 * len(RULES))
        self.assertTrue(any(what["letter"] == "M" for what in expected))
        self.assertEqual(verdicts(other), expected)


if __name__ == "__main__":
    unittest.main()
