//! Links the Linux command at a fixed address, as Debian links its Python: a start makes no relocations and dirties no
//! page for them.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |key| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
