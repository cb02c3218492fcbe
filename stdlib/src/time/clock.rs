//! The module time.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::scheduler;
use conc_interpreter::value::Value;
use rustix::time::{ClockId, clock_gettime};

/// When a seeded run starts by its own clock: 2026, in seconds since 1970.
const SEEDED_START: i64 = 1_767_225_600;

/// What a clock shows: seconds and nanoseconds.
fn reading(cx: &mut Ctx, id: ClockId) -> (i64, i64) {
    match scheduler::virtual_time(cx) {
        Some(t) => {
            let start = if id == ClockId::Realtime { SEEDED_START } else { 0 };
            (start + t.as_secs() as i64, i64::from(t.subsec_nanos()))
        }
        None => {
            let t = clock_gettime(id);
            (t.tv_sec, t.tv_nsec as i64)
        }
    }
}

/// What a clock shows, in nanoseconds.
pub fn nanos(cx: &mut Ctx, id: ClockId) -> i64 {
    let (seconds, nanos) = reading(cx, id);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

fn seconds(cx: &mut Ctx, id: ClockId) -> f64 {
    let (seconds, nanos) = reading(cx, id);
    seconds as f64 + nanos as f64 * 1e-9
}

/// A clock by its number.
fn clock(cx: &mut Ctx, id: i64) -> R<ClockId> {
    Ok(match id {
        0 => ClockId::Realtime,
        1 => ClockId::Monotonic,
        2 => ClockId::ProcessCPUTime,
        3 => ClockId::ThreadCPUTime,
        4 => ClockId::MonotonicRaw,
        7 => ClockId::Boottime,
        _ => return Err(crate::os::errors::raise(cx, rustix::io::Errno::INVAL)),
    })
}

/// Seconds since the epoch out of an argument; None: now.
fn moment(cx: &mut Ctx, v: Value) -> R<i64> {
    if v.is_none() {
        return Ok(reading(cx, ClockId::Realtime).0);
    }
    let seconds = match cx.as_float(v) {
        Some(x) => {
            if x.is_nan() {
                return Err(cx.value_error("Invalid value NaN (not a number)"));
            }
            x.floor()
        }
        None => {
            let n = cx.index(v)?;
            match cx.as_i64(n) {
                Some(n) => n as f64,
                None => f64::INFINITY,
            }
        }
    };
    if seconds.abs() >= 9.2e18 {
        return Err(cx.overflow_error("timestamp out of range for platform time_t"));
    }
    // Years beyond the 32-bit range of C's struct tm.
    if seconds.abs() > 6.7e16 {
        return Err(crate::os::errors::raise(cx, rustix::io::Errno::OVERFLOW));
    }
    Ok(seconds as i64)
}

/// Clocks, and moments as calendar fields and text.
#[conc_macros::module(name = "time")]
pub mod time {
    use super::{clock, moment, nanos, seconds};
    use crate::core::shared::{define, text_arg};
    use crate::core::structseq::class_of;
    use crate::time::fields::{Fields, STRUCT_TIME, zone};
    use crate::time::{format, parse};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};
    use rustix::time::{ClockId, clock_getres};

    pub const CLOCK_REALTIME: i64 = 0;
    pub const CLOCK_MONOTONIC: i64 = 1;
    pub const CLOCK_PROCESS_CPUTIME_ID: i64 = 2;
    pub const CLOCK_THREAD_CPUTIME_ID: i64 = 3;
    pub const CLOCK_MONOTONIC_RAW: i64 = 4;
    pub const CLOCK_BOOTTIME: i64 = 7;
    pub const _STRUCT_TM_ITEMS: i64 = 11;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let class = class_of(cx, &STRUCT_TIME)?.value();
        define(cx, module, "struct_time", class);
        let owner = cx.intern("time").value();
        let sleep =
            cx.new_native(&conc_interpreter::sync::sleep::SLEEP, ClassId::BuiltinFunction, Value::UNBOUND, owner);
        define(cx, module, "sleep", sleep.value());
        set_zone(cx, module)
    }

    fn set_zone(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let zone = zone();
        let standard = zone.standard;
        let daylight = zone.daylight.clone().unwrap_or_else(|| standard.clone());
        define(cx, module, "timezone", Value::small_int(-standard.0));
        define(cx, module, "altzone", Value::small_int(-daylight.0));
        define(cx, module, "daylight", Value::small_int(i64::from(zone.daylight.is_some())));
        let (a, b) = (cx.str(&standard.1), cx.str(&daylight.1));
        let names = cx.tuple(&[a, b])?;
        define(cx, module, "tzname", names);
        Ok(())
    }

    /// Take the time zone from the environment's TZ.
    pub fn tzset(cx: &mut Ctx) -> R<()> {
        let module = cx.import("time")?;
        match module.cast::<Module>() {
            Some(module) => set_zone(cx, module),
            None => Ok(()),
        }
    }

    /// Give the seconds since the start of 1970, as a float.
    pub fn time(cx: &mut Ctx) -> f64 {
        seconds(cx, ClockId::Realtime)
    }

    /// Give the nanoseconds since the start of 1970.
    pub fn time_ns(cx: &mut Ctx) -> i64 {
        nanos(cx, ClockId::Realtime)
    }

    /// Give the seconds on a clock that only moves forward.
    pub fn monotonic(cx: &mut Ctx) -> f64 {
        seconds(cx, ClockId::Monotonic)
    }

    /// Give the nanoseconds on a clock that only moves forward.
    pub fn monotonic_ns(cx: &mut Ctx) -> i64 {
        nanos(cx, ClockId::Monotonic)
    }

    /// Give the seconds on the finest clock there is, for measuring.
    pub fn perf_counter(cx: &mut Ctx) -> f64 {
        seconds(cx, ClockId::Monotonic)
    }

    /// Give the nanoseconds on the finest clock there is, for measuring.
    pub fn perf_counter_ns(cx: &mut Ctx) -> i64 {
        nanos(cx, ClockId::Monotonic)
    }

    /// Give the processor time that the process has used, in seconds.
    pub fn process_time(cx: &mut Ctx) -> f64 {
        seconds(cx, ClockId::ProcessCPUTime)
    }

    /// Give the processor time that the process has used, in nanoseconds.
    pub fn process_time_ns(cx: &mut Ctx) -> i64 {
        nanos(cx, ClockId::ProcessCPUTime)
    }

    /// CPU time of the OS thread that runs the caller.
    pub fn thread_time(cx: &mut Ctx) -> f64 {
        seconds(cx, ClockId::ThreadCPUTime)
    }

    /// CPU time of the OS thread that runs the caller as nanoseconds.
    pub fn thread_time_ns(cx: &mut Ctx) -> i64 {
        nanos(cx, ClockId::ThreadCPUTime)
    }

    /// Give what one of the system's clocks shows, in seconds.
    pub fn clock_gettime(cx: &mut Ctx, clk_id: i64) -> R<f64> {
        let id = clock(cx, clk_id)?;
        Ok(seconds(cx, id))
    }

    /// Give what one of the system's clocks shows, in nanoseconds.
    pub fn clock_gettime_ns(cx: &mut Ctx, clk_id: i64) -> R<i64> {
        let id = clock(cx, clk_id)?;
        Ok(nanos(cx, id))
    }

    /// Give the smallest difference that one of the system's clocks shows.
    #[name = "clock_getres"]
    pub fn clock_resolution(cx: &mut Ctx, clk_id: i64) -> R<f64> {
        let t = clock_getres(clock(cx, clk_id)?);
        Ok(t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9)
    }

    /// Tell how a clock works: a namespace with implementation, monotonic, adjustable and resolution.
    pub fn get_clock_info(cx: &mut Ctx, name: Value) -> R {
        let text = cx.text_of(name);
        let (clock, title, monotonic, adjustable) = match text.as_str() {
            "time" => (ClockId::Realtime, "CLOCK_REALTIME", false, true),
            "monotonic" | "perf_counter" => (ClockId::Monotonic, "CLOCK_MONOTONIC", true, false),
            "process_time" => (ClockId::ProcessCPUTime, "CLOCK_PROCESS_CPUTIME_ID", true, false),
            "thread_time" => (ClockId::ThreadCPUTime, "CLOCK_THREAD_CPUTIME_ID", true, false),
            _ => return Err(cx.value_error("unknown clock")),
        };
        let space = crate::system::facts::namespace(cx)?;
        if let Some(dict) = cx.instance_dict(space) {
            let title = cx.str(&format!("clock_gettime({title})"));
            let t = clock_getres(clock);
            let resolution = cx.float(t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9);
            for (name, value) in [
                ("implementation", title),
                ("monotonic", Value::bool(monotonic)),
                ("adjustable", Value::bool(adjustable)),
                ("resolution", resolution),
            ] {
                crate::core::shared::set_text(cx, dict, name, value);
            }
        }
        Ok(space)
    }

    /// Give the parts of a time in UTC, now unless seconds are given.
    pub fn gmtime(cx: &mut Ctx, #[default(Value::NONE)] seconds: Value) -> R {
        let at = moment(cx, seconds)?;
        let mut fields = Fields::utc(at);
        fields.zone = Some("GMT".into());
        fields.to_value(cx)
    }

    /// Give the parts of a time where we are, now unless seconds are given.
    pub fn localtime(cx: &mut Ctx, #[default(Value::NONE)] seconds: Value) -> R {
        let at = moment(cx, seconds)?;
        Fields::local(at).to_value(cx)
    }

    /// Give the seconds since the start of 1970 for a local time.
    pub fn mktime(cx: &mut Ctx, tuple: Value) -> R<f64> {
        let fields = Fields::from_value(cx, tuple, "mktime")?;
        if fields.year.abs() > 2_147_483_647 {
            return Err(cx.overflow_error("year out of range"));
        }
        Ok(fields.local_to_seconds() as f64)
    }

    fn given_or_now(cx: &mut Ctx, tuple: Option<Value>, function: &str) -> R<Fields> {
        match tuple {
            Some(tuple) => {
                let mut fields = Fields::from_value(cx, tuple, function)?;
                fields.check(cx)?;
                Ok(fields)
            }
            None => Ok(Fields::local(clock_gettime_seconds())),
        }
    }

    fn clock_gettime_seconds() -> i64 {
        ::rustix::time::clock_gettime(ClockId::Realtime).tv_sec
    }

    /// Lay a time out as the format says, now unless a tuple is given.
    pub fn strftime(cx: &mut Ctx, format: Value, tuple: Option<Value>) -> R<String> {
        let pattern = text_arg(cx, format, |got| format!("strftime() argument 1 must be str, not {got}"))?;
        let fields = given_or_now(cx, tuple, "strftime")?;
        Ok(format::format(&fields, &pattern.to_text()))
    }

    /// Lay a time out as in 'Mon Jan  1 00:00:00 2001', now unless a tuple is given.
    pub fn asctime(cx: &mut Ctx, tuple: Option<Value>) -> R<String> {
        let fields = given_or_now(cx, tuple, "asctime")?;
        Ok(format::asctime(&fields))
    }

    /// Write a time as text, as the clock on the wall shows it.
    pub fn ctime(cx: &mut Ctx, #[default(Value::NONE)] seconds: Value) -> R<String> {
        let at = moment(cx, seconds)?;
        Ok(format::asctime(&Fields::local(at)))
    }

    /// Read a time from a text laid out as the format says.
    pub fn strptime(cx: &mut Ctx, string: Value, format: Option<Value>) -> R {
        let text = text_arg(cx, string, |got| format!("strptime() argument 0 must be str, not <class '{got}'>"))?;
        let pattern = match format {
            Some(format) => {
                let f = text_arg(cx, format, |got| format!("strptime() argument 1 must be str, not <class '{got}'>"))?;
                f.to_text().into_owned()
            }
            None => "%a %b %d %H:%M:%S %Y".to_string(),
        };
        match parse::parse(&text.to_text(), &pattern, &super::quoted) {
            Ok((fields, _)) => fields.to_value(cx),
            Err(message) => Err(cx.value_error(message)),
        }
    }

    /// strptime for datetime: (year, month, day, hour, minute, second, microsecond, offset or None, zone or None).
    pub fn _strptime(cx: &mut Ctx, string: Value, format: Value) -> R {
        let text = text_arg(cx, string, |got| format!("strptime() argument 1 must be str, not {got}"))?;
        let pattern = text_arg(cx, format, |got| format!("strptime() argument 2 must be str, not {got}"))?;
        let (f, micros) = match parse::parse(&text.to_text(), &pattern.to_text(), &super::quoted) {
            Ok(parsed) => parsed,
            Err(message) => return Err(cx.value_error(message)),
        };
        let zone = match &f.zone {
            Some(zone) => cx.str(zone),
            None => Value::NONE,
        };
        let offset = f.offset.map_or(Value::NONE, Value::small_int);
        let part = Value::small_int;
        cx.tuple(&[
            part(f.year),
            part(f.month),
            part(f.day),
            part(f.hour),
            part(f.minute),
            part(f.second),
            part(micros),
            offset,
            zone,
        ])
    }
}

/// A text as repr shows it.
fn quoted(text: &str) -> String {
    String::from_utf8_lossy(&conc_interpreter::text::quote::repr_str(text.as_bytes())).into_owned()
}
