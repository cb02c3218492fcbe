//! `time.sleep`: only the green thread waits.

use crate::native::{Ctx, Entered, NativeDef, NativeFrame, Param, ParamKind, Role, Step};

const PARAMS: &[Param] = &[Param { name: "seconds", kind: ParamKind::PositionalOnly, required: true, default: "" }];

/// sleep(seconds)
pub static SLEEP: NativeDef =
    NativeDef::resumable("sleep", "Wait for a given number of seconds, a float too.", Role::Function, PARAMS, sleep);

fn sleep(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    match entered {
        Entered::Start => {}
        Entered::Raised(e) => return Step::Raise(e),
        Entered::With(_) | Entered::Ended(_) => return Step::Done(crate::value::Value::NONE),
    }
    let seconds = match cx.as_float(frame.get(0)) {
        Some(s) => s,
        None => match cx.index(frame.get(0)).and_then(|n| cx.to_float(n)) {
            Ok(s) => s,
            Err(e) => return Step::Raise(e),
        },
    };
    if seconds < 0.0 {
        return Step::Raise(cx.value_error("sleep length must be non-negative"));
    }
    match super::wait::moment(cx, seconds) {
        Ok(at) => {
            crate::scheduler::arm(cx);
            Step::Park(Some(at))
        }
        Err(e) => Step::Raise(e),
    }
}
