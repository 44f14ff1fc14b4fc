"""Every exit status of `scripts/mmlife run`, and how the serial output travels."""

import os
import signal
import subprocess
import time

from launch import HANG_SECONDS, LAUNCHER, LauncherTest

PASS = r"print mmlife: verdict pass\n; exit 33"


class Status(LauncherTest):
    def test_each_verdict(self):
        for word, code, status in (("pass", 33, 0), ("fail", 35, 1), ("refused", 37, 2),
                                   ("panic", 39, 3), ("skipped", 41, 4)):
            with self.subTest(word):
                script = rf"print hello\nmmlife: verdict {word}\n; exit {code}"
                self.expect(self.run_fake(script), status)

    def test_verdict_with_carriage_return_and_without_newline(self):
        self.expect(self.run_fake(r"print mmlife: verdict fail\r\n; exit 35"), 1)
        self.expect(self.run_fake(r"print mmlife: verdict fail; exit 35"), 1)
        self.expect(self.run_fake(r"print mmlife: verdict fail\r; exit 35"), 1)

    def test_every_disagreement_is_a_death(self):
        for code in (0, 1, 2, 35, 37, 39, 41, 43, 255):
            with self.subTest(code):
                script = rf"print mmlife: verdict pass\n; exit {code}"
                self.expect(self.run_fake(script), 5, f"QEMU ended with status {code}")

    def test_no_verdict(self):
        for code in (0, 1, 33, 35):
            with self.subTest(code):
                self.expect(self.run_fake(rf"print booting\n; exit {code}"), 5, "without a verdict")

    def test_no_output_at_all(self):
        self.expect(self.run_fake("exit 0"), 5, "triple fault")

    def test_verdict_must_be_a_line_of_its_own(self):
        self.expect(self.run_fake(r"print # mmlife: verdict pass\n; exit 33"), 5)
        self.expect(self.run_fake(r"print mmlife: verdict pass now\n; exit 33"), 5)

    def test_two_verdicts(self):
        script = r"print mmlife: verdict pass\nmmlife: verdict pass\n; exit 33"
        self.expect(self.run_fake(script), 5, "2 verdict lines: pass pass")

    def test_unknown_verdict(self):
        self.expect(self.run_fake(r"print mmlife: verdict great\n; exit 33"), 5, "'great'")

    def test_qemu_killed(self):
        self.expect(self.run_fake(r"print x\n; kill"), 5, "signal 9")

    def test_qemu_refuses_its_arguments(self):
        script = "stderr qemu: unable to find CPU model 'x'; exit 1"
        self.expect(self.run_fake(script), 2, "unable to find CPU model 'x'")

    def test_qemu_error_after_output_is_a_death(self):
        self.expect(self.run_fake(r"print x\n; stderr qemu: oops; exit 1"), 5, "qemu: oops")

    def test_timeout(self):
        script = rf"pid {self.path('pid')}; print looping\n; hang"
        result = self.run_fake(script, "--timeout", "3", "x")
        self.expect(result, 124, "no end within 3 s")
        # A loaded machine may not have come to print within that time.
        self.assertIn(result.stdout, (b"", b"looping\n"))
        self.assertIn(f"last line: {result.stdout.decode().strip()!r}".encode(), result.stderr)
        if result.stdout:
            self.assertFalse(os.path.exists(f"/proc/{int(self.read('pid'))}"), "QEMU still runs")

    def test_timeout_zero_means_none(self):
        self.expect(self.run_fake("sleep 0.3; " + PASS, "--timeout=0", "x"), 0)

    def test_missing_qemu(self):
        self.env["MMLIFE_QEMU"] = "no-such-qemu"
        self.expect(self.run_fake(PASS), 2, "no program no-such-qemu")

    def test_qemu_that_cannot_be_executed(self):
        broken = self.path("broken")
        with open(broken, "w", encoding="utf-8") as out:
            out.write("#!/no/such/interpreter\n")
        os.chmod(broken, 0o755)
        self.env["MMLIFE_QEMU"] = broken
        self.expect(self.run_fake(PASS), 2, "cannot start")

    def test_missing_image(self):
        os.unlink(os.path.join(self.build, "mmlife.elf32"))
        self.expect(self.run_fake(PASS), 2, "run make first")
        self.expect(self.run_fake(PASS, "--boot", "iso", "x"), 0)


