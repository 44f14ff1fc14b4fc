"""What only a real guest can show of the launcher's contract. Needs a built kernel and QEMU."""

import os
import re
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")


HANG_SECONDS = 600


def run(*words, seconds=HANG_SECONDS):
    """scripts/mmlife run WORDS..., with a limit of its own."""
    return subprocess.run([LAUNCHER, "run", "--timeout", str(seconds), *words], text=True,
                          errors="replace", capture_output=True, timeout=seconds + 30, check=False,
                          stdin=subprocess.DEVNULL)


class Boot(unittest.TestCase):
    def expect(self, status, *words, **more):
        result = run(*words, **more)
        self.assertEqual(result.returncode, status, result.stdout[-3000:] + result.stderr)
        return result.stdout

    def test_machines_and_boot_ways(self):
        for machine in ("pc", "q35"):
            for boot in ("direct", "iso"):
                with self.subTest(machine=machine, boot=boot):
                    self.expect(0, "--machine", machine, "--boot", boot, "help")

    def test_cpu_models(self):
        for cpu in ("qemu64", "max"):
            with self.subTest(cpu):
                self.expect(0, "--cpu", cpu, "help")

    def test_processors_and_memory(self):
        for smp, mem in (("1", "16M"), ("3", "64M"), ("8", "4G")):
            with self.subTest(smp=smp, mem=mem):
                self.expect(0, "--smp", smp, "--mem", mem, "help")

    def test_boots_with_few_instructions(self):
        """From the clock's start to the prompt. For seconds: make quiet-test."""
        for boot in ("direct", "iso"):
            with self.subTest(boot=boot):
                text = self.expect(0, "--clock", "insn", "--smp", "1", "--boot", boot,
                                   "set time on", "ps")
                stamp = re.search(r"(?m)^\[ *(\d+\.\d+)\] mmlife> ps$", text)
                self.assertLess(float(stamp[1]), 0.005)

    def test_instruction_clock_repeats(self):
        first = self.expect(0, "--clock", "insn", "--smp", "1", "help")
        self.assertEqual(first, self.expect(0, "--clock", "insn", "--smp", "1", "help"))

    def test_qemu_refuses_a_cpu(self):
        result = run("--cpu", "no-such-cpu", "help")
        self.assertEqual(result.returncode, 2)
        self.assertIn("no-such-cpu", result.stderr)


if __name__ == "__main__":
    unittest.main()
