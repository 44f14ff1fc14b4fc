"""The model clock: the same in every run, sees locality, and must really be there. Needs QEMU."""

import json
import os
import stat
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")

# Stands for QEMU and leaves an option out.
WITHOUT = """#!/usr/bin/env python3
import os, sys
args = sys.argv[1:]
at = args.index("{option}")
del args[at:at + 2]
os.execvp("qemu-system-x86_64", ["qemu-system-x86_64", *args])
"""


def run(*words, env=None):
    words = [LAUNCHER, "run", "--smp", "1", "--timeout", "900", *words]
    return subprocess.run(words, text=True, capture_output=True, timeout=930, check=False,
                          stdin=subprocess.DEVNULL, env=env)


class Model(unittest.TestCase):
    def bench(self, clock, glob):
        """Bench records of one boot, by name."""
        result = run("--clock", clock, f"bench {glob} n=1")
        self.assertEqual(result.returncode, 0, result.stdout[-3000:] + result.stderr)
        lines = result.stdout.splitlines()
        found = [json.loads(line) for line in lines if line.startswith('{"mmlife":1,')]
        return {record["name"]: record for record in found if record["type"] == "bench"}

    def test_sees_what_instructions_hide(self):
        insn = self.bench("insn", "get_page_*")
        model = self.bench("model", "get_page_*")
        self.assertEqual(model, self.bench("model", "get_page_*"))
        self.assertEqual(insn["get_page_linear"]["total"], insn["get_page_scattered"]["total"])
        near, far = model["get_page_linear"], model["get_page_scattered"]
        self.assertGreater(far["value"], 3 * near["value"])
        self.assertGreater(near["model"]["streamed"], 0)
        self.assertEqual(near["unit"], "modelled cycle")

    def run_without(self, option, clock):
        with tempfile.TemporaryDirectory() as place:
            qemu = os.path.join(place, "qemu")
            with open(qemu, "w", encoding="utf-8") as script:
                script.write(WITHOUT.format(option=option))
            os.chmod(qemu, stat.S_IRWXU)
            return run("--clock", clock, "help", env=dict(os.environ, MMLIFE_QEMU=qemu))

    def test_no_clock_is_taken_on_trust(self):
        for option, clock, reason in (("-plugin", "model", "there is no model"),
                                      ("-icount", "insn", "clock=insn was promised, but block")):
            with self.subTest(clock):
                result = self.run_without(option, clock)
                self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
                self.assertIn(reason, result.stdout)


if __name__ == "__main__":
    unittest.main()
