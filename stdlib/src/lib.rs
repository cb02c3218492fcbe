//! The standard library: one folder per family, one file per module.
#![forbid(unsafe_code)]

/// A module written in Conc: its file under `conc/` is the dotted name.
macro_rules! source {
    ($name:literal) => {
        conc_interpreter::object::isolate::BuiltinModule::Source(
            $name,
            conc_interpreter::text::packed::Packed(include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".conc"))),
        )
    };
}

pub mod aio;
pub mod concurrency;
pub mod core;
pub mod data;
pub mod io;
pub mod math;
pub mod meta;
pub mod net;
pub mod os;
pub mod system;
pub mod text;
pub mod time;

use conc_interpreter::object::isolate::BuiltinModule;

/// Every module that comes with the language, native or written in Conc.
pub fn library() -> Vec<BuiltinModule> {
    use BuiltinModule::Native;
    let mut all = vec![
        Native(&core::builtins::functions::MODULE),
        Native(&io::classes::io::MODULE),
        Native(&math::functions::math::MODULE),
        Native(&concurrency::thread::thread::MODULE),
        Native(&concurrency::threading::functions::MODULE),
        Native(&concurrency::queue::functions::MODULE),
        Native(&concurrency::greenlet::functions::MODULE),
        Native(&concurrency::gevent::functions::MODULE),
        Native(&concurrency::contextvars::functions::MODULE),
        source!("threading"),
        source!("queue"),
        source!("sched"),
        source!("gevent"),
        source!("gevent._hub"),
        source!("gevent.baseserver"),
        source!("gevent.event"),
        source!("gevent.exceptions"),
        source!("gevent.greenlet"),
        source!("gevent.hub"),
        source!("gevent.local"),
        source!("gevent.lock"),
        source!("gevent.monkey"),
        source!("gevent.os"),
        source!("gevent.pool"),
        source!("gevent.pywsgi"),
        source!("gevent.queue"),
        source!("gevent.select"),
        source!("gevent.server"),
        source!("gevent.signal"),
        source!("gevent.socket"),
        source!("gevent.subprocess"),
        source!("gevent.threading"),
        source!("gevent.threadpool"),
        source!("gevent.time"),
        source!("gevent.timeout"),
        source!("gevent.util"),
        source!("concurrent"),
        source!("concurrent.futures"),
        source!("concurrent.futures._base"),
        source!("concurrent.futures.thread"),
        Native(&math::random::functions::MODULE),
        Native(&os::posix::posix::MODULE),
        Native(&meta::abc::functions::MODULE),
        Native(&meta::atexit::functions::MODULE),
        Native(&meta::gc::functions::MODULE),
        Native(&meta::inspect::functions::MODULE),
        Native(&meta::traceback::functions::MODULE),
        Native(&meta::types::functions::MODULE),
        Native(&meta::weakref::functions::MODULE),
        source!("_anext"),
        source!("abc"),
        source!("argparse"),
        BuiltinModule::Refused(
            "ctypes",
            "there is no C interface for scripts; a program that embeds Conc can register functions written in Rust",
        ),
        source!("conc"),
        source!("conc.nursery"),
        source!("contextlib"),
        source!("contextvars"),
        source!("dataclasses"),
        source!("enum"),
        source!("importlib"),
        source!("importlib.abc"),
        source!("importlib.machinery"),
        source!("importlib.util"),
        source!("inspect"),
        source!("linecache"),
        source!("logging"),
        source!("pathlib"),
        source!("traceback"),
        source!("types"),
        Native(&system::errno::errno::MODULE),
        Native(&system::signal::functions::MODULE),
        source!("signal"),
        Native(&os::spawn::functions::MODULE),
        source!("subprocess"),
        Native(&system::sys::sys::MODULE),
        Native(&time::clock::time::MODULE),
        source!("os"),
        source!("posixpath"),
        source!("typing"),
        source!("warnings"),
        source!("weakref"),
    ];
    all.extend(aio::MODULES);
    all.extend(data::MODULES);
    all.extend(net::MODULES);
    all.extend(text::MODULES);
    all
}
