//! A TCP connection.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use corio_runtime::reactor::Registered;
use corio_sync::prim::{AtomicU32, Ordering};

use crate::addr::ToSocketAddrs;
use crate::connect::connect_in_turn;
use crate::happy;
use crate::methods::prelude::*;
use crate::options::Keepalive;
use crate::rt;
use crate::split::Stream;
use crate::stream_core::Core;

/// A TCP connection.
///
/// It reads and writes through `&self`; [`split`](Self::split) and [`into_split`](Self::into_split) make
/// two values of its two directions. Dropping it closes it, without waiting, whatever
/// [`set_linger`](Self::set_linger) says. If the peer has sent, or sends later, what was not read, the system
/// answers with a reset, and the peer may lose what was written last:
/// [`close_gracefully`](Self::close_gracefully) sees to it that it does not, and so do the
/// [streams](Self::into_streams) by themselves.
///
/// # Examples
///
/// ```
/// use corio_net::{TcpListener, TcpStream};
///
/// # corio_runtime::run(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let client = TcpStream::connect(listener.local_addr()?).await?;
/// let (server, _) = listener.accept().await?;
///
/// client.write_all(b"hello").await?;
/// client.close().await?;
/// let mut text = Vec::new();
/// server.read_to_end(&mut text).await?;
/// assert_eq!(text, b"hello");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias = "create_connection")]
pub struct TcpStream {
    core: Core<std::net::TcpStream>,
    /// What `set_linger` was given, in seconds, 0 for nothing. It is kept from the system: there it
    /// would make `drop` block the thread. `into_std` hands it over.
    linger: AtomicU32,
}

