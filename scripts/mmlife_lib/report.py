"""report - one self-contained HTML page from the records and test results in logs.

Owns: which sections there are and what they say. Not here: reading logs (records.py), plots
    (svg.py), the look (page.py).
Idea: everything shown is in the logs; a section without data is left out; the same logs give the
    same page to the byte.
"""

import shlex

from . import bands, costs, output, page, records, svg, timeline
from .errors import UsageError
from .page import Html

# Letters of verdicts by what they mean for the reader; others are unsafe.
GOOD = (".", "/")
SOFT = ("?", "w", "e", "l", "r")
ENV_ROWS = (("version", "version"), ("build", "build"), ("clock", "clock"),
            ("accelerator", "accel"), ("processors", "cpus"), ("memory, MiB", "mem_mib"),
            ("seed", "seed"))


def section(title, *parts):
    """A section, or nothing when it has no content."""
    content = "\n".join(part for part in parts if part)
    return f"<h2>{page.text(title)}</h2>\n{content}" if content else ""


# ---- environment and how to repeat -------------------------------------------------------------


def environment(logs):
    envs = [(log, env) for log in logs for env in log.envs]
    if not envs:
        return ""
    head = [""] + [log.path for log, _ in envs]
    rows = [[title] + [str(env[key]) for _, env in envs] for title, key in ENV_ROWS]
    rows.append(["verdict"] + [(log.verdict or "-", log.verdict or "") for log, _ in envs])
    return page.table(head, rows)


def run_command(env, commands):
    """The launcher's words that repeat @commands in one environment."""
    clock = env["clock"] if env["clock"] in ("insn", "model") else "tsc"
    accel = env["accel"] if env["accel"] in ("tcg", "kvm") else "tcg"
    memory = env["mem_mib"] + env["mem_mib"] % 2    # the firmware keeps less than a MiB
    what = " ".join(map(shlex.quote, commands))
    return (f"scripts/mmlife run --clock {clock} --accel {accel} --smp {env['cpus']}"
            f" --mem {memory}M {what}").rstrip()


def reproduce(logs):
    """What was typed in each boot; of a file of records alone, the benches that it has."""
    lines = []
    for log in logs:
        for env, commands in zip(log.envs, log.commands):
            names = {r["name"]: "" for r in log.of_type("bench") if r["env"] is env}
            lines.append(run_command(env, commands or [f"bench {name}" for name in sorted(names)]))
    return Html("<pre>" + page.text("\n".join(lines)) + "</pre>") if lines else ""


# ---- tests -------------------------------------------------------------------------------------


def tests(logs):
    parts = []
    for log in logs:
        if not log.tests:
            continue
        count = {word: sum(t.outcome == word for t in log.tests)
                 for word in ("passed", "failed", "skipped")}
        summary = " ".join(f'<span class="{word}">{count[word]} {word}</span>' for word in count)
        parts.append(Html(f"<p><code>{page.text(log.path)}</code>: {summary}</p>"))
        failed = [[(t.name, "failed"), "; ".join(t.notes)] for t in log.tests
                  if t.outcome == "failed"]
        if failed:
            parts.append(page.table(["failed test", "what it said"], failed))
        others = [[t.name, (t.outcome, t.outcome)] for t in log.tests if t.outcome != "failed"]
        parts.append(page.details("all other tests", page.table(["test", "result"], others)))
    return "\n".join(parts)


# ---- verdicts ----------------------------------------------------------------------------------


def _letter_style(letter):
    return "good" if letter in GOOD else "soft" if letter in SOFT else "bad"


def matrix(cells):
    """The heat table of cell records that name semantics, walker and letter."""
    rows, columns, content = [], [], {}
    for cell in cells:
        if cell["semantics"] not in rows:
            rows.append(cell["semantics"])
        if cell["walker"] not in columns:
            columns.append(cell["walker"])
        content[cell["semantics"], cell["walker"]] = cell
    body = [[name] + [_heat(content.get((name, c))) for c in columns] for name in rows]
    return page.table(["semantics"] + columns, body)


def _anchor(cell):
    return page.text(f"{cell['semantics']}-x-{cell['walker']}")


def _heat(cell):
    """A letter, coloured; a link to its replay line if there is one."""
    if cell is None:
        return ""
    letter = cell["letter"]
    if cell.get("replay"):
        letter = Html(f'<a href="#{_anchor(cell)}">{page.text(letter)}</a>')
    return letter, _letter_style(cell["letter"])


def replays(cells):
    """The line that repeats each bad cell, where the heat table leads to."""
    rows = [f'<p id="{_anchor(c)}"><b>{page.text(c["semantics"])} x {page.text(c["walker"])}</b>:'
            f' {page.text(c.get("verdict", ""))}, found in schedule'
            f' {page.text(c.get("found_in", "?"))}</p><pre>{page.text(c["replay"])}</pre>'
            for c in cells if c.get("replay")]
    return Html("\n".join(rows))


