//! `_signal`: what scripts do about the system's signals.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::sequence::List;
use conc_interpreter::scheduler::{self, signals};
use conc_interpreter::value::{Gc, Value};
use conc_interpreter::vm::interrupt::{self, Action, LAST};

use crate::core::shared::{recall, recall_class, remember};

const DEFAULT: i64 = 0;
const IGNORE: i64 = 1;

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name)),*] };
}

const NUMBERS: &[(&str, i32)] = numbers! {
    SIGABRT SIGALRM SIGBUS SIGCHLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGKILL SIGPIPE SIGPROF SIGPWR SIGQUIT
    SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM
    SIGWINCH SIGXCPU SIGXFSZ SIG_BLOCK SIG_UNBLOCK SIG_SETMASK ITIMER_REAL ITIMER_VIRTUAL ITIMER_PROF
};

/// Numbers with second names, or that the C library computes.
const MORE: &[(&str, i32)] = &[("SIGCLD", libc::SIGCHLD), ("SIGIOT", libc::SIGABRT), ("SIGPOLL", libc::SIGIO)];

fn number(cx: &mut Ctx, v: i64) -> R<i32> {
    match i32::try_from(v) {
        Ok(n) if (1..=LAST).contains(&n) => Ok(n),
        _ => Err(cx.value_error("signal number out of range")),
    }
}

fn failed(cx: &mut Ctx, errno: i32) -> Raised {
    crate::os::errors::raise(cx, rustix::io::Errno::from_raw_os_error(errno))
}

/// The handlers by number: None where none has been set.
fn table(cx: &mut Ctx) -> R<Gc<List>> {
    const KEY: &str = "signal.handlers";
    if let Some(list) = recall(cx, KEY).and_then(|v| v.cast::<List>()) {
        return Ok(list);
    }
    let list = cx.new_list();
    for _ in 0..=LAST {
        cx.list_push(list, Value::NONE)?;
    }
    remember(cx, KEY, list.value());
    Ok(list)
}

fn entry(cx: &mut Ctx, n: i32) -> R {
    let table = table(cx)?;
    Ok(cx.list_snapshot(table)?.items()[n as usize])
}

fn default_int_handler(cx: &mut Ctx) -> Value {
    recall(cx, "signal.default_int_handler").unwrap_or(Value::NONE)
}

/// A handler out of the table, or what the system does.
fn handler_of(cx: &mut Ctx, n: i32) -> R {
    let kept = entry(cx, n)?;
    if !kept.is_none() {
        return Ok(kept);
    }
    Ok(match interrupt::action(n) {
        Action::Default => Value::small_int(DEFAULT),
        Action::Ignore => Value::small_int(IGNORE),
        Action::Handle if n == libc::SIGINT => default_int_handler(cx),
        Action::Handle => Value::NONE,
    })
}

/// A set of signals as bits.
fn mask_of(cx: &mut Ctx, signals: Value) -> R<u64> {
    let all = cx.collect_tuple(signals)?;
    let mut mask = 0;
    for &item in all.items() {
        let n = cx.index_i64(item)?;
        match i32::try_from(n) {
            Ok(n) if (1..=LAST).contains(&n) => mask |= interrupt::bit(n),
            _ => return Err(cx.value_error(format!("signal number {n} out of range [1; {LAST}]"))),
        }
    }
    Ok(mask)
}

fn list_of(cx: &mut Ctx, mask: u64) -> R {
    let list = cx.new_list();
    for n in (1..=LAST).filter(|&n| mask & interrupt::bit(n) != 0) {
        cx.list_push(list, Value::small_int(n.into()))?;
    }
    Ok(list.value())
}

/// An error of an interval timer's.
fn timer_failed(cx: &mut Ctx, errno: i32) -> Raised {
    let Some(class) = recall_class(cx, "signal.ItimerError") else { return failed(cx, errno) };
    let (number, text) = (Value::small_int(errno.into()), cx.str(&crate::os::errors::strerror(errno)));
    match cx.call(class.value(), &[number, text]) {
        Ok(exc) => {
            cx.set_context(exc);
            Raised(exc)
        }
        Err(e) => e,
    }
}