impl TcpStream {
    /// Connects to the first address that answers, trying one after the other.
    ///
    /// # Errors
    ///
    /// Names the address (all of them if several failed) and keeps the kind, such as
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused). A text that is no address is shown.
    ///
    /// # Cancel safety
    ///
    /// Safe: the attempt's descriptor is closed.
    #[track_caller]
    pub fn connect(
        addr: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<Self>> + Send + 'static {
        let (target, wait) = (addr.to_target(), Wait::here(WaitKind::Connect));
        async move { connect_in_turn(target, wait).await.map(Self::from_registered) }
    }

    /// Connects as [`connect`](Self::connect) does, but gives up after `limit`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) when the time is over; else those of
    /// [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// Safe: the attempt's descriptor is closed.
    #[track_caller]
    pub fn connect_timeout(
        addr: impl ToSocketAddrs,
        limit: Duration,
    ) -> impl Future<Output = io::Result<Self>> + Send + 'static {
        let (target, wait) = (addr.to_target(), Wait::here(WaitKind::Connect));
        async move {
            let name = target.as_ref().map(ToString::to_string).unwrap_or_default();
            match rt::timeout(limit, connect_in_turn(target, wait)).await {
                Ok(connected) => connected.map(Self::from_registered),
                Err(_) => Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("cannot connect to {name}: no answer within {limit:?}"),
                )),
            }
        }
    }

    /// Connects to whichever address answers first.
    ///
    /// The addresses are tried in turn, IPv6 and IPv4 alternating, each 250 ms after the one before or
    /// as soon as that has failed; the first connection wins. Where one family does not work, that costs
    /// a quarter of a second instead of a timeout (RFC 8305).
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect), when all have failed.
    ///
    /// # Cancel safety
    ///
    /// Safe: the descriptors of all attempts are closed.
    #[track_caller]
    #[doc(alias = "happy_eyeballs_delay")]
    pub fn connect_happy_eyeballs(
        addr: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<Self>> + Send + 'static {
        let (target, wait) = (addr.to_target(), Wait::here(WaitKind::Connect));
        async move {
            happy::connect(target, happy::Plan::happy(), wait).await.map(Self::from_registered)
        }
    }

    /// Takes a connection of std's, and puts it into non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system's `ioctl` and `getsockopt`.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let linger = SockRef::from(&stream).linger()?;
        let stream = Self::from_nonblocking(stream, 0);
        stream.set_linger(linger)?;
        Ok(stream)
    }

    /// Gives the connection back as std's, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        let linger = self.linger()?;
        let stream = self.core.into_socket();
        SockRef::from(&stream).set_linger(linger)?;
        Ok(stream)
    }

    /// Takes a socket in non-blocking mode whose descriptor does not linger.
    pub(crate) fn from_nonblocking(stream: std::net::TcpStream, linger: u32) -> Self {
        Self { core: Core::new(stream), linger: AtomicU32::new(linger) }
    }

    pub(crate) fn from_registered(io: Registered<std::net::TcpStream>) -> Self {
        Self { core: Core::from_registered(io), linger: AtomicU32::new(0) }
    }

    /// Our address.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockname`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.core.socket().local_addr()
    }

    /// The peer's address.
    ///
    /// # Errors
    ///
    /// Those of the system's `getpeername`: the connection may have ended.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.core.socket().peer_addr()
    }

    /// Reads without taking: the next read gets the same bytes.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn peek<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send {
        self.core.io().io(Direction::Read, Wait::here(WaitKind::Read), |s| s.peek(buffer))
    }

    /// Sends small writes at once instead of collecting them (Nagle's algorithm off).
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.core.socket().set_nodelay(on)
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.core.socket().nodelay()
    }

    /// Says what becomes of unsent bytes when the connection is closed.
    ///
    /// `Some(Duration::ZERO)` throws them away and resets the connection. `None`, and any longer time,
    /// lets the system go on sending in the background: dropping a stream never waits. The time is
    /// handed over by [`into_std`](Self::into_std), whose drop does wait.
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_linger(&self, time: Option<Duration>) -> io::Result<()> {
        let reset = time == Some(Duration::ZERO);
        SockRef::from(&self.core).set_linger(reset.then_some(Duration::ZERO))?;
        let seconds =
            time.map_or(0, |t| u32::try_from(t.as_secs_f64().ceil() as u64).unwrap_or(u32::MAX));
        // Ordering: Relaxed, an option that publishes nothing.
        self.linger.store(seconds, Ordering::Relaxed);
        Ok(())
    }

    /// What [`set_linger`](Self::set_linger) was given, in whole seconds.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        // Ordering: Relaxed, see `set_linger`.
        match self.linger.load(Ordering::Relaxed) {
            0 => SockRef::from(&self.core).linger(),
            seconds => Ok(Some(Duration::from_secs(seconds.into()))),
        }
    }

    /// Sets the number of hops after which packets are given up.
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_ttl(&self, hops: u32) -> io::Result<()> {
        self.core.socket().set_ttl(hops)
    }

    /// The number of hops after which packets are given up.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn ttl(&self) -> io::Result<u32> {
        self.core.socket().ttl()
    }

    /// Probes a silent peer, at the times of `keepalive`; `None` turns that off.
    ///
    /// # Errors
    ///
    /// Those of the system's `setsockopt`.
    pub fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        let socket = SockRef::from(&self.core);
        match keepalive {
            Some(times) => times.apply(&socket),
            None => socket.set_keepalive(false),
        }
    }

    /// Whether a silent peer is probed.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn keepalive(&self) -> io::Result<bool> {
        SockRef::from(&self.core).keepalive()
    }

    buffer_size_methods!(core);
}

impl HasCore for TcpStream {
    type Socket = std::net::TcpStream;

    fn core(&self) -> &Core<Self::Socket> {
        &self.core
    }
}

impl Stream for TcpStream {
    type Addr = SocketAddr;

    fn local(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn peer(&self) -> io::Result<SocketAddr> {
        self.peer_addr()
    }
}

stream_methods!(TcpStream);

macro_rules! tcp_read_half {
    ($half:ty) => {
        impl $half {
            /// Reads without taking: the next read gets the same bytes.
            ///
            /// # Errors
            ///
            /// Those of `read`.
            ///
            /// # Cancel safety
            ///
            /// Safe.
            #[track_caller]
            pub fn peek<'b>(
                &'b self,
                buffer: &'b mut [u8],
            ) -> impl Future<Output = io::Result<usize>> + Send {
                self.as_ref().peek(buffer)
            }
        }
    };
}

tcp_read_half!(ReadHalf<'_, TcpStream>);
tcp_read_half!(OwnedReadHalf<TcpStream>);

impl TryFrom<std::net::TcpStream> for TcpStream {
    type Error = io::Error;

    /// Does what [`from_std`](Self::from_std) does.
    fn try_from(stream: std::net::TcpStream) -> io::Result<Self> {
        Self::from_std(stream)
    }
}

impl TryFrom<TcpStream> for std::net::TcpStream {
    type Error = io::Error;

    /// Does what [`into_std`](TcpStream::into_std) does.
    fn try_from(stream: TcpStream) -> io::Result<Self> {
        stream.into_std()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}
