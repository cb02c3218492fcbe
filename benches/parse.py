#!/usr/bin/env python3
"""Prints how many megabytes `ast.parse` reads in a second, as `cargo bench -p conc-grammar` does for Conc's parser.

    python3 benches/parse.py FILE...
"""
import ast
import sys
import time


def main():
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            source = file.read()
        best, spent = float("inf"), 0.0
        while spent < 1:
            start = time.perf_counter()
            ast.parse(source)
            taken = time.perf_counter() - start
            best = min(best, taken)
            spent += taken
        print(f"{path}: {len(source.encode()) / 1e6 / best:.1f} MB/s ({best * 1e3:.2f} ms)")


main()
