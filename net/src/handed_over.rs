//! Sockets that a supervisor has opened for this process.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use corio_runtime::reactor::take_handed_over;
use socket2::{Domain, SockRef, Type};

use crate::{TcpListener, UdpSocket, UnixDatagram, UnixListener};

/// A socket from a supervisor; from [`handed_over`].
#[derive(Debug)]
#[non_exhaustive]
pub enum HandedOver {
    /// Accepts TCP connections.
    Tcp(TcpListener),
    /// Accepts connections over a Unix socket.
    Unix(UnixListener),
    /// Receives UDP.
    Udp(UdpSocket),
    /// Receives messages over a Unix socket.
    UnixDatagram(UnixDatagram),
    /// Something else: a pipe, a device, a connection.
    Other(OwnedFd),
}

/// Takes the sockets that a supervisor has handed over, each with its name, which may be empty.
///
/// That is how systemd, and whatever follows its protocol, starts a service when somebody first connects, or
/// with a port that the service itself may not open: the variables `LISTEN_PID`, `LISTEN_FDS` and
/// `LISTEN_FDNAMES`. Without them, and in a later call, there is none. Give the listeners to
/// [`ServerOptions::also_from`](crate::ServerOptions::also_from).
///
/// # Errors
///
/// When the variables speak of descriptors that are not open, or are not understood; it names them.
///
/// # Examples
///
/// ```
/// use corio_net::{HandedOver, Server};
///
/// # corio_runtime::run(async {
/// let mut options = Server::builder();
/// for (_name, socket) in corio_net::handed_over()? {
///     if let HandedOver::Tcp(listener) = socket {
///         options = options.also_from(listener);
///     }
/// }
/// // And a port for when it is started by hand.
/// let server = options.start("127.0.0.1:0", |_, _| async {}).await?;
/// assert!(server.is_serving());
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias("LISTEN_FDS", "sd_listen_fds", "socket activation"))]
pub fn handed_over() -> io::Result<Vec<(String, HandedOver)>> {
    take_handed_over()?.into_iter().map(|(name, fd)| Ok((name, sort(fd)?))).collect()
}

#[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
fn is_listener(socket: &SockRef<'_>) -> bool {
    socket.is_listener().unwrap_or(false)
}

/// Elsewhere the system does not tell; a stream that is handed over either has a peer or listens.
#[cfg(not(any(target_os = "android", target_os = "freebsd", target_os = "linux")))]
fn is_listener(socket: &SockRef<'_>) -> bool {
    socket.peer_addr().is_err()
}

fn sort(fd: OwnedFd) -> io::Result<HandedOver> {
    let socket = SockRef::from(&fd);
    let (Ok(domain), Ok(kind)) = (domain(&fd), socket.r#type()) else {
        return Ok(HandedOver::Other(fd));
    };
    let listens = is_listener(&socket);
    let internet = domain == Domain::IPV4 || domain == Domain::IPV6;
    Ok(match (internet, kind, listens) {
        (true, Type::STREAM, true) => HandedOver::Tcp(TcpListener::from_std(fd.into())?),
        (true, Type::DGRAM, _) => HandedOver::Udp(UdpSocket::from_std(fd.into())?),
        (false, Type::STREAM, true) if domain == Domain::UNIX => {
            HandedOver::Unix(UnixListener::from_std(fd.into())?)
        }
        (false, Type::DGRAM, _) if domain == Domain::UNIX => {
            HandedOver::UnixDatagram(UnixDatagram::from_std(fd.into())?)
        }
        _ => HandedOver::Other(fd),
    })
}

fn domain(fd: &impl AsFd) -> io::Result<Domain> {
    Ok(SockRef::from(fd).local_addr()?.domain())
}
