"""bands - time lines of the report: the windows of each address space, and of each actor when it
ran, waited, and held which locks.

Owns: which rows a run has and their order. Not here: runs and lanes (timeline.py), drawing
    (svg.py).
Idea: steps that follow each other are one block. Of locks those are shown that were held longest,
    one row a class.
"""

from . import page, svg, timeline

LOCKS_MAX = 5           # rows of locks an actor may have


def _end(event):
    return event["ts"] + event.get("dur", 0)


def _block(event, style):
    return (event["ts"], _end(event), event["name"], style)


def merged(events, text):
    """Spans that touch, as one block each."""
    blocks = []
    for event in events:
        if blocks and event["ts"] <= blocks[-1][1]:
            blocks[-1][1] = max(blocks[-1][1], _end(event))
        else:
            blocks.append([event["ts"], _end(event), text, "runs"])
    return [tuple(block) for block in blocks]


def lock_rows(events):
    """(label, blocks) of the classes held longest, those first."""
    held = {}
    for event in events:
        held.setdefault(event["name"], []).append(event)
    total = {name: sum(e["dur"] for e in found) for name, found in held.items()}
    longest = sorted((n for n in held if total[n]), key=lambda n: (-total[n], n))[:LOCKS_MAX]
    return [("holds " + name, [_block(e, "holds") for e in held[name]]) for name in longest]


def rows_of(run):
    """(label, blocks) of @run: address spaces first, then actors."""
    spaces, actors = [], []
    lanes = {key: [e for e in events if e["ph"] == "X"] for key, events in run.lanes().items()}
    for (actor, lane), events in lanes.items():
        if lane in ("window", "phase"):
            spaces.append((f"{actor} {lane}", [_block(e, lane) for e in events]))
        elif lane == timeline.STEPS:
            waits = [_block(e, "waits") for e in lanes.get((actor, "waits"), [])]
            actors.append((actor, merged(events, actor) + waits))
            actors += lock_rows(lanes.get((actor, "holds"), []))
    return spaces + actors


def figure(run):
    """One run as a picture; nothing where it has no span."""
    rows = [(label, blocks) for label, blocks in rows_of(run) if blocks]
    if not rows:
        return ""
    head = run.head or {}
    unit = run.events[0]["unit"]
    end = max(_end(event) for event in run.events)
    words = [run.title(), head.get("verdict", ""), head.get("why", ""),
             {"step": "in steps of the schedule", "insn": "in instructions of virtual time"}
             .get(unit, f"in {unit}"),
             f"{head['left_out']} more were left out" if head.get("left_out") else ""]
    return page.figure(svg.bands(run.title(), unit, rows, end), "; ".join(filter(None, words)))
