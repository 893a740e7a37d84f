//! The reading end.

use std::io::{Error, IoSliceMut, Read, Result};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::pin::Pin;
use std::process::{ChildStderr, ChildStdout, Stdio};
use std::task::{Context, Poll};

use corio_runtime::reactor::{Direction, Wait};
use corio_sync::hooks::WaitKind;
use futures_io::AsyncRead;

use super::end::{End, end_conversions};

/// The reading end of a pipe, or whatever else can be read from and waited for.
///
/// A read returns 0 when every sender is gone, in this program and in others, and everything has been
/// read. Dropping it closes it; who writes then gets [`BrokenPipe`](std::io::ErrorKind::BrokenPipe).
///
/// See the [module](super) for where it comes from.
#[derive(Debug)]
pub struct Receiver(End);

end_conversions!(Receiver, ChildStdout, ChildStderr);
inherent_read!(Receiver);

impl Receiver {
    pub(super) fn of_pipe(fd: OwnedFd) -> Self {
        Self(End::of_pipe(fd, Direction::Read))
    }

    fn of_fd(fd: OwnedFd) -> Result<Self> {
        End::of_fd(fd, Direction::Read).map(Self)
    }

    /// Opens a named pipe (`mkfifo`) for reading, without waiting for a writer.
    ///
    /// The first read waits for the first writer; when the last one has gone, reads return 0.
    ///
    /// # Errors
    ///
    /// Those of the system's `open`, with the path;
    /// [`InvalidInput`](std::io::ErrorKind::InvalidInput) if there is a regular file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        End::open(path.as_ref(), Direction::Read).map(Self)
    }

    /// Reads what is there now.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) when nothing is; else those of the system's `read`.
    pub fn try_read(&self, buf: &mut [u8]) -> Result<usize> {
        self.0.try_io(|mut file| file.read(buf))
    }

    /// Waits until a read is worth trying: there is something to read, or the last sender is gone.
    ///
    /// # Errors
    ///
    /// When there is no runtime on this thread, or it has been shut down.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = Result<()>> + Send {
        let wait = Wait::here(WaitKind::Readiness);
        std::future::poll_fn(move |cx| self.0.poll_ready(Direction::Read, wait, cx).map_ok(|_| ()))
    }
}

impl AsyncRead for Receiver {
    #[track_caller]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        let wait = Wait::here(WaitKind::Read);
        self.0.poll_io(wait, buf.len(), cx, &mut |mut file| file.read(buf))
    }

    #[track_caller]
    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        let wait = Wait::here(WaitKind::Read);
        let len = bufs.iter().fold(0_usize, |sum, b| sum.saturating_add(b.len()));
        self.0.poll_io(wait, len, cx, &mut |mut file| file.read_vectored(bufs))
    }
}
