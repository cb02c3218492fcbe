//! Mostly valid programs, compiled and verified.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    conc_fuzz::check_all(&conc_fuzz::programs::text(data));
});
