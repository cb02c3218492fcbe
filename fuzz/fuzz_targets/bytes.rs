//! Any bytes as a source file.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (text, parsed) = conc_grammar::parse_bytes(data);
    conc_fuzz::check(&text);
    drop(parsed);
});
