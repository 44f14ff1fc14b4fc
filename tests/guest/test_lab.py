"""The lab from outside: replays that repeat, verdicts, errors, keys. Needs a built kernel and QEMU.

Short form by `make test`; LAB_FULL=1 (`make lab`) replays on every machine of the contract.
"""

import collections
import os
import re
import subprocess
import unittest

from test_shell import PROMPT, Session

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = os.path.join(TOP, "scripts", "mmlife")
FULL = bool(os.environ.get("LAB_FULL"))
RACE = "race" in os.environ.get("MMLIFE_BUILD", "")

# What may come before a replay, in turn: none of it may change a line of it.
EARLIER = ("ledger", "test core_ledger.*", "scenario locks case=counter strategy=random:50", "free",
           "bench lock_* n=1 warm=0", "set world_verify on",
           "scenario locks case=rcu strategy=bounded:1",
           "set checks on", "test lab.timers*", "ps", "set world_verify off", "set points on")

MACHINES = [(smp, mem, boot) for smp in ("1", "2", "4") for mem in ("128M", "1G")
            for boot in ("direct", "iso")]
if not FULL:
    MACHINES = [("1", "128M", "direct"), ("4", "1G", "iso")]
PER_MACHINE = 9 if FULL else 3

# A line for each verdict that something here can show, and the verdict.
UNSAFE = (
    ("locks case=rcu mutant=early-free strategy=random:10000", "uaf"),
    ("locks case=ref mutant=missing-put strategy=random:10000", "leak"),
    ("locks case=shootdown mutant=dropped-flush strategy=random:10000", "stale"),
    ("locks case=pair mutant=abba strategy=random:10000", "deadlock"),
    ("locks case=handshake mutant=never steps=5000 strategy=random:10", "stall"),
    ("locks case=counter mutant=unlocked strategy=random:10000", "corrupt"),
    ("locks case=vandal mutant=null strategy=random:10", "null"),
    ("locks case=vandal mutant=marker strategy=random:10", "marker"),
    ("walk case=munmap mutant=free-at-once strategy=random:10000", "uaf"),
    ("walk case=mprotect mutant=no-flush strategy=random:10000", "corrupt"),
    ("fork vmas=3 pages=1 site=F13 k=1 sem=zero_marker walkers=maps,maps.iterate=0", "foreign"),
    ("oom sem=reap_immediate", "stranded"),
)

# A bad command and what its one line must name.
BAD = (
    ("scenario", "which kind"),
    ("scenario nonsense", "nonsense"),
    ("scenario locks", "case="),
    ("scenario locks case=nonsense", "case=nonsense"),
    ("scenario locks case=", "case"),
    ("scenario locks case=counter case=rcu", "case"),
    ("scenario locks case=counter mutant=nonsense", "mutant=nonsense"),
    ("scenario locks case=counter actors=0", "actors"),
    ("scenario locks case=counter actors=many", "actors"),
    ("scenario locks case=counter actors=4 cpus=3", "cpus=3"),
    ("scenario locks case=counter cpus=65", "cpus"),
    ("scenario locks case=counter nonsense=1", "nonsense"),
    ("scenario locks case=counter world=1", "world"),
    ("scenario locks case=counter steps=x", "steps"),
    ("scenario locks case=counter seed=-1", "seed"),
    ("scenario locks case=counter expect=nonsense", "expect=nonsense"),
    ("scenario locks case=counter shrink=nonsense", "shrink=nonsense"),
    ("scenario locks case=counter strategy=nonsense", "strategy=nonsense"),
    ("scenario locks case=counter strategy=random", "random:N"),
    ("scenario locks case=counter strategy=random:0", "random:N"),
    ("scenario locks case=counter strategy=random:12x", "random:N"),
    ("scenario locks case=counter strategy=bounded:9", "bounded:P"),
    ("scenario locks case=counter strategy=pct:3", "pct:D:N"),
    ("scenario locks case=counter strategy=vtime:3", "vtime"),
    ("scenario locks case=counter strategy=replay:0*2", "replay"),
    ("scenario walk case=nonsense", "case=nonsense"),
    ("scenario walk case=munmap mutant=nonsense", "mutant=nonsense"),
    ("replay", "build="),
    ("replay build={build}", "schedule="),
    ("replay build=0123456789abcdef locks case=counter schedule=0", "build=0123456789abcdef"),
    ("replay build={build} schedule=0", "which kind"),
    ("replay build={build} locks case=nonsense schedule=0", "case=nonsense"),
    ("set world_verify maybe", "on|off"),
)
# Lines that are read when the world is there: `replay begin` and `replay end` surround nothing.
BAD_SCHEDULE = (
    ("replay build={build} locks case=counter schedule=nonsense", "schedule=nonsense"),
    ("replay build={build} locks case=counter schedule=1*0", "schedule=1*0"),
    ("replay build={build} locks case=counter schedule=", "schedule="),
    ("replay build={build} locks case=counter schedule=77*5", "does not fit"),
    ("replay build={build} locks case=counter schedule=-", "does not fit"),
)


def run(*words, seconds=900):
    result = subprocess.run([LAUNCHER, "run", "--timeout", str(seconds), *words], text=True,
                            errors="replace", capture_output=True, timeout=seconds + 30,
                            check=False, stdin=subprocess.DEVNULL)
    return result.returncode, result.stdout


def answers(output):
    """What came after each echoed command: (command, lines) in order."""
    parts = []
    for line in output.splitlines():
        if line.startswith(PROMPT):
            parts.append((line[len(PROMPT):], []))
        elif parts and not line.startswith("mmlife: "):
            parts[-1][1].append(line)
    return parts


