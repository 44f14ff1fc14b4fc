"""The interactive machine: piped input, a real terminal (a pty), the keys that leave."""

import os
import pty
import select
import subprocess
import termios
import time

from launch import HANG_SECONDS, LAUNCHER, LauncherTest

PASS = r"; print mmlife: verdict pass\r\n; exit 33"
ECHO = r"print welcome\r\nmmlife> ;echo" + PASS


class Piped(LauncherTest):
    def test_lines_reach_the_guest(self):
        result = self.launch("run", script=ECHO, input=b"help\ntest a\r\n")
        self.expect(result, 0)
        self.assertEqual(result.stdout, b"welcome\nmmlife> got <help>\nmmlife> got <test a>\n"
                         b"mmlife> got <poweroff>\nmmlife: verdict pass\n")

    def test_last_line_without_newline(self):
        result = self.launch("run", script=ECHO, input=b"hel")
        self.assertIn(b"got <hel>", result.stdout)
        self.assertIn(b"got <poweroff>", result.stdout)
        self.expect(result, 0)

    def test_no_input(self):
        self.expect(self.launch("run", script=ECHO, stdin=subprocess.DEVNULL), 0)

    def test_input_waits_for_the_prompt(self):
        script = r"print loading\r\n; sleep 1; print mmlife> ; echo" + PASS
        result = self.launch("run", script=script, input=b"a\n")
        self.assertTrue(result.stdout.startswith(b"loading\nmmlife> got <a>"), result.stdout)

    def test_input_does_not_wait_for_ever(self):
        script = r"print other prompt: ; echo" + PASS
        self.expect(self.launch("run", script=script, input=b"a\n"), 0)

    def test_escape_keys_are_plain_bytes_in_a_pipe(self):
        result = self.launch("run", script=ECHO, input=b"\x01x\n")
        self.assertIn(b"got <^Ax>", result.stdout)

    def test_time_limit_and_log(self):
        result = self.launch("run", "--timeout", "1", "--log", self.path("log"),
                             script=r"print up\r\n; hang", input=b"x\n")
        self.expect(result, 124)
        self.assertIn(result.stdout, (b"", b"up\n"))
        self.assertEqual(self.read("log"), result.stdout)

    def test_death_and_command_line(self):
        result = self.launch("run", script=f"cmdline {self.path('c')}; print x; exit 0", input=b"")
        self.expect(result, 5)
        self.assertEqual(self.read("c"), b"clock=tsc accel=tcg")


class Terminal(LauncherTest):
    def setUp(self):
        super().setUp()
        try:
            self.master, self.slave = pty.openpty()
        except OSError as error:
            self.skipTest(f"no pseudo-terminal here: {error}")
        self.addCleanup(os.close, self.master)
        self.addCleanup(os.close, self.slave)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""

    def start(self, script):
        self.child = subprocess.Popen([LAUNCHER, "run"], env=dict(self.env, FAKE_SCRIPT=script),
                                      stdin=self.slave, stdout=self.slave, stderr=self.slave)
        self.addCleanup(self.child.kill)

    def until(self, text, seconds=HANG_SECONDS):
        """Read the screen until @text is there."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            left = deadline - time.monotonic()
            self.assertGreater(left, 0, f"no {text!r} in {self.seen!r}")
            if select.select([self.master], [], [], left)[0]:
                self.seen += os.read(self.master, 4096)
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def type(self, data):
        os.write(self.master, data)

    def finish(self, status):
        deadline = time.monotonic() + HANG_SECONDS
        while self.child.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.05)[0]:
                self.seen += os.read(self.master, 4096)
        self.assertEqual(self.child.poll(), status, self.seen)
        self.assertEqual(termios.tcgetattr(self.slave), self.before, "terminal not restored")

    def test_session(self):
        self.start(ECHO)
        self.until(b"mmlife> ")
        self.type(b"help\r")
        self.until(b"got <help>\r")
        self.type(b"\x03\x04\x1a\r")            # Ctrl-C, Ctrl-D, Ctrl-Z belong to the guest
        self.until(b"got <\x03\x04\x1a>")
        self.type(b"poweroff\r")
        self.until(b"verdict pass")
        self.finish(0)

    def test_leave_by_ctrl_bracket(self):
        self.start(ECHO)
        self.until(b"mmlife> ")
        self.type(b"abc\x1d")
        self.finish(0)

    def test_leave_by_ctrl_a_x(self):
        self.start(ECHO)
        self.until(b"mmlife> ")
        self.type(b"\x01x")
        self.finish(0)

    def test_ctrl_a_reaches_the_guest(self):
        self.start(ECHO)
        self.until(b"mmlife> ")
        self.type(b"ab\x01c\r")
        self.until(b"got <ab^Ac>")
        self.type(b"\x01\x01x\r")
        self.until(b"got <^Ax>")
        self.type(b"\x01")
        self.until(b"!")                        # nothing followed it for a while: the guest has it
        self.type(b"x\r")
        self.until(b"got <^Ax>")
        self.type(b"\x1d")
        self.finish(0)

    def test_restored_after_death_and_signal(self):
        self.start(r"print up\r\n; exit 0")
        self.finish(5)
        self.start(r"print up\r\nmmlife> ; hang")
        self.until(b"mmlife> ")
        self.child.terminate()
        self.finish(128 + 15)
