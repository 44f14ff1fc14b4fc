"""timeline - the runs that a log tells of: actors, their lanes, rows in which nothing overlaps.

Owns: which trace records belong together and which may share a row. Not here: the form of a
    record (records.py), pictures (svg.py), the trace event format (trace.py).
Idea: a `run` record opens a run, the trace records behind it are of that run. A lane is what one
    actor does of one kind (its steps, what it waits for, what it holds). Locks are not always
    released in the opposite order, so spans of a lane that overlap go to rows of their own.
Invariant: what runs() returned has one unit a run; begin and end of a lane come in pairs and in
    order of time; spans (X), which are told when they end, may come in any order.
"""

from . import records
from .errors import UsageError

PHASES = ("X", "B", "E", "i", "C")
STEPS = ""              # the lane of records that name none


class Run:
    """Trace records that belong together."""

    def __init__(self, head):
        self.head = head            # the run record; None: the log has none
        self.events = []

    def title(self):
        return self.head["scenario"] if self.head else "trace"

    def lanes(self):
        """(actor, lane) -> records, in order of time; actors as they came, steps first."""
        found = {}
        for event in self.events:
            found.setdefault((event["actor"], event.get("lane", STEPS)), []).append(event)
        actors = list(dict.fromkeys(actor for actor, _ in found))
        order = sorted(found, key=lambda key: (actors.index(key[0]), key[1] != STEPS, key[1]))
        return {key: sorted(found[key], key=lambda e: e["ts"]) for key in order}


def _bad(path, record, text):
    raise UsageError(f"{path}: trace record '{record['name']}' of {record['actor']}"
                     f" at {record['ts']}: {text}")


def _check_lane(path, events):
    """UsageError for what a viewer would choke on, in @events of one lane as they came."""
    began, last = [], None
    for record in events:
        phase = record["ph"]
        if phase not in PHASES:
            _bad(path, record, f"ph '{phase}' is none of {' '.join(PHASES)}")
        if phase == "X":
            if not records.fits(record.get("dur"), float) or record["dur"] < 0:
                _bad(path, record, "a span without 'dur'")
            continue
        if last is not None and record["ts"] < last:
            _bad(path, record, f"goes back from {last}")
        last = record["ts"]
        if phase == "B":
            began.append(record)
        elif phase == "E":
            if not began:
                _bad(path, record, "ends what did not begin")
            began.pop()
    if began:
        _bad(path, began[-1], "begins and never ends")


def _check(path, run):
    units = sorted({record["unit"] for record in run.events})
    if len(units) > 1:
        raise UsageError(f"{path}: trace records in different units: {' '.join(units)}")
    lanes = {}
    for record in run.events:
        lanes.setdefault((record["actor"], record.get("lane")), []).append(record)
    for events in lanes.values():
        _check_lane(path, events)


def runs(log):
    """The runs of @log, in order; UsageError for what a viewer would choke on."""
    found = []
    for record in log.records:
        if record["type"] == "run":
            found.append(Run(record))
        elif record["type"] == "trace":
            if not found:
                found.append(Run(None))
            found[-1].events.append(record)
    found = [run for run in found if run.events]
    for run in found:
        _check(log.path, run)
    return found


def rows(events):
    """@events, in order of time, as lists in each of which a span ends before the next begins."""
    found = []
    for event in events:
        for row in found:
            if row[-1]["ts"] + row[-1].get("dur", 0) <= event["ts"]:
                row.append(event)
                break
        else:
            found.append([event])
    return found
