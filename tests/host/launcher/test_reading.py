"""report, compare and trace: what they make of whole logs, and how they refuse others."""

import contextlib
import html.parser
import io
import json
import os
import shutil
import sys
import tempfile
import unittest

import logs
from launch import TOP

sys.path.insert(0, os.path.join(TOP, "scripts"))

from mmlife_lib import cli, stats  # noqa: E402  (the path must be set first)

VOID = {"meta", "br"}
REFERENCES = ("src", "href", "xlink:href", "action", "data", "srcset", "poster")


class Page(html.parser.HTMLParser):
    """Checks that tags balance and notes what a page holds."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.references, self.words = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.references += [value for name, value in attrs if name in REFERENCES]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.words.append(data)


class ReadingTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="mmlife-read-")
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "wb") as out:
            out.write(text.encode() if isinstance(text, str) else text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as src:
            return src.read()

    def call(self, *words):
        """(status, standard output, standard error) of one subcommand, in this process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main(list(words))
        return status, out.getvalue(), err.getvalue()

    def refuse(self, text, *words):
        status, out, err = self.call(*words)
        self.assertEqual((status, out), (2, ""), err)
        self.assertIn(text, err)
        self.assertEqual(err.count("\n"), 1, err)


class BadLogs(ReadingTest):
    """Each bad log is refused by each reader, and nothing is left behind."""

    def bad(self, text, content):
        log = self.write("bad.log", content)
        good = self.write("good.log", logs.full())
        before = sorted(os.listdir(self.dir))
        with self.subTest(text):
            self.refuse(text, "report", good, log, "-o", self.path("r.html"))
            self.refuse(text, "trace", log, "-o", self.path("t.json"))
            self.refuse(text, "compare", good, log)
            self.refuse(text, "compare", log, good)
            self.refuse(text, "costs", good, log)
            self.assertEqual(sorted(os.listdir(self.dir)), before)

    def test_foreign(self):
        self.bad("bad.log: the log is empty", "")
        self.bad("not an mmlife log", "Linux version 6.1\nbooting\n")
        self.bad("holds zero bytes", b"\x7fELF\0\0\0")
        self.bad("bad.log:1: record format 2", logs.env().replace('":1', '":2', 1) + "\n")

    def test_cut_off(self):
        whole = logs.full()
        self.bad("cut off within a record", whole[:whole.index('"events"') + 3])
        self.bad("no verdict line", whole[:whole.index("mmlife: verdict")])
        self.bad("no verdict line", whole[:whole.index('{"mmlife":1,"type":"bench"')])

    def test_cut_off_anywhere(self):
        whole = logs.full()
        for end in range(1, len(whole) - 1, 11):
            log = self.write("cut.log", whole[:end])
            for words in (("report", log, "-o", self.path("x")), ("compare", log, log),
                          ("trace", log, "-o", self.path("x"))):
                self.refuse("cut.log", *words)
        self.assertEqual(os.listdir(self.dir), ["cut.log"])

    def test_records(self):
        for text, line in (
                ("bad.log:3: malformed record", '{"mmlife":1,"type":"bench",}'),
                ("NaN is not JSON", logs.bench().replace("5.0", "NaN")),
                ("bad.log:3: record without a type", '{"mmlife":1}'),
                ("bench record without 'name'", '{"mmlife":1,"type":"bench"}'),
                ("'value' is 'x', not a float", logs.bench().replace('"value":5.0', '"value":"x"')),
                ("'value' is inf, not a float", logs.bench().replace('"value":5.0',
                                                                     '"value":1e999')),
                ("'n' is True, not an int", logs.bench(n=True)),
                ("'params' is [], not a dict", logs.bench().replace('"params":{}', '"params":[]')),
                ("fit record without 'slope'", '{"mmlife":1,"type":"fit","name":"a","clock":"insn",'
                 '"accel":"tcg","x":"p","unit":"insn"}')):
            self.bad(text, logs.log(logs.env(), line))
        self.bad("a bench record before any env record", logs.log(logs.bench()))

    def test_any_field_may_be_wrong(self):
        """Each field of each record gone, or of another kind: a page, or one line that says why."""
        lines = logs.full().splitlines()
        for number, line in enumerate(lines):
            if not line.startswith('{"mmlife"'):
                continue
            for odd in self.odd_forms(json.loads(line), number):
                text = json.dumps(odd, separators=(",", ":"))
                text = "\n".join(lines[:number] + [text] + lines[number + 1:])
                self.takes_or_refuses(text + "\n")

    @staticmethod
    def odd_forms(record, turn):
        values = [None, "x", -1, [], {}, True]
        for key in list(record)[2:]:
            turn += 1
            yield {k: v for k, v in record.items() if k != key}
            yield dict(record, **{key: values[turn % len(values)]})

    def takes_or_refuses(self, text):
        log = self.write("odd.log", text)
        for words in (("report", log, "-o", self.path("odd")), ("compare", log, log),
                      ("costs", log), ("trace", log, "-o", self.path("odd"))):
            status, _, err = self.call(*words)
            self.assertIn((status, err.count("\n")), ((0, 0), (2, 1)), text + err)
            self.assertEqual(os.path.exists(self.path("odd")), status == 0 and "-o" in words)
            if os.path.exists(self.path("odd")):
                os.unlink(self.path("odd"))

    def test_missing_file(self):
        self.refuse("none.log: No such file", "report", self.path("none.log"), "-o",
                    self.path("r.html"))

    def test_words(self):
        good = self.write("good.log", logs.full())
        self.refuse("report: -o FILE is needed", "report", good)
        self.refuse("report: no log given", "report", "-o", self.path("r"))
        self.refuse("report: -o needs a file name", "report", good, "-o")
        self.refuse("report: '--fast' is not an option", "report", good, "--fast")
        self.refuse("compare: wants two logs", "compare", good)
        self.refuse("compare: '-o' is not an option", "compare", good, good, "-o", "x")
        self.refuse("trace: wants one log", "trace", good, good, "-o", self.path("t"))
        self.refuse("cannot write", "report", good, "-o", self.path("no/r.html"))
        bare = self.write("bare.log", logs.log(logs.env(), logs.bench()))
        self.refuse("no trace records", "trace", bare, "-o", self.path("t"))


