//! A TCP socket before it is connected or listens.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::connect::{CannotConnect, Connecting};
use crate::error::with_context;
use crate::methods::prelude::*;
use crate::options::Keepalive;
use crate::socket::new_socket;
use crate::tcp_listener::{TcpListener, backlog};
use crate::tcp_stream::TcpStream;

/// A TCP socket that is yet to be connected or to listen, to set what must be set before.
///
/// # Examples
///
/// ```
/// use corio_net::{TcpListener, TcpSocket};
///
/// # corio_runtime::run(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let socket = TcpSocket::new_v4()?;
/// socket.set_send_buffer_size(64 * 1024)?;
/// socket.bind("127.0.0.1:0".parse().unwrap())?;
/// let stream = socket.connect(listener.local_addr()?).await?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub struct TcpSocket {
    socket: Socket,
}

impl TcpSocket {
    /// Makes a socket for IPv4.
    ///
    /// # Errors
    ///
    /// Those of the system's `socket`.
    pub fn new_v4() -> io::Result<Self> {
        Self::new(Domain::IPV4)
    }

    /// Makes a socket for IPv6.
    ///
    /// # Errors
    ///
    /// Those of the system's `socket`.
    pub fn new_v6() -> io::Result<Self> {
        Self::new(Domain::IPV6)
    }

    /// Makes a socket for the family of `addr`.
    ///
    /// # Errors
    ///
    /// Those of the system's `socket`.
    pub fn for_addr(addr: SocketAddr) -> io::Result<Self> {
        Self::new(Domain::for_address(addr))
    }

    fn new(domain: Domain) -> io::Result<Self> {
        let socket = new_socket(domain, Type::STREAM)
            .map_err(|error| with_context(error, "cannot make a TCP socket"))?;
        Ok(Self { socket })
    }

    /// Gives the socket an address of ours; port 0 lets the system choose one.
    ///
    /// # Errors
    ///
    /// Names the address, and keeps the kind.
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.socket
            .bind(&addr.into())
            .map_err(|error| with_context(error, format_args!("cannot bind to {addr}")))
    }

    /// Connects to `addr`.
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::connect`].
    ///
    /// # Cancel safety
    ///
    /// Safe: the socket is closed.
    #[track_caller]
    pub fn connect(
        self,
        addr: SocketAddr,
    ) -> impl Future<Output = io::Result<TcpStream>> + Send + 'static {
        let wait = Wait::here(WaitKind::Connect);
        async move {
            let linger = take_linger(&self.socket)?;
            let io = Connecting::with_socket(self.socket, addr, wait)
                .await
                .map_err(|error| with_context(error, CannotConnect(&addr)))?;
            let stream = TcpStream::from_registered(io);
            if linger > 0 {
                stream.set_linger(Some(Duration::from_secs(linger.into())))?;
            }
            Ok(stream)
        }
    }

    /// Listens, letting `connections` wait to be accepted.
    ///
    /// # Errors
    ///
    /// Names the address, and keeps the kind.
    pub fn listen(self, connections: u32) -> io::Result<TcpListener> {
        let linger = take_linger(&self.socket)?;
        self.socket.listen(backlog(connections)).map_err(|error| match self.local_addr() {
            Ok(addr) => with_context(error, format_args!("cannot listen on {addr}")),
            Err(_) => with_context(error, "cannot listen"),
        })?;
        Ok(TcpListener::from_nonblocking(self.socket.into(), linger))
    }

    /// Our address.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockname`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let addr = self.socket.local_addr()?;
        addr.as_socket().ok_or_else(|| io::Error::other("the socket has no IP address"))
    }

    /// Takes a socket of std's that is yet to be connected, and puts it into non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system's `ioctl`.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { socket: stream.into() })
    }

    /// Lets the address be used while earlier connections linger in the system.
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_reuse_address(&self, on: bool) -> io::Result<()> {
        self.socket.set_reuse_address(on)
    }

    /// Whether the address can be used while earlier connections linger.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn reuse_address(&self) -> io::Result<bool> {
        self.socket.reuse_address()
    }

    /// Lets several sockets share one port.
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_reuse_port(&self, on: bool) -> io::Result<()> {
        self.socket.set_reuse_port(on)
    }

    /// Whether several sockets can share the port.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn reuse_port(&self) -> io::Result<bool> {
        self.socket.reuse_port()
    }

    /// Says whether an IPv6 socket refuses IPv4.
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_only_v6(&self, on: bool) -> io::Result<()> {
        self.socket.set_only_v6(on)
    }

    /// Whether an IPv6 socket refuses IPv4.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn only_v6(&self) -> io::Result<bool> {
        self.socket.only_v6()
    }

    /// Sends small writes at once instead of collecting them.
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.socket.set_tcp_nodelay(on)
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.socket.tcp_nodelay()
    }

    /// Says what becomes of unsent bytes at the end; see [`TcpStream::set_linger`].
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_linger(&self, time: Option<Duration>) -> io::Result<()> {
        self.socket.set_linger(time)
    }

    /// What [`set_linger`](Self::set_linger) was given, in whole seconds.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.socket.linger()
    }

    /// Probes a silent peer, at the times of `keepalive`; `None` turns that off.
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        match keepalive {
            Some(times) => times.apply(&self.socket),
            None => self.socket.set_keepalive(false),
        }
    }

    /// Whether a silent peer is probed.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn keepalive(&self) -> io::Result<bool> {
        self.socket.keepalive()
    }

    buffer_size_methods!(socket);
}

/// Takes a linger time that would make `close` wait away from the system, and returns it in seconds.
pub(crate) fn take_linger(socket: &Socket) -> io::Result<u32> {
    let seconds = socket.linger()?.map_or(0, |time| time.as_secs());
    if seconds > 0 {
        socket.set_linger(None)?;
    }
    Ok(u32::try_from(seconds).unwrap_or(u32::MAX))
}

socket_traits!(TcpSocket, |this| &this.socket);

impl fmt::Debug for TcpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpSocket")
            .field("local_addr", &self.local_addr().ok())
            .finish_non_exhaustive()
    }
}
