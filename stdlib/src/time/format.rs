//! strftime: calendar fields as text, in the C locale.

use super::fields::Fields;

pub const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// How a directive's value is padded, from its flag.
#[derive(Clone, Copy, Default)]
struct Style {
    flag: Option<char>,
    upper: bool,
    width: Option<usize>,
}

fn number(out: &mut String, value: i64, width: usize, pad: char, style: Style) {
    let pad = match style.flag {
        Some('-') => None,
        Some('_') => Some(' '),
        Some('0') => Some('0'),
        _ => Some(pad),
    };
    let width = style.width.unwrap_or(width);
    let digits = value.unsigned_abs().to_string();
    if value < 0 {
        out.push('-');
    }
    if let Some(pad) = pad {
        for _ in digits.len()..width {
            out.push(pad);
        }
    }
    out.push_str(&digits);
}

fn hour12(hour: i64) -> i64 {
    if hour % 12 == 0 { 12 } else { hour % 12 }
}

/// ISO year and week.
pub fn iso_week(f: &Fields) -> (i64, i64) {
    let week = (f.yearday - 1 - f.weekday + 10) / 7;
    if week < 1 {
        let days = if super::fields::is_leap(f.year - 1) { 366 } else { 365 };
        return (f.year - 1, (f.yearday - 1 + days - f.weekday + 10) / 7);
    }
    let long = |year: i64| {
        let p = |y: i64| (y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400)).rem_euclid(7);
        p(year) == 4 || p(year - 1) == 3
    };
    if week == 53 && !long(f.year) { (f.year + 1, 1) } else { (f.year, week) }
}

pub fn format(f: &Fields, pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut given = String::from("%");
        let mut style = Style::default();
        while let Some(&flag) = rest.peek() {
            match flag {
                '-' | '_' | '0' => style.flag = Some(flag),
                '^' => style.upper = true,
                '#' => style.upper = true,
                'E' | 'O' => {}
                '1'..='9' => {
                    let digit = flag as usize - '0' as usize;
                    style.width = Some((style.width.unwrap_or(0) * 10 + digit).min(1024));
                }
                _ => break,
            }
            given.push(flag);
            rest.next();
        }
        match rest.next() {
            Some(directive) => {
                given.push(directive);
                let start = out.len();
                if !write(f, directive, style, &mut out) {
                    out.push_str(&given);
                } else if style.upper {
                    let upper = out[start..].to_uppercase();
                    out.replace_range(start.., &upper);
                }
            }
            None => out.push_str(&given),
        }
    }
    out
}

/// Appends a directive's value; false: there is no such directive.
fn write(f: &Fields, directive: char, s: Style, out: &mut String) -> bool {
    let name = |list: &'static [&'static str], i: i64| list.get(i as usize).copied().unwrap_or("?");
    match directive {
        'a' => out.push_str(&name(&WEEKDAYS, f.weekday)[..3]),
        'A' => out.push_str(name(&WEEKDAYS, f.weekday)),
        'b' | 'h' => out.push_str(&name(&MONTHS, f.month - 1)[..3]),
        'B' => out.push_str(name(&MONTHS, f.month - 1)),
        'c' => out.push_str(&format(f, "%a %b %e %H:%M:%S %Y")),
        'C' => number(out, f.year.div_euclid(100), 2, '0', s),
        'd' => number(out, f.day, 2, '0', s),
        'D' | 'x' => out.push_str(&format(f, "%m/%d/%y")),
        'e' => number(out, f.day, 2, ' ', s),
        'F' => out.push_str(&format(f, "%Y-%m-%d")),
        'g' => number(out, iso_week(f).0.rem_euclid(100), 2, '0', s),
        'G' => number(out, iso_week(f).0, 1, '0', s),
        'H' => number(out, f.hour, 2, '0', s),
        'I' => number(out, hour12(f.hour), 2, '0', s),
        'j' => number(out, f.yearday, 3, '0', s),
        'k' => number(out, f.hour, 2, ' ', s),
        'l' => number(out, hour12(f.hour), 2, ' ', s),
        'm' => number(out, f.month, 2, '0', s),
        'M' => number(out, f.minute, 2, '0', s),
        'n' => out.push('\n'),
        'p' => out.push_str(if f.hour < 12 { "AM" } else { "PM" }),
        'P' => out.push_str(if f.hour < 12 { "am" } else { "pm" }),
        'r' => out.push_str(&format(f, "%I:%M:%S %p")),
        'R' => out.push_str(&format(f, "%H:%M")),
        's' => out.push_str(&f.local_to_seconds().to_string()),
        'S' => number(out, f.second, 2, '0', s),
        't' => out.push('\t'),
        'T' | 'X' => out.push_str(&format(f, "%H:%M:%S")),
        'u' => number(out, f.weekday + 1, 1, '0', s),
        'U' => number(out, (f.yearday + 6 - (f.weekday + 1) % 7) / 7, 2, '0', s),
        'V' => number(out, iso_week(f).1, 2, '0', s),
        'w' => number(out, (f.weekday + 1) % 7, 1, '0', s),
        'W' => number(out, (f.yearday + 6 - f.weekday) / 7, 2, '0', s),
        'y' => number(out, f.year.rem_euclid(100), 2, '0', s),
        'Y' => number(out, f.year, 1, '0', s),
        'z' => write_offset(f, out),
        'Z' => match &f.zone {
            Some(zone) => out.push_str(zone),
            None => out.push_str(&zone_name(f)),
        },
        '%' => out.push('%'),
        _ => return false,
    }
    true
}

fn write_offset(f: &Fields, out: &mut String) {
    let offset = f.offset.unwrap_or_else(|| super::fields::local_offset(f.local_to_seconds()).0);
    let (sign, offset) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
    out.push_str(&format!("{sign}{:02}{:02}", offset / 3600, offset / 60 % 60));
}

fn zone_name(f: &Fields) -> String {
    let zone = super::fields::zone();
    match zone.daylight {
        Some((_, name)) if f.dst > 0 => name,
        _ => zone.standard.1,
    }
}

/// `Mon Jan  1 00:00:00 2020`
pub fn asctime(f: &Fields) -> String {
    format(f, "%a %b %e %H:%M:%S %Y")
}
