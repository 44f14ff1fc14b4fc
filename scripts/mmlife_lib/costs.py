"""costs - what work costs on every clock side by side, from the records of several boots.

Owns: which records are the same measurement on different clocks, the table of them.
Idea: instructions are exact and say what is done; modelled cycles add locality, which instructions
    hide; ticks of a time stamp counter under emulation are no cycles, and only ratios of like work
    mean something. A row is one measurement; beside a slope stands R2 of its line.
Invariant: a clock's column holds figures of that clock only; two figures of one exact clock that
    should be one are an error.
"""

from . import output, page, records
from .errors import UsageError

CLOCKS = ("insn", "model", "tsc", "tcg-tsc")    # in order of columns
EXACT = ("insn", "model")
# Fields of a cost record and the fields with R2 of their lines.
COSTS = (("held", None), ("all", None), ("back_50", None), ("back_90", None), ("back_100", None),
         ("held_per_vma", "held_r2"), ("all_per_vma", "all_r2"), ("fork_per_vma", None),
         ("clone", None), ("copy", None), ("recover", None), ("W0", None), ("W1", None),
         ("W2", None), ("W3", None), ("W4", None), ("W5", None))


class Costs:
    """(group, what, per) -> clock -> (figure, R2 or None), in order of appearance."""

    def __init__(self):
        self.rows = {}

    def add(self, key, clock, figure, r2, where):
        if not records.fits(figure, float):
            return
        row = self.rows.setdefault(key, {})
        if clock in EXACT and row.get(clock, (figure, r2)) != (figure, r2):
            raise UsageError(f"costs: {where}: {' '.join(filter(None, key))} differs from another"
                             f" log, though its clock {clock} is exact")
        row[clock] = figure, r2

    def clocks(self):
        return [c for c in CLOCKS if any(c in row for row in self.rows.values())]


def _add_cost(costs, record, where):
    for name, r2 in COSTS:
        if name in record:
            costs.add((record["semantics"], name, ""), record["clock"], record[name],
                      record.get(r2), where)


def points(record, name):
    """[(x, figure)] of a sweep, numbers only."""
    figures = record.get(name)
    return [(x, figure) for x, figure in zip(record["x"], figures if isinstance(figures, list)
                                             else []) if records.fits(x, float)
            and records.fits(figure, float)]


def _add_sweep(costs, record, where):
    for name in ("held", "all"):
        if f"{name}_slope" in record:
            costs.add((record["rules"], name, f"for each {record['per']}"), record["clock"],
                      record[f"{name}_slope"], record.get(f"{name}_r2"), where)
            continue
        for x, figure in points(record, name):
            costs.add((record["rules"], name, f"{record['sweep']} {x}"), record["clock"], figure,
                      None, where)


def _add_bench(costs, record, where):
    per = f"{records.params_text(record['params'])} per {record['per']}".strip()
    costs.add((record["name"], "cost", per), record["clock"], record["value"], None, where)


def _add_fit(costs, record, where):
    costs.add((record["name"], "slope", f"for each of {record['x']}"), record["clock"],
              record["slope"], record["r2"], where)


ADD = {"cost": _add_cost, "sweep": _add_sweep, "fit": _add_fit, "bench": _add_bench}


def collect(logs):
    """Every measurement of @logs; of a bench with a slope only that."""
    costs = Costs()
    fitted = {(r["name"], r["clock"]) for log in logs for r in log.of_type("fit")}
    for log in logs:
        for record in log.records:
            add = ADD.get(record["type"])
            if add and not (record["type"] == "bench"
                            and (record["name"], record["clock"]) in fitted):
                add(costs, record, log.path)
    return costs


def table(costs, several):
    """(head, rows) of what @costs tells; @several: only of what was measured on more than one."""
    clocks = costs.clocks()
    ratio = "insn" in clocks and "model" in clocks
    head = ["of", "what", ""]
    for clock in clocks:
        head += [clock, "R\u00b2"]
    head += ["model / insn"] if ratio else []
    rows = []
    for key, row in costs.rows.items():
        if several and len(row) < 2:
            continue
        cells = list(key)
        for clock in clocks:
            figure, r2 = row.get(clock, ("", None))
            cells += [figure, f"{r2:.4f}" if records.fits(r2, float) else ""]
        if ratio:
            both = "insn" in row and "model" in row and row["insn"][0]
            cells.append(f"{row['model'][0] / row['insn'][0]:.2f}" if both else "")
        rows.append(cells)
    return head, rows


def assumptions(logs):
    """What the model assumes, as its boots say."""
    found = [env["model"] for log in logs for env in log.envs if isinstance(env.get("model"), dict)]
    texts = dict.fromkeys(", ".join(f"{k} {v}" for k, v in model.items()) for model in found)
    return ["model: modelled cycles, of no real core; it assumes " + text for text in texts]


def _text(cell):
    return page.figures(cell).replace("\u202f", "") if records.fits(cell, float) else str(cell)


def show(head, rows):
    lines = [[_text(cell) for cell in row] for row in [head] + rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) if i < 3 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())


def main(words):
    """The subcommand: prints the table, returns 0."""
    paths, _ = output.split_words("costs", words, needs_output=False)
    if not paths:
        raise UsageError("costs: no log given")
    logs = [records.read_log(path) for path in paths]
    costs = collect(logs)
    if not costs.rows:
        raise UsageError(f"costs: nothing was measured in {' '.join(paths)}")
    head, rows = table(costs, several=False)
    show(head, rows)
    for line in assumptions(logs):
        print(line)
    return 0
