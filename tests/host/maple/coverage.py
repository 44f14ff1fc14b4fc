#!/usr/bin/env python3
"""coverage.py - which lines and branches of the tree the suite takes.

Measured: the short form of the tests (model, sweeps, regressions, threads; no fuzzer), compiled by
    clang -O1 with source coverage; regions' lines, and both outcomes of every condition, of
    mm/maple_*.c and the inline functions of mm/maple_*.h. A condition of two parts counts as two. A
    condition that is compiled several times (inlined, specialised) counts once, its outcomes added.
Left out, and counted as such: conditions on lines that hold an assertion (BUG_ON, ASSERT, WARN_ON),
    whose other outcome is a bug by definition, and those named in coverage.except with a reason.
Gate: 95 % of the lines and 95 % of the outcomes that are left. Status 0 when it holds.

Usage: coverage.py --top DIR --out DIR [--tree DIR] [--show]
"""

import argparse
import collections
import glob
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GATE = 95.0
ASSERTION = re.compile(r"\b(BUG_ON|BUG|ASSERT|ASSERT_EQ|WARN_ON|WARN_ON_ONCE|BUILD_BUG_ON)\(")


def tool(name):
    """The plain name, or Debian's with the version behind."""
    found = shutil.which(name) or shutil.which(name + "-14")
    if not found:
        print(f"coverage.py: {name} is missing (package llvm)", file=sys.stderr)
        sys.exit(2)
    return found


def read_exceptions():
    """[(file name, text in the line, reason)]"""
    exceptions = []
    with open(os.path.join(HERE, "coverage.except"), encoding="ascii") as table:
        for line in table:
            if line.strip() and not line.startswith("#"):
                name, text, reason = (part.strip() for part in line.split("\t") if part)
                exceptions.append((name, text, reason))
    return exceptions


def run_suite(args):
    profiles = os.path.join(args.out, "profiles")
    shutil.rmtree(profiles, ignore_errors=True)
    os.makedirs(profiles)
    environment = dict(os.environ, LLVM_PROFILE_FILE=os.path.join(profiles, "%p.profraw"))
    suite = subprocess.run([args.out + "/test"], env=environment, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if suite.returncode:
        print("\n".join(l for l in suite.stdout.decode().splitlines() if not l.startswith("ok")))
        print("coverage.py: the suite failed")
        sys.exit(1)
    merged = os.path.join(args.out, "suite.profdata")
    subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-o", merged,
                    *glob.glob(profiles + "/*.profraw")], check=True)
    return merged


def export(args, merged):
    text = subprocess.run([tool("llvm-cov"), "export", "-format=text", "-instr-profile=" + merged,
                           args.out + "/test"], check=True, stdout=subprocess.PIPE).stdout
    return json.loads(text)["data"][0]


def collect(data, tree):
    """Two maps by file: {line: count} and {(line, column): [true count, false count]}."""
    lines = collections.defaultdict(dict)
    outcomes = collections.defaultdict(dict)
    for function in data["functions"]:
        names = function["filenames"]
        for start, _, end, _, count, where, _, kind in function["regions"]:
            if kind == 0 and names[where].startswith(tree + "/mm/maple_"):
                note_region(lines[names[where]], start, end, count)
        for branch in function.get("branches", []):
            line, column, _, _, true, false, where = branch[:7]
            if names[where].startswith(tree + "/mm/maple_"):
                taken = outcomes[names[where]].setdefault((line, column), [0, 0])
                taken[0] += true
                taken[1] += false
    return lines, outcomes


def note_region(lines, start, end, count):
    """Regions nest; the innermost, which comes last, says what a line did."""
    for number in range(start, end + 1):
        lines.setdefault(number, {})[(start, end)] = lines.get(number, {}).get(
            (start, end), 0) + count


def excused(name, text, exceptions, used):
    if ASSERTION.search(text):
        return True
    for exception in exceptions:
        if exception[0] == name and exception[1] in text:
            used[exception] += 1
            return True
    return False


def report(path, lines, outcomes, exceptions, used, show):
    """(lines, lines taken, outcomes, outcomes taken, outcomes excused)"""
    name = os.path.basename(path)
    with open(path, encoding="utf-8") as source:
        text = [""] + source.read().split("\n")
    excuse = {n for n in range(1, len(text)) if excused(name, text[n], exceptions, used)}
    total = taken = 0
    for number, regions in sorted(lines.items()):
        if number in excuse or not text[number].strip(" \t{};"):
            continue
        smallest = min(regions, key=lambda r: r[1] - r[0])
        total += 1
        taken += regions[smallest] > 0
        if show and not regions[smallest]:
            print(f"# {name}:{number}: not run: {text[number].strip()}")
    known = both = left_out = 0
    for (number, column), counts in sorted(outcomes.items()):
        if number in excuse:
            left_out += 2
            continue
        known += 2
        both += (counts[0] > 0) + (counts[1] > 0)
        if show and not all(counts):
            never = "/".join(w for w, c in zip(("true", "false"), counts) if not c)
            print(f"# {name}:{number}:{column}: never {never}: {text[number].strip()}")
    return total, taken, known, both, left_out


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def main():
    parser = argparse.ArgumentParser(prog="coverage.py", description="coverage of the tree")
    parser.add_argument("--top", required=True)
    parser.add_argument("--tree")
    parser.add_argument("--out", required=True)
    parser.add_argument("--show", action="store_true", help="list what was not taken")
    args = parser.parse_args()
    tree = os.path.abspath(args.tree or args.top)

    lines, outcomes = collect(export(args, run_suite(args)), tree)
    exceptions = read_exceptions()
    used = collections.Counter()
    sums = [0] * 5
    print(f"{'':22}{'lines':>16}{'outcomes':>20}{'excused':>9}")
    for path in sorted(lines):
        row = report(path, lines[path], outcomes[path], exceptions, used, args.show)
        sums = [a + b for a, b in zip(sums, row)]
        print(f"{os.path.basename(path):22}{row[1]:>5}/{row[0]:<5}{percent(row[1], row[0]):4.0f}%"
              f"{row[3]:>8}/{row[2]:<5}{percent(row[3], row[2]):4.0f}%{row[4]:>7}")
    of_lines, of_outcomes = percent(sums[1], sums[0]), percent(sums[3], sums[2])
    print(f"lines {of_lines:.2f} %, outcomes of conditions {of_outcomes:.2f} %; "
          f"{sums[4]} outcomes excused")
    stale = [exception for exception in exceptions if not used[exception]]
    for exception in exceptions:
        print(f"  {exception[0]}: '{exception[1]}': {exception[2]}"
              + (" -- MATCHES NO LINE" if exception in stale else ""))
    met = sums[2] and of_lines >= GATE and of_outcomes >= GATE and not stale
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