def _is_cell(record):
    return all(isinstance(record.get(key), str) for key in ("semantics", "walker", "letter"))


def plain_table(found, without=()):
    """Records of one type as a table of whatever fields they have, but for those @without."""
    keys = []
    for record in found:
        keys += [k for k in record
                 if k not in ("mmlife", "type", "env") and k not in without and k not in keys]
    rows = [[_field(record.get(key, "")) for key in keys] for record in found]
    return page.table(keys, rows)


def _field(value):
    if isinstance(value, dict):
        return ", ".join(f"{k} {page.figures(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(str(v) for v in value)
    return value


def verdicts(logs):
    cells = [r for log in logs for r in log.of_type("cell")]
    shown = [c for c in cells if _is_cell(c)]
    parts = [matrix(shown), replays(shown)] if shown else []
    for title, found in (("Cells", cells),
                         ("Verdicts", [r for log in logs for r in log.of_type("verdict")])):
        if found:
            parts.append(page.details(f"{title}: {len(found)}", plain_table(found)))
    return "\n".join(parts)


def _question_rows(found):
    """Tables of one question's rows: a new one where the columns change."""
    parts, rows, keys = [], [], None
    for record in found:
        mine = [k for k in record if k not in ("mmlife", "type", "env", "number", "row")]
        if mine != keys and rows:
            parts.append(page.table(keys, rows))
            rows = []
        keys = mine
        rows.append([_field(record[key]) for key in keys])
    return parts + ([page.table(keys, rows)] if rows else [])


def questions(logs):
    """Question, method, result tables and caveat, in order of number."""
    found = [r for log in logs for r in log.of_type("question") if isinstance(r.get("number"), int)]
    parts = []
    for number in sorted({r["number"] for r in found}):
        mine = [r for r in found if r["number"] == number]
        frame = next((r for r in mine if "question" in r), {})
        parts.append(Html(f'<h3 id="q{number}">{number}. '
                          f'{page.text(frame.get("question", ""))}</h3>'))
        parts.append(Html(f'<p class="dim">{page.text(frame.get("method", ""))}'
                          f' Clock: {page.text(frame.get("clock", "?"))}.</p>'))
        parts += _question_rows([r for r in mine if "row" in r])
        parts += [Html(f"<p>{page.text(r['answer'])}</p>") for r in mine if "answer" in r]
        parts.append(Html(f'<p><b>Caveat.</b> {page.text(frame.get("caveat", ""))}</p>'))
    return "\n".join(parts)


def failing(logs):
    """The cost table that stands beside the heat table of verdicts, for each clock."""
    parts = []
    for clock in costs.CLOCKS:
        found = [r for log in logs for r in log.of_type("cost") if r["clock"] == clock]
        if found:
            parts += [Html(f"<h3>Clock {page.text(clock)}</h3>"), plain_table(found, ("clock",))]
    return "\n".join(parts + sweep_plots(logs))


def sweep_plots(logs):
    """What a fork's cost grows with: a picture for each sweep and clock, a curve a rule set."""
    groups = {}
    for record in (r for log in logs for r in log.of_type("sweep")):
        groups.setdefault((record["sweep"], record["clock"]), []).append(record)
    pictures = []
    for (sweep, clock), found in groups.items():
        series = [(r["rules"], points) for r in found if (points := costs.points(r, "all"))]
        if series:
            title = f"fork against {sweep}, {clock}"
            picture = svg.scatter(title, sweep, clock, series)
            pictures.append(page.figure(picture, f"A fork, failed under each rule set or not,"
                                        f" against {sweep}; clock {clock}"))
    return [Html('<div class="plots">' + "\n".join(pictures) + "</div>")] if pictures else []


def clocks(logs):
    """Measurements on several clocks side by side."""
    found = costs.collect(logs)
    head, rows = costs.table(found, several=True)
    notes = [Html(f'<p class="dim">{page.text(line)}</p>') for line in costs.assumptions(logs)]
    return "\n".join([page.table(head, rows)] + notes) if rows else ""


TIMELINE_KEY = ("A window (W0 to W5) is a time in the life of an address space, a phase what is"
                " done to it then. An actor's row is blue while it goes on and red while it waits;"
                " below are the locks it held longest.")


def timelines(logs):
    pictures = [bands.figure(run) for log in logs for run in timeline.runs(log)]
    pictures = [picture for picture in pictures if picture]
    if not pictures:
        return ""
    return Html(f'<p class="dim">{page.text(TIMELINE_KEY)}</p>\n' + "\n".join(pictures))


def ledger(logs):
    found = [r for log in logs for r in log.of_type("ledger")]
    return page.details(f"{len(found)} records", plain_table(found)) if found else ""


# ---- benches -----------------------------------------------------------------------------------


def clock_title(record):
    return f"{record['clock']} ({record['accel']})"


def by_clock(found):
    """clock title -> records, in order of appearance."""
    groups = {}
    for record in found:
        groups.setdefault(clock_title(record), []).append(record)
    return groups


def bench_table(found):
    exact = all(r["min"] == r["max"] for r in found)
    head = ["bench", "parameters", "unit", "median"]
    head += [] if exact else ["min", "p95", "max"]
    head += ["n", "off-points", "events per unit"]
    rows = []
    for r in found:
        row = [r["name"], records.params_text(r["params"]), f"{r['unit']}/{r['per']}", r["median"]]
        row += [] if exact else [r["min"], r["p95"], r["max"]]
        rows.append(row + [r["n"], r.get("off_points", ""), events_text(r)])
    return page.table(head, rows)


def events_text(record):
    """The events of one record, per unit of work where the number of units is known."""
    events, units = record.get("events"), record.get("units")
    if not isinstance(events, dict):
        return ""
    per = units if isinstance(units, int) and units else 1
    return ", ".join(f"{name} {page.figures(round(count / per, 3))}"
                     for name, count in events.items() if isinstance(count, (int, float)))


def fit_table(found):
    head = ["bench", "against", "slope", "intercept", "R\u00b2", "points"]
    return page.table(head, [[f["name"], f["x"], (f["slope"], ""), f["intercept"],
                              f"{f['r2']:.6f}", f["points"]] for f in found])


def _sweep(name, found):
    """(parameter, records sorted by it) of the benches called @name, or None without a sweep."""
    found = [r for r in found if r["name"] == name and len(r["params"]) == 1]
    keys = {next(iter(r["params"])) for r in found}
    if len(keys) != 1:
        return None
    key = keys.pop()
    points = {r["params"][key]: r for r in found if isinstance(r["params"][key], (int, float))}
    return (key, [points[x] for x in sorted(points)]) if len(points) >= 2 else None


def sweep_plot(name, found, fit):
    """The figure of one sweep: whole cost with the fitted line, or cost per unit."""
    sweep = _sweep(name, found)
    if sweep is None:
        return ""
    key, rows = sweep
    unit, per = rows[0]["unit"], rows[0]["per"]
    if fit and all(isinstance(r.get("total"), (int, float)) for r in rows):
        points = [(r["params"][key], r["total"]) for r in rows]
        picture = svg.scatter(name, key, unit, [(name, points)], (fit["slope"], fit["intercept"]))
        return page.figure(picture, f"{name}: {page.figures(fit['slope'])} {unit} for each of"
                           f" {key}, R\u00b2 {fit['r2']:.6f}")
    points = [(r["params"][key], r["value"]) for r in rows]
    picture = svg.scatter(name, key, f"{unit} per {per}", [(name, points)])
    return page.figure(picture, f"{name}: {unit} per {per} against {key}")


def overview_plot(title, found):
    """Bars of the benches that have one figure each, grouped by unit."""
    single = [r for r in found if _sweep(r["name"], found) is None]
    figures = []
    for unit in sorted({r["unit"] for r in single}):
        rows = [(f"{r['name']} {records.params_text(r['params'])}".strip(), max(0.0, r["value"]),
                 svg.number(r["value"])) for r in single if r["unit"] == unit]
        figures.append(page.figure(svg.bars(f"{title}: {unit}", rows), f"{unit} per operation"))
    return figures


def benches(logs):
    found = by_clock([r for log in logs for r in log.of_type("bench")])
    fits = by_clock([r for log in logs for r in log.of_type("fit")])
    parts = []
    for clock, rows in found.items():
        fit_of = {f["name"]: f for f in fits.get(clock, [])}
        names = list(dict.fromkeys(r["name"] for r in rows))
        plots = [sweep_plot(name, rows, fit_of.get(name)) for name in names]
        plots = overview_plot(clock, rows) + [p for p in plots if p]
        parts.append(Html(f"<h3>Clock {page.text(clock)}</h3>"))
        if fit_of:
            parts.append(fit_table(fit_of.values()))
        parts.append(Html('<div class="plots">' + "\n".join(plots) + "</div>"))
        parts.append(page.details(f"{len(rows)} measurements", bench_table(rows)))
    return "\n".join(parts)


def render(logs):
    """The page for @logs as text."""
    body = "\n".join(filter(None, (
        section("Environment", environment(logs)),
        section("Tests", tests(logs)),
        section("Verdicts", verdicts(logs)),
        section("Time lines", timelines(logs)),
        section("What failing costs", failing(logs)),
        section("Clocks side by side", clocks(logs)),
        section("Costs", benches(logs)),
        section("Questions", questions(logs)),
        section("Ledger", ledger(logs)),
        section("To repeat this", reproduce(logs)),
    )))
    return page.document("mmlife report", body)


def main(words):
    """The subcommand: reads every log before it writes anything; returns 0."""
    paths, target = output.split_words("report", words, needs_output=True)
    if not paths:
        raise UsageError("report: no log given")
    text = render([records.read_log(path) for path in paths])
    output.write_whole(target, text)
    print(f"{target}: {len(text.encode())} bytes from {len(paths)} log"
          + ("s" if len(paths) > 1 else ""))
    return 0
