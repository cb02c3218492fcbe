//! Functions of os on processes: identities, signals, the environment, resources.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::scheduler::reactor::{Direction, Source, wait_here};
use conc_interpreter::value::Value;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, pidfd_open};

use super::errors;
use crate::core::structseq::Layout;
use crate::io::waiting;

pub static TIMES_RESULT: Layout = Layout {
    module: "posix",
    name: "times_result",
    fields: &["user", "system", "children_user", "children_system", "elapsed"],
    extra: &[],
    closed: false,
};

pub static UNAME_RESULT: Layout = Layout {
    module: "posix",
    name: "uname_result",
    fields: &["sysname", "nodename", "release", "version", "machine"],
    extra: &[],
    closed: false,
};

fn pid(cx: &mut Ctx, pid: i64) -> R<Option<Pid>> {
    match i32::try_from(pid) {
        Ok(pid) => Ok(Pid::from_raw(pid)),
        Err(_) => Err(errors::raise(cx, Errno::SRCH)),
    }
}

/// A signal by its number; None for 0, which only asks whether the process exists.
fn signal(cx: &mut Ctx, number: i64) -> R<Option<Signal>> {
    if number == 0 {
        return Ok(None);
    }
    match i32::try_from(number).ok().and_then(Signal::from_named_raw) {
        Some(signal) => Ok(Some(signal)),
        None => Err(errors::raise(cx, Errno::INVAL)),
    }
}

fn cstr_text(cx: &mut Ctx, text: &std::ffi::CStr) -> Value {
    cx.str(&text.to_string_lossy())
}

/// waitpid(): only the thread waits.
fn wait_for(cx: &mut Ctx, process: i64, options: i64) -> R<Result<Option<(Pid, WaitStatus)>, Errno>> {
    let options = WaitOptions::from_bits_retain(options as u32);
    let number = pid(cx, process)?;
    let call = move |options| match process {
        -1 => rustix::process::wait(options),
        0 => rustix::process::waitpid(None, options),
        1.. => rustix::process::waitpid(number, options),
        _ => match number.and_then(|n| Pid::from_raw(-n.as_raw_nonzero().get())) {
            Some(group) => rustix::process::waitpgid(group, options),
            None => Err(Errno::CHILD),
        },
    };
    loop {
        match call(options | WaitOptions::NOHANG) {
            Err(Errno::INTR) => cx.poll()?,
            Ok(None) if !options.contains(WaitOptions::NOHANG) => {}
            other => return Ok(other),
        }
        let event = match number {
            Some(child) if process > 0 && options.is_empty() => pidfd_open(child, PidfdFlags::empty()).ok(),
            _ => None,
        };
        match event {
            Some(event) => {
                let source = Source::new(event);
                wait_here(cx, &source, Direction::Read, None)?;
            }
            None => return waiting::elsewhere(cx, move || call(options)),
        }
    }
}

/// The environment as scripts have changed it, for processes they start.
pub fn environment(cx: &mut Ctx) -> R<Vec<(OsString, OsString)>> {
    let mut pairs = Vec::new();
    if let Some(dict) = crate::core::shared::recall(cx, "posix.environ").and_then(|d| d.cast::<Dict>()) {
        for (name, value) in dict.pairs() {
            let (name, value) = (cx.byte_vec(name)?, cx.byte_vec(value)?);
            pairs.push((OsString::from_vec(name), OsString::from_vec(value)));
        }
        return Ok(pairs);
    }
    Ok(std::env::vars_os().collect())
}

/// Processes.
#[conc_macros::module(name = "posix")]
pub mod process {
    use super::{TIMES_RESULT, UNAME_RESULT, cstr_text, pid, signal};
    use crate::core::structseq::build;
    use crate::os::errors;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::value::Value;
    use rustix::io::Errno;
    use rustix::process as sys;

    /// Give the number of this process.
    pub fn getpid() -> i64 {
        i64::from(std::process::id())
    }

    /// Open a descriptor that can be read once the process has ended.
    pub fn pidfd_open(
        cx: &mut Ctx,
        #[kw] pid: i64,
        #[kw]
        #[default(0)]
        flags: i64,
    ) -> R<i64> {
        use std::os::fd::IntoRawFd;
        let number = i32::try_from(pid).ok().and_then(sys::Pid::from_raw);
        let opened = match number {
            Some(number) => sys::pidfd_open(number, sys::PidfdFlags::from_bits_retain(flags as u32)),
            None => Err(Errno::INVAL),
        };
        Ok(i64::from(errors::check(cx, opened)?.into_raw_fd()))
    }

