//! Any sequence of tokens as a program.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    conc_fuzz::check_all(&conc_fuzz::tokens::text(data));
});
