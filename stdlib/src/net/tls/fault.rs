//! A TLS failure in the words of OpenSSL, which programs look for.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::value::Value;
use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use super::verifier::Refusal;

/// What an exception says: a reason in capitals, and text.
#[derive(Clone, Debug)]
pub struct Fault {
    reason: String,
    text: String,
    refusal: Option<Refusal>,
}

fn alert(description: AlertDescription) -> (&'static str, &'static str) {
    use AlertDescription as A;
    match description {
        A::UnexpectedMessage => ("SSLV3_ALERT_UNEXPECTED_MESSAGE", "sslv3 alert unexpected message"),
        A::BadRecordMac => ("SSLV3_ALERT_BAD_RECORD_MAC", "sslv3 alert bad record mac"),
        A::RecordOverflow => ("TLSV1_ALERT_RECORD_OVERFLOW", "tlsv1 alert record overflow"),
        A::HandshakeFailure => ("SSLV3_ALERT_HANDSHAKE_FAILURE", "sslv3 alert handshake failure"),
        A::BadCertificate => ("SSLV3_ALERT_BAD_CERTIFICATE", "sslv3 alert bad certificate"),
        A::UnsupportedCertificate => ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "sslv3 alert unsupported certificate"),
        A::CertificateRevoked => ("SSLV3_ALERT_CERTIFICATE_REVOKED", "sslv3 alert certificate revoked"),
        A::CertificateExpired => ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "sslv3 alert certificate expired"),
        A::CertificateUnknown => ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "sslv3 alert certificate unknown"),
        A::IllegalParameter => ("SSLV3_ALERT_ILLEGAL_PARAMETER", "sslv3 alert illegal parameter"),
        A::UnknownCA => ("TLSV1_ALERT_UNKNOWN_CA", "tlsv1 alert unknown ca"),
        A::AccessDenied => ("TLSV1_ALERT_ACCESS_DENIED", "tlsv1 alert access denied"),
        A::DecodeError => ("TLSV1_ALERT_DECODE_ERROR", "tlsv1 alert decode error"),
        A::DecryptError => ("TLSV1_ALERT_DECRYPT_ERROR", "tlsv1 alert decrypt error"),
        A::ProtocolVersion => ("TLSV1_ALERT_PROTOCOL_VERSION", "tlsv1 alert protocol version"),
        A::InsufficientSecurity => ("TLSV1_ALERT_INSUFFICIENT_SECURITY", "tlsv1 alert insufficient security"),
        A::InternalError => ("TLSV1_ALERT_INTERNAL_ERROR", "tlsv1 alert internal error"),
        A::UserCanceled => ("TLSV1_ALERT_USER_CANCELLED", "tlsv1 alert user cancelled"),
        A::NoRenegotiation => ("TLSV1_ALERT_NO_RENEGOTIATION", "tlsv1 alert no renegotiation"),
        A::UnsupportedExtension => ("TLSV1_UNSUPPORTED_EXTENSION", "tlsv1 unsupported extension"),
        A::UnrecognisedName => ("TLSV1_UNRECOGNIZED_NAME", "tlsv1 unrecognized name"),
        A::CertificateRequired => ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "tlsv13 alert certificate required"),
        A::MissingExtension => ("TLSV13_ALERT_MISSING_EXTENSION", "tlsv13 alert missing extension"),
        A::NoApplicationProtocol => ("TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "tlsv1 alert no application protocol"),
        _ => ("SSLV3_ALERT_HANDSHAKE_FAILURE", "sslv3 alert handshake failure"),
    }
}

/// The first bytes of an HTTP request.
const METHODS: [&[u8]; 4] = [b"GET ", b"POST", b"HEAD", b"PUT "];

impl Fault {
    /// `first`: what came first of all from the other end.
    pub fn of(error: &Error, refusal: Option<Refusal>, server: bool, first: &[u8]) -> Fault {
        let (reason, text) = match error {
            Error::InvalidCertificate(_) => {
                let why = refusal.as_ref().map_or(String::new(), |r| format!(": {}", r.message));
                ("CERTIFICATE_VERIFY_FAILED", format!("certificate verify failed{why}"))
            }
            Error::AlertReceived(description) => {
                let (reason, text) = alert(*description);
                (reason, text.to_string())
            }
            Error::InvalidMessage(_) if server && METHODS.iter().any(|m| first.starts_with(m)) => {
                ("HTTP_REQUEST", "http request".into())
            }
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge,
            ) => ("WRONG_VERSION_NUMBER", "wrong version number".into()),
            Error::InvalidMessage(_) => ("BAD_LENGTH", "bad length".into()),
            Error::NoCertificatesPresented => {
                ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "peer did not return a certificate".into())
            }
            Error::PeerIncompatible(
                PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::Tls13RequiredForQuic
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => ("UNSUPPORTED_PROTOCOL", "unsupported protocol".into()),
            Error::PeerIncompatible(_) => ("NO_SHARED_CIPHER", "no shared cipher".into()),
            Error::General(text) if text.contains("no server certificate") => {
                ("NO_SHARED_CIPHER", "no shared cipher".into())
            }
            Error::DecryptError => {
                ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "decryption failed or bad record mac".into())
            }
            Error::NoApplicationProtocol => ("NO_APPLICATION_PROTOCOL", "no application protocol".into()),
            Error::PeerSentOversizedRecord => ("DATA_LENGTH_TOO_LONG", "data length too long".into()),
            Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
                ("UNEXPECTED_MESSAGE", "unexpected message".into())
            }
            other => ("INTERNAL_ERROR", other.to_string()),
        };
        Fault { reason: reason.into(), text, refusal }
    }

    /// (reason, text, number of the refusal, its message) for the library.
    pub fn to_value(&self, cx: &mut Ctx) -> R {
        let (reason, text) = (cx.str(&self.reason), cx.str(&self.text));
        let (code, message) = match &self.refusal {
            Some(refusal) => (Value::small_int(refusal.code), cx.str(&refusal.message)),
            None => (Value::NONE, Value::NONE),
        };
        cx.tuple(&[reason, text, code, message])
    }
}