fn pair(cx: &mut Ctx, (a, b): (f64, f64)) -> R {
    let (a, b) = (cx.float(a), cx.float(b));
    cx.tuple(&[a, b])
}

/// After a signal has been sent to this process: acts on it before going on, as soon as it has come.
pub fn settle(cx: &mut Ctx, n: i32, arrived: u64) -> R<()> {
    if interrupt::action(n) == Action::Handle {
        let end = std::time::Instant::now() + std::time::Duration::from_millis(50);
        while interrupt::arrived() == arrived && std::time::Instant::now() < end {
            std::thread::yield_now();
        }
    }
    signals::check(cx)?;
    cx.poll()
}

/// Signals of the system.
#[conc_macros::module(name = "_signal")]
pub mod functions {
    use super::*;
    use crate::core::attributes::callable;
    use crate::core::shared::{define, set_text};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::sync::wait;
    use std::time::Instant;

    /// Have a function called when the signal comes; what was done about it before.
    pub fn signal(cx: &mut Ctx, signalnum: i64, handler: Value) -> R {
        if scheduler::current(cx) != scheduler::MAIN {
            return Err(cx.value_error("signal only works in main thread of the main interpreter"));
        }
        let n = number(cx, signalnum)?;
        let chosen = if cx.is_int(handler) { cx.as_i64(handler) } else { None };
        let action = match chosen {
            Some(DEFAULT) => Action::Default,
            Some(IGNORE) => Action::Ignore,
            _ if callable(cx, handler) => Action::Handle,
            _ => {
                let message = "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object";
                return Err(cx.type_error(message));
            }
        };
        let before = handler_of(cx, n)?;
        let raises = n == libc::SIGINT && handler == super::default_int_handler(cx);
        let first = signals::target(cx);
        interrupt::handle(n, action, raises, first).map_err(|e| failed(cx, e))?;
        // A script that handles signals waits for them.
        let (had, has) = (is_scripts(cx, before)?, is_scripts(cx, handler)?);
        match (had, has) {
            (false, true) => scheduler::begin_outside(cx),
            (true, false) => scheduler::end_outside(cx),
            _ => {}
        }
        let table = table(cx)?;
        cx.list_splice(table, n as usize, n as usize + 1, &[handler])?;
        Ok(before)
    }

    /// Whether a handler is a script's, and not one of the library's that only interrupts what runs.
    fn is_scripts(cx: &mut Ctx, handler: Value) -> R<bool> {
        if handler.is_none() || cx.is_int(handler) || handler == super::default_int_handler(cx) {
            return Ok(false);
        }
        let name = cx.intern("_only_interrupts");
        Ok(cx.get_attr_opt(handler, name)?.is_none())
    }

    /// What is done about a signal.
    pub fn getsignal(cx: &mut Ctx, signalnum: i64) -> R {
        let n = number(cx, signalnum)?;
        handler_of(cx, n)
    }

    fn bits(cx: &mut Ctx, mask: Value) -> R<u64> {
        match cx.as_int(mask).and_then(|n| u64::try_from(n).ok()) {
            Some(bits) => Ok(bits),
            None => Err(cx.value_error("a mask of signals is needed")),
        }
    }

    /// Call the handlers of signals that have come, a bit for each.
    pub fn _deliver(cx: &mut Ctx, mask: Value) -> R<()> {
        let mut rest = bits(cx, mask)?;
        while rest != 0 {
            let n = rest.trailing_zeros() as i64 + 1;
            rest &= rest - 1;
            let handler = entry(cx, n as i32)?;
            if cx.is_int(handler) || handler.is_none() {
                continue;
            }
            let frame = conc_interpreter::vm::frames::frame_object(cx, 0)?;
            if let Err(e) = cx.call(handler, &[Value::small_int(n), frame]) {
                if rest != 0 {
                    signals::put_back(cx, rest);
                }
                return Err(e);
            }
        }
        Ok(())
    }

