#!/usr/bin/env python3.13
"""Record what CPython 3.13 prints for the test scripts, as the expectations of the suite.

    python3.13 tests/record.py            every script under tests/ and examples/
    python3.13 tests/record.py PATH ...   only these scripts or folders
    python3.13 tests/record.py --check    write nothing; exit 1 if a file on disk differs

A script `NAME.conc` gets `NAME.out` (standard output) and, when it wrote any, `NAME.err` (standard error). For
`examples/NAME.conc` the files stand in `examples/expected/`. The rules a script can set in its header comment are the
suite's (tests/suite/discover.rs): a script with `# expect:` lines says itself what Conc prints and is not recorded; one
with `# packages: NAME ...` is recorded by a Python that has them.
"""
import concurrent.futures
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent
ROOT = TESTS.parent
HEADER = re.compile(r"#\s?([a-z]+):\s?(.*)$")
NOT_SCRIPTS = {"suite", "generate"}


def header(path):
    """The `# key: value` lines among the leading comment lines (`# expect:` counts anywhere)."""
    fields, leading = {}, True
    for line in path.read_text("utf-8", "surrogateescape").splitlines():
        leading = leading and (line.startswith("#") or not line)
        found = HEADER.match(line)
        if found and (leading or found[1] == "expect"):
            fields.setdefault(found[1], []).append(found[2])
    return fields


def scripts(start):
    """Every script under a folder: a folder with a main.conc is one script, its other files are modules."""
    start = pathlib.Path(start).resolve()
    if start.is_file():
        yield start
        return
    if (start / "main.conc").exists():
        yield start / "main.conc"
        return
    for entry in sorted(start.iterdir()):
        if entry.is_dir() and entry.name not in NOT_SCRIPTS:
            yield from scripts(entry)
        elif entry.suffix == ".conc":
            yield entry


def expectation(script, suffix):
    folder = script.parent
    if folder == ROOT / "examples":
        folder = folder / "expected"
    return folder / (script.stem + suffix)


def run(script):
    """Run one script as the suite does: in an empty working folder, standard input from NAME.in."""
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as copy:
        renamed, target, cut = [], script, script.parent
        if script.name == "main.conc":
            # CPython finds modules by `.py` only: give the modules that name and take it back afterwards.
            cut = pathlib.Path(copy).resolve() / "copy"
            shutil.copytree(script.parent, cut)
            target = cut / "main.conc"
            for module in cut.rglob("*.conc"):
                if module != target:
                    renamed.append(module.stem)
                    module.rename(module.with_suffix(".py"))
        stdin = script.with_suffix(".in")
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "CONC"))}
        env.update(PYTHONUTF8="1", PYTHONDONTWRITEBYTECODE="1", NO_COLOR="1", TZ="UTC", LC_ALL="C.UTF-8", COLUMNS="80")
        words = [sys.executable, str(target), *" ".join(header(script).get("args", [])).split()]
        done = subprocess.run(words, cwd=work, env=env, capture_output=True, timeout=60,
                              input=stdin.read_bytes() if stdin.exists() else b"")

        def clean(data):
            data = data.replace(str(cut).encode() + b"/", b"")
            for stem in renamed:
                data = re.sub(rb"\b%s\.py\b" % stem.encode(), stem.encode() + b".conc", data)
            return data
        return done.returncode, clean(done.stdout), clean(done.stderr)


def record(script, check):
    """Write the files of one script; the return value is a list of complaints."""
    fields, name = header(script), script.relative_to(ROOT)
    if "expect" in fields:
        return []
    needed = " ".join(fields.get("packages", [])).split()
    if missing := [p for p in needed if importlib.util.find_spec(p) is None]:
        print(f"{name}: left as it is, for there is no {', '.join(missing)}")
        return []
    try:
        code, out, err = run(script)
    except subprocess.TimeoutExpired:
        return [f"{name}: does not end"]
    wanted, problems = int(fields.get("exit", ["0"])[0]), []
    if code != wanted:
        problems.append(f"{name}: exit code {code}, the header says {wanted}\n" + err.decode("utf-8", "replace"))
    prefix = os.path.dirname(os.__file__).encode()
    if prefix in out or prefix in err:
        problems.append(f"{name}: the output names a file of CPython's own library\n" + err.decode("utf-8", "replace"))
    if re.search(rb"at 0x[0-9a-f]{6,}", out + err):
        problems.append(f"{name}: the output contains an address")
    if problems:
        return problems
    if "any" in fields.get("order", []):  # the suite sorts both sides: record the same file every time
        out = b"".join(sorted(out.splitlines(keepends=True)))
    files = {expectation(script, ".out"): out, expectation(script, ".err"): err or None}
    for path, data in files.items():
        old = path.read_bytes() if path.exists() else None
        if old == data:
            continue
        if check:
            problems.append(f"{path.relative_to(ROOT)}: differs from what CPython prints now")
        elif data is None:
            path.unlink()
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
    return problems


def main():
    if sys.version_info[:2] != (3, 13):
        sys.exit("the expectations are those of CPython 3.13; this is " + sys.version.split()[0])
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    check = "--check" in sys.argv
    starts = arguments or [p for p in (TESTS, ROOT / "examples") if p.exists()]
    found = [s for start in starts for s in scripts(start)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [c for result in pool.map(lambda s: record(s, check), found) for c in result]
    for complaint in complaints:
        print(complaint)
    print(f"{len(found)} scripts, {len(complaints)} problems")
    sys.exit(1 if complaints else 0)


main()
