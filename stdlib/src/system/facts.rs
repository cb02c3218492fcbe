//! What sys tells about the implementation: versions, limits, paths.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::isolate::BuiltinModule;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::module::Module;
use conc_interpreter::value::{Gc, Value};

use crate::core::shared::{define, set_text};
use crate::core::structseq::{Layout, build};

/// The version of the language and library that scripts see.
pub const VERSION: (i64, i64, i64) = (3, 13, 0);
const HEX_VERSION: i64 = 0x030d_00f0;

static VERSION_INFO: Layout = Layout {
    module: "sys",
    name: "version_info",
    fields: &["major", "minor", "micro", "releaselevel", "serial"],
    extra: &[],
    closed: true,
};

static FLOAT_INFO: Layout = Layout {
    module: "sys",
    name: "float_info",
    fields: &[
        "max",
        "max_exp",
        "max_10_exp",
        "min",
        "min_exp",
        "min_10_exp",
        "dig",
        "mant_dig",
        "epsilon",
        "radix",
        "rounds",
    ],
    extra: &[],
    closed: false,
};

static INT_INFO: Layout = Layout {
    module: "sys",
    name: "int_info",
    fields: &["bits_per_digit", "sizeof_digit", "default_max_str_digits", "str_digits_check_threshold"],
    extra: &[],
    closed: false,
};

static HASH_INFO: Layout = Layout {
    module: "sys",
    name: "hash_info",
    fields: &["width", "modulus", "inf", "nan", "imag", "algorithm", "hash_bits", "seed_bits", "cutoff"],
    extra: &[],
    closed: false,
};

static THREAD_INFO: Layout =
    Layout { module: "sys", name: "thread_info", fields: &["name", "lock", "version"], extra: &[], closed: false };

static FLAGS: Layout = Layout {
    module: "sys",
    name: "flags",
    fields: &[
        "debug",
        "inspect",
        "interactive",
        "optimize",
        "dont_write_bytecode",
        "no_user_site",
        "no_site",
        "ignore_environment",
        "verbose",
        "bytes_warning",
        "quiet",
        "hash_randomization",
        "isolated",
        "dev_mode",
        "utf8_mode",
        "warn_default_encoding",
        "safe_path",
        "int_max_str_digits",
    ],
    extra: &[],
    closed: true,
};

pub fn fill(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
    let version = version_info(cx)?;
    define(cx, module, "version_info", version);
    let implementation = implementation(cx, version)?;
    define(cx, module, "implementation", implementation);
    numbers(cx, module)?;
    flags(cx, module)?;
    let text = format!("{}.{}.{} (Conc {})", VERSION.0, VERSION.1, VERSION.2, env!("CARGO_PKG_VERSION"));
    let text = cx.str(&text);
    define(cx, module, "version", text);
    define(cx, module, "hexversion", Value::small_int(HEX_VERSION));
    define(cx, module, "api_version", Value::small_int(1013));
    define(cx, module, "maxsize", Value::NONE);
    let maxsize = cx.int(i64::MAX);
    define(cx, module, "maxsize", maxsize);
    define(cx, module, "maxunicode", Value::small_int(0x10ffff));
    for (name, text) in [
        ("platform", std::env::consts::OS),
        ("byteorder", if cfg!(target_endian = "big") { "big" } else { "little" }),
        ("copyright", "Conc is free software: MIT or Apache-2.0."),
        ("float_repr_style", "short"),
        ("abiflags", ""),
        ("platlibdir", "lib"),
    ] {
        let text = cx.str(text);
        define(cx, module, name, text);
    }
    paths(cx, module);
    names(cx, module)
}

fn version_info(cx: &mut Ctx) -> R {
    let level = cx.str("final");
    let part = Value::small_int;
    build(cx, &VERSION_INFO, &[part(VERSION.0), part(VERSION.1), part(VERSION.2), level, part(0)], &[])
}

/// The namespace object `sys.implementation`.
fn implementation(cx: &mut Ctx, version: Value) -> R {
    let space = namespace(cx)?;
    let dict = cx.instance_dict(space);
    if let Some(dict) = dict {
        let (name, tag) = (cx.str("conc"), cx.str("conc-313"));
        set_text(cx, dict, "name", name);
        set_text(cx, dict, "cache_tag", tag);
        set_text(cx, dict, "version", version);
        set_text(cx, dict, "hexversion", Value::small_int(HEX_VERSION));
        let arch = cx.str(&format!("{}-{}-gnu", std::env::consts::ARCH, std::env::consts::OS));
        set_text(cx, dict, "_multiarch", arch);
    }
    Ok(space)
}

