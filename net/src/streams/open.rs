//! Opening connections that are read and written as streams.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use corio_runtime::reactor::Wait;
use corio_sync::hooks::WaitKind;

use super::conn::Conn;
use super::reader::{DEFAULT_LIMIT, StreamReader, check_limit};
use super::transport::Transport;
use super::writer::StreamWriter;
use crate::addr::{Target, ToSocketAddrs};
use crate::error::invalid;
use crate::happy::{self, Plan, STAGGER};
use crate::resolve::resolve;
#[cfg(feature = "tls")]
use crate::tls::{Handshake, TlsConnector, encrypt};
use crate::{TcpStream, UnixStream};

/// Connects to `addr`, and gives the two sides of the connection.
///
/// The addresses of a name are tried in the resolver's order; [`ConnectOptions`] tries them in a race, says
/// where to connect from, and sets the reader's limit. Small writes are sent at once (`TCP_NODELAY`).
///
/// # Errors
///
/// Those of [`TcpStream::connect`].
///
/// # Cancel safety
///
/// Safe: the attempt's descriptor is closed.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// # let server = corio_net::start_server("127.0.0.1:0", |mut reader, writer| async move {
/// #     reader.read_line().await?;
/// #     writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
/// # }).await?;
/// # let addr = server.local_addrs()[0];
/// let (mut reader, writer) = corio_net::open_connection(addr).await?;
/// writer.write(b"GET / HTTP/1.0\r\n\r\n")?;
/// assert_eq!(reader.read_line().await?, b"HTTP/1.0 200 OK\r\n");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias = "create_connection")]
#[track_caller]
pub fn open_connection(
    addr: impl ToSocketAddrs,
) -> impl Future<Output = io::Result<(StreamReader, StreamWriter)>> + Send + 'static {
    ConnectOptions::new().open(addr)
}

/// Connects to the Unix socket at `path`, and gives the two sides of the connection.
///
/// # Errors
///
/// Those of [`UnixStream::connect`].
///
/// # Cancel safety
///
/// Safe: the attempt's descriptor is closed.
#[doc(alias = "create_unix_connection")]
pub fn open_unix_connection(
    path: impl AsRef<Path>,
) -> impl Future<Output = io::Result<(StreamReader, StreamWriter)>> + Send + 'static {
    ConnectOptions::new().open_unix(path)
}