class Report(ReadingTest):
    def render(self, *texts):
        paths = [self.write(f"{i}.log", text) for i, text in enumerate(texts)]
        status, _, err = self.call("report", *paths, "-o", self.path("r.html"))
        self.assertEqual((status, err), (0, ""))
        return self.read("r.html")

    def test_whole_report(self):
        text = self.render(logs.full())
        page = Page(text)
        self.assertEqual(page.open, [])
        # Links lead from the heat table to replay lines of the page, nowhere else.
        self.assertEqual(page.references, ["#zero_marker-x-swapoff"])
        self.assertIn('id="zero_marker-x-swapoff"', text)
        self.assertNotIn("://", text)
        self.assertNotIn("url(", text)
        self.assertNotIn("@import", text)
        self.assertNotIn("script", page.tags)
        words = " ".join(page.words)
        for wanted in ("abc123", "1 passed", "1 failed", "1 skipped", "slab.free",
                       'expected <a> & "b"', "zero_marker", "uprobe", "replay 1 <x>",
                       "0.999900", "Which walkers?", "by counting", "two only", "all of them",
                       "schedules", "frame 12",
                       "scripts/mmlife run --clock insn --accel tcg --smp 1 --mem 256M"
                       " 'bench switch' 'bench zap'"):
            self.assertIn(wanted, words)
        self.assertIn('<meta name="viewport"', text)
        # A run, two sweeps of rules, a bench with its line, an overview of bars for each clock.
        self.assertEqual(page.tags.count("svg"), 6)
        self.assertEqual(text.count('class="dot'), 7)
        self.assertEqual(text.count('class="fit"'), 1)
        self.assertIn('<td class="bad"><a href="#zero_marker-x-swapoff">M</a></td>', text)
        self.assertIn('<td class="good">.</td>', text)
        self.assertIn('<td class="soft">?</td>', text)

    def test_time_lines(self):
        text = self.render(logs.log(logs.env(), *logs.run(), logs.run_head("insn", left_out=7),
                                    logs.span("W5", 0, 5, "mm 4", "window", "insn")))
        page = Page(text)
        words = " ".join(page.words)
        self.assertEqual(page.tags.count("svg"), 2)
        for wanted in ("Time lines", "mm 3 window", "mm 3 phase", "holds MMAP", "holds PTL",
                       "fork k=1; marker; page fault; in steps of the schedule",
                       "in instructions of virtual time; 7 more were left out"):
            self.assertIn(wanted, words)
        # The forker's three steps are one block; the walker's wait lies in the row of its steps.
        for style, count in (("runs", 2), ("waits", 1), ("holds", 3), ("window", 2), ("phase", 1)):
            self.assertEqual(text.count(f'class="band {style}"'), count, style)

    def test_same_logs_same_page(self):
        self.assertEqual(self.render(logs.full()), self.render(logs.full()))

    def test_to_repeat_this(self):
        """Each boot with its own machine and what was typed in it."""
        boot = logs.log("mmlife> set points on", logs.env(), "mmlife> matrix rows=zero*",
                        logs.bench())
        words = " ".join(Page(self.render(boot + logs.log("mmlife> costs",
                                                          logs.env("model", mem_mib=63)))).words)
        self.assertIn("--clock insn --accel tcg --smp 1 --mem 256M 'set points on'"
                      " 'matrix rows=zero*'\n", words)
        # Of 64 MiB the guest sees one less.
        self.assertIn("--clock model --accel tcg --smp 1 --mem 64M costs ", words)

    def test_hostile_names(self):
        text = self.render(logs.log(logs.env(build='<b x="y">&'),
                                    logs.bench('<script>alert(1)</script>', 1.0)))
        page = Page(text)
        self.assertNotIn("script", page.tags)
        self.assertNotIn("b", page.tags)
        self.assertIn("<script>alert(1)</script>", "".join(page.words))

    def test_plots_of_odd_values(self):
        def points(values):
            return [logs.bench("odd", v, params={"n": n}, units=1) for n, v in values]
        for values in ([(0, 0.0), (1, 0.0)], [(1, 5.0), (2, 5.0)], [(1, 1e12), (4096, 1e-6)],
                       [(5, -3.0), (6, 4.0)], [(1, 0.001), (1 << 40, 7.0)]):
            with self.subTest(values):
                page = Page(self.render(logs.log(logs.env(), *points(values))))
                self.assertIn("svg", page.tags)
        Page(self.render(logs.log(logs.env(), logs.bench("one", 0.0))))

    def test_two_logs_and_a_bare_record_file(self):
        bare = "\n".join([logs.env(), *logs.sweep()]) + "\n"
        text = self.render(logs.log(logs.env(build="other"), logs.bench()), bare)
        self.assertIn("other", text)
        self.assertIn("abc123", text)

    def test_tests_only(self):
        self.assertIn("slab.free", self.render(logs.log(*logs.KTAP, verdict="fail")))

    def test_old_report_survives_a_bad_log(self):
        self.render(logs.full())
        before = self.read("r.html")
        bad = self.write("bad.log", "x\n")
        self.assertEqual(self.call("report", bad, "-o", self.path("r.html"))[0], 2)
        self.assertEqual(self.read("r.html"), before)


