//! Messages over a Unix socket.

use std::fmt;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use corio_runtime::reactor::Registered;

use crate::datagram::{Datagram, datagram_methods, recv_whole};
use crate::error::with_context;
use crate::methods::prelude::*;
use crate::socket::send;
use crate::unix_addr::{from_path, shown};

/// A socket for single messages between processes of one machine.
///
/// # Examples
///
/// ```
/// use corio_net::UnixDatagram;
///
/// # corio_runtime::run(async {
/// let (left, right) = UnixDatagram::pair()?;
/// left.send(b"ping").await?;
/// left.send(b"").await?;
/// let mut text = [0; 16];
/// assert_eq!(right.recv(&mut text).await?, 4);
/// assert_eq!(right.recv(&mut text).await?, 0); // an empty message, not an end
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub struct UnixDatagram {
    io: Registered<std::os::unix::net::UnixDatagram>,
}

impl UnixDatagram {
    /// Makes a socket with a name in the file system, which must not exist.
    ///
    /// # Errors
    ///
    /// Names the path, and keeps the kind.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::bind_addr(&from_path(path.as_ref())?)
    }

    /// Makes a socket with an address, which may be an abstract name.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind).
    pub fn bind_addr(addr: &SocketAddr) -> io::Result<Self> {
        std::os::unix::net::UnixDatagram::bind_addr(addr)
            .and_then(Self::from_std)
            .map_err(|error| with_context(error, format_args!("cannot bind to {}", shown(addr))))
    }

    /// Makes a socket without a name: it can send, and gets answers only over a connection.
    ///
    /// # Errors
    ///
    /// Those of the system's `socket`.
    pub fn unbound() -> io::Result<Self> {
        std::os::unix::net::UnixDatagram::unbound().and_then(Self::from_std)
    }

    /// Makes two sockets that are connected to each other.
    ///
    /// # Errors
    ///
    /// Those of the system's `socketpair`.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = std::os::unix::net::UnixDatagram::pair()?;
        Ok((Self::from_std(a)?, Self::from_std(b)?))
    }

    /// Takes a socket of std's, and puts it into non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system's `ioctl`.
    pub fn from_std(socket: std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { io: Registered::new(socket) })
    }

    /// Gives the socket back as std's, still in non-blocking mode.
    pub fn into_std(self) -> std::os::unix::net::UnixDatagram {
        self.io.into_inner()
    }

    /// Fixes the peer: [`send`](Self::send) sends to it.
    ///
    /// # Errors
    ///
    /// Names the path, and keeps the kind.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.connect_addr(&from_path(path.as_ref())?)
    }

    /// Fixes the peer by an address, which may be an abstract name.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    pub fn connect_addr(&self, addr: &SocketAddr) -> io::Result<()> {
        self.io
            .get_ref()
            .connect_addr(addr)
            .map_err(|error| with_context(error, format_args!("cannot connect to {}", shown(addr))))
    }

    /// Sends `data` as one message to the socket at `path`, waiting while its queue is full.
    ///
    /// # Errors
    ///
    /// Names the path, and keeps the kind.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing has been sent.
    #[track_caller]
    pub fn send_to<'a>(
        &'a self,
        data: &'a [u8],
        path: impl AsRef<Path>,
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        self.send_to_parsed(data, from_path(path.as_ref()))
    }

    /// Sends `data` as one message to an address, which may be an abstract name.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to).
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing has been sent.
    #[track_caller]
    pub fn send_to_addr<'a>(
        &'a self,
        data: &'a [u8],
        addr: &SocketAddr,
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        self.send_to_parsed(data, Ok(addr.clone()))
    }

    #[track_caller]
    fn send_to_parsed<'a>(
        &'a self,
        data: &'a [u8],
        addr: io::Result<SocketAddr>,
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let wait = Wait::here(WaitKind::Write);
        async move {
            let addr = addr?;
            self.io.io(Direction::Write, wait, |s| s.send_to_addr(data, &addr)).await.map_err(
                |error| with_context(error, format_args!("cannot send to {}", shown(&addr))),
            )
        }
    }

    /// Shuts down one side, or both.
    ///
    /// # Errors
    ///
    /// Those of the system's `shutdown`.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }
}

datagram_methods!(UnixDatagram, SocketAddr);

impl TryFrom<std::os::unix::net::UnixDatagram> for UnixDatagram {
    type Error = io::Error;

    /// Does what [`from_std`](Self::from_std) does.
    fn try_from(socket: std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        Self::from_std(socket)
    }
}

impl From<UnixDatagram> for std::os::unix::net::UnixDatagram {
    fn from(socket: UnixDatagram) -> Self {
        socket.into_std()
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}