def replays(output):
    """The text from `replay begin` to `replay end`, of every replay."""
    return re.findall(r"^replay begin\n.*?^replay end$", output, re.M | re.S)


class Lab(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """One boot finds every verdict; its replay lines serve the other tests."""
        lines = [f"scenario {words} expect={verdict}" for words, verdict in UNSAFE]
        cls.status, cls.found = run("--smp", "1", *lines)
        cls.build = re.search(r'"build":"(\w+)"', cls.found).group(1)
        cls.replay_lines = re.findall(r"^(replay build=.*)$", cls.found, re.M)

    def test_every_verdict_is_shown_and_repeated(self):
        self.assertEqual(self.status, 0, self.found[-3000:])
        shown = re.findall(r"^verdict (\w+) \(", self.found, re.M)
        self.assertEqual(shown, [verdict for _, verdict in UNSAFE])
        self.assertEqual(self.found.count("and again when replayed"), len(UNSAFE))
        self.assertEqual(len(self.replay_lines), len(UNSAFE))

    def test_a_replay_is_the_same_everywhere(self):
        seen, total = {}, collections.Counter()
        for nr, (smp, mem, boot) in enumerate(MACHINES):
            order, commands = [], []
            for i in range(PER_MACHINE):
                order += range(len(self.replay_lines)) if FULL or i == 0 else [0]
            for i, line in enumerate(order):
                if line == 0:
                    commands.append(EARLIER[(nr + i) % len(EARLIER)])
                commands.append(self.replay_lines[line])
            status, output = run("--smp", smp, "--mem", mem, "--boot", boot, *commands)
            self.assertEqual(status, 0, output[-3000:])
            texts = replays(output)
            self.assertEqual(len(texts), len(order))
            for line, text in zip(order, texts):
                self.assertEqual(seen.setdefault(line, text), text, f"{smp} {mem} {boot}")
                total[line] += 1
        self.assertEqual(len(seen), len(self.replay_lines))
        self.assertGreater(len(seen[0].splitlines()), 5)
        if FULL:
            self.assertGreaterEqual(min(total.values()), 100)

    def test_bad_words_get_one_clear_line(self):
        bad = [(c.format(build=self.build), names) for c, names in BAD + BAD_SCHEDULE]
        status, output = run("--smp", "1", "--", *(c for c, _ in bad))
        self.assertEqual(status, 1)
        came = answers(output)
        self.assertEqual([c for c, _ in came], [c for c, _ in bad])
        for (command, lines), (_, names) in zip(came, bad):
            lines = [l for l in lines if l not in ("replay begin", "replay end")]
            self.assertEqual(len(lines), 1, f"{command}: {lines}")
            self.assertIn(names, lines[0], command)

    def test_each_bad_line_alone_fails(self):
        for command in ("scenario locks case=nonsense", "scenario locks case=counter expect=uaf",
                        "replay build=0123456789abcdef locks case=counter schedule=0"):
            with self.subTest(command):
                self.assertEqual(run("--smp", "1", command)[0], 1)

    def test_verified_worlds(self):
        status, output = run("--smp", "1", "set world_verify on",
                             "scenario locks case=rcu strategy=random:1000 expect=safe",
                             "scenario walk case=munmap strategy=random:200 expect=safe",
                             "scenario walk case=mprotect strategy=random:200 expect=safe")
        self.assertEqual(status, 0, output[-2000:])

    @unittest.skipUnless(RACE, "needs a race build: MMLIFE_BUILD=build/race")
    def test_race(self):
        status, output = run("--smp", "1", "scenario locks case=counter mutant=plain "
                             "strategy=random:1000 expect=race")
        self.assertEqual(status, 0, output[-2000:])


class Keys(unittest.TestCase):
    def setUp(self):
        self.session = Session()
        self.session.wait_for(PROMPT)

    def tearDown(self):
        if self.session.process.poll() is None:
            self.session.process.kill()
            self.session.process.wait()

    def test_ctrl_c_ends_a_search(self):
        session, since = self.session, len(self.session.seen)
        session.process.stdin.write(b"scenario locks case=counter strategy=random:1000000000\r")
        session.wait_for("# locks random:1000000000:", since)  # it says how far it is
        came = session.type("\003", "ended by a key")
        self.assertEqual(came.count("^C"), 1, came)
        self.assertIn("verdict safe", came)
        session.type("ledger\r", "threads")
        session.type("scenario locks case=counter strategy=random:100\r", "verdict safe")
        session.type("ps\r", "kworker")
        self.assertEqual(session.end(), 1)

    def test_a_long_replay_line_can_be_pasted(self):
        session = self.session
        came = session.type("scenario locks case=counter actors=32 mutant=unlocked "
                            "strategy=random:100 seed=3\r", "trace:")
        line = re.search(r"^(replay build=.*?)\r*$", came, re.M).group(1)
        first = session.type(line + "\r", "replay end")
        self.assertIn("verdict corrupt", first)
        # The same schedule, each step by itself, over and over: 8*3 is 8.8.8.
        head, schedule = line.split("schedule=")
        steps = [step.partition("*") for step in schedule.split(".")]
        long = ".".join(".".join([who] * int(times or 1)) for who, _, times in steps)
        long = ".".join(f"{who}*1" if not who.startswith("i") else who for who in long.split("."))
        self.assertGreater(len(head + "schedule=" + long), 1500)
        again = session.type(f"{head}schedule={long}\r", "replay end")
        body = [t[t.index("replay begin"):t.index("replay end")] for t in (first, again)]
        self.assertEqual(body[0], body[1])
        self.assertEqual(session.end(), 0)


if __name__ == "__main__":
    unittest.main()