class Compare(ReadingTest):
    def compare(self, old, new):
        status, out, err = self.call("compare", self.write("old", old), self.write("new", new))
        self.assertEqual(err, "")
        return status, out

    def test_equal(self):
        status, out = self.compare(logs.full(), logs.full())
        self.assertEqual(status, 0)
        self.assertIn("5 compared: 0 slower, 0 faster, 5 without a difference", out)

    def test_exact_clock_sees_one_instruction(self):
        old = logs.log(logs.env(), logs.bench(units=1000000, value=5.0, total=5000000))
        new = logs.log(logs.env(), logs.bench(units=1000000, value=5.0, total=5000001))
        status, out = self.compare(old, new)
        self.assertEqual(status, 1)
        self.assertIn("1 slower", out)
        status, out = self.compare(new, old)
        self.assertEqual(status, 0)
        self.assertIn("1 faster", out)

    def test_ratio(self):
        _, out = self.compare(logs.log(logs.env(), logs.bench(value=4.0)),
                              logs.log(logs.env(), logs.bench(value=6.0)))
        self.assertRegex(out, r"zap +insn/pte insn +4\.000 +6\.000 +1\.500 +\+2\.000")

    def samples(self, values, **more):
        return logs.log(logs.env("tsc"), logs.bench(clock="tsc", unit="cycle", samples=values,
                                                    **more))

    def test_noise_is_not_a_difference(self):
        a = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0, 97.0, 104.0]
        b = [101.0, 98.5, 103.5, 99.5, 100.5, 97.5, 104.5, 102.5]
        status, out = self.compare(self.samples(a), self.samples(b))
        self.assertEqual(status, 0)
        self.assertIn("boots agree", out)

    def test_two_boots_may_differ_but_blame_nobody(self):
        a = [100.0 + i for i in range(8)]
        status, out = self.compare(self.samples(a), self.samples([v + 20 for v in a]))
        self.assertEqual(status, 0)
        self.assertIn("boots differ, p 0.00016", out)
        self.assertIn("join the logs of 5 boots", out)

    def test_too_few_samples(self):
        status, out = self.compare(self.samples([1.0] * 4), self.samples([9.0] * 4))
        self.assertEqual(status, 0)
        self.assertIn("too few samples (4, 4)", out)

    def test_many_boots_decide(self):
        def boots(*values):
            return "".join(logs.log(logs.env("tsc"), logs.bench(clock="tsc", value=v))
                           for v in values)
        low, high = boots(1.0, 1.1, 1.2, 1.3, 1.4), boots(2.0, 2.1, 2.2, 2.3, 2.4)
        status, out = self.compare(low, high)
        self.assertEqual(status, 1)
        self.assertIn(" significant, p 0.0079, 5 and 5 boots", out)
        self.assertIn("1 slower", out)
        self.assertEqual(self.compare(high, low)[0], 0)
        status, out = self.compare(low, boots(1.05, 1.15, 1.25, 1.35, 1.0))
        self.assertIn("not significant", out)
        self.assertEqual(status, 0)

    def test_missing_on_one_side(self):
        both = logs.bench("both")
        status, out = self.compare(logs.log(logs.env(), both, logs.bench("gone", params={"n": 3})),
                                   logs.log(logs.env(), both, logs.bench("fresh")))
        self.assertEqual(status, 0)
        self.assertIn("only in old: gone n=3 (insn)", out)
        self.assertIn("only in new: fresh", out)

    def test_nothing_in_common(self):
        self.refuse("no bench is in both logs", "compare",
                    self.write("a", logs.log(logs.env(), logs.bench("a"))),
                    self.write("b", logs.log(logs.env(), logs.bench("b"))))

    def test_exact_clock_that_varies(self):
        self.refuse("differs within the log", "compare",
                    self.write("a", logs.log(logs.env(), logs.bench(), logs.bench(value=6.0))),
                    self.write("b", logs.log(logs.env(), logs.bench())))