    /// Raise KeyboardInterrupt: what is done about SIGINT at first.
    pub fn default_int_handler(cx: &mut Ctx, _signalnum: Value, _frame: Value) -> R {
        Err(cx.error(ClassId::KeyboardInterrupt, ""))
    }

    /// Send a signal to this process.
    pub fn raise_signal(cx: &mut Ctx, signalnum: i64) -> R<()> {
        let Ok(n) = i32::try_from(signalnum) else { return Err(failed(cx, libc::EINVAL)) };
        if n != 0 && !(1..=LAST).contains(&n) {
            return Err(failed(cx, libc::EINVAL));
        }
        crate::io::registry::flush_all();
        let arrived = interrupt::arrived();
        interrupt::send(n).map_err(|e| failed(cx, e))?;
        if n == 0 { Ok(()) } else { settle(cx, n, arrived) }
    }

    /// Send a signal to a thread; Conc's threads share the process's.
    pub fn pthread_kill(cx: &mut Ctx, _thread_id: i64, signalnum: i64) -> R<()> {
        raise_signal(cx, signalnum)
    }

    /// Have SIGALRM come in so many seconds; 0: not at all. The seconds that were left.
    pub fn alarm(cx: &mut Ctx, seconds: i64) -> R<i64> {
        let (left, _) =
            interrupt::set_timer(libc::ITIMER_REAL, seconds.max(0) as f64, 0.0).map_err(|e| failed(cx, e))?;
        Ok(left.ceil() as i64)
    }

    /// Set an interval timer; what it was.
    pub fn setitimer(cx: &mut Ctx, which: i64, seconds: Value, #[default(Value::NONE)] interval: Value) -> R {
        let seconds = wait::seconds(cx, seconds)?;
        let interval = if interval.is_none() { 0.0 } else { wait::seconds(cx, interval)? };
        if seconds < 0.0 || interval < 0.0 {
            return Err(timer_failed(cx, libc::EINVAL));
        }
        let old = interrupt::set_timer(which as i32, seconds, interval).map_err(|e| timer_failed(cx, e))?;
        pair(cx, old)
    }

    /// How an interval timer stands.
    pub fn getitimer(cx: &mut Ctx, which: i64) -> R {
        let now = interrupt::timer(which as i32).map_err(|e| timer_failed(cx, e))?;
        pair(cx, now)
    }

    /// Wait until a signal has been handled.
    pub fn pause(cx: &mut Ctx) -> R<()> {
        signals::sleep(cx, None).map(drop)
    }

    /// Wait for one of the signals, which are to be kept back; its number.
    pub fn sigwait(cx: &mut Ctx, sigset: Value) -> R<i64> {
        let mask = mask_of(cx, sigset)?;
        loop {
            signals::check(cx)?;
            if let Some(n) = interrupt::take_kept(mask) {
                return Ok(n.into());
            }
            signals::sleep(cx, None)?;
        }
    }

    /// The same, for so many seconds at most; None if they are over, else (number,).
    pub fn sigtimedwait(cx: &mut Ctx, sigset: Value, timeout: Value) -> R {
        let mask = mask_of(cx, sigset)?;
        let seconds = wait::seconds(cx, timeout)?;
        if seconds < 0.0 {
            return Err(cx.value_error("timeout must be non-negative"));
        }
        let end = wait::moment(cx, seconds)?;
        loop {
            signals::check(cx)?;
            if let Some(n) = interrupt::take_kept(mask) {
                return cx.tuple(&[Value::small_int(n.into())]);
            }
            if Instant::now() >= end {
                return Ok(Value::NONE);
            }
            signals::sleep(cx, Some(end))?;
        }
    }

