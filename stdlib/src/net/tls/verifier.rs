//! Whether the other end's certificate is to be believed, as far as an SSLContext asks.
//!
//! rustls and webpki find the chain. Three things they do not offer are added: no check at all, none of the host's
//! name, and a certificate that is trusted because the script gave exactly it (it may be its own issuer).

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage};

use super::certificate::Certificate;

/// Why a certificate was refused, in OpenSSL's numbers and words.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: i64,
    pub message: String,
}

thread_local! {
    /// The refusal of the check that ran last on this OS thread; the engine that asked for it takes it at once.
    static LAST: RefCell<Option<Refusal>> = const { RefCell::new(None) };
}

/// Takes the last refusal.
pub fn take_refusal() -> Option<Refusal> {
    LAST.with(|last| last.borrow_mut().take())
}

#[derive(Debug)]
pub struct Verifier {
    pub anchors: Vec<TrustAnchor<'static>>,
    /// Certificates that the script trusts.
    pub given: Vec<CertificateDer<'static>>,
    pub verify: Verify,
    pub check_name: bool,
    pub algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verify {
    None,
    Optional,
    Required,
}

fn refuse(code: i64, message: impl Into<String>, error: CertificateError) -> Error {
    LAST.with(|last| *last.borrow_mut() = Some(Refusal { code, message: message.into() }));
    Error::InvalidCertificate(error)
}

/// The error for what webpki found.
fn refused(error: webpki::Error) -> Error {
    use webpki::Error as E;
    match error {
        E::CertExpired { .. } | E::InvalidCertValidity => {
            refuse(10, "certificate has expired", CertificateError::Expired)
        }
        E::CertNotValidYet { .. } => refuse(9, "certificate is not yet valid", CertificateError::NotValidYet),
        E::UnknownIssuer => refuse(20, "unable to get local issuer certificate", CertificateError::UnknownIssuer),
        E::CaUsedAsEndEntity | E::RequiredEkuNotFoundContext(_) => {
            refuse(26, "unsuitable certificate purpose", CertificateError::InvalidPurpose)
        }
        E::EndEntityUsedAsCa => refuse(79, "invalid CA certificate", CertificateError::UnknownIssuer),
        E::PathLenConstraintViolated => refuse(25, "path length constraint exceeded", CertificateError::UnknownIssuer),
        E::NameConstraintViolation => refuse(47, "permitted subtree violation", CertificateError::UnknownIssuer),
        E::InvalidSignatureForPublicKey => refuse(7, "certificate signature failure", CertificateError::BadSignature),
        E::BadDer | E::BadDerTime | E::TrailingData(_) => {
            refuse(1, "unspecified certificate verification error", CertificateError::BadEncoding)
        }
        other => {
            refuse(1, format!("unspecified certificate verification error: {other}"), CertificateError::BadEncoding)
        }
    }
}

impl Verifier {
    /// Whether the certificate leads to one that is trusted.
    fn chain(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
        usage: KeyUsage,
    ) -> Result<(), Error> {
        let described = Certificate::read(leaf);
        if self.given.iter().any(|der| der == leaf) {
            let now = now.as_secs() as i64;
            return match described {
                Some(c) if now < c.not_before => {
                    Err(refuse(9, "certificate is not yet valid", CertificateError::NotValidYet))
                }
                Some(c) if now > c.not_after => Err(refuse(10, "certificate has expired", CertificateError::Expired)),
                _ => Ok(()),
            };
        }
        if described.is_some_and(|c| c.is_self_issued()) {
            return Err(refuse(18, "self-signed certificate", CertificateError::UnknownIssuer));
        }
        let found = EndEntityCert::try_from(leaf).and_then(|cert| {
            cert.verify_for_usage(self.algorithms.all, &self.anchors, between, now, usage, None, None).map(drop)
        });
        match found {
            Err(webpki::Error::UnknownIssuer)
                if between.iter().any(|c| Certificate::read(c).is_some_and(|c| c.is_self_issued())) =>
            {
                Err(refuse(19, "self-signed certificate in certificate chain", CertificateError::UnknownIssuer))
            }
            Err(e) => Err(refused(e)),
            Ok(()) => Ok(()),
        }
    }

    /// Whether the certificate is for that host.
    fn name(&self, leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
        let cert = EndEntityCert::try_from(leaf).map_err(refused)?;
        if cert.verify_is_valid_for_subject_name(name).is_ok() {
            return Ok(());
        }
        let error = CertificateError::NotValidForName;
        match name {
            ServerName::IpAddress(ip) => {
                let ip = IpAddr::from(*ip);
                Err(refuse(64, format!("IP address mismatch, certificate is not valid for '{ip}'."), error))
            }
            _ => {
                let name = name.to_str();
                Err(refuse(62, format!("Hostname mismatch, certificate is not valid for '{name}'."), error))
            }
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.verify != Verify::None {
            self.chain(leaf, between, now, KeyUsage::server_auth())?;
        }
        if self.check_name {
            self.name(leaf, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.verify == Verify::Required
    }
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.chain(leaf, between, now, KeyUsage::client_auth())?;
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Shared by the configurations that use it.
pub type Shared = Arc<Verifier>;
