//! Signals of the system: Ctrl-C as KeyboardInterrupt for programs that own their process, and what scripts handle;
//! Ctrl-\\ as a question.
//!
//! The system's handler does no more than set bits in the signals of one context, that of the interpreter that asked
//! last; the scheduler sees to it that the main thread acts on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU64, Ordering};

use crate::object::ctx::Signals;

/// The highest number of a signal.
pub const LAST: i32 = 64;

/// Who is told of signals; never freed once set.
static TARGET: AtomicPtr<Signals> = AtomicPtr::new(std::ptr::null_mut());
/// SIGINT is KeyboardInterrupt; else a handler of the script's.
static RAISES: AtomicBool = AtomicBool::new(true);
/// A descriptor that gets the number of each signal, or -1.
static WAKEUP: AtomicI32 = AtomicI32::new(-1);
/// How many signals have come.
static ARRIVED: AtomicU64 = AtomicU64::new(0);
/// What is done about each signal, once that has been set.
static ACTIONS: [AtomicU8; LAST as usize + 1] = [const { AtomicU8::new(UNKNOWN) }; LAST as usize + 1];
/// Signals that are kept back, and those kept.
static BLOCKED: AtomicU64 = AtomicU64::new(0);
static KEPT: AtomicU64 = AtomicU64::new(0);

const UNKNOWN: u8 = 0;

/// What is done about a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Action {
    /// What the system does.
    Default = 1,
    Ignore,
    /// A function of the script's, or KeyboardInterrupt.
    Handle,
}

extern "C" fn on_signal(number: libc::c_int) {
    ARRIVED.fetch_add(1, Ordering::SeqCst);
    let target = TARGET.load(Ordering::Acquire);
    if target.is_null() {
        return;
    }
    // SAFETY: a target is leaked when set; atomic stores and write() are allowed in a signal handler.
    unsafe {
        if number == libc::SIGINT && RAISES.load(Ordering::Relaxed) {
            (*target).keyboard.store(true, Ordering::SeqCst);
        } else {
            (*target).pending.fetch_or(bit(number), Ordering::SeqCst);
        }
        (*target).raise();
        let wakeup = WAKEUP.load(Ordering::Relaxed);
        if wakeup >= 0 {
            let byte = number as u8;
            libc::write(wakeup, (&raw const byte).cast(), 1);
        }
    }
}

/// A signal's bit in a mask.
pub fn bit(number: i32) -> u64 {
    1 << (number - 1)
}

fn aim(signals: Arc<Signals>) {
    if TARGET.load(Ordering::Acquire) != Arc::as_ptr(&signals).cast_mut() {
        TARGET.store(Arc::into_raw(signals).cast_mut(), Ordering::Release);
    }
}

/// SIGQUIT has come and nobody has answered yet.
static QUIT: AtomicBool = AtomicBool::new(false);

extern "C" fn on_quit(_: libc::c_int) {
    QUIT.store(true, Ordering::SeqCst);
    let target = TARGET.load(Ordering::Acquire);
    if !target.is_null() {
        // SAFETY: as for SIGINT.
        unsafe {
            (*target).asked.store(true, Ordering::SeqCst);
            (*target).raise();
        }
    }
}

/// Whether somebody has asked what all threads are doing; the caller answers.
pub fn take_quit() -> bool {
    QUIT.load(Ordering::Relaxed) && QUIT.swap(false, Ordering::SeqCst)
}

/// From now on SIGINT raises KeyboardInterrupt in the context of these signals, and SIGQUIT has what every thread is
/// doing written to standard error. One that the parent ignores stays so.
pub fn watch(signals: Arc<Signals>) {
    if action(libc::SIGINT) != Action::Ignore {
        aim(signals);
        set(libc::SIGINT, Action::Handle);
    }
    if action(libc::SIGQUIT) != Action::Ignore {
        let _ = install_handler(libc::SIGQUIT, on_quit as *const () as usize);
    }
}

/// What is done about a signal now.
pub fn action(number: i32) -> Action {
    match ACTIONS[number as usize].load(Ordering::Relaxed) {
        1 => return Action::Default,
        2 => return Action::Ignore,
        3 => return Action::Handle,
        _ => {}
    }
    // SAFETY: only asks; the struct is filled by the system.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        let known = libc::sigaction(number, std::ptr::null(), &mut old) == 0;
        if known && old.sa_sigaction == libc::SIG_IGN { Action::Ignore } else { Action::Default }
    }
}

/// Has scripts' handlers called for these signals' context.
pub fn handle(number: i32, action: Action, raises: bool, signals: Arc<Signals>) -> Result<(), i32> {
    aim(signals);
    if number == libc::SIGINT {
        RAISES.store(raises, Ordering::SeqCst);
    }
    // A signal that is kept back goes on being caught.
    let caught = if BLOCKED.load(Ordering::SeqCst) & bit(number) != 0 { Action::Handle } else { action };
    let result = install(number, caught);
    if result.is_ok() {
        ACTIONS[number as usize].store(action as u8, Ordering::Relaxed);
    }
    result
}

fn set(number: i32, action: Action) {
    if install(number, action).is_ok() {
        ACTIONS[number as usize].store(action as u8, Ordering::Relaxed);
    }
}

fn install(number: i32, action: Action) -> Result<(), i32> {
    let handler = match action {
        Action::Default => libc::SIG_DFL,
        Action::Ignore => libc::SIG_IGN,
        Action::Handle => on_signal as *const () as usize,
    };
    install_handler(number, handler)
}

