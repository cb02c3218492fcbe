//! What the connections of one SSLContext have in common: roots, certificates, versions, checks.

use std::sync::{Arc, OnceLock};

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::misc::Payload;
use conc_interpreter::object::sequence::List;
use conc_interpreter::value::{Gc, Value};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, TrustAnchor};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion};

use super::verifier::{Verifier, Verify};
use crate::core::shared::{recall_class, remember};

/// The cryptography.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}

/// The settings of one side.
#[derive(Clone)]
pub enum Side {
    Client(Arc<ClientConfig>),
    Server(Arc<ServerConfig>),
}

/// The payload of a settings object.
pub struct Settings(pub Side);

impl Payload for Settings {}

/// The class, made at first use.
pub fn class(cx: &mut Ctx) -> Gc<Class> {
    const KEY: &str = "_ssl.Settings";
    if let Some(class) = recall_class(cx, KEY) {
        return class;
    }
    let class = cx.native_class("_ssl", "Settings", None, methods::METHODS);
    remember(cx, KEY, class.value());
    class
}

/// The server's only certificate, or none.
#[derive(Debug)]
struct Chosen(Option<Arc<CertifiedKey>>);

impl ResolvesServerCert for Chosen {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }
}

/// What a script asks for.
struct Wish {
    versions: Vec<&'static SupportedProtocolVersion>,
    verifier: Verifier,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    protocols: Vec<Vec<u8>>,
}

impl Wish {
    fn client(self) -> Result<ClientConfig, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&self.versions)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(self.verifier));
        let mut config = match self.identity {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.protocols;
        // OpenSSL takes up an old session only where a script hands it over.
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    fn server(self) -> Result<ServerConfig, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&self.versions)?;
        let builder = match self.verifier.verify {
            Verify::None => builder.with_no_client_auth(),
            _ => builder.with_client_cert_verifier(Arc::new(self.verifier)),
        };
        let key = match self.identity {
            Some((chain, key)) => Some(Arc::new(CertifiedKey::from_der(chain, key, &provider())?)),
            None => None,
        };
        let mut config = builder.with_cert_resolver(Arc::new(Chosen(key)));
        config.alpn_protocols = self.protocols;
        Ok(config)
    }
}

/// The bytes of each item of a list.
fn each(cx: &mut Ctx, list: Value) -> R<Vec<Vec<u8>>> {
    let Some(list) = list.cast::<List>() else { return Err(cx.type_error("a list is required")) };
    let mut all = Vec::new();
    for i in 0..list.len() {
        if let Some(item) = list.get(i) {
            all.push(cx.byte_vec(item)?);
        }
    }
    Ok(all)
}

/// A script's certificates as anchors of trust; what cannot be one is passed over.
fn anchors(given: &[CertificateDer<'static>], bundled: bool) -> Vec<TrustAnchor<'static>> {
    let own = given.iter().filter_map(|der| webpki::anchor_from_trusted_cert(der).ok().map(|anchor| anchor.to_owned()));
    let mut all: Vec<_> = own.collect();
    if bundled {
        all.extend_from_slice(webpki_roots::TLS_SERVER_ROOTS);
    }
    all
}

#[cold]
fn unusable(cx: &mut Ctx, error: rustls::Error) -> Raised {
    cx.value_error(error.to_string())
}

/// How settings are made.
#[conc_macros::methods]
pub mod methods {
    use super::*;

    /// Settings of a client or a server.
    #[static_method]
    #[allow(clippy::too_many_arguments)]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        server: bool,
        roots: Value,
        bundled: bool,
        chain: Value,
        key: Value,
        verify: i64,
        check_name: bool,
        protocols: Value,
        lowest: i64,
        highest: i64,
    ) -> R {
        let known = [(0x303, &rustls::version::TLS12), (0x304, &rustls::version::TLS13)];
        let versions = known.iter().filter(|(n, _)| (lowest..=highest).contains(n)).map(|(_, v)| *v).collect();
        let given: Vec<CertificateDer<'static>> = each(cx, roots)?.into_iter().map(CertificateDer::from).collect();
        let verify = match verify {
            0 => Verify::None,
            1 => Verify::Optional,
            _ => Verify::Required,
        };
        let verifier = Verifier {
            anchors: anchors(&given, bundled),
            given,
            verify,
            check_name,
            algorithms: provider().signature_verification_algorithms,
        };
        let chain: Vec<_> = each(cx, chain)?.into_iter().map(CertificateDer::from).collect();
        let identity = if key.is_none() {
            None
        } else {
            let key = cx.byte_vec(key)?;
            match PrivateKeyDer::try_from(key) {
                Ok(key) => Some((chain, key)),
                Err(message) => return Err(cx.value_error(message)),
            }
        };
        let wish = Wish { versions, verifier, identity, protocols: each(cx, protocols)? };
        let made = if server {
            wish.server().map(|config| Side::Server(Arc::new(config)))
        } else {
            wish.client().map(|config| Side::Client(Arc::new(config)))
        };
        match made {
            Ok(side) => Ok(cx.new_boxed(class, Some(Box::new(Settings(side))), 0).value()),
            Err(e) => Err(unusable(cx, e)),
        }
    }
}
