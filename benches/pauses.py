#!/usr/bin/env python3
"""Print the pauses that conc's collector makes in the programs of benches/scripts/heap, in milliseconds.

    benches/pauses.py target/release/conc

They are what CONC_GC_LOG tells; those of `gc.collect()` are left out, and those of a heap below 300 MB.
"""
import os
import pathlib
import re
import subprocess
import sys

SCRIPTS = pathlib.Path(__file__).resolve().parent / "scripts" / "heap"
LINE = re.compile(r"gc: ([\d.]+) ms (\w+), (\d+) MB in use")


def pauses(command, script):
    done = subprocess.run([command, script], env={**os.environ, "CONC_GC_LOG": "1"}, text=True, check=True,
                          capture_output=True)
    found = [match.groups() for match in map(LINE.match, done.stderr.splitlines()) if match]
    return sorted(float(ms) for ms, what, in_use in found if what != "whole" and int(in_use) >= 300)


for script in sorted(SCRIPTS.glob("*.py")):
    times = pauses(sys.argv[1], script)
    at = lambda part: times[min(int(len(times) * part), len(times) - 1)]
    print(f"{script.stem}: {len(times)} pauses, p50 {at(.5):.2f}, p99 {at(.99):.2f}, longest {times[-1]:.2f}")
