//! `_socket`: the class of sockets and the functions around it; what needs no waiting.

use std::sync::Arc;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::descriptor;
use conc_interpreter::scheduler::reactor::Source;
use conc_interpreter::value::{Gc, Value};
use rustix::io::Errno;

use super::message;
use super::socket::{Sort, WAITING};
use crate::core::shared::{recall, recall_class, remember};
use crate::os::errors;

/// The class, made at first use.
pub fn class(cx: &mut Ctx) -> Gc<Class> {
    const KEY: &str = "_socket.socket";
    if let Some(class) = recall_class(cx, KEY) {
        return class;
    }
    let class = cx.native_class("_socket", "socket", None, methods::METHODS);
    cx.install_in(class, WAITING);
    cx.install_in(class, message::WAITING);
    remember(cx, KEY, class.value());
    class
}

/// A descriptor as a socket's own: it does not block from now on.
fn adopt(cx: &mut Ctx, fd: i64) -> R<Arc<Source>> {
    if fd < 0 {
        return Err(cx.value_error("negative file descriptor"));
    }
    let Some(borrowed) = i32::try_from(fd).ok().and_then(descriptor::borrow) else {
        return Err(errors::raise(cx, Errno::BADF));
    };
    // Whether it is a socket at all.
    errors::check(cx, rustix::net::sockopt::socket_type(borrowed))?;
    errors::check(cx, rustix::io::ioctl_fionbio(borrowed, true))?;
    match descriptor::adopt(fd as i32) {
        Some(fd) => Ok(Source::new(fd)),
        None => Err(errors::raise(cx, Errno::BADF)),
    }
}

/// Family, type and protocol of a descriptor, where they are not given.
fn sort_of(fd: i32, given: Sort) -> Sort {
    let option = |name: i32| {
        let word = descriptor::socket_option(fd, libc::SOL_SOCKET, name, 4).ok()?;
        Some(i32::from_ne_bytes(word.try_into().ok()?))
    };
    let or = |given: i32, name: i32| if given < 0 { option(name).unwrap_or(0) } else { given };
    Sort {
        family: or(given.family, libc::SO_DOMAIN),
        kind: or(given.kind, libc::SO_TYPE),
        protocol: or(given.protocol, libc::SO_PROTOCOL),
    }
}

/// Nanoseconds of a timeout argument, negative for None.
fn timeout_arg(cx: &mut Ctx, v: Value) -> R<i64> {
    if v.is_none() {
        return Ok(-1);
    }
    let seconds = conc_interpreter::sync::wait::seconds(cx, v)?;
    if seconds.is_nan() {
        return Err(cx.value_error("Invalid value NaN (not a number)"));
    }
    if seconds < 0.0 {
        return Err(cx.value_error("Timeout value out of range"));
    }
    if seconds * 1e9 > i64::MAX as f64 {
        return Err(cx.overflow_error("timestamp too large to convert to C PyTime_t"));
    }
    // What is more than nothing waits at least a moment.
    Ok((seconds * 1e9).ceil().min(1e18) as i64)
}

fn timeout_value(cx: &mut Ctx, nanos: i64) -> Value {
    if nanos < 0 { Value::NONE } else { cx.float(nanos as f64 / 1e9) }
}

/// Nanoseconds that new sockets wait.
fn default_timeout(cx: &mut Ctx) -> i64 {
    recall(cx, "socket.timeout").and_then(|v| cx.as_i64(v)).unwrap_or(-1)
}

/// The methods of sockets that do not wait.
#[conc_macros::methods]
pub mod methods {
    use super::*;
    use crate::net::socket::Socket;
    use crate::net::{address, options};
    use conc_interpreter::native::Kwargs;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::sync::wait::payload;
    use rustix::net::{AddressFamily, Protocol, Shutdown, SocketFlags, SocketType};

    fn socket<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a Socket> {
        payload::<Socket>(cx, this.value()).map(|(_, socket)| socket)
    }