fn install_handler(number: i32, handler: usize) -> Result<(), i32> {
    // SAFETY: the action is fully initialised; no SA_RESTART, so that waits notice.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = handler;
        libc::sigemptyset(&mut new.sa_mask);
        match libc::sigaction(number, &new, std::ptr::null_mut()) {
            0 => Ok(()),
            _ => Err(last_error()),
        }
    }
}

fn last_error() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Signals that have come for these signals' context and have not been acted on.
pub fn take_pending() -> u64 {
    let target = TARGET.load(Ordering::Acquire);
    // SAFETY: a target is leaked when set.
    if target.is_null() { 0 } else { unsafe { (*target).pending.swap(0, Ordering::SeqCst) } }
}

/// Whether SIGINT has come and is to be KeyboardInterrupt.
pub fn take_keyboard() -> bool {
    let target = TARGET.load(Ordering::Acquire);
    // SAFETY: a target is leaked when set.
    !target.is_null() && unsafe { (*target).keyboard.swap(false, Ordering::SeqCst) }
}

/// How many signals have come so far.
pub fn arrived() -> u64 {
    ARRIVED.load(Ordering::SeqCst)
}

/// Sends a signal to this process, to be taken by the calling OS thread.
pub fn send(number: i32) -> Result<(), i32> {
    // SAFETY: sends a signal, which any number may name.
    if unsafe { libc::raise(number) } == 0 { Ok(()) } else { Err(last_error()) }
}

/// What the system calls a signal.
pub fn describe(number: i32) -> Option<String> {
    // SAFETY: the text is the C library's, valid until the next call, before which it is copied.
    let text = unsafe {
        let text = libc::strsignal(number);
        (!text.is_null()).then(|| std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    text.filter(|t| !t.starts_with("Unknown signal"))
}

/// Has a descriptor get the number of each signal; the one before.
pub fn set_wakeup(fd: i32) -> i32 {
    WAKEUP.swap(fd, Ordering::SeqCst)
}

/// Ends the process as killed by SIGINT, so that a shell running a loop of programs stops too.
pub fn die() {
    let _ = install(libc::SIGINT, Action::Default);
    let _ = send(libc::SIGINT);
}

// ---- signals kept back

/// The signals that are kept back.
pub fn blocked() -> u64 {
    BLOCKED.load(Ordering::SeqCst)
}

/// Those kept back that have come.
pub fn kept() -> u64 {
    KEPT.load(Ordering::SeqCst)
}

/// Of signals that have come: those to act on. The others are kept.
pub fn keep_back(bits: u64) -> u64 {
    let blocked = blocked();
    KEPT.fetch_or(bits & blocked, Ordering::SeqCst);
    bits & !blocked
}

/// Takes one of the signals out of those kept; its number.
pub fn take_kept(mask: u64) -> Option<i32> {
    let mut kept = kept();
    while kept & mask != 0 {
        let number = (kept & mask).trailing_zeros() as i32 + 1;
        match KEPT.compare_exchange(kept, kept & !bit(number), Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => return Some(number),
            Err(seen) => kept = seen,
        }
    }
    None
}

/// Keeps these signals back from now on, no others; of those kept, the ones for handlers that are free now.
pub fn set_blocked(mask: u64, signals: Arc<Signals>) -> u64 {
    aim(signals);
    let before = BLOCKED.swap(mask, Ordering::SeqCst);
    for number in (1..=LAST).filter(|n| (before ^ mask) & bit(*n) != 0) {
        let blocks = mask & bit(number) != 0;
        let usual = action(number);
        let _ = install(number, if blocks { Action::Handle } else { usual });
        // The system does now what it would have done.
        if !blocks && usual == Action::Default && KEPT.fetch_and(!bit(number), Ordering::SeqCst) & bit(number) != 0 {
            let _ = send(number);
        }
    }
    let free = KEPT.fetch_and(mask, Ordering::SeqCst) & !mask;
    (1..=LAST).filter(|n| action(*n) == Action::Handle).fold(0, |all, n| all | free & bit(n))
}

// ---- timers

/// Which clock an interval timer follows.
pub type Clock = i32;

/// Sets an interval timer, in seconds: until the first signal, between further ones. What it was.
pub fn set_timer(which: Clock, seconds: f64, interval: f64) -> Result<(f64, f64), i32> {
    let new = libc::itimerval { it_value: time(seconds), it_interval: time(interval) };
    // SAFETY: both structs are whole.
    unsafe {
        let mut old: libc::itimerval = std::mem::zeroed();
        match libc::setitimer(which as _, &new, &mut old) {
            0 => Ok((in_seconds(old.it_value), in_seconds(old.it_interval))),
            _ => Err(last_error()),
        }
    }
}

/// How an interval timer stands.
pub fn timer(which: Clock) -> Result<(f64, f64), i32> {
    // SAFETY: the struct is filled by the system.
    unsafe {
        let mut now: libc::itimerval = std::mem::zeroed();
        match libc::getitimer(which as _, &mut now) {
            0 => Ok((in_seconds(now.it_value), in_seconds(now.it_interval))),
            _ => Err(last_error()),
        }
    }
}

fn time(seconds: f64) -> libc::timeval {
    let micros = (seconds * 1e6).ceil() as i64;
    libc::timeval { tv_sec: micros / 1_000_000, tv_usec: (micros % 1_000_000) as _ }
}

fn in_seconds(t: libc::timeval) -> f64 {
    t.tv_sec as f64 + t.tv_usec as f64 / 1e6
}
