# What CI runs.
checks:
    .ci/run

# Runs the benchmark programs beside Python; the path of another interpreter may be given.
bench python="python3":
    cargo build --profile fast
    benches/run.py --rounds 6 py={{python}} conc=target/fast/conc

# The script suite with a collection at every allocation, and the parallel test with one.
stress filter="": races
    CONC_GC=stress-all cargo run --profile fast -- -c "print('the start is fine')"
    CONC_GC=stress CONC_STRESS_ROUNDS=500 cargo test --profile fast --test parallel --test embedding
    CONC_GC=stress cargo test --profile fast --test suite -- {{filter}}

# The same with a small slice of marking at every allocation, each cycle being checked.
slices filter="":
    CONC_GC=slices-all cargo run --profile fast -- -c "print('the start is fine')"
    CONC_GC=slices CONC_STRESS_ROUNDS=500 cargo test --profile fast --test parallel --test embedding
    CONC_GC=slices cargo test --profile fast --test suite -- {{filter}}

# Races of scripts for shared objects: millions of operations, then some in chaos, then some with collections.
races rounds="300000":
    CONC_RACE_ROUNDS={{rounds}} CONC_WORKERS=4 cargo test --profile fast --test suite -- races/
    CONC_RACE_ROUNDS=20000 CONC_WORKERS=4 CONC_SCHED=chaos cargo test --profile fast --test suite -- races/
    CONC_RACE_ROUNDS=60 CONC_WORKERS=4 CONC_GC=stress cargo test --profile fast --test suite -- races/

# The scripts with threads while these take turns at random, on more workers than cores.
chaos rounds="3" filter="threads greenlet/ gevent/ stdlib/threading stdlib/queue stdlib/sched stdlib/concurrent tutorial/":
    for n in $(seq {{rounds}}); do \
        CONC_SCHED=chaos:$n CONC_WORKERS=4 cargo test --profile fast --test suite -- {{filter}} || exit 1; done

sanitized := "cargo +nightly test -Zbuild-std --target x86_64-unknown-linux-gnu --profile fast --test parallel --test embedding"

# Two workers in one heap, and interpreters on threads, under ThreadSanitizer (nightly with rust-src).
tsan:
    CONC_STRESS_ROUNDS=5000 RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
        {{sanitized}} --target-dir target/tsan

# The same under AddressSanitizer. Stacks stay where they are: the collector scans them.
asan:
    ASAN_OPTIONS=detect_stack_use_after_return=0 CONC_STRESS_ROUNDS=5000 \
        RUSTFLAGS="-Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer" {{sanitized}} --target-dir target/asan

# Every interleaving of the scheduler's words (loom).
models:
    RUSTFLAGS="--cfg loom" cargo test --profile fast -p conc-interpreter --lib models --target-dir target/loom

# Fuzzes the front end: `bytes`, `tokens` or `programs` (cargo-fuzz on nightly).
fuzz target seconds="600":
    cargo +nightly fuzz run --sanitizer none {{target}} -- -max_total_time={{seconds}} -timeout=10 -rss_limit_mb=2048 -max_len=3000

# Calls everything with hostile arguments; random programs beside Python.
hostile python="python3.13":
    cargo build --profile fast
    {{python}} tests/generate/hostile.py target/fast/conc
    {{python}} tests/generate/differential.py target/fast/conc --python {{python}}

# Records again what CPython 3.13 prints for scripts under a path.
record path="tests":
    python3.13 tests/record.py {{path}}

# An optimised command.
build:
    cargo build --release
