//! One end of one TLS connection.

use std::io::{Read, Write};

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::misc::Payload;
use conc_interpreter::value::{Gc, Value};
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Connection, ServerConnection};

use super::fault::Fault;
use super::settings::{Settings, Side};
use super::verifier;
use crate::core::shared::{recall_class, remember};

/// Data that one `write` takes in at most.
const MOST_WRITTEN: usize = 1 << 16;

/// The connection's state.
struct State {
    connection: Connection,
    server: bool,
    /// Data that has come in and was not read yet, from `read` on.
    data: Vec<u8>,
    read: usize,
    /// The first bytes that came in, for the error's words.
    first: Vec<u8>,
    /// The other end has said that it sends no more.
    closed: bool,
    fault: Option<Fault>,
}

impl State {
    fn feed(&mut self, mut bytes: &[u8]) {
        if self.first.len() < 8 {
            self.first.extend_from_slice(&bytes[..bytes.len().min(8 - self.first.len())]);
        }
        while !bytes.is_empty() && self.fault.is_none() && !self.closed {
            // Reading from memory fails only where the connection takes no more.
            if !matches!(self.connection.read_tls(&mut bytes), Ok(1..)) {
                return;
            }
            drop(verifier::take_refusal());
            match self.connection.process_new_packets() {
                Ok(state) => {
                    let start = self.data.len();
                    self.data.resize(start + state.plaintext_bytes_to_read(), 0);
                    let got = self.connection.reader().read(&mut self.data[start..]).unwrap_or(0);
                    self.data.truncate(start + got);
                    self.closed = state.peer_has_closed();
                }
                Err(error) => {
                    let refusal = verifier::take_refusal();
                    self.fault = Some(Fault::of(&error, refusal, self.server, &self.first));
                }
            }
        }
    }

    fn take(&mut self, most: usize) -> Vec<u8> {
        let end = self.data.len().min(self.read.saturating_add(most));
        let taken = self.data[self.read..end].to_vec();
        self.read = end;
        if self.read == self.data.len() {
            self.data.clear();
            self.read = 0;
        }
        taken
    }
}

/// The payload of an engine object.
pub struct Engine(Mutex<State>);

impl Payload for Engine {}

/// The class, made at first use.
pub fn class(cx: &mut Ctx) -> Gc<Class> {
    const KEY: &str = "_ssl.Engine";
    if let Some(class) = recall_class(cx, KEY) {
        return class;
    }
    let class = cx.native_class("_ssl", "Engine", None, methods::METHODS);
    remember(cx, KEY, class.value());
    class
}

/// A name of rustls as OpenSSL spells it.
fn cipher_name(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("TLS13_") {
        return format!("TLS_{rest}");
    }
    let plain = name.trim_start_matches("TLS_").replace("_WITH_", "-");
    plain.replace("AES_", "AES").replace("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305").replace('_', "-")
}

/// What engines can do.
#[conc_macros::methods]
pub mod methods {
    use super::*;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::sync::wait::payload;

    use crate::data::view::View;

    fn engine<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a Engine> {
        payload::<Engine>(cx, this.value()).map(|(_, engine)| engine)
    }

