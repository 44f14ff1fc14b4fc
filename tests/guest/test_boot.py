"""What only a real guest can show of the launcher's contract. Needs a built kernel and QEMU."""

import os
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")


def run(*words, seconds=60):
    """scripts/mmlife run WORDS..., with a limit of its own."""
    return subprocess.run([LAUNCHER, "run", "--timeout", str(seconds), *words], text=True,
                          errors="replace", capture_output=True, timeout=seconds + 30, check=False,
                          stdin=subprocess.DEVNULL)


def cpu_seconds(*words):
    """What one call of the launcher costs, QEMU included."""
    process = subprocess.Popen([LAUNCHER, *words], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    return usage.ru_utime + usage.ru_stime


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

    def test_boots_quickly(self):
        """Seconds of CPU, without the launcher's own: a loaded host does not lengthen them."""
        launcher = min(cpu_seconds("--help") for _ in range(3))
        for boot, limit in (("direct", 0.3), ("iso", 1.0)):
            with self.subTest(boot=boot):
                tries = (cpu_seconds("run", "--boot", boot, "help") for _ in range(10))
                self.assertTrue(any(took - launcher < limit for took in tries))

    def test_instruction_clock_repeats(self):
        first = self.expect(0, "--clock", "insn", "--smp", "1", "help")
        self.assertEqual(first, self.expect(0, "--clock", "insn", "--smp", "1", "help"))

    def test_qemu_refuses_a_cpu(self):
        result = run("--cpu", "no-such-cpu", "help")
        self.assertEqual(result.returncode, 2)
        self.assertIn("no-such-cpu", result.stderr)


if __name__ == "__main__":
    unittest.main()
