//! The sockets of a server: how they are bound, and how they go.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corio_io::told;
use socket2::{Domain, SockRef, Socket, Type};

use super::serve::Listener;
use crate::error::{all_failed, with_context};
use crate::socket::new_socket;
use crate::tcp_listener::backlog;
use crate::unix_addr::{from_path, to_socket2};
use crate::unix_listener::set_mode;
use crate::{TcpListener, UnixListener};

/// A socket that has its address.
#[derive(Debug)]
pub(crate) struct Listening {
    socket: Bound,
    /// The file that goes with it.
    file: Option<SocketFile>,
    /// Nobody else has the socket, so it can be shut down.
    ours: bool,
    /// The address of a TCP socket.
    pub(crate) addr: Option<SocketAddr>,
}

#[derive(Debug)]
enum Bound {
    /// Before it listens.
    Tcp(Socket),
    Unix(Socket),
    TcpListener(Arc<TcpListener>),
    UnixListener(Arc<UnixListener>),
}

/// How TCP sockets are bound.
#[derive(Clone, Debug)]
pub(crate) struct TcpSettings {
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) only_v6: bool,
    pub(crate) keepalive: bool,
}

impl Listening {
    fn tcp(socket: Socket) -> Self {
        let addr = socket.local_addr().ok().and_then(|addr| addr.as_socket());
        Self { socket: Bound::Tcp(socket), file: None, ours: true, addr }
    }

    /// Takes a listener that somebody else made, and may have besides.
    pub(crate) fn from_tcp(listener: TcpListener) -> Self {
        let addr = listener.local_addr().ok();
        Self { socket: Bound::TcpListener(Arc::new(listener)), file: None, ours: false, addr }
    }

    /// Takes a listener that somebody else made; its file is removed at the end if `cleanup`.
    pub(crate) fn from_unix(listener: UnixListener, cleanup: bool) -> Self {
        let path =
            listener.local_addr().ok().and_then(|addr| addr.as_pathname().map(PathBuf::from));
        let file = path.filter(|_| cleanup).and_then(|path| SocketFile::of(path).ok());
        Self { socket: Bound::UnixListener(Arc::new(listener)), file, ours: false, addr: None }
    }

    /// Begins to listen.
    pub(crate) fn listen(self, connections: u32) -> io::Result<Self> {
        let Self { socket, file, ours, addr } = self;
        let socket = match socket {
            Bound::Tcp(socket) => {
                socket.listen(backlog(connections))?;
                Bound::TcpListener(Arc::new(TcpListener::from_nonblocking(socket.into(), 0)))
            }
            Bound::Unix(socket) => {
                socket.listen(backlog(connections))?;
                Bound::UnixListener(Arc::new(UnixListener::from_nonblocking(socket.into())))
            }
            listens => listens,
        };
        Ok(Self { socket, file, ours, addr })
    }

    /// Where connections can be accepted, if it listens.
    pub(crate) fn listener(&self) -> Option<Listener> {
        match &self.socket {
            Bound::TcpListener(listener) => Some(Listener::Tcp(listener.clone())),
            Bound::UnixListener(listener) => Some(Listener::Unix(listener.clone())),
            Bound::Tcp(_) | Bound::Unix(_) => None,
        }
    }

    /// Sees to it that nobody connects any more, although an accepting task still has the descriptor.
    pub(crate) fn close(self) {
        // Where the system does not know this for listeners, they go a moment later, with their tasks.
        let _ = match &self.socket {
            _ if !self.ours => Ok(()),
            Bound::Tcp(_) | Bound::Unix(_) => Ok(()),
            Bound::TcpListener(listener) => {
                SockRef::from(&**listener).shutdown(std::net::Shutdown::Both)
            }
            Bound::UnixListener(listener) => {
                SockRef::from(&**listener).shutdown(std::net::Shutdown::Both)
            }
        };
        if let Some(file) = &self.file {
            file.remove();
        }
    }
}

