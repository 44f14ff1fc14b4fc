"""logs - made-up logs of the kernel's form, for the tests of report, compare and trace."""

import json


def record(kind, **fields):
    return json.dumps({"mmlife": 1, "type": kind, **fields}, separators=(",", ":"))


def env(clock="insn", **more):
    fields = {"version": "0.1", "build": "abc123", "clock": clock, "accel": "tcg", "cpus": 1,
              "mem_mib": 256, "seed": 1, **more}
    return record("env", **fields)


def bench(name="zap", value=5.0, clock="insn", unit="insn", per="pte", params=None, units=100,
          **more):
    fields = {"name": name, "clock": clock, "accel": "tcg", "params": params or {}, "unit": unit,
              "per": per, "n": 1, "min": value, "median": value, "p95": value, "max": value,
              "value": value, "units": units, "total": round(value * units),
              "events": {"pte": units, "lock": 2}, **more}
    return record("bench", **fields)


def fit(name="zap", slope=5.0, clock="insn", x="pages"):
    return record("fit", name=name, clock=clock, accel="tcg", x=x, unit="insn", slope=slope,
                  intercept=40.0, r2=0.9999, points=3)


def sweep(name="zap", slope=5.0, clock="insn"):
    return [bench(name, slope + 40 / n, clock, params={"pages": n}, units=n)
            for n in (512, 2048, 8192)] + [fit(name, slope, clock)]


def run_head(unit="step", **more):
    return record("run", **{"scenario": "fork k=1", "strategy": "replay", "verdict": "marker",
                            "why": "page fault", "unit": unit, "end": 9, "left_out": 0, **more})


def span(name, ts, dur, actor="forker", lane=None, unit="step", **more):
    lanes = {"lane": lane} if lane else {}
    return record("trace", ph="X", name=name, actor=actor, **lanes, ts=ts, unit=unit, dur=dur,
                  **more)


def run():
    """A run of two actors and an address space, as the guest tells it: each span when it ends."""
    return [run_head(), span("W0", 1, 4, "mm 3", "window"), span("copy", 1, 2, "mm 3", "phase"),
            span("PTL", 2, 1, lane="holds"), span("MMAP", 1, 3, lane="holds"),
            span("PTL", 3, 2, lane="holds"), span("MMAP", 2, 5, "swapoff", "waits"),
            span("lock parent", 1, 1), span("store flag=1", 2, 1), span("load flag", 3, 1),
            span("load x", 7, 1, "swapoff")]


def cost(clock="insn", held=1000, sem="prune_tail"):
    return record("cost", semantics=sem, clock=clock, held=held, held_per_vma=held / 128,
                  held_r2=0.9998, W1=7)


def sweeps(clock="insn", slope=29.3):
    """One with a line, one of separate cases."""
    return [record("sweep", sweep="pages", rules="prune_tail", clock=clock, per="page",
                   x=[256, 1024], held=[8000, 31000], all=[9000, 33000], held_slope=slope,
                   held_r2=1.0, all_slope=slope, all_r2=0.5),
            record("sweep", sweep="order", rules="prune_tail", clock=clock, per="order",
                   x=[0, 9], held=[8, 3], all=[9, 4])]


KTAP = """\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: slab
    1..3
    ok 1 slab.alloc
    # slab.c:7: expected <a> & "b"
    not ok 2 slab.free
    ok 3 slab.huge # SKIP needs memory
not ok 1 slab
""".splitlines()


def log(*lines, verdict="pass"):
    """Text of a whole log."""
    return "\n".join(["mmlife 0.1", *lines, f"mmlife: verdict {verdict}"]) + "\n"


def full(slope=5.0):
    """Everything a reader knows."""
    return log(env(), *KTAP, *sweep(slope=slope), bench("switch", 90.0, per="switch"),
               record("cell", semantics="zero_marker", walker="swapoff", letter="M",
                      replay="replay 1 <x>"),
               record("cell", semantics="zero_marker", walker="uprobe", letter="."),
               record("cell", semantics="full_teardown", walker="swapoff", letter="?"),
               record("verdict", scenario="fork", verdict="safe", schedules=1000),
               record("question", number=2, question="Which walkers?", method="by counting",
                      caveat="two only", clock="insn"),
               record("question", number=2, row=0, rules="zero_marker", walkers=2),
               record("question", number=2, row=1, walker="swapoff", schedules=7),
               record("question", number=2, answer="all of them"),
               *run(), cost(), *sweeps(), record("ledger", kinds={"frame": 12, "vma": 0}),
               env("tcg-tsc", cpus=2),
               bench("switch", 210.5, "tcg-tsc", "tick", "switch", n=5, min=200.0, max=400.0),
               verdict="fail")
