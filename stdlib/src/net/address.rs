//! Socket addresses as scripts write them: tuples for the internet, paths for Unix.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};
use rustix::net::{SocketAddrAny, SocketAddrUnix};

use super::resolve;

/// An address argument of the function `who` for a socket of the family.
pub fn parse(cx: &mut Ctx, family: i32, address: Value, who: &str) -> R<SocketAddrAny> {
    match family {
        libc::AF_INET => parse_v4(cx, address, who),
        libc::AF_INET6 => parse_v6(cx, address, who),
        libc::AF_UNIX => parse_unix(cx, address),
        _ => Err(cx.error(ClassId::OSError, format!("{who}(): bad family"))),
    }
}

fn tuple_of(cx: &mut Ctx, family: &str, address: Value, who: &str) -> R<Gc<Tuple>> {
    match address.cast::<Tuple>() {
        Some(tuple) => Ok(tuple),
        None => {
            let got = cx.type_name(address);
            Err(cx.type_error(format!("{who}(): {family} address must be tuple, not {got}")))
        }
    }
}

fn port_of(cx: &mut Ctx, port: Value, who: &str) -> R<u16> {
    if !cx.is_int(port) {
        let got = cx.type_name(port);
        return Err(cx.type_error(format!("'{got}' object cannot be interpreted as an integer")));
    }
    match cx.as_i64(port).and_then(|n| u16::try_from(n).ok()) {
        Some(port) => Ok(port),
        None => Err(cx.overflow_error(format!("{who}(): port must be 0-65535."))),
    }
}

/// A host's name as text, as bytes it may be given too.
pub fn host_text(cx: &mut Ctx, host: Value) -> R<String> {
    if host.is_a::<Str>() {
        return Ok(cx.text_of(host));
    }
    match cx.byte_vec(host) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(_) => {
            let got = cx.type_name(host);
            Err(cx.type_error(format!("str, bytes or bytearray expected, not {got}")))
        }
    }
}

fn parse_v4(cx: &mut Ctx, address: Value, who: &str) -> R<SocketAddrAny> {
    let tuple = tuple_of(cx, "AF_INET", address, who)?;
    if tuple.items().len() != 2 {
        return Err(cx.type_error(format!("{who}(): AF_INET address must be a pair (host, port)")));
    }
    let host = host_text(cx, tuple.items()[0])?;
    let port = port_of(cx, tuple.items()[1], who)?;
    let ip = match host.as_str() {
        "" => Ipv4Addr::UNSPECIFIED,
        "<broadcast>" => Ipv4Addr::BROADCAST,
        _ => match host.parse() {
            Ok(ip) => ip,
            Err(_) => match resolve::first(cx, host, libc::AF_INET)? {
                IpAddr::V4(ip) => ip,
                IpAddr::V6(_) => return Err(resolve::failed(cx, resolve::ADDRFAMILY)),
            },
        },
    };
    Ok(SocketAddrV4::new(ip, port).into())
}

fn parse_v6(cx: &mut Ctx, address: Value, who: &str) -> R<SocketAddrAny> {
    let tuple = tuple_of(cx, "AF_INET6", address, who)?;
    let items = tuple.items();
    if !(2..=4).contains(&items.len()) {
        let message = format!("{who}(): AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])");
        return Err(cx.type_error(message));
    }
    let host = host_text(cx, items[0])?;
    let port = port_of(cx, items[1], who)?;
    let flow = items.get(2).map_or(Ok(0), |&v| cx.index_i64(v))?;
    let scope = items.get(3).map_or(Ok(0), |&v| cx.index_i64(v))?;
    if !(0..=0xf_ffff).contains(&flow) {
        return Err(cx.overflow_error(format!("{who}(): flowinfo must be 0-1048575.")));
    }
    let ip = match host.as_str() {
        "" => Ipv6Addr::UNSPECIFIED,
        _ => match host.parse() {
            Ok(ip) => ip,
            Err(_) => match resolve::first(cx, host, libc::AF_INET6)? {
                IpAddr::V6(ip) => ip,
                IpAddr::V4(_) => return Err(resolve::failed(cx, resolve::ADDRFAMILY)),
            },
        },
    };
    Ok(SocketAddrV6::new(ip, port, flow as u32, scope as u32).into())
}

fn parse_unix(cx: &mut Ctx, address: Value) -> R<SocketAddrAny> {
    let path = match address.is_a::<Str>() {
        true => cx.text_of(address).into_bytes(),
        false => match cx.byte_vec(address) {
            Ok(path) => path,
            Err(_) => {
                let got = cx.type_name(address);
                return Err(cx.type_error(format!("a bytes-like object is required, not '{got}'")));
            }
        },
    };
    let made = match path.first() {
        Some(0) => SocketAddrUnix::new_abstract_name(&path[1..]),
        None => SocketAddrUnix::new_abstract_name(b""),
        _ => SocketAddrUnix::new(path),
    };
    match made {
        Ok(address) => Ok(address.into()),
        Err(_) => Err(cx.error(ClassId::OSError, "AF_UNIX path too long")),
    }
}

/// An address as scripts see it.
pub fn to_value(cx: &mut Ctx, address: Option<SocketAddrAny>) -> R {
    let Some(address) = address else { return Ok(Value::NONE) };
    if let Ok(v4) = SocketAddrV4::try_from(address.clone()) {
        let (host, port) = (cx.str(&v4.ip().to_string()), Value::small_int(v4.port().into()));
        return cx.tuple(&[host, port]);
    }
    if let Ok(v6) = SocketAddrV6::try_from(address.clone()) {
        let (host, port) = (cx.str(&v6.ip().to_string()), Value::small_int(v6.port().into()));
        let (flow, scope) = (Value::small_int(v6.flowinfo().into()), Value::small_int(v6.scope_id().into()));
        return cx.tuple(&[host, port, flow, scope]);
    }
    match SocketAddrUnix::try_from(address) {
        Ok(unix) => match unix.abstract_name().filter(|name| !name.is_empty()) {
            Some(name) => {
                let mut bytes = vec![0];
                bytes.extend_from_slice(name);
                cx.bytes(&bytes)
            }
            None => {
                let path = unix.path().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
                Ok(cx.str(&path))
            }
        },
        Err(_) => Ok(Value::NONE),
    }
}
