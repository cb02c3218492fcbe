//! Links the Linux command at a fixed address, as Debian links its Python, with equal functions folded into one and those
//! that a start runs side by side: a start makes no relocations, dirties no page for them, and touches fewer pages
//! (`docs/decisions/0007-small-start.md`).

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const FOLD: &str = "-Wl,--icf=all";
/// Written by `benches/startup.py`.
const ORDER: &str = "src/startup.ld";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={ORDER}");
    let target = |key| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
        if folds() {
            println!("cargo:rustc-link-arg-bins={FOLD}");
            println!(
                "cargo:rustc-link-arg-bins=-Wl,-T,{}",
                Path::new(env!("CARGO_MANIFEST_DIR")).join(ORDER).display()
            );
        }
    }
}

/// Whether the linker can fold: LLVM's, Rust's own on x86-64, does, GNU's does not.
fn folds() -> bool {
    let (Some(rustc), Some(target), Some(out)) =
        (std::env::var_os("RUSTC"), std::env::var_os("TARGET"), std::env::var_os("OUT_DIR"))
    else {
        return false;
    };
    let probe = Command::new(rustc)
        .args(["-", "--crate-name", "probe", "--crate-type", "bin", "-C", &format!("link-arg={FOLD}"), "--target"])
        .arg(target)
        .arg("-o")
        .arg(Path::new(&out).join("probe"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut probe) = probe else { return false };
    if let Some(mut source) = probe.stdin.take() {
        let _ = source.write_all(b"fn main() {}");
    }
    probe.wait().is_ok_and(|status| status.success())
}
