//! `_ssl`: TLS as a machine that turns bytes of the network into data and back; who moves the bytes waits elsewhere.
//!
//! A `Settings` object is made once of what an SSLContext says. An `Engine` is one end of one connection: the library
//! feeds it what came in, takes what has to go out, and reads and writes data. A failure is a tuple (see `fault`) that
//! the library turns into the exception of that name, after it has sent what the engine still has to say.

pub mod certificate;
pub mod engine;
pub mod fault;
pub mod settings;
pub mod verifier;

/// TLS
#[conc_macros::module(name = "_ssl")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::sign::CertifiedKey;

    use super::{certificate, engine, settings};
    use crate::core::shared::define;
    use crate::data::view::View;

    /// The certificates in a text of PEM sections, each as bytes of DER.
    pub fn certificates(cx: &mut Ctx, pem: Value) -> R {
        let pem = View::of(cx, pem)?;
        let list = cx.new_list();
        for found in CertificateDer::pem_slice_iter(&pem) {
            let Ok(der) = found else { return Err(cx.value_error("bad certificate")) };
            let der = cx.bytes(&der)?;
            cx.list_push(list, der)?;
        }
        Ok(list.value())
    }

    /// The first private key in a text of PEM sections, as bytes of DER; None if there is none.
    pub fn private_key(cx: &mut Ctx, pem: Value) -> R {
        let pem = View::of(cx, pem)?;
        match PrivateKeyDer::from_pem_slice(&pem) {
            Ok(key) => cx.bytes(key.secret_der()),
            Err(_) => Ok(Value::NONE),
        }
    }

    /// Whether the key belongs to the first certificate; None if either cannot be used.
    pub fn belong_together(cx: &mut Ctx, certificate: Value, key: Value) -> R {
        let (certificate, key) = (cx.byte_vec(certificate)?, cx.byte_vec(key)?);
        let Ok(key) = PrivateKeyDer::try_from(key) else { return Ok(Value::NONE) };
        let provider: &CryptoProvider = &settings::provider();
        let chain = vec![CertificateDer::from(certificate)];
        Ok(match CertifiedKey::from_der(chain, key, provider) {
            Ok(_) => Value::TRUE,
            Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => Value::FALSE,
            Err(_) => Value::NONE,
        })
    }

    /// What a certificate says: (subject, issuer, version, serial, not before, not after, names, is a CA).
    pub fn describe(cx: &mut Ctx, der: Value) -> R {
        let der = View::of(cx, der)?;
        match certificate::Certificate::read(&der) {
            Some(certificate) => certificate.describe(cx),
            None => Err(cx.value_error("bad certificate")),
        }
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let (settings, engine) = (settings::class(cx).value(), engine::class(cx).value());
        define(cx, module, "Settings", settings);
        define(cx, module, "Engine", engine);
        let roots = Value::small_int(webpki_roots::TLS_SERVER_ROOTS.len() as i64);
        define(cx, module, "bundled_roots", roots);
        Ok(())
    }
}