class Output(LauncherTest):
    def test_comes_as_it_is_printed(self):
        """The machine goes on only after its first line has come through."""
        env = dict(self.env, FAKE_SCRIPT=rf"print one\n; wait {self.path('go')}; " + PASS)
        with subprocess.Popen([LAUNCHER, "run", "x"], env=env, stdout=subprocess.PIPE,
                              bufsize=0) as child:
            self.assertEqual(child.stdout.readline(), b"one\n")
            self.assertIsNone(child.poll())
            self.touch("go")
            self.assertEqual(child.stdout.readline(), b"mmlife: verdict pass\n")

    def test_log_is_the_output_with_plain_line_ends(self):
        script = r"print a\r; sleep 0.1; print \nb\xff\r\rc\r\n; " + PASS
        result = self.run_fake(script, "--log", self.path("log"), "x")
        self.expect(result, 0)
        self.assertEqual(result.stdout, b"a\nb\xff\r\rc\nmmlife: verdict pass\n")
        self.assertEqual(self.read("log"), result.stdout)

    def test_log_holds_what_came_before_a_timeout(self):
        result = self.run_fake(r"print partial; hang", "--log", self.path("log"),
                               "--timeout", "4", "x")
        self.expect(result, 124)
        self.assertIn(result.stdout, (b"", b"partial"))
        self.assertEqual(self.read("log"), result.stdout)

    def test_log_cannot_be_written(self):
        self.expect(self.run_fake(PASS, "--log", self.path("none/log"), "x"), 2, "cannot write")

    def test_long_output(self):
        result = self.run_fake("lines 70000; " + PASS)
        self.expect(result, 0)
        self.assertEqual(len(result.stdout), 70000 * 100 + len("mmlife: verdict pass\n"))

    def test_reader_goes_away(self):
        env = dict(self.env, FAKE_SCRIPT=rf"pid {self.path('pid')}; print one\n; "
                   rf"wait {self.path('go')}; print two\n; hang")
        with subprocess.Popen([LAUNCHER, "run", "x"], env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as child:
            child.stdout.readline()
            child.stdout.close()
            self.touch("go")
            self.assertEqual(child.wait(HANG_SECONDS), 128 + signal.SIGPIPE)
            self.assertEqual(child.stderr.read(), b"")
        self.assertFalse(os.path.exists(f"/proc/{int(self.read('pid'))}"), "QEMU still runs")

    def test_signals_end_the_machine(self):
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signum):
                env = dict(self.env, FAKE_SCRIPT=rf"pid {self.path('pid')}; print up\n; hang")
                with subprocess.Popen([LAUNCHER, "run", "x"], env=env,
                                      stdout=subprocess.PIPE) as child:
                    child.stdout.readline()
                    child.send_signal(signum)
                    self.assertEqual(child.wait(HANG_SECONDS), 128 + signum)
                self.assertFalse(os.path.exists(f"/proc/{int(self.read('pid'))}"))
                self.assertEqual(os.listdir(self.path("tmp")), [])

    def test_machine_ends_with_a_killed_launcher(self):
        env = dict(self.env, FAKE_SCRIPT=rf"pid {self.path('pid')}; print up\n; hang")
        with subprocess.Popen([LAUNCHER, "run", "x"], env=env, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            child.kill()
            child.wait()
        deadline = time.monotonic() + HANG_SECONDS
        pid = int(self.read("pid"))
        while time.monotonic() < deadline and self.alive(pid):
            time.sleep(0.02)
        self.assertFalse(self.alive(pid), "QEMU outlived its launcher")

    @staticmethod
    def alive(pid):
        """Whether @pid runs; a zombie that nobody reaps in a container does not."""
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                return stat.read().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False
