//! strptime: calendar fields from text.

use super::fields::{Fields, civil_from_days, days_from_civil, days_in_month, is_leap};
use super::format::{MONTHS, WEEKDAYS};

/// A piece of a format.
#[derive(Clone, Copy, Debug)]
enum Item {
    Char(char),
    Space,
    Directive(char),
}

/// What the directives have said so far.
#[derive(Clone, Debug, Default)]
struct Found {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: i64,
    hour12: Option<i64>,
    pm: Option<bool>,
    minute: i64,
    second: i64,
    micros: i64,
    weekday: Option<i64>,
    yearday: Option<i64>,
    week: Option<(i64, bool)>,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    dst: Option<i64>,
    zone: Option<String>,
    offset: Option<i64>,
}

/// The outcome: the fields and the microseconds.
pub type Parsed = (Fields, i64);

/// The pieces of a format; compound directives are spelled out.
fn items(format: &str, full: &str) -> Result<Vec<Item>, String> {
    let mut out = Vec::new();
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c.is_whitespace() {
            if !matches!(out.last(), Some(Item::Space)) {
                out.push(Item::Space);
            }
            continue;
        }
        if c != '%' {
            out.push(Item::Char(c));
            continue;
        }
        let Some(d) = rest.next() else { return Err(format!("stray % in format '{full}'")) };
        match d {
            'c' => out.extend(items("%a %b %d %H:%M:%S %Y", full)?),
            'x' => out.extend(items("%m/%d/%y", full)?),
            'X' => out.extend(items("%H:%M:%S", full)?),
            '%' => out.push(Item::Char('%')),
            'a' | 'A' | 'b' | 'B' | 'd' | 'f' | 'G' | 'H' | 'I' | 'j' | 'm' | 'M' | 'p' | 'S' | 'u' | 'U' | 'V'
            | 'w' | 'W' | 'y' | 'Y' | 'z' | 'Z' => out.push(Item::Directive(d)),
            _ => return Err(format!("'{d}' is a bad directive in format '{full}'")),
        }
    }
    Ok(out)
}

/// Values a number directive may have at the start of some text, longest first: (value, bytes).
fn numbers(text: &str, digits: std::ops::RangeInclusive<usize>, low: i64, high: i64, blank: bool) -> Vec<(i64, usize)> {
    let mut out = Vec::new();
    for n in digits.rev() {
        let Some(part) = text.get(..n) else { continue };
        let plain = if blank { part.strip_prefix(' ').unwrap_or(part) } else { part };
        if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        if let Ok(value) = plain.parse::<i64>()
            && (low..=high).contains(&value)
        {
            out.push((value, n));
        }
    }
    out
}

/// Names that begin the text, longest first: (index, bytes).
fn names(text: &str, list: &[&str], short: bool) -> Vec<(i64, usize)> {
    let mut out = Vec::new();
    for (i, name) in list.iter().enumerate() {
        let name = if short { &name[..3] } else { name };
        if text.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name)) {
            out.push((i as i64, name.len()));
        }
    }
    out.sort_by_key(|c| std::cmp::Reverse(c.1));
    out
}

/// `+hh:mm[:ss[.ffffff]]`, with or without colons, or Z.
fn offset(text: &str) -> Option<(i64, usize)> {
    let bytes = text.as_bytes();
    if matches!(bytes.first(), Some(b'Z')) {
        return Some((0, 1));
    }
    let sign = match bytes.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |at: usize| text.get(at..at + 2).filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?.parse::<i64>().ok();
    let hours = two(1)?;
    let colon = usize::from(bytes.get(3) == Some(&b':'));
    let minutes = two(3 + colon).filter(|m| *m < 60)?;
    let mut end = 5 + colon;
    let mut seconds = 0;
    let second_colon = usize::from(bytes.get(end) == Some(&b':'));
    if second_colon == colon
        && let Some(s) = two(end + second_colon).filter(|s| *s < 60)
    {
        seconds = s;
        end += second_colon + 2;
    }
    Some((sign * (hours * 3600 + minutes * 60 + seconds), end))
}