class Costs(ReadingTest):
    def costs(self, *texts):
        paths = [self.write(f"{i}.log", text) for i, text in enumerate(texts)]
        status, out, err = self.call("costs", *paths)
        self.assertEqual((status, err), (0, ""))
        return out

    def logs_of(self, clock, factor=1.0, **more):
        return logs.log(logs.env(clock, **more), logs.cost(clock, round(1000 * factor)),
                        *logs.sweeps(clock, 29.3 * factor),
                        *[text.replace('"insn"', f'"{clock}"') for text in
                          logs.sweep(slope=5.0 * factor, clock=clock)])

    def test_clocks_side_by_side(self):
        out = self.costs(self.logs_of("insn"), self.logs_of("model", 1.5, model={"l2_cost": 14}),
                         self.logs_of("tcg-tsc", 0.25))
        for row in (r"of +what +insn +R\u00b2 +model +R\u00b2 +tcg-tsc +R\u00b2 +model / insn\n",
                    r"prune_tail +held +1000 +1500 +250 +1\.50\n",
                    r"prune_tail +held_per_vma +7\.812 +0\.9998 +11\.719 +0\.9998 ",
                    r"prune_tail +W1 +7 +7 +7 +1\.00\n",
                    r"prune_tail +all +for each page +29\.300 +0\.5000 +43\.950 +0\.5000 ",
                    r"prune_tail +all +order 9 +4 +4 +4 +1\.00\n",
                    r"zap +slope +for each of pages +5 +0\.9999 +7\.500 +0\.9999 +1\.250 "):
            self.assertRegex(out, row)
        self.assertIn("model: modelled cycles, of no real core; it assumes l2_cost 14\n", out)

    def test_one_clock_has_no_others(self):
        out = self.costs(self.logs_of("insn"))
        self.assertNotIn("model", out)

    def test_report_has_them(self):
        paths = [self.write(f"{clock}.log", self.logs_of(clock)) for clock in ("insn", "model")]
        self.assertEqual(self.call("report", *paths, "-o", self.path("r.html"))[0], 0)
        words = " ".join(Page(self.read("r.html")).words)
        self.assertIn("Clocks side by side", words)
        self.assertIn("model / insn", words)

    def test_refused(self):
        self.refuse("costs: no log given", "costs")
        self.refuse("costs: nothing was measured in", "costs",
                    self.write("none.log", logs.log(logs.env(), *logs.KTAP)))
        self.refuse("prune_tail held differs from another log, though its clock insn is exact",
                    "costs", self.write("a.log", logs.log(logs.env(), logs.cost(held=7))),
                    self.write("b.log", logs.log(logs.env(), logs.cost(held=8))))


