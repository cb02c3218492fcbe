//! Packs the modules written in Conc, for `include_bytes!` beside their names.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=conc");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    for entry in fs::read_dir("conc").expect("the folder of modules") {
        let path = entry.expect("an entry").path();
        let text = fs::read(&path).expect("a module's text");
        let packed = miniz_oxide::deflate::compress_to_vec(&text, 9);
        let name = path.file_name().expect("a file");
        fs::write(Path::new(&out).join(name), packed).expect("room for the packed text");
    }
}
