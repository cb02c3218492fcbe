//! Ctrl-C: SIGINT as KeyboardInterrupt, and Ctrl-\\: SIGQUIT as a question, for programs that own their process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use crate::object::ctx::Signals;

/// Whose KeyboardInterrupt it is; never freed once set.
static TARGET: AtomicPtr<Signals> = AtomicPtr::new(std::ptr::null_mut());

extern "C" fn on_interrupt(_: libc::c_int) {
    let target = TARGET.load(Ordering::Acquire);
    if !target.is_null() {
        // SAFETY: a target is leaked when set, and these are atomic stores, allowed in a signal handler.
        unsafe {
            (*target).keyboard.store(true, Ordering::SeqCst);
            (*target).raise();
        }
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
    TARGET.store(Arc::into_raw(signals).cast_mut(), Ordering::Release);
    handle(libc::SIGINT, on_interrupt);
    handle(libc::SIGQUIT, on_quit);
}

fn handle(signal: libc::c_int, handler: extern "C" fn(libc::c_int)) {
    // SAFETY: the actions are fully initialised; no SA_RESTART, so that waits notice.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &mut old) == 0 && old.sa_sigaction == libc::SIG_IGN {
            return;
        }
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = handler as *const () as usize;
        libc::sigemptyset(&mut new.sa_mask);
        libc::sigaction(signal, &new, std::ptr::null_mut());
    }
}

/// Ends the process as killed by SIGINT, so that a shell running a loop of programs stops too.
pub fn die() {
    // SAFETY: resets the action to the system's and sends the signal to this process.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        libc::raise(libc::SIGINT);
    }
}
