"""records - read logs: JSON Lines records, KTAP results, the verdict.

Owns: what a whole, sound log is, and the message for one that is not.
Idea: a record is a line that begins `{"mmlife":`; everything else is plain text, of which KTAP
    result lines and the verdict line mean something. A file of nothing but records (results.jsonl)
    is a log too; then no verdict is expected.
Invariant: a Log that read_log() returned has an env for each record, and each record has the fields
    that its type promises, and no field of another kind than readers here expect.
"""

import json
import math
import re

from .errors import UsageError

VERSION = 1
PREFIX = '{"mmlife":'
# What a reader here relies on, by type: name -> kind. Other types and fields are carried along.
FIELDS = {
    "env": {"version": str, "build": str, "clock": str, "accel": str, "cpus": int,
            "mem_mib": int, "seed": int},
    "bench": {"name": str, "clock": str, "accel": str, "params": dict, "unit": str, "per": str,
              "n": int, "min": float, "median": float, "p95": float, "max": float,
              "value": float},
    "fit": {"name": str, "clock": str, "accel": str, "x": str, "unit": str, "slope": float,
            "intercept": float, "r2": float, "points": int},
    "trace": {"name": str, "ph": str, "actor": str, "ts": float, "unit": str},
    "cost": {"semantics": str, "clock": str},
    "sweep": {"sweep": str, "rules": str, "clock": str, "per": str, "x": list},
    "run": {"scenario": str, "verdict": str, "why": str, "unit": str, "left_out": int},
}
# What may be left out, but is of this kind where it stands.
OPTIONAL = {
    "bench": {"total": float, "units": int, "samples": list, "events": dict, "off_points": int},
    "trace": {"lane": str, "dur": float, "vcpu": int, "args": dict},
    "cell": {"semantics": str, "walker": str, "letter": str, "verdict": str, "replay": str},
    "question": {"number": int, "row": int, "question": str, "method": str, "caveat": str,
                 "clock": str, "answer": str},
}
VERDICT = re.compile(r"^mmlife: verdict (\w+)$")
RESULT = re.compile(r"^((?:    )*)(ok|not ok) \d+(?: -)? ?([^#]*?)\s*(?:# (\w+)\s*(.*))?$")
# What `set time on` puts before every line but records and the verdict.
STAMP = re.compile(r"^\[ *\d+\.\d{6}\] ")
BANNER = re.compile(r"^mmlife [0-9.]+(,|$)")
PROMPT = re.compile(r"^mmlife> (.+)$")
SUBTEST = re.compile(r"^((?:    )*)(?:# Subtest: (.*)|KTAP version 1)$")


class TestResult:
    """One leaf of a KTAP report."""

    def __init__(self, name, outcome, notes):
        self.name = name
        self.outcome = outcome      # "passed", "failed" or "skipped"
        self.notes = notes


class Log:
    """What one file holds."""

    def __init__(self, path):
        self.path = path
        self.envs = []
        self.commands = []          # of each env, those of its boot, as the prompt shows them
        self.records = []           # everything but env; each has "env", its environment
        self.tests = []
        self.verdict = None

    def of_type(self, kind):
        return [record for record in self.records if record["type"] == kind]


def fits(value, kind):
    """Whether @value may stand where a @kind belongs: any finite number for a float."""
    if kind is float:
        return (isinstance(value, (int, float)) and not isinstance(value, bool)
                and math.isfinite(value))
    return isinstance(value, kind) and not isinstance(value, bool)


def _check_record(record, where):
    """UsageError when @record is not one of ours."""
    if not isinstance(record, dict):
        raise UsageError(f"{where}: a record must be an object")
    if record.get("mmlife") != VERSION:
        raise UsageError(f"{where}: record format {record.get('mmlife')!r};"
                         f" this program reads {VERSION}")
    kind = record.get("type")
    if not isinstance(kind, str):
        raise UsageError(f"{where}: record without a type")
    fields = FIELDS.get(kind, {})
    for name in fields:
        if name not in record:
            raise UsageError(f"{where}: {kind} record without '{name}'")
    for name, wanted in {**fields, **OPTIONAL.get(kind, {})}.items():
        if name in record and not fits(record[name], wanted):
            raise UsageError(f"{where}: {kind} record: '{name}' is {record[name]!r},"
                             f" not a{'n' if wanted is int else ''} {wanted.__name__}")


def _refuse_constant(word):
    raise ValueError(f"{word} is not JSON")


def _parse_record(line, where, is_last, whole):
    try:
        record = json.loads(line, parse_constant=_refuse_constant)
    except ValueError as error:
        if is_last and not whole:
            raise UsageError(f"{where}: the log is cut off within a record")
        raise UsageError(f"{where}: malformed record: {error}")
    _check_record(record, where)
    return record


class _Ktap:
    """Finds leaf results among log lines; a result right after deeper ones sums them up."""

    def __init__(self, log):
        self.log = log
        self.depth = 0
        self.notes = []

    def feed(self, line):
        match = SUBTEST.match(line)
        if match:
            self.depth = len(match.group(1)) // 4
            self.notes = []
            return
        if line.lstrip().startswith("# "):
            self.notes.append(line.strip()[2:])
            return
        match = RESULT.match(line)
        if not match:
            return
        indent, word, name, directive, _ = match.groups()
        depth = len(indent) // 4
        if depth >= self.depth:
            outcome = "failed" if word == "not ok" else "passed"
            if directive == "SKIP" and outcome == "passed":
                outcome = "skipped"
            self.log.tests.append(TestResult(name, outcome, self.notes))
        self.depth = depth
        self.notes = []


def _read_text(path):
    try:
        with open(path, "rb") as src:
            data = src.read()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}")
    if b"\0" in data:
        raise UsageError(f"{path}: not a log: it holds zero bytes")
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def read_log(path):
    """The Log in file @path; UsageError says what is wrong with it."""
    text = _read_text(path)
    if not text:
        raise UsageError(f"{path}: the log is empty")
    whole = text.endswith("\n")
    lines = text.split("\n")
    if whole:
        lines.pop()
    log = Log(path)
    ktap = _Ktap(log)
    plain, commands = 0, []
    for number, line in enumerate(lines, 1):
        if line.startswith(PREFIX):
            record = _parse_record(line, f"{path}:{number}", number == len(lines), whole)
            _add_record(log, record, f"{path}:{number}", commands)
            continue
        plain += bool(line.strip())
        line = STAMP.sub("", line)
        ktap.feed(line)
        if BANNER.match(line):
            commands = []
        commands += PROMPT.findall(line)
        match = VERDICT.match(line)
        if match:
            log.verdict = match.group(1)
    if not log.envs and not log.tests:
        raise UsageError(f"{path}: not an mmlife log: no env record and no test results")
    if plain and log.verdict is None:
        raise UsageError(f"{path}: the log is cut off: it has no verdict line")
    return log


def _add_record(log, record, where, commands):
    if record["type"] == "env":
        log.envs.append(record)
        log.commands.append(commands)
        return
    if not log.envs:
        raise UsageError(f"{where}: a {record['type']} record before any env record")
    record["env"] = log.envs[-1]
    log.records.append(record)


def bench_key(record):
    """What makes two bench records measurements of the same thing."""
    params = tuple(sorted((k, str(v)) for k, v in record["params"].items()))
    return record["name"], params, record["clock"], record["accel"], record["unit"], record["per"]


def params_text(params):
    return " ".join(f"{name}={value}" for name, value in params.items())
