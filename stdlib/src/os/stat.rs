//! stat_result: what the system knows about a file.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::value::Value;
use dashu_int::IBig;

use crate::core::structseq::{Layout, build};

pub static STAT_RESULT: Layout = Layout {
    module: "os",
    name: "stat_result",
    fields: &[
        "st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size", "st_atime", "st_mtime", "st_ctime",
    ],
    extra: &[
        "st_atime",
        "st_mtime",
        "st_ctime",
        "st_atime_ns",
        "st_mtime_ns",
        "st_ctime_ns",
        "st_blksize",
        "st_blocks",
        "st_rdev",
    ],
    closed: false,
};

/// A stat_result object.
pub fn to_value(cx: &mut Ctx, s: &rustix::fs::Stat) -> R {
    let times = [
        (s.st_atime as i64, s.st_atime_nsec as i64),
        (s.st_mtime as i64, s.st_mtime_nsec as i64),
        (s.st_ctime as i64, s.st_ctime_nsec as i64),
    ];
    let mut floats = [Value::NONE; 3];
    let mut nanos = [Value::NONE; 3];
    for (i, (seconds, nano)) in times.iter().enumerate() {
        floats[i] = cx.float(*seconds as f64 + *nano as f64 * 1e-9);
        nanos[i] = cx.big(&(IBig::from(*seconds) * 1_000_000_000 + IBig::from(*nano)));
    }
    let (inode, device) = (cx.uint(s.st_ino), cx.uint(s.st_dev));
    let rdev = cx.uint(s.st_rdev);
    let part = |n: i64| Value::small_int(n);
    let items = [
        part(s.st_mode.into()),
        inode,
        device,
        part(s.st_nlink as i64),
        part(s.st_uid.into()),
        part(s.st_gid.into()),
        part(s.st_size as i64),
        part(times[0].0),
        part(times[1].0),
        part(times[2].0),
    ];
    let extra = [
        floats[0],
        floats[1],
        floats[2],
        nanos[0],
        nanos[1],
        nanos[2],
        part(s.st_blksize as i64),
        part(s.st_blocks as i64),
        rdev,
    ];
    build(cx, &STAT_RESULT, &items, &extra)
}