/// Matches the pieces from `at` on, trying shorter readings where longer ones lead nowhere.
fn matches(items: &[Item], text: &str, found: &Found) -> Option<(Found, usize)> {
    let Some((first, rest)) = items.split_first() else { return Some((found.clone(), 0)) };
    let go_on = |used: usize, found: &Found| {
        let (found, more) = matches(rest, text.get(used..)?, found)?;
        Some((found, used + more))
    };
    match *first {
        Item::Char(c) => {
            let t = text.chars().next()?;
            if t == c || t.to_lowercase().eq(c.to_lowercase()) { go_on(t.len_utf8(), found) } else { None }
        }
        Item::Space => {
            let n = text.len() - text.trim_start().len();
            if n == 0 { None } else { go_on(n, found) }
        }
        Item::Directive(d) => candidates(d, text).into_iter().find_map(|(value, used)| {
            let mut next = found.clone();
            apply(d, value, text.get(..used)?, &mut next);
            go_on(used, &next)
        }),
    }
}

/// The readings of a directive at the start of the text, in order of preference.
fn candidates(d: char, text: &str) -> Vec<(i64, usize)> {
    match d {
        'a' => names(text, &WEEKDAYS, true),
        'A' => names(text, &WEEKDAYS, false),
        'b' => names(text, &MONTHS, true),
        'B' => names(text, &MONTHS, false),
        'd' => numbers(text, 1..=2, 1, 31, true),
        'f' => {
            let n = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
            (1..=n).rev().filter_map(|n| text.get(..n)?.parse().ok().map(|v| (v, n))).collect()
        }
        'G' | 'Y' => numbers(text, 4..=4, 0, 9999, false),
        'H' => numbers(text, 1..=2, 0, 23, false),
        'I' => numbers(text, 1..=2, 1, 12, false),
        'j' => numbers(text, 1..=3, 1, 366, false),
        'm' => numbers(text, 1..=2, 1, 12, false),
        'M' => numbers(text, 1..=2, 0, 59, false),
        'S' => numbers(text, 1..=2, 0, 61, false),
        'U' | 'W' => numbers(text, 1..=2, 0, 53, false),
        'V' => numbers(text, 1..=2, 1, 53, false),
        'u' => numbers(text, 1..=1, 1, 7, false),
        'w' => numbers(text, 1..=1, 0, 6, false),
        'y' => numbers(text, 2..=2, 0, 99, false),
        'p' => names(text, &["AM", "PM"], false),
        'z' => offset(text).into_iter().collect(),
        'Z' => {
            let zone = super::fields::zone();
            let mut known = vec![("utc".to_string(), 0), ("gmt".to_string(), 0), (zone.standard.1.to_lowercase(), 0)];
            if let Some((_, name)) = zone.daylight {
                known.push((name.to_lowercase(), 1));
            }
            let mut out: Vec<(i64, usize)> = Vec::new();
            for (name, dst) in known {
                if text.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(&name)) {
                    out.push((dst, name.len()));
                }
            }
            out
        }
        _ => Vec::new(),
    }
}

fn apply(d: char, value: i64, text: &str, f: &mut Found) {
    match d {
        'a' | 'A' => f.weekday = Some(value),
        'b' | 'B' => f.month = Some(value + 1),
        'd' => f.day = Some(value),
        'f' => f.micros = value * 10i64.pow(6 - text.len() as u32),
        'G' => f.iso_year = Some(value),
        'H' => f.hour = value,
        'I' => f.hour12 = Some(value),
        'j' => f.yearday = Some(value),
        'm' => f.month = Some(value),
        'M' => f.minute = value,
        'p' => f.pm = Some(value == 1),
        'S' => f.second = value,
        'u' => f.weekday = Some(value - 1),
        'U' => f.week = Some((value, true)),
        'V' => f.iso_week = Some(value),
        'w' => f.weekday = Some((value + 6) % 7),
        'W' => f.week = Some((value, false)),
        'y' => f.year = Some(if value <= 68 { 2000 + value } else { 1900 + value }),
        'Y' => f.year = Some(value),
        'z' => f.offset = Some(value),
        'Z' => {
            f.dst = Some(value);
            f.zone = Some(text.to_string());
        }
        _ => {}
    }
}

