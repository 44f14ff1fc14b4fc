#!/usr/bin/env python3
"""bench.py - run the tree's benches and hold them against the peers' tables.

Owns: running the bench program (plain for ns and memory, under callgrind for instructions), the
    table, the gate, the JSON Lines records.
Not here: what an operation is (bench_read.c, bench_write.c), the peers' figures (peers.tsv).
Idea: instructions decide, because they repeat exactly; nanoseconds depend on the machine and are
    printed as ratios to figures taken on the machine named in peers.tsv.
Gate: every cell with the RCU flag on below the smaller peer's instructions; bytes per entry not
    above the smaller peer's. Status 0 when it holds, 1 when not, 2 when something could not be run.

Usage: bench.py --bench PROGRAM --out DIR [--runs N] [--no-ns] [--only OP] [--records FILE]
"""

import argparse
import glob
import json
import math
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = (16, 256, 4096, 65536)


def read_peers():
    """{(op, n, rcu, clock): (linux 7.2, linux 6.12)}; a missing figure is None."""
    peers = {}
    with open(os.path.join(HERE, "peers.tsv"), encoding="ascii") as table:
        for line in table:
            if line.startswith("#") or line.startswith("op\t"):
                continue
            op, n, rcu, clock, new, old = line.rstrip("\n").split("\t")
            peers[op, int(n), int(rcu), clock] = tuple(
                None if v == "-" else float(v) for v in (new, old))
    return peers


def run(argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr.decode(errors="replace"))
        print(f"bench.py: {argv[0]} ended with {done.returncode}", file=sys.stderr)
        sys.exit(2)
    return done.stdout.decode()


def measure_plain(program, words):
    """{(op, n, rcu, clock): value} from the bench program's own lines."""
    cells = {}
    for line in run([program, *words]).splitlines():
        op, n, rcu, clock, value = line.split()
        cells[op, int(n), int(rcu), clock] = float(value)
    return cells


def read_profile(path):
    """(label, instructions) of one callgrind dump; label None when it is no region's."""
    label = total = None
    with open(path, encoding="utf-8", errors="replace") as profile:
        for line in profile:
            if line.startswith("desc: Trigger: Client Request:"):
                label = line.split(":", 3)[3].strip()
            elif line.startswith(("totals:", "summary:")):
                total = int(line.split()[1])
    return label, total


def measure_instructions(program, out, words):
    directory = os.path.join(out, "callgrind")
    os.makedirs(directory, exist_ok=True)
    for old in glob.glob(os.path.join(directory, "*")):
        os.unlink(old)
    run(["valgrind", "--tool=callgrind", "--instr-atstart=no",
         "--callgrind-out-file=" + os.path.join(directory, "cell"), program, "count", *words])
    cells = {}
    for path in glob.glob(os.path.join(directory, "cell.*")):
        label, total = read_profile(path)
        if label and total is not None:
            op, n, rcu, ops = label.split()
            if int(ops):
                cells[op, int(n), int(rcu), "insn"] = total / int(ops)
    return cells


def smaller(peers, key):
    """The smaller peer's figure for a cell, or None. RCU off falls back on nothing."""
    values = [v for v in peers.get(key, ()) if v is not None]
    return min(values) if values else None


def show_cell(ours, peer):
    if ours is None:
        return f"{'-':>24}"
    if peer is None:
        return f"{ours:>10.1f} {'':>13}"
    word = "" if ours < peer else " <<"
    return f"{ours:>10.1f} {peer:>7.1f} {ours / peer:>4.2f}{word}".ljust(24)


def show_table(title, cells, peers, rcu, clock):
    ops = []
    for op, _, cell_rcu, cell_clock in cells:
        if (cell_rcu, cell_clock) == (rcu, clock) and op not in ops:
            ops.append(op)
    if not ops:
        return
    print(f"\n{title}: ours, smaller peer, ratio (<< marks a cell not below it)")
    print(f"{'':26}" + "".join(f"{'N=' + str(n):<25}" for n in SIZES))
    for op in sorted(ops):
        row = (show_cell(cells.get((op, n, rcu, clock)), smaller(peers, (op, n, rcu, clock)))
               for n in SIZES)
        print(f"{op:26}" + " ".join(row))


def geometric_mean(cells, peers, clock, rcu):
    logs = [math.log(value / smaller(peers, key)) for key, value in cells.items()
            if key[2:] == (rcu, clock) and smaller(peers, key) and value > 0]
    return math.exp(sum(logs) / len(logs)) if logs else None


def judge(cells, peers):
    """The cells that do not meet the gate, as text."""
    missed = []
    for key, value in sorted(cells.items()):
        op, n, rcu, clock = key
        peer = smaller(peers, key)
        if peer is None or rcu != 1:
            continue
        if clock == "insn" and value >= peer:
            missed.append(f"{op} N={n}: {value:.1f} instructions, peer {peer:.1f}")
        if clock == "bytes" and value > peer:
            missed.append(f"{op} N={n}: {value:.2f} bytes per entry, peer {peer:.2f}")
    return missed


def write_records(path, cells, peers):
    with open(path, "w", encoding="ascii") as records:
        for (op, n, rcu, clock), value in sorted(cells.items()):
            new, old = peers.get((op, n, rcu, clock), (None, None))
            records.write(json.dumps({
                "mmlife": 1, "type": "bench", "name": "maple_" + op, "where": "host",
                "clock": clock, "n": n, "rcu": rcu, "value": round(value, 3),
                "linux72": new, "linux612": old}) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="bench.py", description="benches of the maple tree")
    parser.add_argument("--bench", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-ns", action="store_true")
    parser.add_argument("--only", help="one operation")
    parser.add_argument("--records")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    words = ["op=" + args.only] if args.only else []

    peers = read_peers()
    cells = measure_plain(args.bench, ["memory"])
    cells.update(measure_instructions(args.bench, args.out, words))
    if not args.no_ns:
        cells.update(measure_plain(args.bench, ["ns", f"runs={args.runs}", *words]))

    show_table("instructions, RCU flag on", cells, peers, 1, "insn")
    show_table("instructions, RCU flag off", cells, peers, 0, "insn")
    show_table("ns (never decide), RCU flag on", cells, peers, 1, "ns")
    show_table("ns (never decide), RCU flag off", cells, peers, 0, "ns")
    show_table("bytes of nodes per entry", cells, peers, 1, "bytes")
    show_table("height", cells, peers, 1, "levels")
    for clock in ("insn", "ns"):
        mean = geometric_mean(cells, peers, clock, 1)
        if mean:
            print(f"geometric mean of {clock} ratios, RCU flag on: {mean:.3f}")
    if args.records:
        write_records(args.records, cells, peers)

    missed = judge(cells, peers)
    counted = sum(1 for key in cells if key[2:] in ((1, "insn"), (1, "bytes"))
                  and smaller(peers, key))
    for text in missed:
        print("not met: " + text)
    print(f"gate: {counted - len(missed)} of {counted} cells met")
    return 1 if missed or not counted else 0


if __name__ == "__main__":
    sys.exit(main())