    /// Give the number of the process that started this one.
    pub fn getppid() -> i64 {
        i64::from(std::os::unix::process::parent_id())
    }

    /// Give the number of the user who started the process.
    pub fn getuid() -> i64 {
        i64::from(sys::getuid().as_raw())
    }

    /// Give the number of the user whose rights the process has.
    pub fn geteuid() -> i64 {
        i64::from(sys::geteuid().as_raw())
    }

    /// Give the number of the group that the process was started under.
    pub fn getgid() -> i64 {
        i64::from(sys::getgid().as_raw())
    }

    /// Give the number of the group whose rights the process has.
    pub fn getegid() -> i64 {
        i64::from(sys::getegid().as_raw())
    }

    /// Give the number of this process's group.
    pub fn getpgrp() -> i64 {
        i64::from(sys::getpgrp().as_raw_nonzero().get())
    }

    /// Give the number of a process's group.
    pub fn getpgid(cx: &mut Ctx, process: i64) -> R<i64> {
        let process = pid(cx, process)?;
        Ok(i64::from(errors::check(cx, sys::getpgid(process))?.as_raw_nonzero().get()))
    }

    /// Give the number of a process's session.
    pub fn getsid(cx: &mut Ctx, process: i64) -> R<i64> {
        let process = pid(cx, process)?;
        Ok(i64::from(errors::check(cx, sys::getsid(process))?.as_raw_nonzero().get()))
    }

    /// Begin a new session, with this process as its head.
    pub fn setsid(cx: &mut Ctx) -> R<()> {
        errors::check(cx, sys::setsid()).map(drop)
    }

    /// Send a signal to a process, or with a negative number to a group.
    pub fn kill(cx: &mut Ctx, process: i64, number: i64) -> R<()> {
        let signal = signal(cx, number)?;
        let (own, arrived) = (process == getpid() && number > 0, conc_interpreter::vm::interrupt::arrived());
        let result = if process > 0 {
            let Some(process) = pid(cx, process)? else { return Err(errors::raise(cx, Errno::SRCH)) };
            match signal {
                Some(signal) => sys::kill_process(process, signal),
                None => sys::test_kill_process(process),
            }
        } else if process < -1 {
            let Some(group) = pid(cx, -process)? else { return Err(errors::raise(cx, Errno::SRCH)) };
            match signal {
                Some(signal) => sys::kill_process_group(group, signal),
                None => sys::test_kill_process_group(group),
            }
        } else {
            match signal {
                Some(signal) => sys::kill_current_process_group(signal),
                None => Ok(()),
            }
        };
        errors::check(cx, result)?;
        if own {
            crate::system::signal::settle(cx, number as i32, arrived)?;
        }
        cx.poll()
    }

    /// Send a signal to every process of a group.
    pub fn killpg(cx: &mut Ctx, group: i64, number: i64) -> R<()> {
        let signal = signal(cx, number)?;
        let Some(group) = pid(cx, group)? else { return Err(errors::raise(cx, Errno::SRCH)) };
        let result = match signal {
            Some(signal) => sys::kill_process_group(group, signal),
            None => sys::test_kill_process_group(group),
        };
        errors::check(cx, result)
    }

    /// End the process at once with this status: nothing is flushed and no exit function called.
    pub fn _exit(#[kw] status: i64) {
        std::process::exit(status as i32)
    }

    /// Choose the permission bits that new files lack; give the choice before.
    pub fn umask(mask: i64) -> i64 {
        i64::from(sys::umask(rustix::fs::Mode::from_raw_mode(mask as u32)).as_raw_mode())
    }

    /// Count the processors of the machine; None if that cannot be told.
    pub fn cpu_count(cx: &mut Ctx) -> R {
        let all = std::fs::read_to_string("/sys/devices/system/cpu/online").ok().and_then(|t| count(&t));
        let usable = || std::thread::available_parallelism().ok().map(|n| n.get() as i64);
        Ok(all.or_else(usable).map_or(Value::NONE, |n| cx.int(n)))
    }

    /// CPUs of a list such as `0-3,6`.
    fn count(list: &str) -> Option<i64> {
        let mut total = 0;
        for part in list.trim().split(',') {
            total += match part.split_once('-') {
                Some((a, b)) => b.parse::<i64>().ok()? - a.parse::<i64>().ok()? + 1,
                None => {
                    part.parse::<i64>().ok()?;
                    1
                }
            };
        }
        Some(total)
    }