    /// Makes a socket that is not open yet.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R {
        Ok(cx.new_boxed(class, Some(Box::new(Socket::default())), 0).value())
    }

    /// Open a socket, or take over the one with the number `fileno`.
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw]
        #[default(-1)]
        family: i64,
        #[kw]
        #[default(-1)]
        r#type: i64,
        #[kw]
        #[default(-1)]
        proto: i64,
        #[kw]
        #[default(Value::NONE)]
        fileno: Value,
    ) -> R<()> {
        let socket = socket(cx, this)?;
        let timeout = default_timeout(cx);
        let given = Sort { family: family as i32, kind: r#type as i32, protocol: proto as i32 };
        if !fileno.is_none() {
            if cx.as_float(fileno).is_some() && !cx.is_int(fileno) {
                return Err(cx.type_error("'float' object cannot be interpreted as an integer"));
            }
            let fd = cx.index_i64(fileno)?;
            let source = adopt(cx, fd)?;
            socket.open(source, sort_of(fd as i32, given), timeout);
            return Ok(());
        }
        let or = |given: i32, usual: i32| if given < 0 { usual } else { given };
        let mut sort = Sort {
            family: or(given.family, libc::AF_INET),
            kind: or(given.kind, libc::SOCK_STREAM),
            protocol: or(given.protocol, 0),
        };
        let fresh = rustix::net::socket_with(
            AddressFamily::from_raw(sort.family as u16),
            SocketType::from_raw((sort.kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)) as u32),
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            std::num::NonZeroU32::new(sort.protocol as u32).map(Protocol::from_raw),
        );
        let fd = errors::check(cx, fresh)?;
        let asked_not_to_wait = sort.kind & libc::SOCK_NONBLOCK != 0;
        sort.kind &= !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC);
        socket.open(Source::new(fd), sort, if asked_not_to_wait { 0 } else { timeout });
        Ok(())
    }

    /// Close the socket; whoever waits for it finds it closed.
    pub fn close(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        if let Some(source) = socket(cx, this)?.take() {
            source.retire(cx);
        }
        Ok(())
    }

    /// Close the object without closing the descriptor, which is returned.
    pub fn detach(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        let socket = socket(cx, this)?;
        let waits = socket.timeout() < 0;
        let Some(source) = socket.take() else { return Ok(-1) };
        let fd = source.release(cx);
        if let (true, Some(fd)) = (waits, descriptor::borrow(fd)) {
            // Others expect it as the script sees it.
            let _ = rustix::io::ioctl_fionbio(fd, false);
        }
        Ok(fd.into())
    }

    /// The descriptor, -1 once closed.
    pub fn fileno(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(socket(cx, this)?.number().into())
    }

    /// Give the socket an address of its own.
    pub fn bind(cx: &mut Ctx, this: Gc<Boxed>, address: Value) -> R<()> {
        let socket = socket(cx, this)?;
        let address = address::parse(cx, socket.sort().family, address, "bind")?;
        let source = socket.source(cx)?;
        errors::check(cx, rustix::net::bind(&source, &address))
    }

    /// Accept connections from now on; `backlog` may wait to be accepted.
    pub fn listen(cx: &mut Ctx, this: Gc<Boxed>, #[default(128)] backlog: i64) -> R<()> {
        let source = socket(cx, this)?.source(cx)?;
        errors::check(cx, rustix::net::listen(&source, backlog.clamp(0, i64::from(i32::MAX)) as i32))
    }

    /// The socket's own address.
    pub fn getsockname(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let source = socket(cx, this)?.source(cx)?;
        let name = errors::check(cx, rustix::net::getsockname(&source))?;
        address::to_value(cx, Some(name))
    }

    /// The other end's address.
    pub fn getpeername(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let source = socket(cx, this)?.source(cx)?;
        let name = errors::check(cx, rustix::net::getpeername(&source))?;
        match name {
            Some(_) => address::to_value(cx, name),
            None => Ok(cx.str("")),
        }
    }

    /// End one direction of the connection, or both.
    pub fn shutdown(cx: &mut Ctx, this: Gc<Boxed>, how: i64) -> R<()> {
        let source = socket(cx, this)?.source(cx)?;
        let how = match how {
            0 => Shutdown::Read,
            1 => Shutdown::Write,
            2 => Shutdown::Both,
            _ => return Err(errors::raise(cx, Errno::INVAL)),
        };
        crate::io::registry::flush_all();
        errors::check(cx, rustix::net::shutdown(&source, how))
    }

    /// An option's value: an int, or bytes of at most `buflen`.
    pub fn getsockopt(cx: &mut Ctx, this: Gc<Boxed>, level: i64, option: i64, #[default(0)] buflen: i64) -> R {
        let source = socket(cx, this)?.source(cx)?;
        options::get(cx, source.number(), level, option, buflen)
    }

    /// Set an option to an int, to bytes, or to None of a length.
    pub fn setsockopt(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        level: i64,
        option: i64,
        value: Value,
        optlen: Option<i64>,
    ) -> R<()> {
        let source = socket(cx, this)?.source(cx)?;
        options::set(cx, source.number(), level, option, value, optlen)
    }

    /// Wait for ever, or not at all.
    pub fn setblocking(cx: &mut Ctx, this: Gc<Boxed>, flag: bool) -> R<()> {
        let socket = socket(cx, this)?;
        socket.source(cx)?;
        socket.set_timeout(if flag { -1 } else { 0 });
        Ok(())
    }

    /// Whether operations wait.
    pub fn getblocking(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(socket(cx, this)?.timeout() != 0)
    }

    /// How many seconds operations wait at most; None: for ever.
    pub fn settimeout(cx: &mut Ctx, this: Gc<Boxed>, timeout: Value) -> R<()> {
        let socket = socket(cx, this)?;
        let timeout = timeout_arg(cx, timeout)?;
        socket.source(cx)?;
        socket.set_timeout(timeout);
        Ok(())
    }

    /// How many seconds operations wait at most.
    pub fn gettimeout(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let nanos = socket(cx, this)?.timeout();
        Ok(timeout_value(cx, nanos))
    }

    /// How many seconds operations wait at most.
    #[getter]
    pub fn timeout(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        gettimeout(cx, this)
    }
    /// The address family.
    #[getter]
    pub fn family(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(socket(cx, this)?.sort().family.into())
    }
    /// The socket's type.
    #[getter]
    pub fn r#type(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(socket(cx, this)?.sort().kind.into())
    }
    /// The protocol.
    #[getter]
    pub fn proto(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(socket(cx, this)?.sort().protocol.into())
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let socket = socket(cx, this)?;
        let Sort { family, kind, protocol } = socket.sort();
        Ok(format!("<socket object, fd={}, family={family}, type={kind}, proto={protocol}>", socket.number()))
    }
}

