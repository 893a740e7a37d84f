//! The stream sockets of std, as the one core of all streams sees them.

use std::fmt::Debug;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};

use corio_runtime::sys::read_within;
use socket2::{Domain, SockRef, Type};

/// More vectors than this in one call is an error of the system (`EINVAL`).
pub(crate) const MAX_VECTORS: usize = 1024;

/// Keeps a write to a closed connection from raising SIGPIPE. Where there is no such flag, socket2 sets
/// the option for it when it makes the socket.
#[cfg(not(any(target_os = "macos", target_os = "ios")))]
const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;
#[cfg(any(target_os = "macos", target_os = "ios"))]
const NO_SIGNAL: i32 = 0;

/// So much is read when the caller's buffer is full, before it is given more room.
const PROBE: usize = 32;

/// So much room, at the least, is made in a buffer that has none.
const ROOM: usize = 4096;

/// A connected stream socket.
pub trait Socket: AsFd + Debug + Send + Sync + Sized + 'static {
    /// Whether a read of fewer bytes than asked for shows that nothing more is there.
    const SHORT_READ_DRAINS: bool;

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
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
        }
    };
}

socket!(std::net::TcpStream, true);
// A read from a Unix socket stops at a message that carries descriptors, with more behind it.
socket!(std::os::unix::net::UnixStream, false);

/// Appends up to `limit` bytes; fewer means that the stream has ended. Bytes read before an error are in
/// `buffer`.
pub(crate) fn read_up_to(
    socket: BorrowedFd<'_>,
    limit: usize,
    buffer: &mut Vec<u8>,
) -> io::Result<usize> {
    let (mut read, given) = (0, buffer.capacity());
    while read < limit {
        let full = buffer.len() == buffer.capacity();
        let count = if full && given > 0 && buffer.capacity() == given {
            // A buffer that is just large enough does not grow for the sake of the end.
            let mut probe = Vec::with_capacity(PROBE);
            let count = read_within(socket, &mut probe, limit - read)?;
            buffer.extend_from_slice(&probe);
            count
        } else {
            if full {
                buffer.reserve(ROOM);
            }
            read_within(socket, buffer, limit - read)?
        };
        if count == 0 {
            break;
        }
        read += count;
    }
    Ok(read)
}

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
