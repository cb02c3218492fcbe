#!/usr/bin/env python3
"""Writes src/startup.ld: which functions a start runs, so that the linker lays them side by side.

  CARGO_PROFILE_RELEASE_STRIP=false cargo build --release --target-dir target/symbols
  benches/startup.py target/symbols/release/conc > src/startup.ld

A start then touches a few pages of the command's code instead of one here and one there. Needs valgrind and nm. Names
that a compiler or a change of the source makes stale do no harm: their functions lie where others do.
"""

import re, subprocess, sys, tempfile
from pathlib import Path

HEAD = """\
/* The functions that a start runs, together: fewer pages of the command are touched (docs/decisions/0007-small-start.md).
   Written by benches/startup.py; an asterisk stands for a hash. */
SECTIONS {
  .text.startup : ALIGN(4096) {
"""
TAIL = """\
  }
} INSERT BEFORE .text;
"""
PROGRAM = "print('on')\n"


def run_functions(command):
    """Names of the functions that a small program runs, as a file and as an argument."""
    names = set()
    with tempfile.TemporaryDirectory() as folder:
        script, out = Path(folder, "script.conc"), Path(folder, "out")
        script.write_text(PROGRAM)
        for arguments in ([script], ["-c", PROGRAM]):
            callgrind = ["valgrind", "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={out}"]
            subprocess.run([*callgrind, command, *arguments], check=True, capture_output=True)
            for line in out.read_text().splitlines():
                if match := re.match(r"c?fn=\(\d+\) ([^']+)", line):
                    names.add(match[1])
    return names


def own_functions(command):
    lines = subprocess.run(["nm", command], check=True, capture_output=True, text=True).stdout.splitlines()
    return {name for _, kind, name in (line.split() for line in lines if len(line.split()) == 3) if kind in "tT"}


def pattern(name):
    """The name of a function's section, with an asterisk for what one compiler and another make differently."""
    name = re.sub(r"17h[0-9a-f]{16}E", "17h*E", name)
    name = re.sub(r"Cs[0-9A-Za-z]{8,13}_", "Cs*_", name)
    return re.sub(r"(\.llvm)?\.\d+$", "*", name)


def main():
    [command] = sys.argv[1:]
    names = run_functions(command) & own_functions(command)
    print(HEAD, end="")
    for name in sorted({pattern(name) for name in names}):
        print(f"    *(.text.{name} .text.unlikely.{name})")
    print(TAIL, end="")


main()