/// Numbers of well-known protocols.
const PROTOCOLS: &[(&str, i64)] = &[
    ("ip", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("egp", 8),
    ("udp", 17),
    ("ipv6", 41),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("sctp", 132),
];

macro_rules! constants {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

const CONSTANTS: &[(&str, i64)] = constants! {
    AF_UNSPEC AF_UNIX AF_INET AF_INET6
    SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET SOCK_CLOEXEC SOCK_NONBLOCK
    SOL_SOCKET SO_ACCEPTCONN SO_BROADCAST SO_DEBUG SO_DONTROUTE SO_ERROR SO_KEEPALIVE SO_LINGER SO_OOBINLINE
    SO_RCVBUF SO_RCVLOWAT SO_RCVTIMEO SO_REUSEADDR SO_REUSEPORT SO_SNDBUF SO_SNDLOWAT SO_SNDTIMEO SO_TYPE SO_DOMAIN
    SO_PROTOCOL SO_PRIORITY SO_PASSCRED SO_PEERCRED SO_BINDTODEVICE SO_MARK SOMAXCONN
    IPPROTO_IP IPPROTO_ICMP IPPROTO_TCP IPPROTO_UDP IPPROTO_IPV6 IPPROTO_RAW IPPROTO_ICMPV6
    IP_TTL IP_TOS IP_HDRINCL IP_MULTICAST_IF IP_MULTICAST_TTL IP_MULTICAST_LOOP IP_ADD_MEMBERSHIP IP_DROP_MEMBERSHIP
    IPV6_V6ONLY IPV6_UNICAST_HOPS IPV6_MULTICAST_IF IPV6_MULTICAST_HOPS IPV6_MULTICAST_LOOP
    TCP_NODELAY TCP_MAXSEG TCP_CORK TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_SYNCNT TCP_LINGER2 TCP_DEFER_ACCEPT
    TCP_WINDOW_CLAMP TCP_INFO TCP_QUICKACK TCP_USER_TIMEOUT TCP_FASTOPEN
    MSG_OOB MSG_PEEK MSG_DONTROUTE MSG_CTRUNC MSG_TRUNC MSG_DONTWAIT MSG_EOR MSG_WAITALL MSG_NOSIGNAL MSG_MORE
    MSG_ERRQUEUE MSG_CMSG_CLOEXEC MSG_CONFIRM MSG_FASTOPEN SCM_RIGHTS SCM_CREDENTIALS
    SHUT_RD SHUT_WR SHUT_RDWR
    AI_PASSIVE AI_CANONNAME AI_NUMERICHOST AI_NUMERICSERV AI_V4MAPPED AI_ALL AI_ADDRCONFIG
    NI_NUMERICHOST NI_NUMERICSERV NI_NOFQDN NI_NAMEREQD NI_DGRAM
    EAI_BADFLAGS EAI_NONAME EAI_AGAIN EAI_FAIL EAI_NODATA EAI_FAMILY EAI_SOCKTYPE EAI_SERVICE
    EAI_MEMORY EAI_SYSTEM EAI_OVERFLOW
    INADDR_ANY INADDR_BROADCAST INADDR_LOOPBACK INADDR_NONE
};

/// Constants that the C library's table lacks.
const MORE: &[(&str, i64)] = &[
    ("EAI_ADDRFAMILY", -9),
    ("NI_MAXHOST", 1025),
    ("NI_MAXSERV", 32),
    ("IP_DEFAULT_MULTICAST_TTL", 1),
    ("IP_DEFAULT_MULTICAST_LOOP", 1),
    ("IPV6_JOIN_GROUP", 20),
    ("IPV6_LEAVE_GROUP", 21),
    ("INADDR_UNSPEC_GROUP", 0xe000_0000),
    ("INADDR_ALLHOSTS_GROUP", 0xe000_0001),
    ("INADDR_MAX_LOCAL_GROUP", 0xe000_00ff),
];

/// Sockets.
#[conc_macros::module(name = "_socket")]
pub mod functions {
    use super::*;
    use crate::core::shared::{define, set_text};
    use crate::net::{address, resolve};
    use crate::os::errors::errno_of;
    use conc_interpreter::native::Raised;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::sequence::Tuple;
    use dns_lookup::AddrInfoHints;
    use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType};
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::os::fd::IntoRawFd;

    /// Make two sockets connected to each other; their descriptors.
    pub fn _socketpair(cx: &mut Ctx, family: i64, kind: i64, proto: i64) -> R {
        let pair = rustix::net::socketpair(
            AddressFamily::from_raw(family as u16),
            SocketType::from_raw(kind as u32),
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            std::num::NonZeroU32::new(proto as u32).map(Protocol::from_raw),
        );
        let (a, b) = errors::check(cx, pair)?;
        let (a, b) = (Value::small_int(a.into_raw_fd().into()), Value::small_int(b.into_raw_fd().into()));
        cx.tuple(&[a, b])
    }

    /// The length of an ancillary message with so many bytes of data.
    #[name = "CMSG_LEN"]
    pub fn cmsg_len(cx: &mut Ctx, length: i64) -> R<i64> {
        message::length(cx, length, "CMSG_LEN")
    }
    /// The room that such a message takes among others.
    #[name = "CMSG_SPACE"]
    pub fn cmsg_space(cx: &mut Ctx, length: i64) -> R<i64> {
        message::space(cx, length)
    }

    /// Make a second descriptor for a socket.
    pub fn dup(cx: &mut Ctx, fd: i64) -> R<i64> {
        let fd = crate::os::descriptors::open_fd(cx, fd)?;
        Ok(i64::from(errors::check(cx, rustix::io::fcntl_dupfd_cloexec(fd, 0))?.into_raw_fd()))
    }

    /// Close a socket's descriptor.
    pub fn close(cx: &mut Ctx, fd: i64) -> R<()> {
        descriptor::close(fd as i32).map_err(|e| errors::raise(cx, Errno::from_raw_os_error(e)))
    }

    // ---- names

    fn service_arg(cx: &mut Ctx, port: Value) -> R<Option<String>> {
        if port.is_none() {
            return Ok(None);
        }
        if cx.is_int(port) {
            return cx.index_i64(port).map(|n| Some(n.to_string()));
        }
        if port.is_a::<conc_interpreter::object::string::Str>() {
            return Ok(Some(cx.text_of(port)));
        }
        match cx.byte_vec(port) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(_) => Err(cx.error(ClassId::OSError, "Int or String expected")),
        }
    }

    /// Find the addresses of a host's service: a list of (family, type, proto, canonname, sockaddr).
    pub fn getaddrinfo(
        cx: &mut Ctx,
        #[kw] host: Value,
        #[kw] port: Value,
        #[kw]
        #[default(0)]
        family: i64,
        #[kw]
        #[default(0)]
        r#type: i64,
        #[kw]
        #[default(0)]
        proto: i64,
        #[kw]
        #[default(0)]
        flags: i64,
    ) -> R {
        let host = match host.is_none() {
            true => None,
            false => match address::host_text(cx, host) {
                Ok(text) => Some(text),
                Err(_) => return Err(cx.type_error("getaddrinfo() argument 1 must be string or None")),
            },
        };
        let service = service_arg(cx, port)?;
        let hints = AddrInfoHints {
            flags: flags as i32,
            address: family as i32,
            socktype: r#type as i32,
            protocol: proto as i32,
        };
        // An empty name stands for none.
        let host = host.filter(|h| !h.is_empty());
        if host.is_none() && service.is_none() {
            return Err(resolve::failed(cx, libc::EAI_NONAME));
        }
        let found = resolve::all(cx, resolve::Question { host, service, hints })?;
        let list = cx.new_list();
        for info in found {
            let name = cx.str(info.canonname.as_deref().unwrap_or(""));
            let address = address::to_value(cx, Some(info.sockaddr.into()))?;
            let number = |n: i32| Value::small_int(n.into());
            let row = cx.tuple(&[number(info.address), number(info.socktype), number(info.protocol), name, address])?;
            cx.list_push(list, row)?;
        }
        Ok(list.value())
    }

    /// The names of a socket address: (host, port).
    pub fn getnameinfo(cx: &mut Ctx, sockaddr: Value, flags: i64) -> R {
        let Some(tuple) = sockaddr.cast::<Tuple>() else {
            return Err(cx.type_error("getnameinfo() argument 1 must be a tuple"));
        };
        let items = tuple.items();
        if items.len() < 2 {
            return Err(cx.type_error("getnameinfo(): illegal sockaddr argument"));
        }
        let host = address::host_text(cx, items[0])?;
        let port = cx.index_i64(items[1])?;
        let ip = match host.parse() {
            Ok(ip) => ip,
            Err(_) => resolve::first(cx, host, 0)?,
        };
        let (host, service) = resolve::names(cx, SocketAddr::new(ip, port as u16), flags as i32)?;
        let (host, service) = (cx.str(&host), cx.str(&service));
        cx.tuple(&[host, service])
    }

    /// The name of this machine.
    pub fn gethostname() -> String {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    /// The IPv4 address of a host.
    pub fn gethostbyname(cx: &mut Ctx, hostname: Value) -> R<String> {
        let host = address::host_text(cx, hostname)?;
        if host.is_empty() {
            return Ok("0.0.0.0".into());
        }
        resolve::first(cx, host, libc::AF_INET).map(|ip| ip.to_string())
    }

    /// (hostname, aliases, addresses) of a host.
    pub fn gethostbyname_ex(cx: &mut Ctx, hostname: Value) -> R {
        let host = address::host_text(cx, hostname)?;
        let hints = AddrInfoHints { address: libc::AF_INET, socktype: libc::SOCK_STREAM, ..AddrInfoHints::default() };
        let question = resolve::Question { host: Some(host.clone()), service: None, hints };
        let found = resolve::all(cx, question)?;
        let (aliases, addresses) = (cx.new_list(), cx.new_list());
        for info in found {
            let ip = cx.str(&info.sockaddr.ip().to_string());
            cx.list_push(addresses, ip)?;
        }
        let host = cx.str(&host);
        cx.tuple(&[host, aliases.value(), addresses.value()])
    }

    /// (hostname, aliases, addresses) of an address.
    pub fn gethostbyaddr(cx: &mut Ctx, ip_address: Value) -> R {
        let host = address::host_text(cx, ip_address)?;
        let ip = match host.parse() {
            Ok(ip) => ip,
            Err(_) => resolve::first(cx, host, 0)?,
        };
        let (name, _) = resolve::names(cx, SocketAddr::new(ip, 0), libc::NI_NAMEREQD)?;
        let (aliases, addresses) = (cx.new_list(), cx.new_list());
        let ip = cx.str(&ip.to_string());
        cx.list_push(addresses, ip)?;
        let name = cx.str(&name);
        cx.tuple(&[name, aliases.value(), addresses.value()])
    }

    fn os_error(cx: &mut Ctx, message: &str) -> Raised {
        cx.error(ClassId::OSError, message)
    }

    /// The port of a service.
    pub fn getservbyname(cx: &mut Ctx, servicename: Value, protocolname: Option<Value>) -> R<i64> {
        let service = cx.text_of(servicename);
        let protocol = protocolname.map(|p| cx.text_of(p));
        let socktype = match protocol.as_deref() {
            None | Some("tcp") => libc::SOCK_STREAM,
            Some("udp") => libc::SOCK_DGRAM,
            Some(_) => return Err(os_error(cx, "service/proto not found")),
        };
        if service.parse::<u16>().is_ok() {
            return Err(os_error(cx, "service/proto not found"));
        }
        let hints = AddrInfoHints { socktype, ..AddrInfoHints::default() };
        let question = resolve::Question { host: None, service: Some(service), hints };
        match resolve::all(cx, question).ok().and_then(|found| found.first().map(|i| i.sockaddr.port())) {
            Some(port) => Ok(port.into()),
            None => Err(os_error(cx, "service/proto not found")),
        }
    }

    /// The service of a port.
    pub fn getservbyport(cx: &mut Ctx, port: i64, protocolname: Option<Value>) -> R<String> {
        let Ok(port) = u16::try_from(port) else {
            return Err(cx.overflow_error("getservbyport: port must be 0-65535."));
        };
        let datagrams = protocolname.is_some_and(|p| cx.text_of(p) == "udp");
        let flags = libc::NI_NUMERICHOST | if datagrams { libc::NI_DGRAM } else { 0 };
        let (_, service) = resolve::names(cx, SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port), flags)?;
        if service == port.to_string() {
            return Err(os_error(cx, "port/proto not found"));
        }
        Ok(service)
    }

    /// The number of a protocol.
    pub fn getprotobyname(cx: &mut Ctx, protocolname: Value) -> R<i64> {
        let name = cx.text_of(protocolname);
        match PROTOCOLS.iter().find(|(n, _)| *n == name) {
            Some((_, number)) => Ok(*number),
            None => Err(os_error(cx, "protocol not found")),
        }
    }

    // ---- numbers

    fn word(cx: &mut Ctx, who: &str, v: Value, bits: u32) -> R<u64> {
        if !cx.is_int(v) {
            let got = cx.type_name(v);
            let message = match bits {
                16 => format!("'{got}' object cannot be interpreted as an integer"),
                _ => format!("expected int, {got} found"),
            };
            return Err(cx.type_error(message));
        }
        match cx.as_i64(v) {
            Some(n) if n >= 0 && n < 1 << bits => Ok(n as u64),
            Some(n) if n < 0 && bits == 16 => {
                let message = format!("{who}: can't convert negative Python int to C 16-bit unsigned integer");
                Err(cx.overflow_error(message))
            }
            Some(n) if n < 0 => Err(cx.overflow_error("can't convert negative value to unsigned int")),
            _ if bits == 16 => {
                let message = format!("{who}: Python int too large to convert to C 16-bit unsigned integer");
                Err(cx.overflow_error(message))
            }
            _ => Err(cx.overflow_error("int larger than 32 bits")),
        }
    }

    /// A 16-bit number in the order of the network.
    pub fn htons(cx: &mut Ctx, integer: Value) -> R<i64> {
        Ok((word(cx, "htons", integer, 16)? as u16).to_be().into())
    }
    /// A 16-bit number out of the order of the network.
    pub fn ntohs(cx: &mut Ctx, integer: Value) -> R<i64> {
        Ok(u16::from_be(word(cx, "ntohs", integer, 16)? as u16).into())
    }
    /// A 32-bit number in the order of the network.
    pub fn htonl(cx: &mut Ctx, integer: Value) -> R<i64> {
        Ok((word(cx, "htonl", integer, 32)? as u32).to_be().into())
    }
    /// A 32-bit number out of the order of the network.
    pub fn ntohl(cx: &mut Ctx, integer: Value) -> R<i64> {
        Ok(u32::from_be(word(cx, "ntohl", integer, 32)? as u32).into())
    }

    /// Up to four numbers, the last of which fills what is left; decimal, octal or hexadecimal.
    fn loose_v4(text: &str) -> Option<Ipv4Addr> {
        let parts: Vec<u32> = text
            .split('.')
            .map(|part| match part.as_bytes() {
                [] => None,
                [b'0', b'x' | b'X', ..] => u32::from_str_radix(&part[2..], 16).ok(),
                [b'0', _, ..] => u32::from_str_radix(&part[1..], 8).ok(),
                _ if part.bytes().all(|b| b.is_ascii_digit()) => part.parse().ok(),
                _ => None,
            })
            .collect::<Option<_>>()?;
        let (last, first) = parts.split_last()?;
        if first.len() > 3 || first.iter().any(|&n| n > 255) {
            return None;
        }
        let room = 32 - 8 * first.len() as u32;
        if room < 32 && *last >= 1 << room {
            return None;
        }
        let high = first.iter().enumerate().fold(0u32, |acc, (i, &n)| acc | n << (24 - 8 * i));
        Some(Ipv4Addr::from(high | last))
    }

    /// The four bytes of an IPv4 address.
    pub fn inet_aton(cx: &mut Ctx, ip_addr: Value) -> R {
        let text = cx.text_of(ip_addr);
        match loose_v4(text.split_whitespace().next().unwrap_or("")) {
            Some(ip) => cx.bytes(&ip.octets()),
            None => Err(os_error(cx, "illegal IP address string passed to inet_aton")),
        }
    }
    /// The text of an IPv4 address of four bytes.
    pub fn inet_ntoa(cx: &mut Ctx, packed_ip: Value) -> R<String> {
        match <[u8; 4]>::try_from(cx.byte_vec(packed_ip)?) {
            Ok(octets) => Ok(Ipv4Addr::from(octets).to_string()),
            Err(_) => Err(os_error(cx, "packed IP wrong length for inet_ntoa")),
        }
    }
    /// The bytes of an address of a family.
    pub fn inet_pton(cx: &mut Ctx, address_family: i64, ip_string: Value) -> R {
        let text = cx.text_of(ip_string);
        let bytes = match address_family as i32 {
            libc::AF_INET => text.parse::<Ipv4Addr>().ok().map(|ip| ip.octets().to_vec()),
            libc::AF_INET6 => text.parse::<Ipv6Addr>().ok().map(|ip| ip.octets().to_vec()),
            _ => return Err(errors::raise(cx, Errno::AFNOSUPPORT)),
        };
        match bytes {
            Some(bytes) => cx.bytes(&bytes),
            None => Err(os_error(cx, "illegal IP address string passed to inet_pton")),
        }
    }
    /// The text of an address of a family.
    pub fn inet_ntop(cx: &mut Ctx, address_family: i64, packed_ip: Value) -> R<String> {
        let bytes = cx.byte_vec(packed_ip)?;
        let text = match address_family as i32 {
            libc::AF_INET => <[u8; 4]>::try_from(bytes).ok().map(|b| Ipv4Addr::from(b).to_string()),
            libc::AF_INET6 => <[u8; 16]>::try_from(bytes).ok().map(|b| Ipv6Addr::from(b).to_string()),
            other => return Err(cx.value_error(format!("unknown address family {other}"))),
        };
        match text {
            Some(text) => Ok(text),
            None => Err(cx.value_error("invalid length of packed IP address string")),
        }
    }

    /// How many seconds new sockets wait; None: for ever.
    pub fn getdefaulttimeout(cx: &mut Ctx) -> Value {
        let nanos = default_timeout(cx);
        timeout_value(cx, nanos)
    }
    /// How many seconds new sockets are to wait.
    pub fn setdefaulttimeout(cx: &mut Ctx, timeout: Value) -> R<()> {
        let nanos = timeout_arg(cx, timeout)?;
        let nanos = cx.int(nanos);
        remember(cx, "socket.timeout", nanos);
        Ok(())
    }

    /// The numbers and names of the network interfaces.
    pub fn if_nameindex(cx: &mut Ctx) -> R {
        let list = cx.new_list();
        let entries = std::fs::read_dir("/sys/class/net").map_err(|e| errors::raise(cx, errno_of(&e)))?;
        for entry in entries.flatten() {
            let index = std::fs::read_to_string(entry.path().join("ifindex")).unwrap_or_default();
            let Ok(index) = index.trim().parse::<i64>() else { continue };
            let name = cx.str(&entry.file_name().to_string_lossy());
            let row = cx.tuple(&[Value::small_int(index), name])?;
            cx.list_push(list, row)?;
        }
        Ok(list.value())
    }

    /// A subclass of OSError that belongs to socket.
    fn make_error(cx: &mut Ctx, name: &str) -> R {
        let base = cx.class(ClassId::OSError).value();
        let bases = cx.tuple(&[base])?;
        let dict = cx.new_dict();
        let module = cx.str("socket");
        set_text(cx, dict, "__module__", module);
        let meta = cx.class(ClassId::Type).value();
        let title = cx.str(name);
        cx.call(meta, &[title, bases, dict.value()])
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for (name, value) in CONSTANTS.iter().chain(MORE) {
            let value = cx.int(*value);
            define(cx, module, name, value);
        }
        for name in ["gaierror", "herror"] {
            let key = format!("socket.{name}");
            let class = match recall(cx, &key) {
                Some(class) => class,
                None => make_error(cx, name)?,
            };
            remember(cx, &key, class);
            define(cx, module, name, class);
        }
        define(cx, module, "has_ipv6", Value::TRUE);
        let class = super::class(cx).value();
        let (timeout, error) = (cx.class(ClassId::TimeoutError).value(), cx.class(ClassId::OSError).value());
        for (name, value) in [("socket", class), ("SocketType", class), ("timeout", timeout), ("error", error)] {
            define(cx, module, name, value);
        }
        Ok(())
    }
}
