//! Accepting connections over a Unix socket.

use std::fmt;
use std::fs::{File, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use socket2::{Domain, Socket, Type};

use crate::accept::{Accept, Acceptor, HasAcceptor, Incoming, Listen};
use crate::error::with_context;
use crate::methods::prelude::*;
use crate::options::UnixListenOptions;
use crate::socket::new_socket;
use crate::tcp_listener::backlog;
use crate::unix_addr::{from_path, shown, to_socket2};
use crate::unix_stream::UnixStream;

/// A socket that accepts connections from processes of the same machine.
///
/// The file that it makes stays when the listener is dropped; who binds the path again removes it first.
///
/// # Examples
///
/// ```
/// use corio_net::{UnixListener, UnixStream};
///
/// # corio_runtime::run(async {
/// let path = std::env::temp_dir().join(format!("corio-doc-{}.sock", std::process::id()));
/// let listener = UnixListener::options().mode(0o600).bind(&path)?;
/// let client = UnixStream::connect(&path).await?;
/// let (server, _) = listener.accept().await?;
/// server.write_all(b"hi").await?;
/// let mut text = [0; 2];
/// client.read_exact(&mut text).await?;
/// assert_eq!(&text, b"hi");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias = "create_unix_server")]
pub struct UnixListener {
    acceptor: Acceptor<mio::net::UnixListener>,
}

impl UnixListener {
    /// Listens on `path`, which must not exist.
    ///
    /// [`options`](Self::options) sets the file's permissions and the backlog.
    ///
    /// # Errors
    ///
    /// Names the path, and keeps the kind: [`AddrInUse`](io::ErrorKind::AddrInUse) when something is
    /// there already, [`NotFound`](io::ErrorKind::NotFound) when the directory is not,
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when the path is too long.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::options().bind(path)
    }

    /// Listens on an address, which may be an abstract name.
    ///
    /// Abstract names have no permissions: anybody on the machine can connect to one.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind).
    pub fn bind_addr(addr: &SocketAddr) -> io::Result<Self> {
        Self::listen(addr, &UnixListenOptions::default())
    }

    /// What can be set before a listener is made.
    pub fn options() -> UnixListenOptions {
        UnixListenOptions::default()
    }

    pub(crate) fn bind_with(path: &Path, options: &UnixListenOptions) -> io::Result<Self> {
        Self::listen(&from_path(path)?, options)
    }

    fn listen(addr: &SocketAddr, options: &UnixListenOptions) -> io::Result<Self> {
        let listen = || {
            let mut socket = new_socket(Domain::UNIX, Type::STREAM)?;
            if let Some(mode) = options.mode {
                socket = set_mode(socket, mode)?;
            }
            socket.bind(&to_socket2(addr)?)?;
            socket.listen(backlog(options.backlog))?;
            Ok(Self::from_nonblocking(socket.into()))
        };
        listen()
            .map_err(|error| with_context(error, format_args!("cannot listen on {}", shown(addr))))
    }

    /// Takes a listener of std's, and puts it into non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system's `ioctl`.
    pub fn from_std(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self::from_nonblocking(listener))
    }

    pub(crate) fn from_nonblocking(listener: std::os::unix::net::UnixListener) -> Self {
        Self { acceptor: Acceptor::new(mio::net::UnixListener::from_std(listener)) }
    }

    /// Gives the listener back as std's, still in non-blocking mode.
    pub fn into_std(self) -> std::os::unix::net::UnixListener {
        self.acceptor.into_socket().into()
    }

    /// Waits for a connection, and gives it with the peer's address, which most often has no name.
    ///
    /// When the process has no descriptor left it neither spins nor fails: it looks again 25 times a
    /// second.
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
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
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

    /// Takes the error that the socket has to report, if there is one.
    ///
    /// # Errors
    ///
    /// Those of the system's `getsockopt`.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.acceptor.socket().take_error()
    }
}

/// Sets the permissions that the socket's file will have. The file gets those of the socket when it is
/// bound, so there is no moment at which it has others.
pub(crate) fn set_mode(socket: Socket, mode: u32) -> io::Result<Socket> {
    // Only a file has the call in std; the descriptor does not mind.
    let file = File::from(OwnedFd::from(socket));
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(Socket::from(OwnedFd::from(file)))
}

impl Listen for mio::net::UnixListener {
    type Raw = mio::net::UnixStream;
    type Addr = SocketAddr;

    fn accept(&self) -> io::Result<(mio::net::UnixStream, SocketAddr)> {
        mio::net::UnixListener::accept(self)
    }
}

impl HasAcceptor for UnixListener {
    type Socket = mio::net::UnixListener;
    type Stream = UnixStream;

    fn acceptor(&self) -> &Acceptor<mio::net::UnixListener> {
        &self.acceptor
    }

    fn stream(&self, raw: mio::net::UnixStream) -> UnixStream {
        UnixStream::from_nonblocking(raw.into())
    }
}

socket_traits!(UnixListener, |listener| &listener.acceptor);

impl TryFrom<std::os::unix::net::UnixListener> for UnixListener {
    type Error = io::Error;

    /// Does what [`from_std`](Self::from_std) does.
    fn try_from(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        Self::from_std(listener)
    }
}

impl From<UnixListener> for std::os::unix::net::UnixListener {
    fn from(listener: UnixListener) -> Self {
        listener.into_std()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.acceptor.fmt(f)
    }
}
