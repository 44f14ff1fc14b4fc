"""lab_boots - a boot that runs commands of the lab, and its records as they come.

Owns: the launcher's command line for long searches. Not here: what is run, what it must show
    (tests/lab-long, tests/lab-matrix, tests/lab-product).
"""

import json
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
RECORD = '{"mmlife":1,'


def launch(build, commands, log=None, timeout=7200, progress=True):
    """Yields (seconds since the start, record) as the guest prints them."""
    command = [LAUNCHER, "run", "--smp", "1", "--timeout", str(timeout), "--", *commands]
    begun = time.monotonic()
    with subprocess.Popen(command, env=dict(os.environ, MMLIFE_BUILD=build), text=True,
                          errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            if log:
                log.write(line)
            if progress and line.startswith("#") and sys.stderr.isatty():
                sys.stderr.write(f"\r{line.rstrip():<78}")
            if line.startswith(RECORD):
                yield time.monotonic() - begun, json.loads(line)
