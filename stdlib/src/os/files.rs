//! Functions of os on paths: looking at files, making, moving and removing them.

use std::path::Path;

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::value::Value;
use rustix::fs::{AtFlags, CWD};
use rustix::io::Errno;

use super::errors;
use super::paths::{self, PathArg};
use crate::io::registry;

/// What a function that takes a path or a descriptor was given.
pub enum Target {
    Path(PathArg),
    Fd(i32),
}

pub fn target(cx: &mut Ctx, v: Value, function: &str) -> R<Target> {
    if cx.is_int(v) {
        let fd = cx.index_i64(v)?;
        return match i32::try_from(fd) {
            Ok(fd) => Ok(Target::Fd(fd)),
            Err(_) => Err(cx.overflow_error("fd is greater than maximum")),
        };
    }
    let what = format!("{function}: path should be string, bytes, os.PathLike or integer");
    Ok(Target::Path(paths::path_named(cx, v, &what)?))
}

/// The folder that `dir_fd` names, or the current one.
fn base(cx: &mut Ctx, dir_fd: Value) -> R<std::os::fd::BorrowedFd<'static>> {
    if dir_fd.is_none() {
        return Ok(CWD);
    }
    if !cx.is_int(dir_fd) {
        let got = cx.type_name(dir_fd);
        return Err(cx.type_error(format!("argument should be integer or None, not {got}")));
    }
    let fd = cx.index_i64(dir_fd)? as i32;
    match conc_interpreter::object::descriptor::borrow(fd) {
        Some(fd) => Ok(fd),
        None => Err(errors::raise(cx, Errno::BADF)),
    }
}

/// stat of a path or descriptor.
pub fn stat_of(cx: &mut Ctx, v: Value, function: &str, dir_fd: Value, follow: bool) -> R<rustix::fs::Stat> {
    registry::flush_all();
    match target(cx, v, function)? {
        Target::Fd(fd) => {
            let result = match conc_interpreter::object::descriptor::borrow(fd) {
                Some(fd) => rustix::fs::fstat(fd),
                None => Err(Errno::BADF),
            };
            errors::check(cx, result)
        }
        Target::Path(path) => {
            let base = base(cx, dir_fd)?;
            let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
            let result = rustix::fs::statat(base, &path.path, flags);
            errors::check_path(cx, result, path.value)
        }
    }
}

fn two_paths(cx: &mut Ctx, src: Value, dst: Value, function: &str) -> R<(PathArg, PathArg)> {
    let src = paths::path_named(cx, src, &format!("{function}: src should be string, bytes or os.PathLike"))?;
    let dst = paths::path_named(cx, dst, &format!("{function}: dst should be string, bytes or os.PathLike"))?;
    Ok((src, dst))
}

fn raise_two(cx: &mut Ctx, e: Errno, src: &PathArg, dst: &PathArg) -> Raised {
    errors::raise_with(cx, e.raw_os_error(), src.value, dst.value)
}

fn rename_to(cx: &mut Ctx, src: Value, dst: Value, function: &str, from: Value, to: Value) -> R<()> {
    let (src, dst) = two_paths(cx, src, dst, function)?;
    registry::flush_all();
    let (from, to) = (base(cx, from)?, base(cx, to)?);
    rustix::fs::renameat(from, &src.path, to, &dst.path).map_err(|e| raise_two(cx, e, &src, &dst))
}

fn unlink_at(cx: &mut Ctx, path: Value, function: &str, dir_fd: Value, folder: bool) -> R<()> {
    let path = paths::path_arg(cx, path, function)?;
    registry::flush_all();
    let base = base(cx, dir_fd)?;
    let flags = if folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    let result = rustix::fs::unlinkat(base, &path.path, flags);
    errors::check_path(cx, result, path.value)
}

/// A time of utime(): seconds as a number.
fn timespec(cx: &mut Ctx, v: Value) -> R<rustix::fs::Timespec> {
    let (seconds, nanos) = match cx.as_float(v) {
        Some(x) => (x.floor(), ((x - x.floor()) * 1e9) as i64),
        None => (cx.index_i64(v)? as f64, 0),
    };
    Ok(rustix::fs::Timespec { tv_sec: seconds as i64, tv_nsec: nanos as _ })
}

