"""compare - the ratio of each bench between two logs.

Owns: which records are the same measurement, when a difference counts.
Idea: on insn and model the figures are exact, so any difference is one. On a time stamp counter
    two boots of the same build differ for certain by where their code and data came to lie. So what
    counts there is Mann-Whitney's test at 1 % on one value for each boot, from five boots on each
    side (logs joined by cat). With fewer boots the same test on the samples within them says
    whether the boots differ, which is shown but blames nobody.
"""

from . import errors, output, records, stats
from .errors import UsageError

EXACT_CLOCKS = ("insn", "model")
LEVEL = 0.01
MIN_SAMPLES = 5         # four against four cannot reach 1 % two-sided
MANY_BOOTS = f"for a verdict on this clock join the logs of {MIN_SAMPLES} boots on each side"


class Row:
    """One measurement in both logs."""

    def __init__(self, name, unit, old, new, note, changed):
        self.name = name
        self.unit = unit
        self.old = old
        self.new = new
        self.note = note
        self.changed = changed      # -1 faster, 0 nothing to say, 1 slower

    def ratio(self):
        if self.old == self.new:
            return "1.000"
        return f"{self.new / self.old:.3f}" if self.old else "-"


def _benches(log):
    """key -> records, in order of appearance."""
    found = {}
    for record in log.of_type("bench"):
        found.setdefault(records.bench_key(record), []).append(record)
    return found


def _samples(group):
    """Single measurements within the boots of @group."""
    samples = []
    for record in group:
        samples += [v for v in record.get("samples", []) if records.fits(v, float)]
    return samples


def _exact_value(group, where):
    """The figure of an exact clock; every repetition must agree."""
    figures = {(r.get("total"), r.get("units"), r["value"]) for r in group}
    if len(figures) > 1:
        raise UsageError(f"compare: {where}: {group[0]['name']} differs within the log, though"
                         f" its clock {group[0]['clock']} is exact")
    record = group[0]
    if record.get("units") and "total" in record:
        return record["total"] / record["units"]
    return record["value"]


def _title(record):
    params = records.params_text(record["params"])
    return record["name"] + (f" {params}" if params else "")


def _compare_exact(old, new, old_path, new_path):
    before, after = _exact_value(old, old_path), _exact_value(new, new_path)
    changed = (after > before) - (after < before)
    note = "equal" if not changed else f"{after - before:+.3f}"
    return before, after, note, changed


def _compare_samples(old, new):
    before, after = [r["value"] for r in old], [r["value"] for r in new]
    first, second = stats.median(before), stats.median(after)
    if min(len(before), len(after)) >= MIN_SAMPLES:
        p = stats.mann_whitney(before, after)
        changed = ((second > first) - (second < first)) if p < LEVEL else 0
        word = "significant" if changed else "not significant"
        return first, second, f"{word}, p {p:.2g}, {len(before)} and {len(after)} boots", changed
    before, after = _samples(old), _samples(new)
    if min(len(before), len(after)) < MIN_SAMPLES:
        return first, second, f"too few samples ({len(before)}, {len(after)})", 0
    p = stats.mann_whitney(before, after)
    return first, second, f"boots {'differ' if p < LEVEL else 'agree'}, p {p:.2g}", 0


def compare_logs(old, new):
    """(rows, keys only in old, keys only in new)."""
    before, after = _benches(old), _benches(new)
    rows = []
    for key, group in before.items():
        if key not in after:
            continue
        sample = group[0]
        if sample["clock"] in EXACT_CLOCKS:
            result = _compare_exact(group, after[key], old.path, new.path)
        else:
            result = _compare_samples(group, after[key])
        rows.append(Row(_title(sample), f"{sample['unit']}/{sample['per']} {sample['clock']}",
                        *result))
    return (rows, [k for k in before if k not in after], [k for k in after if k not in before])


def _print_env(word, log):
    boots = [f"{word} {log.path}: build {env['build']}, clock {env['clock']}, {env['accel']},"
             f" {env['cpus']} CPUs, {env['mem_mib']} MiB, seed {env['seed']}" for env in log.envs]
    for line in dict.fromkeys(boots):
        count = boots.count(line)
        print(line + (f", {count} boots" if count > 1 else ""))


def _number(value):
    return f"{value:.3f}" if value < 1e6 else f"{value:.0f}"


def print_rows(rows):
    width = max(len(row.name) for row in rows)
    unit = max(len(row.unit) for row in rows)
    print(f"{'bench':{width}}  {'unit':{unit}}  {'old':>12}  {'new':>12}  {'ratio':>7}  remark")
    for row in rows:
        print(f"{row.name:{width}}  {row.unit:{unit}}  {_number(row.old):>12}"
              f"  {_number(row.new):>12}  {row.ratio():>7}  {row.note}")


def main(words):
    """The subcommand: 0 nothing slower, 1 something slower for certain, 2 cannot compare."""
    paths, _ = output.split_words("compare", words, needs_output=False)
    if len(paths) != 2:
        raise UsageError(f"compare: wants two logs, OLD and NEW; got {len(paths)}")
    old, new = records.read_log(paths[0]), records.read_log(paths[1])
    rows, gone, added = compare_logs(old, new)
    if not rows:
        raise UsageError("compare: no bench is in both logs on the same clock and accelerator")
    _print_env("old", old)
    _print_env("new", new)
    print_rows(rows)
    for word, keys in (("only in old", gone), ("only in new", added)):
        for key in keys:
            print(f"{word}: {key[0]} {' '.join('='.join(p) for p in key[1])} ({key[2]})")
    slower = sum(row.changed > 0 for row in rows)
    faster = sum(row.changed < 0 for row in rows)
    if any("boots agree" in row.note or "boots differ" in row.note for row in rows):
        print(MANY_BOOTS)
    print(f"{len(rows)} compared: {slower} slower, {faster} faster, "
          f"{len(rows) - slower - faster} without a difference")
    return errors.FAIL if slower else errors.PASS
