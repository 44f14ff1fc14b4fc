"""The interactive shell on a real guest: keys in, screen out. Needs a built kernel and QEMU."""

import os
import subprocess
import threading
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
PROMPT = "mmlife> "
HANG_SECONDS = 600


class Session:
    """One boot without commands; keys go in by a pipe, as from a terminal."""

    def __init__(self):
        self.process = subprocess.Popen([LAUNCHER, "run", "--timeout", "900"], bufsize=0,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.seen = ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for chunk in iter(lambda: self.process.stdout.read(4096), b""):
            self.seen += chunk.decode("utf-8", "replace")

    def wait_for(self, text, since=0, seconds=HANG_SECONDS):
        """Position behind @text, which must appear after position @since."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            at = self.seen.find(text, since)
            if at >= 0:
                return at + len(text)
            time.sleep(0.02)
        raise AssertionError(f"no {text!r} after:\n{self.seen[since:]}")

    def type(self, keys, wanted):
        """Send @keys; wait for @wanted and the next prompt. Returns what came."""
        since = len(self.seen)
        self.process.stdin.write(keys.encode())
        self.wait_for(PROMPT, self.wait_for(wanted, since))
        return self.seen[since:]

    def end(self, keys="poweroff\r"):
        """Send @keys and wait for the end. Returns the launcher's status."""
        self.process.stdin.write(keys.encode())
        status = self.process.wait(HANG_SECONDS)
        self.reader.join(HANG_SECONDS)
        self.process.stdin.close()
        self.process.stdout.close()
        return status


class Shell(unittest.TestCase):
    def setUp(self):
        self.session = Session()
        self.session.wait_for(PROMPT)

    def tearDown(self):
        if self.session.process.poll() is None:
            self.session.process.kill()
            self.session.process.wait()

    def test_first_screen_says_what_this_is(self):
        screen = self.session.seen
        for text in ("mmlife ", "2 CPUs", "MiB", "clock tsc", "accelerator tcg", "`help`"):
            self.assertIn(text, screen)
        self.assertNotIn('{"mmlife"', screen)
        self.assertEqual(self.session.end(), 0)

    def test_editing_completion_and_history(self):
        session = self.session
        session.type("hel\t\r", "fault and delay sites")
        # Typed wrong and corrected: backspace; home and end.
        session.type("pss\177\r", "kworker")
        session.type("et slice\001s\005s\r", "unknown setting \"slices\"")
        session.type("set slice_ns 3000000\r", "3000000")
        session.type("set slice_ns\r", "3000000")
        session.type("\033[A\033[A\033[A\r", "unknown setting")  # up, to the wrong one
        session.type("nonsense\003", "^C")
        session.type("set chec\t\r", "accepted: on|off")
        self.assertEqual(session.end(), 1)  # the wrong setting counts

    def test_commands_on_one_line(self):
        came = self.session.type("set slice_ns 4000000; set slice_ns; ps\r", "kworker")
        self.assertIn("4000000", came)
        self.assertEqual(self.session.end("nonsense; poweroff\r"), 1)

    def test_ctrl_d_ends(self):
        self.assertEqual(self.session.end("\004"), 0)


if __name__ == "__main__":
    unittest.main()