fn timespec_ns(cx: &mut Ctx, v: Value) -> R<rustix::fs::Timespec> {
    let n = cx.index_i64(v)?;
    let (seconds, nanos) = (n.div_euclid(1_000_000_000), n.rem_euclid(1_000_000_000));
    Ok(rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanos as _ })
}

/// The names in a folder.
pub fn names_in(path: &Path) -> Result<Vec<Vec<u8>>, Errno> {
    use std::os::unix::ffi::OsStringExt;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|e| errors::errno_of(&e))? {
        names.push(entry.map_err(|e| errors::errno_of(&e))?.file_name().into_vec());
    }
    Ok(names)
}

/// Files and folders.
#[conc_macros::module(name = "posix")]
pub mod files {
    use super::{Target, base, names_in, rename_to, stat_of, target, timespec, timespec_ns, two_paths, unlink_at};
    use crate::io::registry;
    use crate::os::{errors, paths, stat as stats};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::value::Value;
    use rustix::fs::{Access, AtFlags, Mode, Timestamps};
    use rustix::io::Errno;
    use std::os::unix::ffi::OsStrExt;

    /// Give the facts about what is at a path or open as a descriptor.
    pub fn stat(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
        #[kwonly]
        #[default(true)]
        follow_symlinks: bool,
    ) -> R {
        let s = stat_of(cx, path, "stat", dir_fd, follow_symlinks)?;
        stats::to_value(cx, &s)
    }

    /// Give the facts about what is at a path, about the link itself if it is one.
    pub fn lstat(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
    ) -> R {
        let s = stat_of(cx, path, "lstat", dir_fd, false)?;
        stats::to_value(cx, &s)
    }