/// What a connection is opened with, beyond where to.
///
/// # Examples
///
/// ```
/// use corio_net::{ConnectOptions, start_server};
///
/// # corio_runtime::run(async {
/// # let server = start_server("127.0.0.1:0", |_, writer| async move { writer.write(b"hi\n") }).await?;
/// # let addr = server.local_addrs()[0];
/// let (mut reader, writer) = ConnectOptions::new()
///     .limit(512)
///     .local_addr("127.0.0.1:0")?
///     .happy_eyeballs(true)
///     .open(addr)
///     .await?;
/// assert_eq!(reader.read_line().await?, b"hi\n");
/// # drop(writer);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until `open` is called"]
pub struct ConnectOptions {
    limit: usize,
    local: Option<Target>,
    stagger: Option<Duration>,
    interleave: Option<usize>,
    nodelay: bool,
    #[cfg(feature = "tls")]
    tls: Option<TlsConnector>,
    /// Whom the certificate must be for, unless it is the host.
    server_name: Option<String>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ConnectOptions {
    /// What [`open_connection`] uses.
    pub fn new() -> Self {
        Self {
            limit: DEFAULT_LIMIT,
            local: None,
            stagger: None,
            interleave: None,
            nodelay: true,
            #[cfg(feature = "tls")]
            tls: None,
            server_name: None,
        }
    }

    /// Sets the reader's limit; see [`StreamReader::set_limit`]. One of 0 is an error when it is opened.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Connects from this address of ours. Of several, the first of the right family that can be had.
    ///
    /// # Errors
    ///
    /// When a text is not an address.
    pub fn local_addr(mut self, addr: impl ToSocketAddrs) -> io::Result<Self> {
        self.local = Some(addr.to_target()?);
        Ok(self)
    }

    /// Tries the addresses of a name in a race, as RFC 8305 has it: each 250 ms after the one before, or as
    /// soon as that has failed, IPv6 and IPv4 in turn. Off unless turned on.
    pub fn happy_eyeballs(mut self, on: bool) -> Self {
        self.stagger = on.then_some(STAGGER);
        self
    }

    /// Tries them in a race, each so long after the one before.
    pub fn happy_eyeballs_delay(mut self, delay: Duration) -> Self {
        self.stagger = Some(delay);
        self
    }

    /// Lets the families of addresses take turns, after so many of the first one; 0 keeps the order. 1 in a
    /// race, unless set, and 0 otherwise.
    pub fn interleave(mut self, lead: usize) -> Self {
        self.interleave = Some(lead);
        self
    }

    /// Sends small writes at once. On unless turned off.
    pub fn nodelay(mut self, on: bool) -> Self {
        self.nodelay = on;
        self
    }

    /// Connects to `addr`.
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::connect`]; all attempts are named.
    ///
    /// # Cancel safety
    ///
    /// Safe: the descriptors of all attempts are closed.
    #[track_caller]
    pub fn open(
        self,
        addr: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<(StreamReader, StreamWriter)>> + Send + 'static {
        let (target, wait) = (addr.to_target(), Wait::here(WaitKind::Connect));
        async move {
            let limit = self.limit;
            let encryption = self.encryption(target.as_ref().ok().map(Target::host))?;
            let stream = self.connect(target, wait).await?;
            let peer = stream.peer_addr().ok();
            encryption.streams(Transport::Tcp(stream), peer, limit).await
        }
    }

    /// Connects to the Unix socket at `path`. What concerns addresses has no effect.
    ///
    /// # Errors
    ///
    /// Those of [`UnixStream::connect`].
    ///
    /// # Cancel safety
    ///
    /// Safe: the attempt's descriptor is closed.
    pub fn open_unix(
        self,
        path: impl AsRef<Path>,
    ) -> impl Future<Output = io::Result<(StreamReader, StreamWriter)>> + Send + 'static {
        let (limit, connecting) = (check_limit(self.limit), UnixStream::connect(path));
        async move {
            limit?;
            let encryption = self.encryption(None)?;
            encryption.streams(Transport::Unix(connecting.await?), None, self.limit).await
        }
    }

    /// Encrypts the connection.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, connector: TlsConnector) -> Self {
        self.tls = Some(connector);
        self
    }

    /// Wants a certificate for this name, instead of one for the host that it connects to. It needs
    /// `ConnectOptions::tls`, and is an error without when it is opened.
    #[doc(alias = "server_hostname")]
    pub fn server_name(mut self, name: &str) -> Self {
        self.server_name = Some(name.to_owned());
        self
    }

    #[cfg(feature = "tls")]
    fn encryption(&self, host: Option<String>) -> io::Result<Encryption> {
        let name = self.server_name.clone().or(host);
        match (&self.tls, name) {
            (None, _) => self.no_encryption(),
            (Some(connector), Some(name)) => Ok(Encryption(Some(connector.handshake(&name)?))),
            (Some(_), None) => Err(invalid(
                "TLS needs to know whom it is to meet: name the server with `server_name`",
            )),
        }
    }

    #[cfg(not(feature = "tls"))]
    fn encryption(&self, _host: Option<String>) -> io::Result<Encryption> {
        self.no_encryption()
    }

    fn no_encryption(&self) -> io::Result<Encryption> {
        match &self.server_name {
            None => Ok(Encryption::default()),
            Some(name) => Err(invalid(format_args!(
                "nobody would look whether the server is `{name}`: there is no TLS"
            ))),
        }
    }

    pub(crate) async fn connect(
        self,
        target: io::Result<Target>,
        wait: Wait,
    ) -> io::Result<TcpStream> {
        check_limit(self.limit)?;
        let locals = match &self.local {
            Some(local) => resolve(local).await?,
            None => Vec::new(),
        };
        let interleave = self.interleave.unwrap_or(usize::from(self.stagger.is_some()));
        let plan = Plan { locals, stagger: self.stagger, interleave };
        let stream = TcpStream::from_registered(happy::connect(target, plan, wait).await?);
        stream.set_nodelay(self.nodelay)?;
        Ok(stream)
    }
}

/// How a connection becomes streams: plain, or encrypted.
#[derive(Default)]
struct Encryption(#[cfg(feature = "tls")] Option<Handshake>);

impl Encryption {
    #[allow(clippy::unused_async, reason = "with the feature `tls` it waits")]
    async fn streams(
        self,
        transport: Transport,
        peer: Option<SocketAddr>,
        limit: usize,
    ) -> io::Result<(StreamReader, StreamWriter)> {
        #[cfg(feature = "tls")]
        if let Some(handshake) = self.0 {
            return match transport {
                Transport::Tcp(stream) => encrypt(stream, handshake, peer, None, limit).await,
                Transport::Unix(stream) => encrypt(stream, handshake, peer, None, limit).await,
                Transport::Other(_) => unreachable!("only sockets are connected"),
            };
        }
        let conn = Conn::new(transport, peer);
        Ok((StreamReader::of(conn.clone(), limit), StreamWriter::of(conn)))
    }
}

/// Makes reader and writer of anything that can be read and written.
///
/// Where that has a faster form, use it: [`TcpStream::into_streams`], [`UnixStream::into_streams`]. Closing
/// `io`'s writing side is taken to leave its reading side open.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// let (ours, theirs) = corio_io::duplex(64);
/// let (_reader, writer) = corio_net::stream_pair(ours);
/// let (mut reader, _writer) = corio_net::stream_pair(theirs);
/// writer.write(b"hello\n")?;
/// assert_eq!(reader.read_line().await?, b"hello\n");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub fn stream_pair<T>(io: T) -> (StreamReader, StreamWriter)
where
    T: futures_io::AsyncRead + futures_io::AsyncWrite + Send + 'static,
{
    let conn = Conn::new(Transport::other(io, true), None);
    (StreamReader::of(conn.clone(), DEFAULT_LIMIT), StreamWriter::of(conn))
}

impl TcpStream {
    /// Makes a buffered reader and a buffered writer of the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_net::{TcpListener, TcpStream};
    ///
    /// # corio_runtime::run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let client = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut reader, _writer) = listener.accept().await?.0.into_streams();
    /// client.write_all(b"hello\n").await?;
    /// assert_eq!(reader.read_line().await?, b"hello\n");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "connect_accepted_socket")]
    pub fn into_streams(self) -> (StreamReader, StreamWriter) {
        let peer = self.peer_addr().ok();
        let conn = Conn::new(Transport::Tcp(self), peer);
        (StreamReader::of(conn.clone(), DEFAULT_LIMIT), StreamWriter::of(conn))
    }
}

impl UnixStream {
    /// Makes a buffered reader and a buffered writer of the connection.
    pub fn into_streams(self) -> (StreamReader, StreamWriter) {
        let conn = Conn::new(Transport::Unix(self), None);
        (StreamReader::of(conn.clone(), DEFAULT_LIMIT), StreamWriter::of(conn))
    }
}
