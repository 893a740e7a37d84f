//! TLS for streams and servers, by rustls with ring.
//!
//! *How do I encrypt a connection?* [`TlsConnector`] says whom a client trusts, [`TlsAcceptor`] what a server
//! shows. [`open_connection_tls`] connects, [`ServerOptions::tls`](crate::ServerOptions::tls) serves, and
//! [`start_tls`] and [`start_tls_server`] encrypt a connection that has begun without. Reader and writer are
//! the same types as without TLS.
//!
//! A connection that is cut without TLS's closing alert is an error to its reader, not an end: an attacker
//! who can cut a connection must not be able to shorten a message.

mod config;
mod session;

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use rustls::pki_types::CertificateDer;

pub use config::{TlsAcceptor, TlsConnector};
pub use rustls;

use crate::addr::ToSocketAddrs;
use crate::error::with_context;
use crate::rt;
use crate::server::clients::Member;
use crate::streams::conn::Conn;
use crate::streams::open::ConnectOptions;
use crate::streams::reader::StreamReader;
use crate::streams::transport::{Transport, tcp_again, unix_again};
use crate::streams::writer::StreamWriter;
use crate::{TcpStream, UnixStream};
pub(crate) use config::Handshake;
use session::Session;

/// What the two sides of a TLS connection have agreed on; from [`StreamWriter::tls_info`].
#[derive(Clone)]
pub struct TlsInfo {
    alpn: Option<Vec<u8>>,
    version: Option<rustls::ProtocolVersion>,
    peer: Vec<CertificateDer<'static>>,
}

impl TlsInfo {
    fn of(tls: &rustls::Connection) -> Self {
        Self {
            alpn: tls.alpn_protocol().map(<[u8]>::to_vec),
            version: tls.protocol_version(),
            peer: tls.peer_certificates().map_or(Vec::new(), |certificates| {
                certificates.iter().map(|certificate| certificate.clone().into_owned()).collect()
            }),
        }
    }

    /// The protocol that ALPN has chosen, if it has.
    #[doc(alias("selected_alpn_protocol", "get_extra_info"))]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// The version of TLS.
    pub fn version(&self) -> Option<rustls::ProtocolVersion> {
        self.version
    }

    /// The certificates that the peer has shown, its own first.
    #[doc(alias = "peercert")]
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        &self.peer
    }
}

impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsInfo")
            .field("version", &self.version)
            .field("alpn", &self.alpn.as_ref().map(|alpn| alpn.escape_ascii().to_string()))
            .finish_non_exhaustive()
    }
}

impl StreamWriter {
    /// What the two sides have agreed on; `None` without TLS.
    pub fn tls_info(&self) -> Option<&TlsInfo> {
        self.conn().tls()
    }
}

/// Connects to `addr` and encrypts the connection; the certificate must be for the host of `addr`.
///
/// [`ConnectOptions::tls`] has more to set, among it another name.
///
/// # Errors
///
/// Those of [`open_connection`](crate::open_connection); [`InvalidData`](io::ErrorKind::InvalidData), with
/// rustls's error inside of its [source](std::error::Error::source), when the peer's certificate does not do, or
/// it speaks no TLS; [`TimedOut`](io::ErrorKind::TimedOut) when the handshake takes too long;
/// [`ConnectionReset`](io::ErrorKind::ConnectionReset) when the peer ends it.
///
/// # Cancel safety
///
/// Safe: the connection is closed.
#[track_caller]
pub fn open_connection_tls(
    addr: impl ToSocketAddrs,
    connector: &TlsConnector,
) -> impl Future<Output = io::Result<(StreamReader, StreamWriter)>> + Send + 'static {
    ConnectOptions::new().tls(connector.clone()).open(addr)
}

/// Encrypts a connection that has begun without TLS, as its client. `name` is whom the certificate must be
/// for.
///
/// What was written is sent before; what the reader has already is taken for the beginning of the handshake.
/// Reader and writer go on with their limits and marks as they were set.
///
/// # Errors
///
/// Those of the handshake, see [`open_connection_tls`]; the connection is closed then.
///
/// # Cancel safety
///
/// Safe, but the connection is closed.
pub async fn start_tls(
    reader: StreamReader,
    writer: StreamWriter,
    connector: &TlsConnector,
    name: &str,
) -> io::Result<(StreamReader, StreamWriter)> {
    upgrade(reader, writer, connector.handshake(name)?).await
}

/// Encrypts a connection that has begun without TLS, as its server; see [`start_tls`].
///
/// # Errors
///
/// Those of the handshake, see [`open_connection_tls`]; the connection is closed then.
///
/// # Cancel safety
///
/// Safe, but the connection is closed.
pub async fn start_tls_server(
    reader: StreamReader,
    writer: StreamWriter,
    acceptor: &TlsAcceptor,
) -> io::Result<(StreamReader, StreamWriter)> {
    upgrade(reader, writer, acceptor.handshake()?).await
}

async fn upgrade(
    reader: StreamReader,
    writer: StreamWriter,
    handshake: Handshake,
) -> io::Result<(StreamReader, StreamWriter)> {
    let (reading_limit, (high, low)) = (reader.limit(), writer.write_limits());
    let (peer, member) = (writer.conn().peer(), writer.conn().member().cloned());
    let joined = Joined { reader, writer };
    let (reader, writer) = encrypt(joined, handshake, peer, member, reading_limit).await?;
    writer.set_write_limits(high, low)?;
    Ok((reader, writer))
}

/// Does the handshake over `io`, and makes streams of it.
pub(crate) async fn encrypt<S>(
    io: S,
    handshake: Handshake,
    peer: Option<SocketAddr>,
    member: Option<Member>,
    reading_limit: usize,
) -> io::Result<(StreamReader, StreamWriter)>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Handshake { tls, limit, name } = handshake;
    let mut session = Session::new(io, tls);
    let failed = match rt::timeout(limit, poll_fn(|cx| session.poll_handshake(cx))).await {
        Ok(result) => result.err(),
        Err(_) => {
            let what = format!("it was not done within {limit:?}");
            Some(io::Error::new(io::ErrorKind::TimedOut, what))
        }
    };
    if let Some(error) = failed {
        return Err(with_context(error, handshake_with(name, peer)));
    }
    let info = TlsInfo::of(session.tls());
    let conn = Conn::with_tls(Transport::other(session, false), peer, member, info);
    Ok((StreamReader::of(conn.clone(), reading_limit), StreamWriter::of(conn)))
}

/// What has failed, and with whom.
fn handshake_with(name: Option<String>, peer: Option<SocketAddr>) -> String {
    match (name, peer) {
        (Some(name), Some(peer)) => format!("the TLS handshake with {name} ({peer}) failed"),
        (Some(name), None) => format!("the TLS handshake with {name} failed"),
        (None, Some(peer)) => format!("the TLS handshake with {peer} failed"),
        (None, None) => "the TLS handshake failed".to_owned(),
    }
}

/// The socket of a session, by another descriptor.
pub(crate) fn socket_under(session: &dyn Any) -> Option<Transport> {
    if let Some(session) = session.downcast_ref::<Session<TcpStream>>() {
        return tcp_again(session.io());
    }
    if let Some(session) = session.downcast_ref::<Session<UnixStream>>() {
        return unix_again(session.io());
    }
    session.downcast_ref::<Session<Joined>>()?.io().writer.conn().transport().duplicate()
}

/// The two sides of a connection as one again.
struct Joined {
    reader: StreamReader,
    writer: StreamWriter,
}

impl AsyncRead for Joined {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Joined {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, data)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_close(cx)
    }
}
