"""scripts/check-ktap: whole reports are counted, broken ones are found out."""

import os
import subprocess
import tempfile
import textwrap
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CHECK = os.path.join(TOP, "scripts", "check-ktap")

WHOLE = """\
    booting
    KTAP version 1
    1..2
        KTAP version 1
        # Subtest: slab
        1..2
        ok 1 slab.alloc
    a log line in between
        ok 2 slab.huge # SKIP needs 4 CPUs
    ok 1 slab
        KTAP version 1
        # Subtest: vma
        1..1
        # vma.c:12: expected a == b
        not ok 1 vma.split
    not ok 2 vma
    mmlife: verdict fail
    """


class Ktap(unittest.TestCase):
    def check(self, text, status, *wanted):
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            log.write(textwrap.dedent(text))
            log.flush()
            result = subprocess.run([CHECK, log.name], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        for text in wanted:
            self.assertIn(text, result.stdout)
        return result.stdout

    def test_whole(self):
        out = self.check(WHOLE, 1)
        self.assertEqual(out, "1 skipped\n1 passed, 1 failed\n")

    def test_all_passed_and_two_reports(self):
        text = "KTAP version 1\n1..1\nok 1 a\nnoise\nKTAP version 1\n1..1\nok 1 b\n"
        self.assertEqual(self.check(text, 0), "2 passed, 0 failed\n")

    def test_lines_begun_by_the_time(self):
        stamped = "".join(f"[{n:5}.{n:06}] {line}\n"
                          for n, line in enumerate(textwrap.dedent(WHOLE).splitlines()))
        self.assertEqual(self.check(stamped, 1), "1 skipped\n1 passed, 1 failed\n")

    def test_cut_short(self):
        self.check(WHOLE[:WHOLE.index("        ok 2 slab")], 1, "plan of 2, 1 results")
        self.check("KTAP version 1\n1..2\nok 1 a\nKTAP version 1\n1..1\nok 1 b\n", 1,
                   "a new report begins inside", "plan of 2, 1 results")

    def test_suite_that_hides_a_failure(self):
        self.check(WHOLE.replace("    not ok 2 vma\n", "    ok 2 vma\n"), 1,
                   "vma is ok although 1 of its tests failed")

    def test_numbering(self):
        self.check("KTAP version 1\n1..2\nok 1 a\nok 3 b\n", 1, "result 3 where 2 was due")

    def test_no_plan_and_no_report(self):
        self.check("KTAP version 1\nok 1 a\n", 1, "report without a plan")
        self.check("nothing\nok 1 not inside a report\n", 1, "no KTAP report",
                   "0 passed, 1 failed")

    def test_unreadable(self):
        result = subprocess.run([CHECK, "/nonexistent"], capture_output=True, text=True,
                                check=False)
        self.assertEqual(result.returncode, 2)
