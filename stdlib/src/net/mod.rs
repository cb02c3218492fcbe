//! Sockets, the readiness of descriptors, and TLS.

pub mod address;
pub mod message;
pub mod options;
pub mod poll;
pub mod resolve;
pub mod select;
pub mod socket;
pub mod sockets;
pub mod tls;

use conc_interpreter::object::isolate::BuiltinModule::{self, Native};

/// The family's modules, and what speaks over them: TLS, HTTP, and the codings that they need.
pub static MODULES: &[BuiltinModule] = &[
    Native(&sockets::functions::MODULE),
    Native(&select::functions::MODULE),
    Native(&tls::functions::MODULE),
    source!("selectors"),
    source!("socket"),
    source!("base64"),
    source!("_codecs"),
    source!("codecs"),
    source!("email"),
    source!("email.errors"),
    source!("email.message"),
    source!("email.parser"),
    source!("email.utils"),
    source!("fnmatch"),
    source!("gzip"),
    source!("hashlib"),
    source!("hmac"),
    source!("html"),
    source!("html.entities"),
    source!("http"),
    source!("http.client"),
    source!("http.cookiejar"),
    source!("http.cookies"),
    source!("http.server"),
    source!("mimetypes"),
    source!("netrc"),
    source!("requests"),
    source!("requests.adapters"),
    source!("requests.api"),
    source!("requests.auth"),
    source!("requests.compat"),
    source!("requests.cookies"),
    source!("requests.exceptions"),
    source!("requests.hooks"),
    source!("requests.models"),
    source!("requests.packages"),
    source!("requests.sessions"),
    source!("requests.status_codes"),
    source!("requests.structures"),
    source!("requests.utils"),
    source!("secrets"),
    source!("shutil"),
    source!("socketserver"),
    source!("ssl"),
    source!("stat"),
    source!("tempfile"),
    source!("urllib"),
    source!("urllib.error"),
    source!("urllib.parse"),
    source!("urllib.request"),
    source!("urllib.response"),
    source!("urllib3"),
    source!("urllib3.exceptions"),
    source!("urllib3.response"),
    source!("urllib3.util"),
    source!("urllib3.util.retry"),
    source!("urllib3.util.timeout"),
    source!("uuid"),
];
