//! Accepting TCP connections.

use std::fmt;
use std::net::SocketAddr;

use socket2::{Domain, Type};

use crate::accept::{Accept, Acceptor, HasAcceptor, Incoming, Listen};
use crate::addr::{Target, ToSocketAddrs};
use crate::error::all_failed;
use crate::methods::prelude::*;
use crate::options::ListenOptions;
use crate::resolve::resolve;
use crate::socket::new_socket;
use crate::tcp_socket::take_linger;
use crate::tcp_stream::TcpStream;

/// A socket that accepts TCP connections.
///
/// When the process has no descriptor left, [`accept`](Self::accept) neither spins nor fails: it looks
/// again 25 times a second, and goes on as soon as there is one. A connection that fails before it is
/// accepted is passed over.
///
/// # Examples
///
/// ```
/// use corio_net::{TcpListener, TcpStream};
///
/// # corio_runtime::run(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let client = TcpStream::connect(listener.local_addr()?).await?;
/// let (server, peer) = listener.accept().await?;
/// assert_eq!(peer, client.local_addr()?);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias = "create_server")]
pub struct TcpListener {
    acceptor: Acceptor<mio::net::TcpListener>,
    /// The linger time, in seconds, that accepted connections begin with.
    linger: u32,
}

impl TcpListener {
    /// Listens on the first of the addresses that can be had; port 0 lets the system choose one.
    ///
    /// [`options`](Self::options) sets the backlog, and lets several listeners share a port.
    ///
    /// # Errors
    ///
    /// Names the address, and keeps the kind: [`AddrInUse`](io::ErrorKind::AddrInUse),
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied), …. A text that is no address is shown.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn bind(
        addr: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<Self>> + Send + 'static {
        ListenOptions::default().bind(addr)
    }

    /// What can be set before a listener is made.
    pub fn options() -> ListenOptions {
        ListenOptions::default()
    }

    pub(crate) async fn bind_with(
        target: io::Result<Target>,
        options: ListenOptions,
    ) -> io::Result<Self> {
        let target = target?;
        let mut failures = Vec::new();
        for addr in resolve(&target).await? {
            match listen(addr, &options) {
                Ok(listener) => return Ok(Self::from_nonblocking(listener, 0)),
                Err(error) => failures.push((addr.to_string(), error)),
            }
        }
        Err(all_failed(format_args!("cannot listen on {target}"), failures))
    }

    /// Takes a listener of std's, and puts it into non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system's `ioctl`.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        // What it lingers its connections inherit, and that would block the thread that drops them.
        let linger = take_linger(&SockRef::from(&listener))?;
        Ok(Self::from_nonblocking(listener, linger))
    }

    /// Gives the listener back as std's, still in non-blocking mode.
    pub fn into_std(self) -> std::net::TcpListener {
        self.acceptor.into_socket().into()
    }

    /// Takes a socket in non-blocking mode that does not linger.
    pub(crate) fn from_nonblocking(listener: std::net::TcpListener, linger: u32) -> Self {
        let listener = mio::net::TcpListener::from_std(listener);
        Self { acceptor: Acceptor::new(listener), linger }
    }

    /// Waits for a connection, and gives it with the peer's address.
    ///
    /// # Errors
    ///
    /// Only those that mean that the listener is broken.
    ///
    /// # Cancel safety
    ///
    /// Safe: no connection is lost.
    #[track_caller]
    pub fn accept(&self) -> Accept<'_, Self> {
        Accept::new(self, Wait::here(WaitKind::Accept))
    }

    /// Polls for a connection.
    ///
    /// Unlike [`accept`](Self::accept) it hands all errors to the caller, who must not try again at once
    /// when descriptors are wanting.
    ///
    /// # Errors
    ///
    /// Those of the system's `accept`.
    #[track_caller]
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let wait = Wait::here(WaitKind::Accept);
        self.acceptor.poll_raw(wait, cx).map_ok(|(raw, addr)| (self.stream(raw), addr))
    }

    /// The connections as a stream that does not end.
    #[track_caller]
    pub fn incoming(&self) -> Incoming<'_, Self> {
        Incoming::new(self, Wait::here(WaitKind::Accept))
    }

    /// How often an accept had to pause because descriptors or memory were wanting.
    pub fn pauses(&self) -> u64 {
        self.acceptor.pauses()
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockname`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.socket().local_addr()
    }

    /// Sets the number of hops after which packets are given up, for connections accepted from now on.
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_ttl(&self, hops: u32) -> io::Result<()> {
        self.acceptor.socket().set_ttl(hops)
    }

    /// The number of hops after which packets are given up.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn ttl(&self) -> io::Result<u32> {
        self.acceptor.socket().ttl()
    }

    /// Takes the error that the socket has to report, if there is one.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.acceptor.socket().take_error()
    }
}

fn listen(addr: SocketAddr, options: &ListenOptions) -> io::Result<std::net::TcpListener> {
    let socket = new_socket(Domain::for_address(addr), Type::STREAM)?;
    socket.set_reuse_address(options.reuse_address)?;
    if options.reuse_port {
        socket.set_reuse_port(true)?;
    }
    if let (Some(only_v6), true) = (options.only_v6, addr.is_ipv6()) {
        socket.set_only_v6(only_v6)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(backlog(options.backlog))?;
    Ok(socket.into())
}

pub(crate) fn backlog(connections: u32) -> i32 {
    i32::try_from(connections).unwrap_or(i32::MAX)
}

impl Listen for mio::net::TcpListener {
    type Raw = mio::net::TcpStream;
    type Addr = SocketAddr;

    fn accept(&self) -> io::Result<(mio::net::TcpStream, SocketAddr)> {
        // mio's call makes the connection non-blocking in the same system call.
        mio::net::TcpListener::accept(self)
    }
}

impl HasAcceptor for TcpListener {
    type Socket = mio::net::TcpListener;
    type Stream = TcpStream;

    fn acceptor(&self) -> &Acceptor<mio::net::TcpListener> {
        &self.acceptor
    }

    fn stream(&self, raw: mio::net::TcpStream) -> TcpStream {
        TcpStream::from_nonblocking(raw.into(), self.linger)
    }
}

socket_traits!(TcpListener, |listener| &listener.acceptor);

impl TryFrom<std::net::TcpListener> for TcpListener {
    type Error = io::Error;

    /// Does what [`from_std`](Self::from_std) does.
    fn try_from(listener: std::net::TcpListener) -> io::Result<Self> {
        Self::from_std(listener)
    }
}

impl From<TcpListener> for std::net::TcpListener {
    fn from(listener: TcpListener) -> Self {
        listener.into_std()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.acceptor.fmt(f)
    }
}
