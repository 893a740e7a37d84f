//! The stream sockets of std, as the one core of all streams sees them.

use std::fmt::Debug;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::net::Shutdown;
use std::os::fd::AsFd;

use socket2::{Domain, SockRef, Type};

/// More vectors than this in one call is an error of the system (`EINVAL`).
pub(crate) const MAX_VECTORS: usize = 1024;

/// Keeps a write to a closed connection from raising SIGPIPE. Where there is no such flag, socket2 sets
/// the option for it when it makes the socket.
#[cfg(not(any(target_os = "macos", target_os = "ios")))]
const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;
#[cfg(any(target_os = "macos", target_os = "ios"))]
const NO_SIGNAL: i32 = 0;

/// A connected stream socket.
pub trait Socket: AsFd + Debug + Send + Sync + Sized + 'static {
    /// Whether a read of fewer bytes than asked for shows that nothing more is there.
    const SHORT_READ_DRAINS: bool;

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
    /// Appends up to `limit` bytes; fewer means that the stream has ended. Bytes read before an error
    /// are in `buffer`.
    fn read_up_to(&self, limit: u64, buffer: &mut Vec<u8>) -> io::Result<usize>;

    fn write(&self, data: &[u8]) -> io::Result<usize> {
        SockRef::from(self).send_with_flags(data, NO_SIGNAL)
    }

    fn write_vectored(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        SockRef::from(self).send_vectored_with_flags(data, NO_SIGNAL)
    }

    /// Shutting down what is not connected any more is no error: what was wanted is so.
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match SockRef::from(self).shutdown(how) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            other => other,
        }
    }
}

macro_rules! socket {
    ($socket:ty, $drains:literal) => {
        impl Socket for $socket {
            const SHORT_READ_DRAINS: bool = $drains;

            #[inline]
            fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                Read::read(&mut &*self, buffer)
            }
            fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                Read::read_vectored(&mut &*self, buffers)
            }
            fn read_up_to(&self, limit: u64, buffer: &mut Vec<u8>) -> io::Result<usize> {
                Read::take(self, limit).read_to_end(buffer)
            }
        }
    };
}

socket!(std::net::TcpStream, true);
// A read from a Unix socket stops at a message that carries descriptors, with more behind it.
socket!(std::os::unix::net::UnixStream, false);

/// Makes a socket that is non-blocking and closed on exec from its first moment.
pub(crate) fn new_socket(domain: Domain, kind: Type) -> io::Result<socket2::Socket> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    return socket2::Socket::new(domain, kind.nonblocking(), None);
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    {
        let socket = socket2::Socket::new(domain, kind, None)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

/// Sends one message, without a signal if the other side is gone.
pub(crate) fn send(socket: &impl AsFd, data: &[u8]) -> io::Result<usize> {
    SockRef::from(socket).send_with_flags(data, NO_SIGNAL)
}
