#!/usr/bin/env python3.13
"""Calls every function, method and operator of a `conc` command with hostile arguments; it must never die or hang.

    python3.13 tests/generate/hostile.py target/fast/conc                 20 calls of each, seed from the clock
    python3.13 tests/generate/hostile.py target/fast/conc --seed 3 --rounds 100

The calls are made by hostile.conc. After a death or a hang it is started again behind the target at fault.
"""
import argparse
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time


def run(options, start, skipped, folder):
    """Runs until the end or a fault; gives the log's last lines and what was wrong."""
    log = os.path.join(folder, "log")
    script = pathlib.Path(__file__).with_suffix(".conc")
    work = tempfile.mkdtemp(dir=folder)
    with open(log, "wb") as out, open(os.path.join(folder, "err"), "w+b") as err:
        def prepare():
            os.dup2(out.fileno(), 9)
            os.set_inheritable(9, True)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if options.memory:
                resource.setrlimit(resource.RLIMIT_AS, (options.memory << 30, options.memory << 30))
            os.setpgid(0, 0)
        child = subprocess.Popen([options.conc, script, str(options.seed), str(options.rounds), str(start), *skipped], cwd=work, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=err, preexec_fn=prepare, close_fds=False)
        size, since, hung = -1, time.monotonic(), False
        try:
            while child.poll() is None and not hung:
                time.sleep(0.05)
                now = os.path.getsize(log)
                if now != size:
                    size, since = now, time.monotonic()
                hung = time.monotonic() - since > options.patience
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        err.seek(0)
        errors = err.read().decode("utf-8", "replace")
    lines = pathlib.Path(log).read_text("utf-8", "replace").splitlines()
    panic = next((line for line in errors.splitlines() if "panicked at" in line), "")
    if hung:
        return lines, "hang"
    if child.returncode < 0 or panic:
        return lines, f"died: {child.returncode} {panic} {errors[-300:] if not panic else errors[errors.index(panic):][:300]}"
    if lines[-1:] != ["done"]:
        return lines, f"ended early: {child.returncode} {errors[-300:]}"
    return lines, None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("conc")
    parser.add_argument("--seed", type=int, default=time.time_ns() // 1000 % 10**6)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--patience", type=float, default=10, help="seconds for one call")
    parser.add_argument("--memory", type=int, default=0, help="limit of the address space in GiB")
    parser.add_argument("--limit", type=int, default=1000, help="give up after so many faults")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options.conc = os.path.abspath(options.conc)
    faults, start, skipped = 0, options.start, []
    with tempfile.TemporaryDirectory() as folder:
        while faults < options.limit:
            lines, problem = run(options, start, skipped, folder)
            if problem is None:
                break
            faults += 1
            at = next((line for line in reversed(lines) if not line.startswith(" ")), "0 nothing")
            number, _, name = at.partition(" ")
            print(f"{name} (target {number}): {problem}", *lines[-2:], sep="\n    ", flush=True)
            start = int(number) + 1 if number.isdigit() else start + 1
    print(f"seed {options.seed}: {faults} faults")
    sys.exit(1 if faults else 0)


main()
