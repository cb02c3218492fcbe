//! `_subprocess`: starting programs and waiting for their end.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::descriptor;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::value::Value;
use rustix::io::Errno;

use super::{errors, paths};

fn text(cx: &mut Ctx, v: Value) -> R<OsString> {
    let arg = paths::path_named(cx, v, "expected str, bytes or os.PathLike object")?;
    Ok(arg.path.into_os_string())
}

/// A copy of a descriptor for the program's stream; None for -1.
fn stream(cx: &mut Ctx, fd: i64) -> R<Option<OwnedFd>> {
    if fd < 0 {
        return Ok(None);
    }
    let fd = i32::try_from(fd).ok().and_then(descriptor::borrow);
    let Some(fd) = fd else { return Err(errors::raise(cx, Errno::BADF)) };
    errors::check(cx, rustix::io::fcntl_dupfd_cloexec(fd, 3)).map(Some)
}

/// Programs.
#[conc_macros::module(name = "_subprocess")]
pub mod functions {
    use super::*;
    use conc_interpreter::scheduler::process::{self, Start};
    use conc_interpreter::scheduler::reactor::{Direction, Source, wait_here};
    use conc_interpreter::sync::wait;
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    /// Start a program; the number of its process.
    pub fn start(
        cx: &mut Ctx,
        args: Value,
        executable: Value,
        cwd: Value,
        env: Value,
        streams: Value,
        options: Value,
    ) -> R<i64> {
        let words = cx.collect_tuple(args)?;
        let mut list = Vec::new();
        for &word in words.items() {
            list.push(text(cx, word)?);
        }
        let program = if executable.is_none() { words.items()[0] } else { executable };
        let (title, program) = (program, text(cx, program)?);
        let folder = if cwd.is_none() { None } else { Some(text(cx, cwd)?) };
        let environment = match env.cast::<Dict>() {
            None => super::super::process::environment(cx)?,
            Some(dict) => pairs(cx, dict)?,
        };
        let streams = cx.collect_tuple(streams)?;
        let mut three = [None, None, None];
        for (slot, &fd) in three.iter_mut().zip(streams.items()) {
            let fd = cx.index_i64(fd)?;
            *slot = stream(cx, fd)?;
        }
        let options = cx.collect_tuple(options)?;
        let option = |i: usize| options.items().get(i).copied().unwrap_or(Value::NONE);
        let passed = cx.collect_tuple(option(1))?;
        let mut numbers = Vec::new();
        for &fd in passed.items() {
            numbers.push(cx.index_i64(fd)? as i32);
        }
        let number = |cx: &mut Ctx, v: Value| if v.is_none() { Ok(None) } else { cx.index_i64(v).map(Some) };
        let (group, mask) = (number(cx, option(3))?, number(cx, option(4))?);
        let (user, user_group) = (number(cx, option(5))?, number(cx, option(6))?);
        let groups = match option(7) {
            Value::NONE => None,
            ids => {
                let ids = cx.collect_tuple(ids)?;
                let ids = ids.items().iter().map(|&id| cx.index_i64(id).map(|id| id as u32));
                Some(ids.collect::<R<Vec<u32>>>()?)
            }
        };
        let start = Start {
            program,
            args: list,
            folder: folder.clone(),
            environment: Some(environment),
            streams: three,
            closes: cx.truth(option(0))?,
            passed: numbers,
            session: cx.truth(option(2))?,
            group: group.map(|g| g as i32),
            mask: mask.map(|m| m as u32),
            user: user.map(|id| id as u32),
            user_group: user_group.map(|id| id as u32),
            groups,
        };
        crate::io::registry::flush_all();
        let started = process::start(start);
        started.map(i64::from).map_err(|e| {
            let errno = e.raw_os_error().unwrap_or(libc::EINVAL);
            let lost = folder.is_some_and(|f| !std::path::Path::new(&f).is_dir());
            errors::raise_with(cx, errno, if lost { cwd } else { title }, Value::UNBOUND)
        })
    }

    fn pairs(cx: &mut Ctx, dict: conc_interpreter::value::Gc<Dict>) -> R<Vec<(OsString, OsString)>> {
        let mut pairs = Vec::new();
        for (name, value) in dict.pairs() {
            let (name, value) = (text(cx, name)?, text(cx, value)?);
            let bytes = name.clone().into_vec();
            if bytes.is_empty() || bytes.contains(&b'=') {
                return Err(cx.value_error("illegal environment variable name"));
            }
            pairs.push((name, value));
        }
        Ok(pairs)
    }

    /// The number of a user; None: there is none of that name.
    pub fn user_id(cx: &mut Ctx, name: Value) -> R {
        let name = c_text(cx, name)?;
        Ok(process::user_id(&name).map_or(Value::NONE, |id| Value::small_int(id.into())))
    }
    /// The number of a group; None: there is none of that name.
    pub fn group_id(cx: &mut Ctx, name: Value) -> R {
        let name = c_text(cx, name)?;
        Ok(process::group_id(&name).map_or(Value::NONE, |id| Value::small_int(id.into())))
    }
    fn c_text(cx: &mut Ctx, name: Value) -> R<std::ffi::CString> {
        match std::ffi::CString::new(cx.text_of(name)) {
            Ok(text) => Ok(text),
            Err(_) => Err(cx.value_error("embedded null byte")),
        }
    }

    /// Wait until a child has ended, for so many seconds at most; whether it has.
    pub fn wait_end(cx: &mut Ctx, pid: i64, timeout: Value) -> R<bool> {
        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(true) };
        let deadline = match timeout.is_none() {
            true => None,
            false => {
                let seconds = wait::seconds(cx, timeout)?;
                Some(wait::moment(cx, seconds)?)
            }
        };
        // A child that is waited for already has ended.
        let Ok(event) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(true) };
        let source = Source::new(event);
        loop {
            if crate::net::poll::wait_one(cx, source.number(), rustix::event::PollFlags::IN, wait::Patience::None)? {
                return Ok(true);
            }
            if deadline.is_some_and(|at| std::time::Instant::now() >= at) {
                return Ok(false);
            }
            wait_here(cx, &source, Direction::Read, deadline)?;
        }
    }
}
