//! `_thread.RLock`: a lock that its owner may take again.

use conc_macros::methods;
use parking_lot::Mutex;

use super::wait::{self, ACQUIRE_PARAMS, Acquire, Waiters, method, quick};
use crate::native::{Args, Ctx, Entered, NativeDef, NativeFrame, R, Step};
use crate::object::misc::{Boxed, Hold, Payload};
use crate::scheduler;
use crate::value::{Gc, Value};
use crate::vm::native::run_straight;

/// Who owns it and how often, and who waits.
#[derive(Default)]
pub struct RLock(Mutex<State>);

#[derive(Default)]
struct State {
    /// 0: nobody.
    owner: u64,
    count: u64,
    waiters: Waiters,
}

impl Payload for RLock {
    fn holder(&self) -> Option<u64> {
        Some(self.0.lock().owner).filter(|&id| id != 0)
    }
    fn hold(&self) -> Hold {
        Hold::Owned
    }
}

impl Acquire for RLock {
    fn acquire(&self, cx: &mut Ctx, wait: bool) -> bool {
        let me = scheduler::current(cx);
        let mut s = self.0.lock();
        if s.owner == me {
            s.count += 1;
            return true;
        }
        if s.owner == 0 {
            (s.owner, s.count) = (me, 1);
            return true;
        }
        if wait {
            s.waiters.join(cx);
        }
        false
    }
    fn leave(&self, cx: &mut Ctx) {
        self.0.lock().waiters.leave(cx);
    }
}

impl RLock {
    pub fn is_owned(&self, cx: &mut Ctx) -> bool {
        let me = scheduler::current(cx);
        self.0.lock().owner == me
    }
    /// Undoes one acquire; false: the caller does not own the lock.
    pub fn release(&self, cx: &mut Ctx) -> bool {
        let me = scheduler::current(cx);
        let mut s = self.0.lock();
        if s.owner != me {
            return false;
        }
        s.count -= 1;
        if s.count == 0 {
            hand_on(&mut s, cx);
        }
        true
    }
    /// Undoes all acquires; how many there were.
    pub fn release_all(&self, cx: &mut Ctx) -> u64 {
        let mut s = self.0.lock();
        let count = std::mem::take(&mut s.count);
        hand_on(&mut s, cx);
        count
    }
    /// The owner, having acquired once, has it `count` times.
    pub fn restore(&self, count: u64) {
        self.0.lock().count = count;
    }
    fn state(&self) -> (u64, u64) {
        let s = self.0.lock();
        (s.owner, s.count)
    }
}

/// Gives the lock to the first waiter.
fn hand_on(s: &mut State, cx: &mut Ctx) {
    s.owner = s.waiters.wake_first(cx, Value::TRUE).unwrap_or(0);
    s.count = u64::from(s.owner != 0);
}

/// acquire and `__enter__`, which are resumable.
pub static RESUMABLE: &[NativeDef] = &[
    quick("acquire", DOC, ACQUIRE_PARAMS, acquire_now, wait::acquire::<RLock>, waits),
    quick("__enter__", DOC, ACQUIRE_PARAMS, acquire_now, wait::acquire::<RLock>, waits),
];
const DOC: &str = "Take the lock, waiting for it unless it is the caller's.";

/// Takes a lock that was free when it was looked at.
fn acquire_now(cx: &mut Ctx, args: Args<'_>) -> R {
    let (_, lock) = wait::payload::<RLock>(cx, args.get(0))?;
    if args.fixed.len() == 1 && lock.acquire(cx, false) {
        return Ok(Value::TRUE);
    }
    run_straight(cx, args, wait::acquire::<RLock>)
}

fn waits(args: Args<'_>) -> bool {
    args.get(0).cast::<Boxed>().is_some_and(|b| b.payload::<RLock>().is_some_and(|lock| lock.0.lock().owner != 0))
}

/// RLock
#[methods]
pub mod plain {
    use super::*;
    use crate::native::Kwargs;
    use crate::object::class::Class;
    use crate::object::sequence::Tuple;

    fn data<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a RLock> {
        wait::payload::<RLock>(cx, this.value()).map(|(_, lock)| lock)
    }

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        cx.new_boxed_with(class, RLock::default(), 0)
    }
    /// Release the lock once.
    pub fn release(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        if data(cx, this)?.release(cx) { Ok(()) } else { Err(not_owned(cx)) }
    }
    fn not_owned(cx: &mut Ctx) -> crate::native::Raised {
        cx.runtime_error("cannot release un-acquired lock")
    }
    /// Whether some thread has the lock.
    pub fn locked(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(data(cx, this)?.state().0 != 0)
    }
    pub fn __exit__(cx: &mut Ctx, this: Gc<Boxed>, _rest: &[Value]) -> R<()> {
        release(cx, this)
    }
    /// For internal use by conditions.
    pub fn _is_owned(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(data(cx, this)?.is_owned(cx))
    }
    /// Open the lock whoever holds it, as the child of a fork would.
    pub fn _at_fork_reinit(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        data(cx, this)?.release_all(cx);
        Ok(())
    }
    /// How often the running thread has the lock.
    pub fn _recursion_count(cx: &mut Ctx, this: Gc<Boxed>) -> R<usize> {
        let lock = data(cx, this)?;
        Ok(if lock.is_owned(cx) { lock.state().1 as usize } else { 0 })
    }
    /// For internal use by conditions.
    pub fn _release_save(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let lock = data(cx, this)?;
        if !lock.is_owned(cx) {
            return Err(not_owned(cx));
        }
        let (owner, count) = (lock.state().0, lock.release_all(cx));
        cx.tuple(&[Value::small_int(count as i64), Value::small_int(owner as i64)])
    }
    /// The count that `_release_save` returned.
    pub(super) fn saved_count(state: Value) -> u64 {
        let count = state.cast::<Tuple>().and_then(|t| t.items().first().and_then(|n| n.as_int()));
        count.unwrap_or(1).max(1) as u64
    }
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let (owner, count) = data(cx, this)?.state();
        let state = if owner != 0 { "locked" } else { "unlocked" };
        let class = cx.class_of(this.value());
        let class = cx.qualified_name(class);
        let at = this.as_ptr() as usize;
        Ok(format!("<{state} {class} object owner={owner} count={count} at {at:#x}>"))
    }
}

/// `_acquire_restore`, for internal use by conditions.
pub static RESTORE: &[NativeDef] = &[method("_acquire_restore", "For internal use.", wait::STATE_PARAMS, restore)];

fn restore(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    restore_step(cx, frame, entered).into()
}

fn restore_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (_, lock) = wait::payload::<RLock>(cx, frame.get(0))?;
    match entered {
        Entered::Start if !lock.acquire(cx, true) => return Ok(Step::Park(None)),
        Entered::Raised(e) => {
            lock.leave(cx);
            return Err(e);
        }
        _ => {}
    }
    lock.restore(plain::saved_count(frame.get(1)));
    Ok(Step::Done(Value::NONE))
}

impl Ctx {
    /// The class `_thread.RLock`, made at first use.
    pub fn rlock_class(&mut self) -> Gc<crate::object::class::Class> {
        if let Some(class) = self.iso().roots.rlock_class.get().cast() {
            return class;
        }
        let class = self.native_class("_thread", "RLock", None, plain::METHODS);
        self.install_in(class, RESUMABLE);
        self.install_in(class, RESTORE);
        self.iso().roots.rlock_class.set(class.value());
        class
    }
}