class Statistics(unittest.TestCase):
    def test_known_values(self):
        # Exact: 1 of 252 orders on each side; with one swap 2 of 252.
        low, high = [1, 2, 3, 4, 5], [6, 7, 8, 9, 10]
        self.assertAlmostEqual(stats.mann_whitney(low, high), 2 / 252)
        self.assertAlmostEqual(stats.mann_whitney([1, 2, 3, 4, 6], [5, 7, 8, 9, 10]), 4 / 252)
        self.assertEqual(stats.mann_whitney([1, 4], [2, 3]), 1.0)
        self.assertEqual(stats.mann_whitney([3, 3, 3], [3, 3, 3]), 1.0)
        self.assertEqual(stats.mann_whitney([], [1]), 1.0)

    def test_counts_are_all_orders(self):
        self.assertEqual(stats.u_counts(2, 2), [1, 1, 2, 1, 1])
        self.assertEqual(sum(stats.u_counts(8, 8)), 12870)

    def test_approximation_agrees_with_the_exact_test(self):
        a = [1, 3, 4, 6, 8, 11, 12, 15, 17, 19, 20]
        b = [2, 5, 7, 9, 10, 13, 14, 16, 18, 21, 22]
        approximate = stats.mann_whitney(a, b)      # 22 values: above the exact limit
        limit, stats.EXACT_LIMIT = stats.EXACT_LIMIT, 30
        try:
            self.assertAlmostEqual(approximate, stats.mann_whitney(a, b), delta=0.01)
        finally:
            stats.EXACT_LIMIT = limit

    def test_ties_share_ranks(self):
        self.assertEqual(stats.ranks([10, 20, 10, 30]), [1.5, 3.0, 1.5, 4.0])
        self.assertEqual(stats.median([3, 1, 2]), 2)
        self.assertEqual(stats.median([4, 1, 2, 3]), 2.5)


