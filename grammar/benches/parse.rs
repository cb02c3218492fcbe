//! Prints how many megabytes `parse_module` reads in a second: `cargo bench -p conc-grammar -- FILE...`

use std::time::{Duration, Instant};

fn main() {
    for path in std::env::args().skip(1).filter(|a| !a.starts_with("--")) {
        match std::fs::read(&path).map(|bytes| conc_grammar::decode_source(&bytes)) {
            Ok(Ok(source)) => measure(&path, &source),
            other => eprintln!("{path}: {other:?}"),
        }
    }
}

fn measure(path: &str, source: &str) {
    let (mut best, mut spent) = (Duration::MAX, Duration::ZERO);
    while spent < Duration::from_secs(1) {
        let start = Instant::now();
        let parsed = conc_grammar::parse_module(source);
        let time = start.elapsed();
        assert!(parsed.diagnostics.is_empty(), "{path}: {}", parsed.diagnostics[0]);
        best = best.min(time);
        spent += time;
    }
    println!("{path}: {:.1} MB/s ({:.2} ms)", source.len() as f64 / 1e6 / best.as_secs_f64(), best.as_secs_f64() * 1e3);
}
