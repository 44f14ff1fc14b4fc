""".ci/run and .ci/failures: every section counts, and the end of the output tells what failed."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CI = os.path.join(TOP, ".ci")
with open(os.path.join(CI, "run"), encoding="utf-8") as run_file:
    SECTIONS = len(re.findall("(?m)^section ", run_file.read()))

# Stands for make: the goal decides what is printed and the status.
MAKE = """#!/bin/sh
for goal; do :; done
case $goal in
%s
*) echo nothing to do ;;
esac
"""


class Run(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="mmlife-ci-")
        self.addCleanup(shutil.rmtree, self.top)
        shutil.copytree(CI, os.path.join(self.top, ".ci"))
        os.makedirs(os.path.join(self.top, "scripts"))
        self.tool("scripts/deps", "#!/bin/sh\n")

    def tool(self, path, text):
        path = os.path.join(self.top, path)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, 0o755)

    def run_ci(self, status, cases):
        """The output of .ci/run, where `make GOAL` does what @cases says."""
        self.tool("make", MAKE % "\n".join(f"{goal}) {does} ;;" for goal, does in cases.items()))
        env = {"PATH": self.top + ":" + os.environ["PATH"]}
        done = subprocess.run([".ci/run"], cwd=self.top, env=env, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout.splitlines()

    def test_all_is_well(self):
        lines = self.run_ci(0, {"test": "echo 5 passed, 0 failed"})
        self.assertEqual(lines[-1], f"{SECTIONS + 4} passed, 0 failed")
        self.assertFalse([line for line in lines if "what failed" in line])

    def test_what_failed_stands_at_the_end(self):
        lines = self.run_ci(1, {
            "test": 'echo "# mm/x.c:7: expected 1, got 2"; echo not ok 3 some.test; seq 5000;'
                    ' echo "FAILED: suite x: not ok 3 some.test"; echo 4 passed, 1 failed; exit 1',
            "bench": 'seq 5000; echo "x: undefined reference to y"; seq 300; exit 2'})
        self.assertEqual(lines[-1], f"{SECTIONS + 2} passed, 2 failed")
        at = next(i for i, line in enumerate(lines) if line.startswith("=== summary"))
        end = "\n".join(lines[at:])
        self.assertLess(len(lines) - at, 160)
        for text in ("what failed in test", "FAILED: suite x: not ok 3 some.test",
                     "expected 1, got 2", "what failed in bench", "undefined reference to y"):
            self.assertIn(text, end)

    def test_a_section_that_says_nothing(self):
        lines = self.run_ci(1, {"race-test": "seq 500; exit 3"})
        self.assertIn("  500", lines[-3:])

    def test_no_words_for_others(self):
        """What one section is told by the environment must not reach another one's tests."""
        lines = self.run_ci(0, {"test": "env", "check": "env"})
        parts = [line for line in lines if re.match("TIDY_PART=", line)]
        self.assertEqual(len(parts), 1)


if __name__ == "__main__":
    unittest.main()