/// Parses; the error is a ValueError's message.
pub fn parse(text: &str, format: &str, repr: &dyn Fn(&str) -> String) -> Result<Parsed, String> {
    let pieces = items(format, format)?;
    let Some((found, used)) = matches(&pieces, text, &Found::default()) else {
        return Err(format!("time data {} does not match format {}", repr(text), repr(format)));
    };
    if used < text.len() {
        return Err(format!("unconverted data remains: {}", &text[used..]));
    }
    resolve(found)
}

/// The weekday of January 1st, Monday = 0.
fn first_weekday(year: i64) -> i64 {
    (days_from_civil(year, 1, 1) + 3).rem_euclid(7)
}

/// The day of the year of a weekday in a week counted from the first Sunday or Monday.
fn day_of_week(year: i64, week: i64, sunday: bool, weekday: i64) -> i64 {
    let (mut first, mut weekday) = (first_weekday(year), weekday);
    if sunday {
        first = (first + 1) % 7;
        weekday = (weekday + 1) % 7;
    }
    let week_0 = (7 - first) % 7;
    if week == 0 { 1 + weekday - first } else { 1 + week_0 + 7 * (week - 1) + weekday }
}

fn resolve(f: Found) -> Result<Parsed, String> {
    if f.iso_year.is_some() {
        if f.yearday.is_some() {
            return Err("Day of the year directive '%j' is not compatible with ISO year directive '%G'. Use '%Y' \
                        instead."
                .into());
        }
        if f.iso_week.is_none() || f.weekday.is_none() {
            return Err(
                "ISO year directive '%G' must be used with the ISO week directive '%V' and a weekday directive \
                        ('%A', '%a', '%w', or '%u')."
                    .into(),
            );
        }
    } else if f.iso_week.is_some() {
        if f.year.is_none() || f.weekday.is_none() {
            return Err(
                "ISO week directive '%V' must be used with the ISO year directive '%G' and a weekday directive \
                        ('%A', '%a', '%w', or '%u')."
                    .into(),
            );
        }
        return Err("ISO week directive '%V' is incompatible with the year directive '%Y'. Use the ISO year '%G' \
                    instead."
            .into());
    }
    let mut leap_fix = false;
    let (month, day) = (f.month.unwrap_or(1), f.day.unwrap_or(1));
    let mut year = match f.year {
        Some(year) => year,
        None if month == 2 && day == 29 => {
            leap_fix = true;
            1904
        }
        None => 1900,
    };
    let mut yearday = f.yearday;
    if yearday.is_none()
        && let Some(weekday) = f.weekday
    {
        if let (Some((week, sunday)), true) = (f.week, f.year.is_some()) {
            yearday = Some(day_of_week(year, week, sunday, weekday));
        } else if let (Some(iso_year), Some(week)) = (f.iso_year, f.iso_week) {
            year = iso_year;
            let january_4 = days_from_civil(year, 1, 4);
            let monday = january_4 - (january_4 + 3).rem_euclid(7);
            let days = monday + (week - 1) * 7 + weekday;
            yearday = Some(days - days_from_civil(year, 1, 1) + 1);
        }
        if let Some(n) = yearday
            && n <= 0
        {
            year -= 1;
            yearday = Some(n + if is_leap(year) { 366 } else { 365 });
        }
    }
    let (year, month, day, yearday) = match yearday {
        Some(n) => {
            let (y, m, d) = civil_from_days(days_from_civil(year, 1, 1) + n - 1);
            (y, m, d, n)
        }
        None => {
            if day > days_in_month(year, month) {
                return Err("day is out of range for month".into());
            }
            (year, month, day, days_from_civil(year, month, day) - days_from_civil(year, 1, 1) + 1)
        }
    };
    let weekday = f.weekday.unwrap_or_else(|| (days_from_civil(year, month, day) + 3).rem_euclid(7));
    let hour = match (f.hour12, f.pm) {
        (Some(12), Some(true)) => 12,
        (Some(12), _) => 0,
        (Some(h), Some(true)) => h + 12,
        (Some(h), _) => h,
        (None, _) => f.hour,
    };
    let fields = Fields {
        year: if leap_fix { 1900 } else { year },
        month,
        day,
        hour,
        minute: f.minute,
        second: f.second,
        weekday,
        yearday,
        dst: f.dst.unwrap_or(-1),
        zone: f.zone,
        offset: f.offset,
    };
    Ok((fields, f.micros))
}