/// Binds a TCP socket to each of `addrs`, some of which may not be there. `what` is what the user wrote.
pub(crate) fn bind_all(
    what: &str,
    addrs: &[SocketAddr],
    settings: &TcpSettings,
    taken: &mut Vec<Listening>,
) -> io::Result<()> {
    let context = format_args!("cannot listen on {what}").to_string();
    let (mut absent, mut bound) = (Vec::new(), 0);
    for (index, addr) in addrs.iter().enumerate() {
        if addrs[..index].contains(addr) {
            continue;
        }
        // The families of one name share a port, if it is free in both.
        let same =
            taken.last().and_then(|last| last.addr).filter(|_| bound > 0 && addr.port() == 0);
        let same = same.map(|first| SocketAddr::new(addr.ip(), first.port()));
        let result = match same {
            Some(same) => bind(same, settings).or_else(|_| bind(*addr, settings)),
            None => bind(*addr, settings),
        };
        match result {
            Ok(socket) => {
                taken.push(Listening::tcp(socket));
                bound += 1;
            }
            Err(error) if is_absent(&error) => absent.push((addr.to_string(), error)),
            // One that was written as it is has been named.
            Err(error) if addr.to_string() == what => return Err(with_context(error, context)),
            Err(error) => return Err(with_context(error, format_args!("{context}: {addr}"))),
        }
    }
    if bound == 0 { Err(all_failed(context, absent)) } else { Ok(()) }
}

/// Whether the machine has no such address, or not even such addresses.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT))
}

fn bind(addr: SocketAddr, settings: &TcpSettings) -> io::Result<Socket> {
    let socket = new_socket(Domain::for_address(addr), Type::STREAM)?;
    socket.set_reuse_address(settings.reuse_address)?;
    if settings.reuse_port {
        socket.set_reuse_port(true)?;
    }
    if settings.keepalive {
        // Accepted connections inherit it.
        socket.set_keepalive(true)?;
    }
    if addr.is_ipv6() {
        socket.set_only_v6(settings.only_v6)?;
    }
    socket.bind(&addr.into())?;
    Ok(socket)
}

/// Binds a Unix socket; a file that a server has left behind makes room.
pub(crate) fn bind_unix(path: &Path, mode: Option<u32>, cleanup: bool) -> io::Result<Listening> {
    let addr = from_path(path)?;
    let bind = || {
        let mut socket = new_socket(Domain::UNIX, Type::STREAM)?;
        if let Some(mode) = mode {
            socket = set_mode(socket, mode)?;
        }
        remove_stale(path)?;
        socket.bind(&to_socket2(&addr)?)?;
        Ok(socket)
    };
    let socket = bind().map_err(|error: io::Error| {
        with_context(error, format_args!("cannot listen on {}", path.display()))
    })?;
    let file = if cleanup { Some(SocketFile::of(path.to_owned())?) } else { None };
    Ok(Listening { socket: Bound::Unix(socket), file, ours: true, addr: None })
}

/// Removes the file of a socket on which nobody listens, and refuses a file of another kind. A socket on which
/// somebody listens is left to `bind`, which fails.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        let text =
            "the file that is there is no socket, and is kept: choose another path, or remove it";
        return Err(told(text.to_owned(), io::Error::from_raw_os_error(libc::EADDRINUSE)));
    }
    let probe = new_socket(Domain::UNIX, Type::STREAM)?;
    match probe.connect(&to_socket2(&from_path(path)?)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Ok(()),
    }
}

/// The file of a Unix socket.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Which file it was when we made it: another server may have taken its place.
    id: (u64, u64),
}

impl SocketFile {
    fn of(path: PathBuf) -> io::Result<Self> {
        // The working directory may be another one at the end.
        let path = std::path::absolute(path)?;
        let metadata = fs::symlink_metadata(&path)?;
        Ok(Self { path, id: (metadata.dev(), metadata.ino()) })
    }

    fn remove(&self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.id);
        if is_ours {
            // That it is gone already is what is wanted.
            let _ = fs::remove_file(&self.path);
        }
    }
}
