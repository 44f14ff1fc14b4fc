"""trace - the trace records of a log as Chrome/Perfetto trace JSON.

Owns: the mapping of our records to the trace event format: an actor is a thread, one unit of
    the log's clock is one nanosecond of the picture.
Record: {"mmlife":1,"type":"trace","ph":P,"name":N,"actor":A,"ts":T,"unit":U} with optional "dur"
    (ph X), "vcpu" and "args"; ph is X span, B begin, E end, i instant, C counter.
Invariant: spans of one actor begin and end in pairs, times never go back within one actor.
"""

import json

from . import output, records
from .errors import UsageError

PHASES = ("X", "B", "E", "i", "C")
ACTORS = 1              # the "process" that all actors are threads of


class _Writer:
    """Turns records into events, checking what a viewer would choke on."""

    def __init__(self, path):
        self.path = path
        self.actors = {}
        self.open = {}
        self.last = {}
        self.events = []

    def thread(self, actor):
        """Number of @actor; its name goes into the picture on first sight."""
        if actor not in self.actors:
            self.actors[actor] = len(self.actors) + 1
            self.events.append({"ph": "M", "name": "thread_name", "pid": ACTORS,
                                "tid": self.actors[actor], "args": {"name": actor}})
        return self.actors[actor]

    def bad(self, record, text):
        raise UsageError(f"{self.path}: trace record '{record['name']}' of {record['actor']}"
                         f" at {record['ts']}: {text}")

    def add(self, record):
        phase, actor = record["ph"], record["actor"]
        if phase not in PHASES:
            self.bad(record, f"ph '{phase}' is none of {' '.join(PHASES)}")
        if record["ts"] < self.last.get(actor, record["ts"]):
            self.bad(record, f"goes back from {self.last[actor]}")
        self.last[actor] = record["ts"]
        if phase == "B":
            self.open.setdefault(actor, []).append(record)
        elif phase == "E":
            if not self.open.get(actor):
                self.bad(record, "ends what did not begin")
            self.open[actor].pop()
        self.events.append(self.event(record))

    def event(self, record):
        # The format counts microseconds; a unit of the log shows as a nanosecond.
        event = {"ph": record["ph"], "name": record["name"], "pid": ACTORS,
                 "tid": self.thread(record["actor"]), "ts": record["ts"] / 1000,
                 "args": dict(record.get("args", {}))}
        if record["ph"] == "X":
            if not isinstance(record.get("dur"), (int, float)):
                self.bad(record, "a span without 'dur'")
            event["dur"] = record["dur"] / 1000
        if record["ph"] == "i":
            event["s"] = "t"
        if "vcpu" in record:
            event["args"]["vcpu"] = record["vcpu"]
        return event

    def finish(self):
        for actor, spans in self.open.items():
            if spans:
                self.bad(spans[-1], "begins and never ends")


def convert(log):
    """The trace document of @log as a dict."""
    traces = log.of_type("trace")
    if not traces:
        raise UsageError(f"{log.path}: no trace records in this log")
    units = sorted({record["unit"] for record in traces})
    if len(units) > 1:
        raise UsageError(f"{log.path}: trace records in different units: {' '.join(units)}")
    writer = _Writer(log.path)
    for record in traces:
        writer.add(record)
    writer.finish()
    env = traces[0]["env"]
    return {"displayTimeUnit": "ns", "traceEvents": writer.events,
            "otherData": {"unit": f"1 ns here is 1 {units[0]}", "build": env["build"],
                          "clock": env["clock"], "accel": env["accel"]}}


def main(words):
    """The subcommand: writes the trace file, returns 0."""
    paths, target = output.split_words("trace", words, needs_output=True)
    if len(paths) != 1:
        raise UsageError(f"trace: wants one log; got {len(paths)}")
    document = convert(records.read_log(paths[0]))
    output.write_whole(target, json.dumps(document, indent=1) + "\n")
    print(f"{target}: {len(document['traceEvents'])} events")
    return 0
