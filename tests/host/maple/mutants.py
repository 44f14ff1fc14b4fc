#!/usr/bin/env python3
"""mutants.py - spoil the tree one line at a time; the suite must notice every time.

Owns: applying a fault to a copy of mm/, building it against the suite's objects, running the suite
    until something fails, the table of what killed what.
Not here: the faults (mutants/*.mut).
A fault file holds:   file: mm/maple_x.c
                      about: one line
                      ---
                      text that occurs once in the file
                      +++
                      what stands there instead
A fault that no longer applies or compiles is stale: bring its text up to date.
Status 0 when every fault was killed, else 1; 2 when the suite fails without any.

Usage: mutants.py --top DIR --out DIR [NAME...]
"""

import argparse
import filecmp
import glob
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 1200  # seconds by the clock; the program's own limit is processor time


class Mutant:
    """One fault, as its file describes it."""

    def __init__(self, path):
        self.name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="ascii") as text:
            head, body = text.read().split("---\n", 1)
        self.old, self.new = body.split("+++\n", 1)
        fields = dict(line.split(":", 1) for line in head.strip().splitlines())
        self.file = fields["file"].strip()
        self.about = fields["about"].strip()

    def apply(self, tree):
        """True if the fault is now in the copy."""
        path = os.path.join(tree, self.file)
        with open(path, encoding="utf-8") as source:
            text = source.read()
        if text.count(self.old) != 1 or self.old == self.new:
            return False
        with open(path, "w", encoding="utf-8") as source:
            source.write(text.replace(self.old, self.new))
        return True


def make(top, *words):
    done = subprocess.run(["make", "-s", "-C", os.path.join(top, "tests/host/maple"), *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode == 0, done.stdout.decode(errors="replace")


def test_names(program):
    names = subprocess.run([program, "--list"], stdout=subprocess.PIPE, check=True)
    return names.stdout.decode().split()


def killer(program, names, environment):
    """Name of the first test that fails, or None."""
    for name in names:
        try:
            done = subprocess.run([program, name], stdout=subprocess.DEVNULL, env=environment,
                                  stderr=subprocess.DEVNULL, timeout=LIMIT, check=False)
        except subprocess.TimeoutExpired:
            return name + " (time limit)"
        if done.returncode:
            return name
    return None


def order(names):
    """The cheap and sharp ones first."""
    first = [n for n in ("model",) if n in names]
    last = [n for n in names if n.startswith(("readers_", "store_over_1_to_200"))]
    return first + [n for n in names if n not in first and n not in last] + last


def refresh(top, tree):
    """Bring the copy up to date; files that differ get a new date, so that make sees them."""
    os.makedirs(os.path.join(tree, "mm"), exist_ok=True)
    for path in glob.glob(os.path.join(top, "mm", "*.[ch]")):
        copy = os.path.join(tree, "mm", os.path.basename(path))
        if not os.path.exists(copy) or not filecmp.cmp(path, copy, shallow=False):
            shutil.copyfile(path, copy)


def try_mutant(mutant, args, environment):
    """(verdict, detail); no mutant: of the tree as it is"""
    out = os.path.join(args.out, "build")
    tree = os.path.join(args.out, "tree")
    refresh(args.top, tree)
    if mutant and not mutant.apply(tree):
        return "stale", "the text does not occur exactly once"
    for variant in ("points", "asan", "tsan"):
        program = os.path.join(out, variant, "test")
        built, text = make(args.top, f"OUT={out}", f"TREE={tree}", program)
        if not built:
            return "stale", "does not compile: " + text.strip().splitlines()[0][:60]
        name = killer(program, order(test_names(program)), environment)
        if name:
            return "killed", f"{variant}: {name}"
    return "SURVIVED", ""


def main():
    parser = argparse.ArgumentParser(prog="mutants.py", description="mutation test of the tree")
    parser.add_argument("--top", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    args.top = os.path.abspath(args.top)
    args.out = os.path.abspath(args.out)
    environment = dict(os.environ, MAPLE_STEPS="400000", MAPLE_BIG="20000", HTEST_TIMEOUT="100",
                       MAPLE_SCENES="1500")

    mutants = [Mutant(path) for path in sorted(glob.glob(os.path.join(HERE, "mutants", "*.mut")))]
    mutants = [m for m in mutants if not args.names or m.name in args.names]
    counts = {"killed": 0, "SURVIVED": 0, "stale": 0}
    verdict, detail = try_mutant(None, args, environment)
    if verdict != "SURVIVED":
        print(f"the suite fails without a fault: {detail}")
        return 2
    for mutant in mutants:
        start = time.monotonic()
        verdict, detail = try_mutant(mutant, args, environment)
        counts[verdict] += 1
        print(f"{verdict:8} {mutant.name:28} {detail:50} {time.monotonic() - start:5.1f} s  "
              f"{mutant.about}", flush=True)
    print(f"{counts['killed']} of {len(mutants)} faults killed, {counts['SURVIVED']} survived, "
          f"{counts['stale']} no longer apply")
    return 0 if mutants and counts["killed"] == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