    /// Count the processors that this process may run on.
    pub fn _usable_cpus() -> i64 {
        std::thread::available_parallelism().map_or(1, |n| n.get() as i64)
    }

    /// Give how many processes wanted to run on average, over one, five and fifteen minutes.
    pub fn getloadavg(cx: &mut Ctx) -> R {
        let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let mut loads = [Value::NONE; 3];
        for (load, part) in loads.iter_mut().zip(text.split(' ')) {
            let x = part.parse().unwrap_or(0.0);
            *load = cx.float(x);
        }
        if loads[2].is_none() {
            return Err(cx.error(conc_interpreter::object::kind::ClassId::OSError, "Load averages are unobtainable"));
        }
        cx.tuple(&loads)
    }

    /// Give random bytes that nobody can foresee.
    pub fn urandom(cx: &mut Ctx, size: i64) -> R {
        crate::os::entropy::random_bytes(cx, size)
    }

    /// Give random bytes straight from the system.
    pub fn getrandom(
        cx: &mut Ctx,
        #[kw] size: i64,
        #[kw]
        #[default(0)]
        _flags: i64,
    ) -> R {
        urandom(cx, size)
    }

    /// Give the system's message for an error number.
    pub fn strerror(code: i64) -> String {
        errors::strerror(code as i32)
    }

    /// Name the system, its version and the machine.
    pub fn uname(cx: &mut Ctx) -> R {
        let name = rustix::system::uname();
        let items = [
            cstr_text(cx, name.sysname()),
            cstr_text(cx, name.nodename()),
            cstr_text(cx, name.release()),
            cstr_text(cx, name.version()),
            cstr_text(cx, name.machine()),
        ];
        build(cx, &UNAME_RESULT, &items, &[])
    }

    /// Give the processor times of the process and of its children, and the time on the clock.
    pub fn times(cx: &mut Ctx) -> R {
        let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks = |i: usize| fields.get(i).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0) / 100.0;
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let elapsed = now.tv_sec as f64 + (now.tv_nsec as f64 * 1e-9 * 100.0).floor() / 100.0;
        let items =
            [cx.float(ticks(11)), cx.float(ticks(12)), cx.float(ticks(13)), cx.float(ticks(14)), cx.float(elapsed)];
        build(cx, &TIMES_RESULT, &items, &[])
    }

    /// Make the process give way more by so much; give how much it does now.
    pub fn nice(cx: &mut Ctx, increment: i64) -> R<i64> {
        Ok(i64::from(errors::check(cx, sys::nice(increment as i32))?))
    }

    /// Have a shell run the command; give its status as wait() does.
    pub fn system(cx: &mut Ctx, #[kw] command: Value) -> R<i64> {
        use std::os::unix::process::ExitStatusExt;
        let command = crate::os::paths::path_named(cx, command, "system: command should be string or bytes")?;
        crate::io::registry::flush_all();
        let status = std::process::Command::new("/bin/sh")
            .arg("-c")
            .arg(command.path.as_os_str())
            .env_clear()
            .envs(super::environment(cx)?)
            .status();
        match status {
            Ok(status) => Ok(i64::from(status.into_raw())),
            Err(e) => {
                let e = errors::errno_of(&e);
                Err(errors::raise(cx, e))
            }
        }
    }

    /// Give the exit status in what wait() gave, or the negated number of the signal.
    pub fn waitstatus_to_exitcode(cx: &mut Ctx, #[kw] status: i64) -> R<i64> {
        let (signal, code) = (status & 0x7f, status >> 8 & 0xff);
        match signal {
            0 => Ok(code),
            0x7f => Err(cx.value_error(format!("process stopped by delivery of signal {code}"))),
            _ => Ok(-signal),
        }
    }

    /// Wait for a child process to end; give its number and status.
    pub fn waitpid(cx: &mut Ctx, process: i64, options: i64) -> R {
        let result = super::wait_for(cx, process, options)?;
        let (id, status) = match errors::check(cx, result)? {
            Some((id, status)) => (i64::from(id.as_raw_nonzero().get()), i64::from(status.as_raw())),
            None => (0, 0),
        };
        cx.tuple(&[Value::small_int(id), Value::small_int(status)])
    }

    /// Name the user who logged in at the terminal.
    pub fn getlogin(cx: &mut Ctx) -> R<String> {
        match std::env::var("LOGNAME").or_else(|_| std::env::var("USER")) {
            Ok(name) => Ok(name),
            Err(_) => Err(errors::raise(cx, Errno::NXIO)),
        }
    }
}
