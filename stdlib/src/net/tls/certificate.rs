//! What an X.509 certificate says, read from its DER bytes as far as scripts are told.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::value::Value;
use std::net::{Ipv4Addr, Ipv6Addr};

/// One element: its tag and content, and what follows it.
fn element(data: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = data.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut len = usize::from(first);
    if first & 0x80 != 0 {
        let bytes = usize::from(first & 0x7f);
        if bytes == 0 || bytes > 4 {
            return None;
        }
        let (digits, after) = rest.split_at_checked(bytes)?;
        len = digits.iter().fold(0, |n, &d| n << 8 | usize::from(d));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

/// The content of an element with that tag, and what follows it.
fn tagged(data: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(data)?;
    (tag == wanted).then_some((content, rest))
}

/// The elements of a sequence.
fn elements(mut data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = element(data)?;
        data = rest;
        Some((tag, content))
    })
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OBJECT: u8 = 0x06;
const OCTETS: u8 = 0x04;
const UTC_TIME: u8 = 0x17;

/// The parts of a certificate.
pub struct Certificate<'a> {
    version: i64,
    serial: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    /// Seconds since 1970.
    pub not_before: i64,
    pub not_after: i64,
    names: Vec<(&'static str, String)>,
    authority: bool,
}

impl<'a> Certificate<'a> {
    pub fn read(der: &'a [u8]) -> Option<Certificate<'a>> {
        let (outer, _) = tagged(der, SEQUENCE)?;
        let (mut rest, _) = tagged(outer, SEQUENCE)?;
        let mut version = 1;
        if let Some((inner, after)) = tagged(rest, 0xa0) {
            version = i64::from(*tagged(inner, INTEGER)?.0.first()?) + 1;
            rest = after;
        }
        let (serial, rest) = tagged(rest, INTEGER)?;
        let (_, rest) = tagged(rest, SEQUENCE)?;
        let (issuer, rest) = tagged(rest, SEQUENCE)?;
        let (validity, rest) = tagged(rest, SEQUENCE)?;
        let (subject, rest) = tagged(rest, SEQUENCE)?;
        let mut times = elements(validity).map(|(tag, text)| seconds(tag, text));
        let (not_before, not_after) = (times.next()??, times.next()??);
        let (mut names, mut authority) = (Vec::new(), false);
        for (tag, content) in elements(rest) {
            if tag == 0xa3 {
                for (_, extension) in elements(tagged(content, SEQUENCE)?.0) {
                    let (oid, value) = tagged(extension, OBJECT)?;
                    // Whether it is critical does not matter here.
                    let value = elements(value).find(|(tag, _)| *tag == OCTETS)?.1;
                    match oid {
                        [0x55, 0x1d, 0x11] => names = alternatives(tagged(value, SEQUENCE)?.0),
                        [0x55, 0x1d, 0x13] => {
                            let flag = tagged(value, SEQUENCE).and_then(|(flags, _)| element(flags));
                            authority = matches!(flag, Some((1, [b], _)) if *b != 0);
                        }
                        _ => {}
                    }
                }
            }
        }
        Some(Certificate { version, serial, issuer, subject, not_before, not_after, names, authority })
    }

    /// Whether it names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// All of it as a tuple.
    pub fn describe(&self, cx: &mut Ctx) -> R {
        let (subject, issuer) = (distinguished(cx, self.subject)?, distinguished(cx, self.issuer)?);
        let digits: String = self.serial.iter().map(|b| format!("{b:02X}")).collect();
        // A leading zero byte only keeps the number positive.
        let digits = digits.strip_prefix("00").filter(|rest| !rest.is_empty()).unwrap_or(&digits);
        let serial = cx.str(digits);
        let names = cx.new_list();
        for (kind, name) in &self.names {
            let (kind, name) = (cx.str(kind), cx.str(name));
            let pair = cx.tuple(&[kind, name])?;
            cx.list_push(names, pair)?;
        }
        let names = cx.list_to_tuple(names)?;
        let (before, after) = (cx.int(self.not_before), cx.int(self.not_after));
        let version = Value::small_int(self.version);
        cx.tuple(&[subject, issuer, version, serial, before, after, names, Value::bool(self.authority)])
    }
}

/// A time as seconds since 1970.
fn seconds(tag: u8, text: &[u8]) -> Option<i64> {
    let number = |part: &[u8]| std::str::from_utf8(part).ok()?.parse::<i64>().ok();
    let (year, rest) = if tag == UTC_TIME {
        let year = number(text.get(..2)?)?;
        (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
    } else {
        (number(text.get(..4)?)?, text.get(4..)?)
    };
    let part = |i: usize| number(rest.get(2 * i..2 * i + 2)?);
    let (month, day, hour, minute, second) = (part(0)?, part(1)?, part(2)?, part(3)?, part(4)?);
    // Days since 1970 of the civil date, with years that begin in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// The names that the certificate is for, besides its subject.
fn alternatives(content: &[u8]) -> Vec<(&'static str, String)> {
    let text = |data: &[u8]| String::from_utf8_lossy(data).into_owned();
    let mut names = Vec::new();
    for (tag, data) in elements(content) {
        match (tag & 0x1f, data.len()) {
            (1, _) => names.push(("email", text(data))),
            (2, _) => names.push(("DNS", text(data))),
            (6, _) => names.push(("URI", text(data))),
            (7, 4) => names.push(("IP Address", Ipv4Addr::new(data[0], data[1], data[2], data[3]).to_string())),
            (7, 16) => {
                let ip = <[u8; 16]>::try_from(data).map(Ipv6Addr::from).unwrap_or(Ipv6Addr::UNSPECIFIED);
                let groups: Vec<String> = ip.segments().iter().map(|g| format!("{g:X}")).collect();
                names.push(("IP Address", groups.join(":")));
            }
            _ => {}
        }
    }
    names
}

/// The usual name of an attribute, else its number with dots.
fn attribute(oid: &[u8]) -> String {
    let known = match oid {
        [0x55, 4, 3] => "commonName",
        [0x55, 4, 4] => "surname",
        [0x55, 4, 5] => "serialNumber",
        [0x55, 4, 6] => "countryName",
        [0x55, 4, 7] => "localityName",
        [0x55, 4, 8] => "stateOrProvinceName",
        [0x55, 4, 9] => "streetAddress",
        [0x55, 4, 10] => "organizationName",
        [0x55, 4, 11] => "organizationalUnitName",
        [0x55, 4, 12] => "title",
        [0x55, 4, 17] => "postalCode",
        [0x55, 4, 42] => "givenName",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "domainComponent",
        _ => {
            let mut arcs: Vec<u64> = Vec::new();
            let mut arc = 0u64;
            for &b in oid {
                arc = arc << 7 | u64::from(b & 0x7f);
                if b & 0x80 == 0 {
                    if arcs.is_empty() {
                        let first = (arc / 40).min(2);
                        arcs.push(first);
                        arc -= first * 40;
                    }
                    arcs.push(arc);
                    arc = 0;
                }
            }
            return arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
        }
    };
    known.to_string()
}

/// A name as scripts see it: a tuple of tuples of pairs.
fn distinguished(cx: &mut Ctx, content: &[u8]) -> R {
    let all = cx.new_list();
    for (_, set) in elements(content) {
        let relative = cx.new_list();
        for (_, pair) in elements(set) {
            let Some((oid, rest)) = tagged(pair, OBJECT) else { continue };
            let Some((tag, value, _)) = element(rest) else { continue };
            let text = if tag == 0x1e {
                let units: Vec<u16> =
                    value.chunks(2).map(|c| c.iter().fold(0, |n, &b| n << 8 | u16::from(b))).collect();
                String::from_utf16_lossy(&units)
            } else {
                String::from_utf8_lossy(value).into_owned()
            };
            let (name, text) = (cx.str(&attribute(oid)), cx.str(&text));
            let pair = cx.tuple(&[name, text])?;
            cx.list_push(relative, pair)?;
        }
        let relative = cx.list_to_tuple(relative)?;
        cx.list_push(all, relative)?;
    }
    cx.list_to_tuple(all)
}
