"""trace - the trace records of a log as Chrome/Perfetto trace JSON.

Owns: the mapping of our records to the trace event format: a run is a process, a row of one
    actor's lane (timeline.py) is a thread, one unit of the run is one nanosecond of the picture.
Record: {"mmlife":1,"type":"trace","ph":P,"name":N,"actor":A,"ts":T,"unit":U} with optional "lane",
    "dur" (ph X), "vcpu" and "args"; ph is X span, B begin, E end, i instant, C counter.
Invariant: spans (X) never overlap within a thread of the picture.
"""

import json

from . import output, records, timeline
from .errors import UsageError

def event_of(record, process, thread):
    # The format counts microseconds; a unit of the log shows as a nanosecond.
    event = {"ph": record["ph"], "name": record["name"], "pid": process, "tid": thread,
             "ts": record["ts"] / 1000, "args": dict(record.get("args", {}))}
    if record["ph"] == "X":
        event["dur"] = record["dur"] / 1000
    if record["ph"] == "i":
        event["s"] = "t"
    if "vcpu" in record:
        event["args"]["vcpu"] = record["vcpu"]
    return event


def name_of(kind, text, process, thread=0):
    return {"ph": "M", "name": kind, "pid": process, "tid": thread, "args": {"name": text}}


def lane_rows(events):
    """Spans of a lane in rows of their own; what is in pairs stays together."""
    spans = [e for e in events if e["ph"] == "X"]
    others = [e for e in events if e["ph"] != "X"]
    return timeline.rows(spans) + ([others] if others else [])


def run_events(run, process):
    events, thread = [name_of("process_name", run.title(), process)], 0
    for (actor, lane), found in run.lanes().items():
        for row in lane_rows(found):
            thread += 1
            events.append(name_of("thread_name", f"{actor} {lane}".strip(), process, thread))
            events += [event_of(record, process, thread) for record in row]
    return events


def convert(log):
    """The trace document of @log as a dict."""
    found = timeline.runs(log)
    if not found:
        raise UsageError(f"{log.path}: no trace records in this log")
    events = [e for i, run in enumerate(found, 1) for e in run_events(run, i)]
    env = found[0].events[0]["env"]
    units = " or ".join(dict.fromkeys(run.events[0]["unit"] for run in found))
    return {"displayTimeUnit": "ns", "traceEvents": events,
            "otherData": {"unit": f"1 ns here is 1 {units}", "build": env["build"],
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
