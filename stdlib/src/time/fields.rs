//! Calendar fields: struct_time, and conversions between it and seconds since the epoch.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::Value;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::core::structseq::{Layout, build};

pub static STRUCT_TIME: Layout = Layout {
    module: "time",
    name: "struct_time",
    fields: &["tm_year", "tm_mon", "tm_mday", "tm_hour", "tm_min", "tm_sec", "tm_wday", "tm_yday", "tm_isdst"],
    extra: &["tm_zone", "tm_gmtoff"],
    closed: false,
};

/// A moment taken apart: months and days of the year from 1, weekdays from Monday = 0.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub weekday: i64,
    pub yearday: i64,
    pub dst: i64,
    pub zone: Option<String>,
    pub offset: Option<i64>,
}

pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar (Hinnant's algorithm).
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date of a day number.
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * day_of_year + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * mp + 2) / 5 + 1)
}

impl Fields {
    /// From seconds since the epoch, without a zone.
    pub fn from_seconds(seconds: i64) -> Fields {
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        Fields {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: (days + 3).rem_euclid(7),
            yearday: days - days_from_civil(year, 1, 1) + 1,
            ..Fields::default()
        }
    }
    /// UTC.
    pub fn utc(seconds: i64) -> Fields {
        Fields { zone: Some("UTC".into()), offset: Some(0), ..Fields::from_seconds(seconds) }
    }
    /// In the local zone.
    pub fn local(seconds: i64) -> Fields {
        let (offset, dst, name) = local_offset(seconds);
        Fields { dst: i64::from(dst), zone: Some(name), offset: Some(offset), ..Fields::from_seconds(seconds + offset) }
    }
    /// Seconds since the epoch if the fields were UTC; they may be out of their ranges.
    pub fn to_seconds(&self) -> i64 {
        let months = self.year * 12 + self.month - 1;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        days_from_civil(year, month, 1) * 86_400
            + (self.day - 1) * 86_400
            + self.hour * 3600
            + self.minute * 60
            + self.second
    }
    /// Seconds since the epoch with the fields taken as local time; `dst` decides where that is ambiguous.
    pub fn local_to_seconds(&self) -> i64 {
        let naive = self.to_seconds();
        let standard = local_offset(naive).0;
        let mut found = naive - standard;
        for guess in [naive - standard, naive - standard - 3600, naive - standard + 3600] {
            let (offset, dst, _) = local_offset(guess);
            let fits = guess + offset == naive;
            if fits && (self.dst < 0 || (self.dst > 0) == dst) {
                return guess;
            }
            if fits {
                found = guess;
            }
        }
        let (_, dst, _) = local_offset(found);
        match (self.dst, dst) {
            (1.., false) if has_dst() => found - 3600,
            (0, true) => found + 3600,
            _ => found,
        }
    }

    pub fn to_value(&self, cx: &mut Ctx) -> R {
        let zone = match &self.zone {
            Some(zone) => cx.str(zone),
            None => Value::NONE,
        };
        let offset = self.offset.map_or(Value::NONE, Value::small_int);
        let part = Value::small_int;
        let items = [
            part(self.year),
            part(self.month),
            part(self.day),
            part(self.hour),
            part(self.minute),
            part(self.second),
            part(self.weekday),
            part(self.yearday),
            part(self.dst),
        ];
        build(cx, &STRUCT_TIME, &items, &[zone, offset])
    }

    /// From a tuple of nine numbers or a struct_time.
    pub fn from_value(cx: &mut Ctx, v: Value, function: &str) -> R<Fields> {
        let Some(t) = v.cast::<Tuple>() else {
            return Err(cx.type_error("Tuple or struct_time argument required"));
        };
        if t.len != 9 {
            return Err(cx.type_error(format!("{function}(): illegal time tuple argument")));
        }
        let mut parts = [0i64; 9];
        for (part, &item) in parts.iter_mut().zip(t.items()) {
            *part = cx.index_i64(item)?;
        }
        let mut fields = Fields {
            year: parts[0],
            month: parts[1],
            day: parts[2],
            hour: parts[3],
            minute: parts[4],
            second: parts[5],
            weekday: parts[6],
            yearday: parts[7],
            dst: parts[8],
            ..Fields::default()
        };
        if t.header().shape() != conc_interpreter::object::kind::ClassId::Tuple.shape() {
            let (zone, offset) = (cx.intern("tm_zone"), cx.intern("tm_gmtoff"));
            let zone = cx.get_attr_opt(v, zone)?.and_then(|z| z.cast::<Str>());
            fields.zone = zone.map(|z| z.to_text().into_owned());
            let offset = cx.get_attr_opt(v, offset)?;
            fields.offset = offset.and_then(|o| cx.as_i64(o));
        }
        Ok(fields)
    }

    /// Checks the ranges that strftime and asctime insist on.
    pub fn check(&mut self, cx: &mut Ctx) -> R<()> {
        self.month = if self.month == 0 { 1 } else { self.month };
        self.day = if self.day == 0 { 1 } else { self.day };
        self.yearday = if self.yearday == 0 { 1 } else { self.yearday };
        let checks = [
            (self.month, 1, 12, "month"),
            (self.day, 1, 31, "day of month"),
            (self.hour, 0, 23, "hour"),
            (self.minute, 0, 59, "minute"),
            (self.second, 0, 61, "seconds"),
            (self.yearday, 1, 366, "day of year"),
        ];
        for (value, low, high, what) in checks {
            if value < low || value > high {
                return Err(cx.value_error(format!("{what} out of range")));
            }
        }
        if self.weekday < -1 {
            return Err(cx.value_error("day of week out of range"));
        }
        self.weekday = self.weekday.rem_euclid(7);
        Ok(())
    }
}

/// Offset from UTC in seconds, whether daylight saving is in force, and the zone's name.
pub fn local_offset(seconds: i64) -> (i64, bool, String) {
    let zone = TimeZone::system();
    let at = Timestamp::from_second(seconds.clamp(-377_705_000_000, 253_402_207_000)).unwrap_or_default();
    let info = zone.to_offset_info(at);
    let name = info.abbreviation().to_string();
    let name = if name == "Etc/Unknown" || name.is_empty() { "UTC".to_string() } else { name };
    (i64::from(info.offset().seconds()), info.dst().is_dst(), name)
}

/// Standard and daylight offsets and names of this year, as `time.timezone` and its kin tell them.
pub struct Zone {
    pub standard: (i64, String),
    pub daylight: Option<(i64, String)>,
}

pub fn zone() -> Zone {
    let year = Fields::from_seconds(Timestamp::now().as_second()).year;
    let january = local_offset(days_from_civil(year, 1, 1) * 86_400);
    let july = local_offset(days_from_civil(year, 7, 1) * 86_400);
    let mut zone = Zone { standard: (january.0, january.2.clone()), daylight: None };
    for (offset, dst, name) in [january, july] {
        if dst {
            zone.daylight = Some((offset, name));
        } else {
            zone.standard = (offset, name);
        }
    }
    zone
}

fn has_dst() -> bool {
    zone().daylight.is_some()
}
