#!/usr/bin/env python3
"""Run the benchmark programs under several interpreters, interleaved, and print ratios to the first of them.

    benches/run.py NAME=COMMAND ...
    benches/run.py --set conc --rounds 5 py=python3 conc=target/release/conc
    benches/run.py --set conc --twin go=/tmp/twins conc=target/release/conc

A twin is a program that prints the figures of a whole set by itself: `go build -o /tmp/twins benches/go/bench.go` makes
the one of the set conc. Figures that only twins have are left out.

COMMAND is run as `COMMAND file.py` in the file's own folder. A program prints lines `BENCH name value` (smaller is
better) and `SPEEDUP name value` (bigger is better). Every round runs every command once, so that a slow moment of the
machine touches all of them; the figure kept is the best one. A ratio above 1 means faster than the base.
"""
import argparse
import json
import math
import pathlib
import shlex
import shutil
import subprocess
import sys

SCRIPTS = pathlib.Path(__file__).resolve().parent / "scripts"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--set", default="single", help="a folder of benches/scripts")
    parser.add_argument("--only", default="", help="names of programs, with commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--base", help="the name that ratios are relative to; the first one without it")
    parser.add_argument("--twin", action="append", default=[], metavar="NAME=PROGRAM",
                        help="a program that measures the same without a script")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    return parser.parse_args()


def command(text):
    """The words of a command; a relative path to a program keeps working from another folder."""
    words = shlex.split(text)
    return [str(pathlib.Path(words[0]).resolve()) if "/" in words[0] else words[0], *words[1:]]


def run(words, folder, timeout):
    """The figures a program printed, and why it failed if it did."""
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return [], "timed out"
    except OSError as error:
        return [], str(error)
    figures = []
    for line in done.stdout.splitlines():
        match line.split():
            case ["BENCH" | "SPEEDUP" as kind, name, value]:
                figures.append((kind, name, float(value)))
    if done.returncode == 0:
        return figures, None
    return figures, (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:90]


def measure(programs, commands, rounds, timeout):
    best, failures = {}, {}
    for program in programs:
        for _ in range(rounds):
            for name, words in commands.items():
                if (program.stem, name) in failures:
                    continue
                figures, why = run([*words, program.name], program.parent, timeout)
                if why:
                    failures[program.stem, name] = why
                for kind, figure, value in figures:
                    note(best, name, kind, figure, value)
    return best, failures


def note(best, name, kind, figure, value):
    row = best.setdefault((kind, figure), {})
    better = min if kind == "BENCH" else max
    row[name] = better(row.get(name, value), value)


def measure_twins(best, twins, rounds, timeout):
    """Adds what twins say of the figures that there are."""
    failures = {}
    for name, words in twins.items():
        for _ in range(rounds):
            figures, why = run(words, SCRIPTS, timeout)
            if why:
                failures["twin", name] = why
                break
            for kind, figure, value in figures:
                if (kind, figure) in best:
                    note(best, name, kind, figure, value)
    return failures


def table(best, names, base):
    ratios = {name: [] for name in names}
    print(f"{'benchmark':<30}" + "".join(f"{name:>14}" for name in names))
    for (kind, figure), row in sorted(best.items()):
        cells = []
        for name in names:
            value = row.get(name)
            if value is None:
                cells.append("-")
            elif kind == "SPEEDUP":
                cells.append(f"{value:.2f}x")
            elif name == base or not row.get(base) or not value:
                cells.append(f"{value:.4g}")
            else:
                ratios[name].append(row[base] / value)
                cells.append(f"{ratios[name][-1]:.2f}x")
        label = figure if kind == "BENCH" else "speedup " + figure
        print(f"{label:<30}" + "".join(f"{cell:>14}" for cell in cells))
    print(f"geometric mean relative to {base}")
    for name, values in ratios.items():
        if values:
            print(f"  {name:<20}{math.exp(sum(map(math.log, values)) / len(values)):.3f}x over {len(values)}")


def main():
    options = arguments()
    commands, twins = (
        {name: command(text) for name, _, text in (c.partition("=") for c in given)}
        for given in (options.commands, options.twin)
    )
    for name, words in (commands | twins).items():
        if not shutil.which(words[0]):
            sys.exit(f"{name}: there is no program {words[0]}")
    base = options.base or next(iter(commands))
    only = [name for name in options.only.split(",") if name]
    programs = [p for p in sorted((SCRIPTS / options.set).glob("*.py"))
                if p.stem != options.set and (not only or p.stem in only)]
    best, failures = measure(programs, commands, options.rounds, options.timeout)
    failures |= measure_twins(best, twins, options.rounds, options.timeout)
    table(best, [*commands, *twins], base)
    for (program, name), why in sorted(failures.items()):
        print(f"failed: {program} under {name}: {why}")
    if options.json:
        figures = {f"{kind} {figure}": row for (kind, figure), row in best.items()}
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1))


main()
