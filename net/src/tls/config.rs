//! What TLS is done with: certificates, keys, whom to trust.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
};

use crate::error::invalid;

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

fn certificates(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(wrong)?;
    if all.is_empty() {
        return Err(invalid("there is no certificate in the text: PEM has `BEGIN CERTIFICATE`"));
    }
    Ok(all)
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
        for certificate in certificates(authorities)? {
            roots.add(certificate).map_err(wrong)?;
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
    /// When one of them is not there, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> io::Result<Self> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(wrong)?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_no_client_auth()
            .with_single_cert(certificates(chain)?, key)
            .map_err(wrong)?;
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