/// An empty namespace object.
pub fn namespace(cx: &mut Ctx) -> R {
    if let Some(class) = crate::core::shared::recall_class(cx, "sys.namespace") {
        return Ok(cx.new_instance(class).value());
    }
    let bases = cx.iso().roots.empty_tuple.get();
    let bases = cx.collect_tuple(bases)?;
    let dict = cx.new_dict();
    let module = cx.str("types");
    set_text(cx, dict, "__module__", module);
    let name = cx.intern("SimpleNamespace");
    let meta = cx.class(ClassId::Type);
    let class = cx.make_class(meta, name, bases, dict, None)?;
    cx.install_in(class, namespace_methods::METHODS);
    crate::core::shared::remember(cx, "sys.namespace", class.value());
    Ok(cx.new_instance(class).value())
}

/// Methods of namespace objects.
#[conc_macros::methods]
pub mod namespace_methods {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::value::Value;

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<String> {
        let mut parts = Vec::new();
        if let Some(dict) = cx.instance_dict(this) {
            for (name, value) in dict.pairs() {
                let shown = cx.repr(value)?;
                parts.push(format!("{}={}", cx.text_of(name), shown.to_text()));
            }
        }
        Ok(format!("namespace({})", parts.join(", ")))
    }
}

fn numbers(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
    let part = Value::small_int;
    let (max, min, epsilon) = (cx.float(f64::MAX), cx.float(f64::MIN_POSITIVE), cx.float(f64::EPSILON));
    let info =
        [max, part(1024), part(308), min, part(-1021), part(-307), part(15), part(53), epsilon, part(2), part(1)];
    let info = build(cx, &FLOAT_INFO, &info, &[])?;
    define(cx, module, "float_info", info);
    let info = build(cx, &INT_INFO, &[part(30), part(4), part(4300), part(640)], &[])?;
    define(cx, module, "int_info", info);
    let (modulus, algorithm) = (cx.int((1 << 61) - 1), cx.str("siphash13"));
    let info = [part(64), modulus, part(314_159), part(0), part(1_000_003), algorithm, part(64), part(128), part(0)];
    let info = build(cx, &HASH_INFO, &info, &[])?;
    define(cx, module, "hash_info", info);
    let (name, lock) = (cx.str("conc"), cx.str("futex"));
    let info = build(cx, &THREAD_INFO, &[name, lock, Value::NONE], &[])?;
    define(cx, module, "thread_info", info);
    Ok(())
}

fn flags(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
    let (off, on, no) = (Value::small_int(0), Value::small_int(1), Value::FALSE);
    let random = Value::small_int(i64::from(cx.iso().hash_seed != Some(0)));
    let digits = Value::small_int(4300);
    let values = [off, off, off, off, on, off, off, off, off, off, off, random, off, no, on, off, no, digits];
    let flags = build(cx, &FLAGS, &values, &[])?;
    define(cx, module, "flags", flags);
    Ok(())
}

fn paths(cx: &mut Ctx, module: Gc<Module>) {
    let executable = std::env::current_exe().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
    let prefix = std::path::Path::new(&executable)
        .parent()
        .and_then(|bin| bin.parent())
        .map_or_else(|| "/".to_string(), |p| p.to_string_lossy().into_owned());
    for (name, text) in [
        ("executable", &executable),
        ("_base_executable", &executable),
        ("prefix", &prefix),
        ("base_prefix", &prefix),
        ("exec_prefix", &prefix),
        ("base_exec_prefix", &prefix),
    ] {
        let text = cx.str(text);
        define(cx, module, name, text);
    }
}

/// `stdlib_module_names` and `builtin_module_names`.
fn names(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
    let library: Vec<(&'static str, bool)> = cx
        .iso()
        .library
        .lock()
        .iter()
        .filter(|m| !matches!(m, BuiltinModule::Refused(..)))
        .map(|m| (m.name(), matches!(m, BuiltinModule::Native(_))))
        .collect();
    let mut native: Vec<&str> = library.iter().filter(|m| m.1).map(|m| m.0).collect();
    native.sort_unstable();
    let list = cx.new_list();
    for name in native {
        let name = cx.intern(name).value();
        cx.list_push(list, name)?;
    }
    let tuple = cx.list_to_tuple(list)?;
    define(cx, module, "builtin_module_names", tuple);
    let set = cx.new_set(true)?;
    for (name, _) in library {
        let top = name.split('.').next().unwrap_or(name);
        let name = cx.intern(top).value();
        set.add(cx, name)?;
    }
    define(cx, module, "stdlib_module_names", set.value());
    Ok(())
}