class Trace(ReadingTest):
    @staticmethod
    def event(ph, name, ts, actor="forker", **more):
        return logs.record("trace", ph=ph, name=name, actor=actor, ts=ts, unit="insn", **more)

    def trace(self, *events):
        return self.write("t.log", logs.log(logs.env(), *events))

    def test_spans_and_actors(self):
        log = self.trace(self.event("B", "dup_mmap", 1000), self.event("X", "hold", 1500, dur=250),
                         self.event("i", "fault", 1600, "swapoff", vcpu=1, args={"pte": 7}),
                         self.event("E", "dup_mmap", 4000))
        self.assertEqual(self.call("trace", log, "-o", self.path("t.json"))[0], 0)
        document = json.loads(self.read("t.json"))
        names = {e["tid"]: e["args"]["name"] for e in document["traceEvents"] if e["ph"] == "M"}
        self.assertEqual(sorted(set(names.values())), ["forker", "swapoff", "trace"])
        spans = {e["name"]: e for e in document["traceEvents"] if e["ph"] in "XBi"}
        self.assertEqual((spans["hold"]["ts"], spans["hold"]["dur"]), (1.5, 0.25))
        self.assertEqual(names[spans["fault"]["tid"]], "swapoff")
        self.assertEqual(spans["fault"]["args"], {"pte": 7, "vcpu": 1})

    def test_runs_and_lanes(self):
        log = self.trace(*logs.run(), logs.run_head("insn"), logs.span("x", 0, 2000, unit="insn"))
        self.assertEqual(self.call("trace", log, "-o", self.path("t.json"))[0], 0)
        document = json.loads(self.read("t.json"))
        self.assertEqual(document["otherData"]["unit"], "1 ns here is 1 step or insn")
        rows = {}
        for event in document["traceEvents"]:
            key = event["pid"], event["tid"]
            if event["ph"] == "M":
                rows[key] = [event["args"]["name"]]
            else:
                rows[key].append((event["name"], event["ts"], event["ts"] + event["dur"]))
        titles = [row[0] for row in rows.values()]
        # Two locks that are not released in the opposite order have a row each.
        self.assertEqual(titles, ["fork k=1", "mm 3 phase", "mm 3 window", "forker",
                                  "forker holds", "forker holds", "swapoff", "swapoff waits",
                                  "fork k=1", "forker"])
        for row in rows.values():
            for before, after in zip(row[1:], row[2:]):
                self.assertLessEqual(before[2], after[1])

    def test_bad_traces(self):
        for text, events in (
                ("ends what did not begin", [self.event("E", "a", 1)]),
                ("begins and never ends", [self.event("B", "a", 1)]),
                ("goes back from 5", [self.event("i", "a", 5), self.event("i", "b", 4)]),
                ("a span without 'dur'", [self.event("X", "a", 1)]),
                ("a span without 'dur'", [self.event("X", "a", 1, dur=-1)]),
                ("ph 'Z' is none of", [self.event("Z", "a", 1)]),
                ("different units: insn ns", [self.event("i", "a", 1),
                                              self.event("i", "b", 2).replace("insn", "ns")])):
            with self.subTest(text):
                self.refuse(text, "trace", self.trace(*events), "-o", self.path("t.json"))
                self.assertFalse(os.path.exists(self.path("t.json")))
