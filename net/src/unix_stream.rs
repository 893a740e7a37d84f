//! A connection over a Unix socket.

use std::fmt;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, Type};

use crate::error::with_context;
use crate::methods::prelude::*;
use crate::rt::sleep;
use crate::socket::new_socket;
use crate::split::Stream;
use crate::stream_core::Core;
use crate::unix_addr::{from_path, shown, to_socket2};

/// A connection between two processes of one machine.
///
/// # Examples
///
/// ```
/// use corio_net::UnixStream;
///
/// # corio_runtime::run(async {
/// let (left, right) = UnixStream::pair()?;
/// left.write_all(b"hello").await?;
/// drop(left);
/// let mut text = Vec::new();
/// right.read_to_end(&mut text).await?;
/// assert_eq!(text, b"hello");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias = "create_unix_connection")]
pub struct UnixStream {
    core: Core<std::os::unix::net::UnixStream>,
}

impl UnixStream {
    /// Connects to the socket at `path`.
    ///
    /// While the listener's queue is full it waits, looking again after some milliseconds: the system
    /// has no event for that.
    ///
    /// # Errors
    ///
    /// Names the path, and keeps the kind: [`NotFound`](io::ErrorKind::NotFound),
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) (nobody listens there any more),
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied), ….
    ///
    /// # Cancel safety
    ///
    /// Safe: the attempt's descriptor is closed.
    pub fn connect(
        path: impl AsRef<Path>,
    ) -> impl Future<Output = io::Result<Self>> + Send + 'static {
        let addr = from_path(path.as_ref());
        async move { connect(addr?).await }
    }

    /// Connects to an address, which may be an abstract name.
    ///
    /// Abstract names have no permissions: anybody on the machine can connect to one.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// Safe: the attempt's descriptor is closed.
    pub fn connect_addr(
        addr: &SocketAddr,
    ) -> impl Future<Output = io::Result<Self>> + Send + 'static {
        connect(addr.clone())
    }

    /// Makes two sockets that are connected to each other.
    ///
    /// # Errors
    ///
    /// Those of the system's `socketpair`.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = std::os::unix::net::UnixStream::pair()?;
        Ok((Self::from_std(a)?, Self::from_std(b)?))
    }

    /// Takes a connection of std's, and puts it into non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system's `ioctl`.
    pub fn from_std(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::from_nonblocking(stream))
    }

    /// Gives the connection back as std's, still in non-blocking mode.
    pub fn into_std(self) -> std::os::unix::net::UnixStream {
        self.core.into_socket()
    }

    /// Takes a socket in non-blocking mode.
    pub(crate) fn from_nonblocking(stream: std::os::unix::net::UnixStream) -> Self {
        Self { core: Core::new(stream) }
    }

    /// Who the peer was when the connection was made: the system vouches for it.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    #[cfg(target_os = "linux")]
    #[doc(alias("peer_cred", "SO_PEERCRED"))]
    pub fn peer_credentials(&self) -> io::Result<PeerCredentials> {
        let peer = corio_runtime::sys::peer_credentials(self.core.as_fd())?;
        Ok(PeerCredentials { pid: peer.pid.unsigned_abs(), uid: peer.uid, gid: peer.gid })
    }

    /// Our address; most often it has no name.
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
    /// Those of the system's `getpeername`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.core.socket().peer_addr()
    }

    buffer_size_methods!(core);
}

async fn connect(addr: SocketAddr) -> io::Result<UnixStream> {
    const LONGEST_PAUSE: Duration = Duration::from_millis(50);
    let context = |error| with_context(error, format_args!("cannot connect to {}", shown(&addr)));
    let to = to_socket2(&addr).map_err(context)?;
    let socket = new_socket(Domain::UNIX, Type::STREAM).map_err(context)?;
    let mut pause = Duration::from_millis(1);
    loop {
        match socket.connect(&to) {
            Ok(()) => return Ok(UnixStream::from_nonblocking(socket.into())),
            // The queue is full. Unlike TCP's, this attempt does not go on by itself.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(context(error)),
        }
    }
}

impl HasCore for UnixStream {
    type Socket = std::os::unix::net::UnixStream;

    fn core(&self) -> &Core<Self::Socket> {
        &self.core
    }
}

impl Stream for UnixStream {
    type Addr = SocketAddr;

    fn local(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn peer(&self) -> io::Result<SocketAddr> {
        self.peer_addr()
    }
}

stream_methods!(UnixStream);

impl TryFrom<std::os::unix::net::UnixStream> for UnixStream {
    type Error = io::Error;

    /// Does what [`from_std`](Self::from_std) does.
    fn try_from(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        Self::from_std(stream)
    }
}

impl From<UnixStream> for std::os::unix::net::UnixStream {
    fn from(stream: UnixStream) -> Self {
        stream.into_std()
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

/// A process that has connected; from [`UnixStream::peer_credentials`].
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// The process.
    pub pid: u32,
    /// The user that it ran as.
    pub uid: u32,
    /// The group that it ran as.
    pub gid: u32,
}
