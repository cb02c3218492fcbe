# What CI runs.
checks:
    .ci/run

# Runs the benchmark programs beside Python; the path of another interpreter may be given.
bench python="python3":
    cargo build --profile fast
    benches/run.py --rounds 6 py={{python}} conc=target/fast/conc

# The script suite with a collection at every allocation.
stress filter="":
    CONC_GC=stress cargo test --test suite --profile fast -- {{filter}}

# Records again what CPython 3.13 prints for scripts under a path.
record path="tests":
    python3.13 tests/record.py {{path}}

# An optimised command.
build:
    cargo build --release