    /// Choose the signals that are kept back; those that were.
    pub fn pthread_sigmask(cx: &mut Ctx, how: i64, mask: Value) -> R {
        let mask = mask_of(cx, mask)?;
        let before = interrupt::blocked();
        let never = interrupt::bit(libc::SIGKILL) | interrupt::bit(libc::SIGSTOP);
        let after = match how as i32 {
            libc::SIG_BLOCK => before | mask,
            libc::SIG_UNBLOCK => before & !mask,
            libc::SIG_SETMASK => mask,
            _ => return Err(failed(cx, libc::EINVAL)),
        };
        signals::check(cx)?;
        let first = signals::target(cx);
        let free = interrupt::set_blocked(after & !never, first);
        if free != 0 {
            signals::come(cx, free)?;
        }
        list_of(cx, before)
    }

    /// The signals that are kept back and have come.
    pub fn sigpending(cx: &mut Ctx) -> R {
        signals::check(cx)?;
        list_of(cx, interrupt::kept())
    }

    /// Whether calls are broken off by the signal; Conc's waits always see to it.
    pub fn siginterrupt(cx: &mut Ctx, signalnum: i64, _flag: Value) -> R<()> {
        number(cx, signalnum).map(drop)
    }

    /// What the system calls a signal; None: it has none of that number.
    pub fn strsignal(cx: &mut Ctx, signalnum: i64) -> R<Option<String>> {
        let n = number(cx, signalnum)?;
        Ok(interrupt::describe(n))
    }

    /// The numbers of all signals.
    pub fn valid_signals(cx: &mut Ctx) -> R {
        // 32 and 33 belong to the C library.
        list_of(cx, !(0b11 << 31))
    }

    /// Have the number of each signal written to a descriptor; the one before.
    pub fn set_wakeup_fd(
        cx: &mut Ctx,
        fd: i64,
        #[kwonly]
        #[default(true)]
        warn_on_full_buffer: bool,
    ) -> R<i64> {
        let _ = warn_on_full_buffer;
        if scheduler::current(cx) != scheduler::MAIN {
            return Err(cx.value_error("set_wakeup_fd only works in main thread of the main interpreter"));
        }
        if fd >= 0 {
            let open = crate::os::descriptors::open_fd(cx, fd)?;
            let flags = crate::os::errors::check(cx, rustix::fs::fcntl_getfl(open))?;
            if !flags.contains(rustix::fs::OFlags::NONBLOCK) {
                return Err(cx.value_error(format!("the fd {fd} must be in non-blocking mode")));
            }
        }
        Ok(interrupt::set_wakeup(fd.max(-1) as i32).into())
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for (name, value) in NUMBERS.iter().chain(MORE) {
            define(cx, module, name, Value::small_int((*value).into()));
        }
        let numbers = [
            ("SIG_DFL", DEFAULT),
            ("SIG_IGN", IGNORE),
            ("NSIG", i64::from(LAST) + 1),
            ("SIGRTMIN", libc::SIGRTMIN().into()),
            ("SIGRTMAX", libc::SIGRTMAX().into()),
        ];
        for (name, value) in numbers {
            define(cx, module, name, Value::small_int(value));
        }
        let base = cx.class(ClassId::OSError).value();
        let bases = cx.tuple(&[base])?;
        let dict = cx.new_dict();
        let title = cx.str("signal");
        set_text(cx, dict, "__module__", title);
        let (meta, name) = (cx.class(ClassId::Type).value(), cx.str("itimer_error"));
        let error = cx.call(meta, &[name, bases, dict.value()])?;
        remember(cx, "signal.ItimerError", error);
        define(cx, module, "ItimerError", error);
        let dict = module.dict();
        for (name, key) in [("default_int_handler", "signal.default_int_handler"), ("_deliver", "")] {
            let name = cx.intern(name);
            let Some(function) = dict.get_str(cx, name) else { continue };
            match key {
                "" => cx.iso().roots.signal_hook.set(function),
                _ => remember(cx, key, function),
            }
        }
        Ok(())
    }
}
