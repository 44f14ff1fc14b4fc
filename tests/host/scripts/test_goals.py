"""tests/goals: what has become dearer is found, and what nobody measured."""

import os
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
GOALS = os.path.join(TOP, "tests", "goals")

ENV = ('{"mmlife":1,"type":"env","version":"0.1","build":"0","clock":"%s","accel":"tcg","cpus":1,'
       '"mem_mib":64,"seed":1}\n')
FIT = ('{"mmlife":1,"type":"fit","name":"%s","clock":"%s","accel":"tcg","x":"pages",'
       '"unit":"insn","slope":%s,"intercept":1.0,"r2":1.000000,"points":3}\n')
TABLE = "# a heading\nfork\t32\t16\t136\nexit\t-\t30\t-\n"


class Goals(unittest.TestCase):
    def run_goals(self, slopes, table=TABLE, clock="insn"):
        with tempfile.TemporaryDirectory() as folder:
            log, rows = os.path.join(folder, "log"), os.path.join(folder, "table")
            with open(log, "w", encoding="utf-8") as dst:
                dst.write(ENV % clock)
                dst.writelines(FIT % (name, clock, slope) for name, slope in slopes)
            with open(rows, "w", encoding="utf-8") as dst:
                dst.write(table)
            return subprocess.run([GOALS, log, rows], capture_output=True, text=True, check=False)

    def test_all_reached(self):
        result = self.run_goals([("fork", 15.5), ("exit", 30), ("other", 1000)])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout.endswith("2 passed, 0 failed\n"))
        self.assertNotIn("other", result.stdout)

    def test_dearer(self):
        result = self.run_goals([("fork", 16.1), ("exit", 29)])
        self.assertEqual(result.returncode, 1)
        self.assertIn("FAILED: dearer than it may be", result.stdout)
        self.assertTrue(result.stdout.endswith("1 passed, 1 failed\n"))

    def test_not_measured(self):
        result = self.run_goals([("fork", 15.5)])
        self.assertEqual(result.returncode, 1)
        self.assertIn("FAILED: not measured", result.stdout)

    def test_ticks_are_no_instructions(self):
        result = self.run_goals([("fork", 15.5), ("exit", 29)], clock="tcg-tsc")
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stdout.endswith("0 passed, 2 failed\n"))

    def test_nothing_to_reach(self):
        self.assertEqual(self.run_goals([("fork", 15.5)], table="# empty\n").returncode, 1)

    def test_a_bad_row(self):
        self.assertEqual(self.run_goals([("fork", 15.5)], table="fork 32\n").returncode, 2)
        self.assertEqual(self.run_goals([("fork", 15.5)], table="fork - - -\n").returncode, 2)

    def test_the_table_of_the_project_is_sound(self):
        with open(os.path.join(TOP, "tests", "goals.tsv"), encoding="utf-8") as src:
            table = src.read()
        names = [line.split()[0] for line in table.splitlines() if line and line[0] != "#"]
        result = self.run_goals([(name, 0.5) for name in names], table=table)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
