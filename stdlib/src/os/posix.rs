//! posix: the native module behind os; its functions lie in files by subject.

/// Flags of open() and other constants, with this system's values.
const CONSTANTS: &[(&str, i64)] = &[
    ("O_RDONLY", 0),
    ("O_WRONLY", 1),
    ("O_RDWR", 2),
    ("O_CREAT", rustix::fs::OFlags::CREATE.bits() as i64),
    ("O_EXCL", rustix::fs::OFlags::EXCL.bits() as i64),
    ("O_NOCTTY", rustix::fs::OFlags::NOCTTY.bits() as i64),
    ("O_TRUNC", rustix::fs::OFlags::TRUNC.bits() as i64),
    ("O_APPEND", rustix::fs::OFlags::APPEND.bits() as i64),
    ("O_NONBLOCK", rustix::fs::OFlags::NONBLOCK.bits() as i64),
    ("O_NDELAY", rustix::fs::OFlags::NONBLOCK.bits() as i64),
    ("O_SYNC", rustix::fs::OFlags::SYNC.bits() as i64),
    ("O_DSYNC", rustix::fs::OFlags::DSYNC.bits() as i64),
    ("O_DIRECTORY", rustix::fs::OFlags::DIRECTORY.bits() as i64),
    ("O_NOFOLLOW", rustix::fs::OFlags::NOFOLLOW.bits() as i64),
    ("O_CLOEXEC", rustix::fs::OFlags::CLOEXEC.bits() as i64),
    ("O_PATH", rustix::fs::OFlags::PATH.bits() as i64),
    ("O_TMPFILE", rustix::fs::OFlags::TMPFILE.bits() as i64),
    ("F_OK", 0),
    ("R_OK", 4),
    ("W_OK", 2),
    ("X_OK", 1),
    ("EX_OK", 0),
    ("EX_USAGE", 64),
    ("EX_DATAERR", 65),
    ("EX_NOINPUT", 66),
    ("EX_UNAVAILABLE", 69),
    ("EX_SOFTWARE", 70),
    ("EX_OSERR", 71),
    ("EX_IOERR", 74),
    ("EX_TEMPFAIL", 75),
    ("EX_NOPERM", 77),
    ("EX_CONFIG", 78),
    ("WNOHANG", 1),
    ("WUNTRACED", 2),
    ("WCONTINUED", 8),
    ("P_ALL", 0),
    ("P_PID", 1),
    ("P_PGID", 2),
    ("GRND_NONBLOCK", 1),
    ("GRND_RANDOM", 2),
    ("NGROUPS_MAX", 65536),
    ("PRIO_PROCESS", 0),
];

/// The operating system's functions.
#[conc_macros::module(name = "posix")]
pub mod posix {
    use crate::core::shared::define;
    use crate::core::structseq::class_of;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};
    use conc_interpreter::vm::import::fill_native;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for part in [
            &crate::os::files::files::MODULE,
            &crate::os::descriptors::descriptors::MODULE,
            &crate::os::process::process::MODULE,
            &crate::os::scandir::scandir::MODULE,
        ] {
            fill_native(cx, module, part)?;
            if let Some(init) = part.init {
                init(cx, module)?;
            }
        }
        let doc = cx.str(MODULE.doc);
        define(cx, module, "__doc__", doc);
        for (name, value) in super::CONSTANTS {
            define(cx, module, name, Value::small_int(*value));
        }
        let error = cx.class(ClassId::OSError).value();
        define(cx, module, "error", error);
        for layout in [
            &crate::os::stat::STAT_RESULT,
            &crate::os::descriptors::TERMINAL_SIZE,
            &crate::os::process::TIMES_RESULT,
            &crate::os::process::UNAME_RESULT,
        ] {
            let class = class_of(cx, layout)?.value();
            define(cx, module, layout.name, class);
        }
        let environ = environment(cx)?;
        define(cx, module, "environ", environ);
        crate::core::shared::remember(cx, "posix.environ", environ);
        Ok(())
    }

    /// The process's environment: a dict of bytes.
    fn environment(cx: &mut Ctx) -> R {
        use std::os::unix::ffi::OsStrExt;
        let dict = cx.new_dict();
        for (name, value) in std::env::vars_os() {
            let name = cx.bytes(name.as_bytes())?;
            let value = cx.bytes(value.as_bytes())?;
            dict.set(cx, name, value)?;
        }
        Ok(dict.value())
    }
}
