//! Names of hosts and services: the system's resolver, asked by the blocking pool.

use std::net::{IpAddr, SocketAddr};

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::scheduler::pool;
use conc_interpreter::value::Value;
use dns_lookup::{AddrInfo, AddrInfoHints, LookupError};

use crate::core::shared::recall_class;

/// "The host has no address of that family"; the C library of Linux has it, the table of constants does not.
pub const ADDRFAMILY: i32 = -9;

/// The resolver's errors and their texts.
const ERRORS: &[(i32, &str)] = &[
    (libc::EAI_BADFLAGS, "Bad value for ai_flags"),
    (libc::EAI_NONAME, "Name or service not known"),
    (libc::EAI_AGAIN, "Temporary failure in name resolution"),
    (libc::EAI_FAIL, "Non-recoverable failure in name resolution"),
    (libc::EAI_NODATA, "No address associated with hostname"),
    (libc::EAI_FAMILY, "ai_family not supported"),
    (libc::EAI_SOCKTYPE, "ai_socktype not supported"),
    (libc::EAI_SERVICE, "Servname not supported for ai_socktype"),
    (ADDRFAMILY, "Address family for hostname not supported"),
    (libc::EAI_MEMORY, "Memory allocation failure"),
    (libc::EAI_SYSTEM, "System error"),
];

/// socket.gaierror of a resolver's error.
pub fn failed(cx: &mut Ctx, code: i32) -> Raised {
    let text = ERRORS.iter().find(|(n, _)| *n == code).map_or("Unknown error", |(_, text)| text);
    let Some(class) = recall_class(cx, "socket.gaierror") else { return cx.runtime_error(text) };
    let (number, text) = (Value::small_int(code.into()), cx.str(text));
    match cx.call(class.value(), &[number, text]) {
        Ok(exc) => {
            cx.set_context(exc);
            Raised(exc)
        }
        Err(e) => e,
    }
}

/// What is asked of the resolver.
pub struct Question {
    pub host: Option<String>,
    pub service: Option<String>,
    pub hints: AddrInfoHints,
}

fn ask(question: Question) -> Result<Vec<AddrInfo>, LookupError> {
    let found = dns_lookup::getaddrinfo(question.host.as_deref(), question.service.as_deref(), Some(question.hints))?;
    Ok(found.filter_map(Result::ok).collect())
}

/// Every address that the resolver finds.
pub fn all(cx: &mut Ctx, question: Question) -> R<Vec<AddrInfo>> {
    // Numbers are no question for other hosts.
    let numeric = question.host.as_ref().is_none_or(|h| h.parse::<IpAddr>().is_ok());
    let found = if numeric { Some(ask(question)) } else { pool::run(cx, move || ask(question))? };
    match found {
        Some(Ok(all)) => Ok(all),
        Some(Err(e)) => Err(failed(cx, e.error_num())),
        None => Err(failed(cx, libc::EAI_MEMORY)),
    }
}

/// The first address of a host.
pub fn first(cx: &mut Ctx, host: String, family: i32) -> R<IpAddr> {
    let hints = AddrInfoHints { address: family, socktype: libc::SOCK_STREAM, ..AddrInfoHints::default() };
    let found = all(cx, Question { host: Some(host), service: None, hints })?;
    match found.first() {
        Some(info) => Ok(info.sockaddr.ip()),
        None => Err(failed(cx, libc::EAI_NONAME)),
    }
}

/// The names of an address: host and service.
pub fn names(cx: &mut Ctx, address: SocketAddr, flags: i32) -> R<(String, String)> {
    match pool::run(cx, move || dns_lookup::getnameinfo(&address, flags))? {
        Some(Ok(names)) => Ok(names),
        Some(Err(e)) => Err(failed(cx, e.error_num())),
        None => Err(failed(cx, libc::EAI_MEMORY)),
    }
}