    /// One end of a connection; `name` is the server's, as a client knows it.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, settings: Value, name: Value) -> R {
        let (_, settings) = payload::<Settings>(cx, settings)?;
        let made = match &settings.0 {
            Side::Server(config) => ServerConnection::new(config.clone()).map(Connection::Server),
            Side::Client(config) => {
                // An address is not told to the server: it stands for no name.
                let name = if name.is_none() { "0.0.0.0".into() } else { cx.text_of(name) };
                let Ok(name) = ServerName::try_from(name) else {
                    return Err(
                        cx.value_error("server_hostname cannot be an empty string or start with a leading dot.")
                    );
                };
                ClientConnection::new(config.clone(), name).map(Connection::Client)
            }
        };
        let mut connection = match made {
            Ok(connection) => connection,
            Err(e) => return Err(cx.value_error(e.to_string())),
        };
        connection.set_buffer_limit(None);
        let server = matches!(connection, Connection::Server(_));
        let state =
            State { connection, server, data: Vec::new(), read: 0, first: Vec::new(), closed: false, fault: None };
        Ok(cx.new_boxed(class, Some(Box::new(Engine(Mutex::new(state)))), 0).value())
    }

    /// Take in bytes of the network; None, or what went wrong.
    pub fn feed(cx: &mut Ctx, this: Gc<Boxed>, bytes: Value) -> R {
        let engine = engine(cx, this)?;
        let bytes = View::of(cx, bytes)?;
        engine.0.lock().feed(&bytes);
        fault(cx, this)
    }

    /// What went wrong; None so far.
    #[getter]
    pub fn fault(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let fault = engine(cx, this)?.0.lock().fault.clone();
        match fault {
            Some(fault) => fault.to_value(cx),
            None => Ok(Value::NONE),
        }
    }

    /// The bytes that have to go to the network.
    pub fn outgoing(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let engine = engine(cx, this)?;
        let mut bytes = Vec::new();
        {
            let mut state = engine.0.lock();
            while state.connection.wants_write() {
                // Writing to memory does not fail.
                if state.connection.write_tls(&mut bytes).is_err() {
                    break;
                }
            }
        }
        cx.bytes(&bytes)
    }

    /// Whether bytes have to go to the network.
    #[getter]
    pub fn wants_write(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(engine(cx, this)?.0.lock().connection.wants_write())
    }
    /// Whether the handshake is not over.
    #[getter]
    pub fn handshaking(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(engine(cx, this)?.0.lock().connection.is_handshaking())
    }
    /// Whether the other end has said that it sends no more.
    #[getter]
    pub fn closed(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(engine(cx, this)?.0.lock().closed)
    }
    /// How many bytes of data can be read at once.
    pub fn pending(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        let state = engine(cx, this)?.0.lock();
        Ok((state.data.len() - state.read) as i64)
    }

    /// Up to `size` bytes of the data that has come in.
    pub fn read(cx: &mut Ctx, this: Gc<Boxed>, size: i64) -> R {
        let most = usize::try_from(size).unwrap_or(0);
        let data = engine(cx, this)?.0.lock().take(most);
        cx.bytes(&data)
    }

    /// Encrypt data from `start` on, not all of it if it is much; how many bytes were taken.
    pub fn write(cx: &mut Ctx, this: Gc<Boxed>, data: Value, start: i64) -> R<i64> {
        let engine = engine(cx, this)?;
        let data = View::of(cx, data)?;
        let rest = usize::try_from(start).ok().and_then(|start| data.get(start..)).unwrap_or(&[]);
        let part = &rest[..rest.len().min(MOST_WRITTEN)];
        let written = engine.0.lock().connection.writer().write(part);
        Ok(written.unwrap_or(0) as i64)
    }

    /// Say that this end sends no more.
    pub fn close(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        engine(cx, this)?.0.lock().connection.send_close_notify();
        Ok(())
    }

    /// The version spoken, None before that is settled.
    pub fn version(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let version = engine(cx, this)?.0.lock().connection.protocol_version();
        Ok(match version {
            Some(rustls::ProtocolVersion::TLSv1_3) => cx.str("TLSv1.3"),
            Some(_) => cx.str("TLSv1.2"),
            None => Value::NONE,
        })
    }

    /// (name, version, secret bits) of the cipher, None before that is settled.
    pub fn cipher(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let suite = engine(cx, this)?.0.lock().connection.negotiated_cipher_suite();
        let Some(suite) = suite else { return Ok(Value::NONE) };
        let name = cipher_name(&format!("{:?}", suite.suite()));
        let bits = if name.contains("AES128") || name.contains("AES_128") { 128 } else { 256 };
        let version = if name.starts_with("TLS_") { "TLSv1.3" } else { "TLSv1.2" };
        let (name, version) = (cx.str(&name), cx.str(version));
        cx.tuple(&[name, version, Value::small_int(bits)])
    }

    /// The protocol that both ends chose; None: none.
    pub fn protocol(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let chosen = engine(cx, this)?.0.lock().connection.alpn_protocol().map(<[u8]>::to_vec);
        Ok(chosen.map_or(Value::NONE, |name| cx.str(&String::from_utf8_lossy(&name))))
    }

    /// The other end's certificates as bytes of DER.
    pub fn certificates(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let engine = engine(cx, this)?;
        let chain = engine.0.lock().connection.peer_certificates().map(<[_]>::to_vec).unwrap_or_default();
        let list = cx.new_list();
        for der in chain {
            let der = cx.bytes(&der)?;
            cx.list_push(list, der)?;
        }
        Ok(list.value())
    }

    /// The name that the client asked a server for.
    pub fn asked_name(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let engine = engine(cx, this)?;
        let name = match &engine.0.lock().connection {
            Connection::Server(server) => server.server_name().map(str::to_string),
            Connection::Client(_) => None,
        };
        Ok(name.map_or(Value::NONE, |name| cx.str(&name)))
    }
}
