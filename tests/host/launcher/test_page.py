"""The report in a real browser as wide as a phone: all is shown, nothing fetched."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import logs
from launch import HANG_SECONDS, TOP

sys.path.insert(0, os.path.join(TOP, "scripts"))

from mmlife_lib import records, report  # noqa: E402  (the path must be set first)
from mmlife_lib.page import document  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
                None)
PHONE = 360             # CSS pixels
# A page that holds the report in a frame, and says what it looks like from inside.
PROBE = """<!doctype html><meta charset="utf-8"><iframe id="f" width="%d" height="800" srcdoc="%s">
</iframe><pre id="seen"></pre><script>
const frame = document.getElementById("f"), wrong = [];
window.addEventListener("error", e => wrong.push(String(e.message)));
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const box = e => e.getBoundingClientRect();
  document.getElementById("seen").textContent = JSON.stringify({
    wrong, wide: root.scrollWidth, room: root.clientWidth,
    charts: page.querySelectorAll("svg").length,
    shown: [...page.querySelectorAll("svg")].filter(e => box(e).width > 200 && box(e).height > 10)
           .length,
    least: Math.min(...[...page.querySelectorAll("svg .label")].map(e => box(e).height)),
    links: [...page.querySelectorAll("a")].every(a => page.getElementById(a.hash.slice(1))),
    titles: [...page.querySelectorAll("h2")].map(e => e.textContent)});
};
</script>"""


def browse(folder, address):
    """The browser's exit, the page as it became, and its log, of a profile in @folder."""
    return subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--enable-logging=stderr", f"--user-data-dir={os.path.join(folder, 'profile')}",
         "--virtual-time-budget=10000", "--dump-dom", address],
        capture_output=True, text=True, errors="replace", timeout=HANG_SECONDS, check=False,
        stdin=subprocess.DEVNULL, env=dict(os.environ, HOME=folder))


@unittest.skipUnless(CHROMIUM, "no Chromium is installed")
class Browser(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="mmlife-page-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        done = browse(self.dir, "data:text/html,<p>works</p>")
        if "<p>works</p>" not in done.stdout:
            self.skipTest(f"{CHROMIUM} shows no page here (status {done.returncode})")

    def path(self, name):
        return os.path.join(self.dir, name)

    def see(self, text):
        """What the probe saw of the page @text, and what the browser complained of."""
        with open(self.path("probe.html"), "w", encoding="utf-8") as out:
            out.write(PROBE % (PHONE, html.escape(text)))
        done = browse(self.dir, "file://" + self.path("probe.html"))
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        seen = re.search(r'<pre id="seen">(.+?)</pre>', done.stdout)
        self.assertTrue(seen, done.stderr[-2000:])
        complaints = [ln for ln in done.stderr.splitlines() if ":CONSOLE" in ln]
        return json.loads(html.unescape(seen.group(1))), complaints

    def test_report_on_a_phone(self):
        with open(self.path("full.log"), "w", encoding="utf-8") as out:
            out.write(logs.full())
        text = report.render([records.read_log(self.path("full.log"))])
        seen, complaints = self.see(text)
        self.assertEqual(complaints, [])
        self.assertEqual(seen["wrong"], [])
        self.assertEqual(seen["charts"], text.count("<svg "))
        self.assertEqual(seen["shown"], seen["charts"])
        self.assertLessEqual(seen["wide"], seen["room"])
        self.assertGreaterEqual(seen["least"], 7)
        self.assertTrue(seen["links"])
        self.assertIn("Time lines", seen["titles"])

    def test_the_probe_sees_what_is_wrong(self):
        body = ('<a href="#none">y</a><img src="probe.html"><svg style="display:none"></svg>'
                '<p style="width:999px">z</p>')
        seen, complaints = self.see(document("x", body))
        self.assertIn("Content Security Policy", " ".join(complaints))
        self.assertGreater(seen["wide"], seen["room"])
        self.assertEqual((seen["charts"], seen["shown"], seen["links"]), (1, 0, False))


if __name__ == "__main__":
    unittest.main()
