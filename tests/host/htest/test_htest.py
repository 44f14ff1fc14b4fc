"""The host test machinery judged by bad tests: each way to fail must be seen as a failure.

Every case makes a small tree with a suite in it, builds it by host.mk and runs it by `run`.
"""

import os
import shutil
import subprocess
import tempfile
import textwrap
import unittest

HOST = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

PASSING = 'HTEST(sum) { h_expect_eq(f(1), 2); }\n'


class Tree:
    """A miniature checkout with the host machinery and one suite called demo."""

    def __init__(self, tests, source="int f(int x);\nint f(int x) { return x + 1; }\n"):
        self.top = tempfile.mkdtemp(prefix="mmlife-htest-")
        host = os.path.join(self.top, "tests/host")
        os.makedirs(os.path.join(host, "demo"))
        for name in ("run", "host.mk", "htest.c", "htest.h"):
            shutil.copy(os.path.join(HOST, name), host)
        self.write("kernel/f.c", source)
        self.write("tests/host/demo/sources", "# the code under test\nkernel/f.c\n")
        self.write("tests/host/demo/test_f.c",
                   '#include <stdlib.h>\n#include "tests/host/htest.h"\nint f(int x);\n' + tests)

    def write(self, path, text):
        path = os.path.join(self.top, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(textwrap.dedent(text))

    def make(self, *words):
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "B")}
        return subprocess.run(["make", "-s", "-f", "tests/host/host.mk", "host-test", *words],
                              cwd=self.top, env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=900, check=False)


class HostMachinery(unittest.TestCase):
    def run_tree(self, tests, *words, **more):
        tree = Tree(tests, **more)
        self.addCleanup(shutil.rmtree, tree.top)
        return tree.make(*words)

    def expect_failure(self, tests, text, counts="0 passed, 1 failed", **more):
        result = self.run_tree(tests, **more)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertIn(text, result.stdout)
        self.assertIn(counts + "\n", result.stdout)

    def test_pass(self):
        result = self.run_tree(PASSING)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertTrue(result.stdout.endswith("1 passed, 0 failed\n"), result.stdout)

    def test_failed_check_shows_both_values(self):
        self.expect_failure("HTEST(sum) { h_expect_eq(f(1), 3); }\n", "#   right 3")

    def test_other_tests_go_on_after_a_crash(self):
        self.expect_failure("HTEST(aaa) { abort(); }\n" + PASSING, "signal 6",
                            counts="1 passed, 1 failed")

    def test_no_check_fails(self):
        self.expect_failure("HTEST(empty) { f(1); }\n", "made no check")

    def test_exit_in_the_middle_fails(self):
        self.expect_failure("HTEST(leaves) { h_expect(1); exit(3); }\n", "exited with 3")

    def test_address_sanitizer(self):
        self.expect_failure("HTEST(over) { volatile char *p = malloc(f(3)); p[f(3)] = 1;"
                            " h_expect(1); free((void *)p); }\n", "heap-buffer-overflow")

    def test_leak(self):
        self.expect_failure("char *volatile p;\nHTEST(leak) { p = malloc(4); p = NULL;"
                            " h_expect(1); }\n", "detected memory leaks")

    def test_undefined_behaviour(self):
        self.expect_failure("HTEST(overflow) { h_expect(f(0x7fffffff)); }\n",
                            "signed integer overflow")

    def test_endless_loop(self):
        os.environ["HTEST_TIMEOUT"] = "1"
        self.addCleanup(os.environ.pop, "HTEST_TIMEOUT")
        self.expect_failure("HTEST(loop) { for (volatile int i = 0;;) i = f(i) - 1; }\n",
                            "time limit")

    def test_two_of_one_name(self):
        tree = Tree(PASSING)
        self.addCleanup(shutil.rmtree, tree.top)
        tree.write("tests/host/demo/test_g.c",
                   '#include "tests/host/htest.h"\nHTEST(sum) { h_expect(1); }\n')
        result = tree.make()
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("two tests are called sum", result.stdout)

    def test_skip_is_not_a_pass(self):
        result = self.run_tree('HTEST(s) { h_skip("no such device"); }\n' + PASSING)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("1 passed, 0 failed, 1 skipped", result.stdout)

    def test_warning_stops_the_build(self):
        result = self.run_tree("HTEST(w) { int unused; h_expect(1); }\n")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("unused", result.stdout)

    def test_changed_flags_rebuild(self):
        tree = Tree(PASSING)
        self.addCleanup(shutil.rmtree, tree.top)
        tree.write("tests/host/demo/flags", "")
        self.assertEqual(tree.make().returncode, 0)
        self.assertNotIn("HOSTCC", tree.make().stdout)
        tree.write("tests/host/demo/flags", "-DEXTRA\n")
        self.assertIn("HOSTCC  demo: kernel/f.c", tree.make().stdout)
        self.assertIn("HOSTCC  demo: kernel/f.c", tree.make("HOST_CFLAGS=-g").stdout)

    def test_python_failure_and_make_suite(self):
        tree = Tree(PASSING)
        self.addCleanup(shutil.rmtree, tree.top)
        tree.write("tests/host/py/test_x.py", """\
            import unittest
            class X(unittest.TestCase):
                def test_good(self): self.assertTrue(1)
                def test_bad(self): self.assertEqual(1, 2)
            """)
        tree.write("tests/host/mk/Makefile", "test:\n\t@echo 5 passed, 0 failed\n")
        result = tree.make()
        self.assertIn("AssertionError: 1 != 2", result.stdout)
        self.assertTrue(result.stdout.endswith("7 passed, 1 failed\n") or
                        "7 passed, 1 failed\n" in result.stdout, result.stdout)
        self.assertNotEqual(result.returncode, 0)

    def test_status_without_failing_test(self):
        tree = Tree(PASSING)
        self.addCleanup(shutil.rmtree, tree.top)
        tree.write("tests/host/mk/Makefile", "test:\n\t@echo 5 passed, 0 failed; exit 1\n")
        result = tree.make()
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("no failing test, but status", result.stdout)

    def test_suite_that_runs_nothing(self):
        tree = Tree(PASSING)
        self.addCleanup(shutil.rmtree, tree.top)
        tree.write("tests/host/mk/Makefile", "test:\n\t@true\n")
        self.assertIn("no test ran", tree.make().stdout)


if __name__ == "__main__":
    unittest.main()
