//! What TLS is done with: certificates, keys, whom to trust.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use corio_io::told;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
};

use crate::error::{invalid, with_context};

/// How long a handshake may take unless told otherwise.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// The client's side of TLS: whom it trusts, and how.
#[derive(Clone)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    handshake: Duration,
}

/// The server's side of TLS: its certificate and key.
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    handshake: Duration,
}

/// A handshake that has not begun.
pub(crate) struct Handshake {
    pub(crate) tls: Connection,
    /// How long it may take.
    pub(crate) limit: Duration,
    /// Whom a client wants to meet.
    pub(crate) name: Option<String>,
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A wrong configuration.
fn wrong(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// The certificates in `text`, which the caller gave as `argument`.
fn certificates(text: &[u8], argument: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match all {
        Ok(all) if all.is_empty() => Err(missing(text, argument, "certificate", "CERTIFICATE")),
        Ok(all) => Ok(all),
        Err(error) => Err(damaged(error, argument)),
    }
}

fn private_key(text: &[u8], argument: &str) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => missing(text, argument, "private key", "PRIVATE KEY"),
        error => damaged(error, argument),
    })
}

fn damaged(error: pem::Error, argument: &str) -> io::Error {
    // Some of these errors show bytes as lists of numbers.
    let text = match &error {
        pem::Error::MissingSectionEnd { end_marker } => {
            let what = String::from_utf8_lossy(end_marker);
            format!("the end of its {} is missing", what.escape_debug())
        }
        pem::Error::IllegalSectionStart { .. } => {
            "the line before one of its parts is wrong".to_owned()
        }
        error => error.to_string(),
    };
    let text =
        format!("`{argument}` is not whole text in PEM form: {text}: take the file as it was made");
    told(text, wrong(error))
}

/// There is no `what` in `text`, which may hold other things.
fn missing(text: &[u8], argument: &str, what: &str, label: &str) -> io::Error {
    let has = |part: &str| text.windows(part.len()).any(|window| window == part.as_bytes());
    let encrypted = label == "PRIVATE KEY" && has("-----BEGIN ENCRYPTED PRIVATE KEY-----");
    let instead = if encrypted {
        "it has one that is encrypted: decrypt it first, as `openssl pkey` does"
    } else if has("-----BEGIN CERTIFICATE-----") {
        "it has a certificate, which belongs elsewhere: have two arguments been swapped?"
    } else if has("PRIVATE KEY-----") {
        "it has a private key, which belongs elsewhere: have two arguments been swapped?"
    } else if has("-----BEGIN ") {
        "it has other things"
    } else {
        "it is not in PEM form: give the contents of such a file, not its path, and turn DER into PEM first, as \
         `openssl` does"
    };
    invalid(format_args!("`{argument}` has no {what} (`-----BEGIN {label}-----`): {instead}"))
}

fn check_time(limit: Duration) -> io::Result<Duration> {
    if limit.is_zero() {
        return Err(invalid("a handshake cannot be done within no time at all"));
    }
    Ok(limit)
}

impl TlsConnector {
    /// Does TLS as `config` says, which offers all that rustls has: ALPN, client certificates, resumption.
    pub fn new(config: Arc<ClientConfig>) -> Self {
        Self { config, handshake: HANDSHAKE }
    }

    /// Trusts servers whose certificates one of these authorities has signed, and no others.
    ///
    /// `authorities` is text in PEM form.
    ///
    /// # Errors
    ///
    /// When the text has no certificates, or wrong ones.
    pub fn trusting(authorities: &[u8]) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authorities, "authorities")? {
            let added = roots.add(certificate).map_err(wrong);
            added.map_err(|error| with_context(error, "`authorities` has a wrong certificate"))?;
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self::new(Arc::new(config)))
    }

    /// Offers these protocols (ALPN), the best one first; see [`TlsInfo::alpn`](super::TlsInfo::alpn).
    pub fn alpn(mut self, protocols: &[&[u8]]) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols =
            protocols.iter().map(|protocol| protocol.to_vec()).collect();
        self
    }

    /// Lets a handshake take so long. A minute unless set.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when it is zero.
    pub fn handshake_timeout(mut self, limit: Duration) -> io::Result<Self> {
        self.handshake = check_time(limit)?;
        Ok(self)
    }

    pub(crate) fn handshake(&self, name: &str) -> io::Result<Handshake> {
        let server = ServerName::try_from(name.to_owned()).map_err(|_| {
            invalid(format_args!("`{}` is no name of a server", crate::host::shown(name)))
        })?;
        let tls = ClientConnection::new(self.config.clone(), server).map_err(wrong)?.into();
        Ok(Handshake { tls, limit: self.handshake, name: Some(name.to_owned()) })
    }
}

impl TlsAcceptor {
    /// Does TLS as `config` says, which offers all that rustls has.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self { config, handshake: HANDSHAKE }
    }

    /// Shows this certificate, followed by those that lead to its authority; `key` is its private key. Both
    /// are text in PEM form.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when one of them is not there, or they do not belong
    /// together. The text says which argument it is about.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> io::Result<Self> {
        let (chain, key) = (certificates(chain, "chain")?, private_key(key, "key")?);
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| {
                let what = match &error {
                    rustls::Error::InconsistentKeys(_) => {
                        "`key` is not that of the first certificate in `chain`, where the server's own one \
                         has to stand, before those of its authorities"
                    }
                    rustls::Error::InvalidCertificate(_) => "`chain` begins with a wrong certificate",
                    _ => "`key` cannot be used: give the private key of the first certificate in `chain`",
                };
                with_context(wrong(error), what)
            })?;
        Ok(Self::new(Arc::new(config)))
    }

    /// Accepts these protocols (ALPN), the best one first.
    pub fn alpn(mut self, protocols: &[&[u8]]) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols =
            protocols.iter().map(|protocol| protocol.to_vec()).collect();
        self
    }

    /// Lets a handshake take so long; a client that is slower is dropped. A minute unless set.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when it is zero.
    pub fn handshake_timeout(mut self, limit: Duration) -> io::Result<Self> {
        self.handshake = check_time(limit)?;
        Ok(self)
    }

    pub(crate) fn handshake(&self) -> io::Result<Handshake> {
        let tls = ServerConnection::new(self.config.clone()).map_err(wrong)?.into();
        Ok(Handshake { tls, limit: self.handshake, name: None })
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").field("handshake", &self.handshake).finish_non_exhaustive()
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor").field("handshake", &self.handshake).finish_non_exhaustive()
    }
}
