//! Where standard input comes from, and how it is read without ever waiting in the system.
//!
//! The open file behind descriptor 0 is shared with other programs: the shell, the other side of a
//! pipeline, a parent. So its mode is not touched; a program that made it non-blocking would break them.

use std::fs::File;
use std::io::{ErrorKind, Read, Result};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use corio_runtime::reactor::{Direction, Interest, Registered, Registration, Wait};
use corio_runtime::sys::{self, PollFd};
use futures_io::AsyncRead;

use crate::fs;

pub(super) enum Source {
    /// A pipe, a socket or a terminal.
    Waited {
        io: Registered<File>,
        /// It is an open file of our own, in non-blocking mode.
        own: bool,
    },
    /// A regular file, or a device that is always ready.
    File(fs::File),
}

impl Source {
    pub(super) fn open() -> Result<Self> {
        let file = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        let kind = file.metadata()?.file_type();
        if kind.is_char_device() {
            if let Some(terminal) = open_again() {
                return Ok(Self::waited(terminal, true));
            }
        }
        if kind.is_char_device() || kind.is_fifo() || kind.is_socket() {
            return Ok(Self::waited(file, false));
        }
        Ok(Self::File(fs::File::from_std(file)))
    }

    fn waited(file: File, own: bool) -> Self {
        let registration = Registration::new_unready(Interest::Read);
        Self::Waited { io: Registered::with_registration(file, registration), own }
    }

    pub(super) fn poll_read(
        &mut self,
        wait: Wait,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        let (io, own) = match self {
            Self::File(file) => return Pin::new(file).poll_read(cx, buf),
            Self::Waited { io, own } => (io, *own),
        };
        match ready!(io.poll_io(Direction::Read, wait, cx, |file| read_now(file, own, buf))) {
            // A device that the system does not watch, since it never makes anybody wait.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                *self = Self::File(fs::File::from_std(io.get_ref().try_clone()?));
                self.poll_read(wait, cx, buf)
            }
            // Of a terminal that has been hung up; there is no more to come.
            Err(error) if own && error.raw_os_error() == Some(libc::EIO) => Poll::Ready(Ok(0)),
            read => Poll::Ready(read),
        }
    }
}

/// The terminal as an open file of our own, whose mode nobody else sees.
#[cfg(target_os = "linux")]
fn open_again() -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let options = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open("/proc/self/fd/0");
    options.ok()
}

/// Elsewhere the same name would give the same open file.
#[cfg(not(target_os = "linux"))]
fn open_again() -> Option<File> {
    None
}

/// Reads what is there, or fails with `WouldBlock`.
fn read_now(mut file: &File, own: bool, buf: &mut [u8]) -> Result<usize> {
    if own {
        return file.read(buf);
    }
    #[cfg(target_os = "linux")]
    match sys::read_cached(file.as_fd(), buf, None) {
        Ok(n) => return Ok(n),
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(error),
        // The kernel does not know how for such a file; other errors come again.
        Err(_) => {}
    }
    // Another program could read between the look and the read, which would then wait: of a stream that
    // two programs read, neither can say what it gets.
    let ready = sys::poll(&mut [PollFd::readable(file.as_fd())], Some(Duration::ZERO))?;
    if ready == 0 { Err(ErrorKind::WouldBlock.into()) } else { file.read(buf) }
}