    /// Tell whether the user who started the program may do this with the path.
    pub fn access(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kw] mode: i64,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
        #[kwonly]
        #[default(false)]
        effective_ids: bool,
        #[kwonly]
        #[default(true)]
        follow_symlinks: bool,
    ) -> R<bool> {
        let path = paths::path_arg(cx, path, "access")?;
        registry::flush_all();
        let base = base(cx, dir_fd)?;
        let mut flags = AtFlags::empty();
        if effective_ids {
            flags |= AtFlags::EACCESS;
        }
        if !follow_symlinks {
            flags |= AtFlags::SYMLINK_NOFOLLOW;
        }
        Ok(rustix::fs::accessat(base, &path.path, Access::from_bits_retain(mode as u32), flags).is_ok())
    }

    /// List the names in a directory.
    pub fn listdir(
        cx: &mut Ctx,
        #[kw]
        #[default(Value::NONE)]
        path: Value,
    ) -> R {
        let arg = if path.is_none() { cx.str(".") } else { path };
        let what = "listdir: path should be string, bytes, os.PathLike, integer or None";
        let (folder, value, is_bytes) = if cx.is_int(arg) {
            let fd = cx.index_i64(arg)?;
            (std::path::PathBuf::from(format!("/proc/self/fd/{fd}")), arg, false)
        } else {
            let p = paths::path_named(cx, arg, what)?;
            (p.path, p.value, p.is_bytes)
        };
        registry::flush_all();
        let names = errors::check_path(cx, names_in(&folder), value)?;
        let list = cx.new_list();
        for name in names {
            let name = paths::in_form(cx, &name, is_bytes)?;
            cx.list_push(list, name)?;
        }
        Ok(list.value())
    }

    /// Create a directory.
    pub fn mkdir(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kw]
        #[default(0o777)]
        mode: i64,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
    ) -> R<()> {
        let path = paths::path_arg(cx, path, "mkdir")?;
        let base = base(cx, dir_fd)?;
        let result = rustix::fs::mkdirat(base, &path.path, Mode::from_raw_mode(mode as u32));
        errors::check_path(cx, result, path.value)
    }

    /// Create a named pipe.
    pub fn mkfifo(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kw]
        #[default(0o666)]
        mode: i64,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
    ) -> R<()> {
        let path = paths::path_arg(cx, path, "mkfifo")?;
        let base = base(cx, dir_fd)?;
        let mode = Mode::from_raw_mode(mode as u32);
        let result = rustix::fs::mknodat(base, &path.path, rustix::fs::FileType::Fifo, mode, 0);
        errors::check_path(cx, result, path.value)
    }

    /// Delete an empty directory.
    pub fn rmdir(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
    ) -> R<()> {
        unlink_at(cx, path, "rmdir", dir_fd, true)
    }

    /// Delete a file; unlink() does the same.
    pub fn remove(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
    ) -> R<()> {
        unlink_at(cx, path, "remove", dir_fd, false)
    }

    /// Delete a file; remove() does the same.
    pub fn unlink(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
    ) -> R<()> {
        unlink_at(cx, path, "unlink", dir_fd, false)
    }

    /// Give a file or directory another path.
    pub fn rename(
        cx: &mut Ctx,
        #[kw] src: Value,
        #[kw] dst: Value,
        #[kwonly]
        #[default(Value::NONE)]
        src_dir_fd: Value,
        #[kwonly]
        #[default(Value::NONE)]
        dst_dir_fd: Value,
    ) -> R<()> {
        rename_to(cx, src, dst, "rename", src_dir_fd, dst_dir_fd)
    }

    /// Give a file or directory another path, in place of what may be there.
    pub fn replace(
        cx: &mut Ctx,
        #[kw] src: Value,
        #[kw] dst: Value,
        #[kwonly]
        #[default(Value::NONE)]
        src_dir_fd: Value,
        #[kwonly]
        #[default(Value::NONE)]
        dst_dir_fd: Value,
    ) -> R<()> {
        rename_to(cx, src, dst, "replace", src_dir_fd, dst_dir_fd)
    }

    /// Give a file a second path.
    pub fn link(
        cx: &mut Ctx,
        #[kw] src: Value,
        #[kw] dst: Value,
        #[kwonly]
        #[default(true)]
        follow_symlinks: bool,
    ) -> R<()> {
        let (src, dst) = two_paths(cx, src, dst, "link")?;
        let flags = if follow_symlinks { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        rustix::fs::linkat(rustix::fs::CWD, &src.path, rustix::fs::CWD, &dst.path, flags)
            .map_err(|e| super::raise_two(cx, e, &src, &dst))
    }

    /// Make the path dst a symbolic link that says src.
    pub fn symlink(
        cx: &mut Ctx,
        #[kw] src: Value,
        #[kw] dst: Value,
        #[kw]
        #[default(false)]
        _target_is_directory: bool,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
    ) -> R<()> {
        let (src, dst) = two_paths(cx, src, dst, "symlink")?;
        let base = base(cx, dir_fd)?;
        rustix::fs::symlinkat(&src.path, base, &dst.path).map_err(|e| super::raise_two(cx, e, &src, &dst))
    }

    /// Give the path that a symbolic link says.
    pub fn readlink(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
    ) -> R {
        let path = paths::path_arg(cx, path, "readlink")?;
        let base = base(cx, dir_fd)?;
        let result = rustix::fs::readlinkat(base, &path.path, Vec::new());
        let link = errors::check_path(cx, result, path.value)?;
        paths::in_form(cx, link.as_bytes(), path.is_bytes)
    }

    /// Set the permission bits of a path.
    pub fn chmod(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kw] mode: i64,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
        #[kwonly]
        #[default(true)]
        follow_symlinks: bool,
    ) -> R<()> {
        let mode = Mode::from_raw_mode(mode as u32);
        match target(cx, path, "chmod")? {
            Target::Fd(fd) => {
                let result = conc_interpreter::object::descriptor::borrow(fd)
                    .ok_or(Errno::BADF)
                    .and_then(|fd| rustix::fs::fchmod(fd, mode));
                errors::check(cx, result)
            }
            Target::Path(path) => {
                let base = base(cx, dir_fd)?;
                let flags = if follow_symlinks { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
                let result = rustix::fs::chmodat(base, &path.path, mode, flags);
                errors::check_path(cx, result, path.value)
            }
        }
    }

    /// Give a path to another user and group, by their numbers; -1 changes nothing.
    pub fn chown(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kw] uid: i64,
        #[kw] gid: i64,
        #[kwonly]
        #[default(true)]
        follow_symlinks: bool,
    ) -> R<()> {
        let path = paths::path_arg(cx, path, "chown")?;
        let (uid, gid) = (u32::try_from(uid).ok(), u32::try_from(gid).ok());
        let result = if follow_symlinks {
            std::os::unix::fs::chown(&path.path, uid, gid)
        } else {
            std::os::unix::fs::lchown(&path.path, uid, gid)
        };
        errors::check_path(cx, result.map_err(|e| errors::errno_of(&e)), path.value)
    }

    /// Set when a path was last read and changed, in seconds or with ns in nanoseconds; to now without either.
    pub fn utime(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kw]
        #[default(Value::NONE)]
        times: Value,
        #[kwonly] ns: Option<Value>,
        #[kwonly]
        #[default(true)]
        follow_symlinks: bool,
    ) -> R<()> {
        let path = paths::path_arg(cx, path, "utime")?;
        let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let pair = |v: Value| v.cast::<Tuple>().filter(|t| t.len == 2);
        let stamps = match (times.is_none(), ns) {
            (false, Some(_)) => {
                return Err(cx.value_error("utime: you may specify either 'times' or 'ns' but not both"));
            }
            (true, None) => Timestamps { last_access: now, last_modification: now },
            (false, None) => {
                let Some(t) = pair(times) else {
                    return Err(cx.type_error("utime: 'times' must be either a tuple of two ints or None"));
                };
                Timestamps { last_access: timespec(cx, t.items()[0])?, last_modification: timespec(cx, t.items()[1])? }
            }
            (true, Some(ns)) => {
                let Some(t) = pair(ns) else {
                    return Err(cx.type_error("utime: 'ns' must be a tuple of two ints"));
                };
                Timestamps {
                    last_access: timespec_ns(cx, t.items()[0])?,
                    last_modification: timespec_ns(cx, t.items()[1])?,
                }
            }
        };
        registry::flush_all();
        let flags = if follow_symlinks { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let result = rustix::fs::utimensat(rustix::fs::CWD, &path.path, &stamps, flags);
        errors::check_path(cx, result, path.value)
    }

    /// Cut a file off, or fill it up, to a length; it is given as a path or descriptor.
    pub fn truncate(cx: &mut Ctx, #[kw] path: Value, #[kw] length: i64) -> R<()> {
        registry::flush_all();
        let Ok(length) = u64::try_from(length) else { return Err(errors::raise_path(cx, Errno::INVAL, path)) };
        match target(cx, path, "truncate")? {
            Target::Fd(fd) => {
                let result = conc_interpreter::object::descriptor::borrow(fd)
                    .ok_or(Errno::BADF)
                    .and_then(|fd| rustix::fs::ftruncate(fd, length));
                errors::check(cx, result)
            }
            Target::Path(path) => {
                let result = std::fs::OpenOptions::new()
                    .write(true)
                    .open(&path.path)
                    .and_then(|f| f.set_len(length))
                    .map_err(|e| errors::errno_of(&e));
                errors::check_path(cx, result, path.value)
            }
        }
    }

    /// Make the path the directory that relative paths start from.
    pub fn chdir(cx: &mut Ctx, #[kw] path: Value) -> R<()> {
        match target(cx, path, "chdir")? {
            Target::Fd(fd) => {
                let result = conc_interpreter::object::descriptor::borrow(fd)
                    .ok_or(Errno::BADF)
                    .and_then(rustix::process::fchdir);
                errors::check(cx, result)
            }
            Target::Path(path) => {
                let result = rustix::process::chdir(&path.path);
                errors::check_path(cx, result, path.value)
            }
        }
    }

    /// Give the directory that relative paths start from.
    pub fn getcwd(cx: &mut Ctx) -> R {
        let result = std::env::current_dir().map_err(|e| errors::errno_of(&e));
        let path = errors::check(cx, result)?;
        paths::decoded(cx, path.as_os_str().as_bytes())
    }

    /// Give the directory that relative paths start from, as bytes.
    pub fn getcwdb(cx: &mut Ctx) -> R {
        let result = std::env::current_dir().map_err(|e| errors::errno_of(&e));
        let path = errors::check(cx, result)?;
        cx.bytes(path.as_os_str().as_bytes())
    }

    /// Give the path as str or bytes: it is one of them, or has `__fspath__`.
    pub fn fspath(cx: &mut Ctx, #[kw] path: Value) -> R {
        paths::fspath(cx, path, "expected str, bytes or os.PathLike object")
    }

    /// The path with symbolic links resolved as far as it exists.
    pub fn _realpath(cx: &mut Ctx, path: Value) -> R {
        let arg = paths::path_arg(cx, path, "realpath")?;
        let result = std::fs::canonicalize(&arg.path).map_err(|e| errors::errno_of(&e));
        match result {
            Ok(real) => arg.like(cx, &real),
            Err(e) => Err(errors::raise_path(cx, e, arg.value)),
        }
    }
}
