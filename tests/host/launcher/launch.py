"""launch - what the launcher's tests share: a build directory with empty images and a fake QEMU."""

import os
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
HANG_SECONDS = 300      # a loaded machine is slow; only what hangs takes so long


class LauncherTest(unittest.TestCase):
    """One temporary directory and one environment per test."""

    def setUp(self):
        # A comma and a space: both must survive QEMU's option syntax.
        self.dir = tempfile.mkdtemp(prefix="mmlife, test ")
        self.addCleanup(shutil.rmtree, self.dir)
        self.build = os.path.join(self.dir, "build")
        os.makedirs(self.build)
        for name in ("mmlife.elf32", "mmlife.elf", "mmlife.iso"):
            with open(os.path.join(self.build, name), "wb"):
                pass
        os.makedirs(self.path("tmp"))
        words = {k: v for k, v in os.environ.items() if not k.startswith("MMLIFE_")}
        self.env = dict(words, MMLIFE_BUILD=self.build, TMPDIR=self.path("tmp"),
                        MMLIFE_QEMU=os.path.join(HERE, "fake_qemu.py"))

    def path(self, name):
        return os.path.join(self.dir, name)

    def touch(self, name):
        with open(self.path(name), "wb"):
            pass

    def read(self, name):
        with open(self.path(name), "rb") as src:
            return src.read()

    def launch(self, *words, script="", timeout=HANG_SECONDS, **more):
        """Run scripts/mmlife; a CompletedProcess with bytes."""
        env = dict(self.env, FAKE_SCRIPT=script)
        more.setdefault("stdin", None if "input" in more else subprocess.DEVNULL)
        if "input" in more:
            del more["stdin"]
        return subprocess.run([LAUNCHER, *words], env=env, timeout=timeout, check=False,
                              capture_output=True, **more)

    def run_fake(self, script, *words, **more):
        return self.launch("run", *(words or ("help",)), script=script, **more)

    def expect(self, result, status, text=None):
        """The status is right and the launcher's own words contain @text."""
        everything = result.stdout + result.stderr
        self.assertEqual(result.returncode, status, everything)
        if text is not None:
            self.assertIn(text.encode(), result.stderr)
        self.assertNotIn(b"Traceback", everything)
        self.assertEqual(os.listdir(self.path("tmp")), [], "temporary files left behind")
