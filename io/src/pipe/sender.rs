//! The writing end.

use std::io::{Error, IoSlice, Result, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::pin::Pin;
use std::process::{ChildStdin, Stdio};
use std::task::{Context, Poll, ready};

use corio_runtime::reactor::{Direction, Wait};
use corio_sync::hooks::WaitKind;
use futures_io::AsyncWrite;

use super::end::{End, end_conversions};

/// The writing end of a pipe, or whatever else can be written to and waited for.
///
/// Nothing is buffered here: what a `write` took is with the system. [`close`](Self::close) and dropping
/// it close the descriptor, whereupon the other side, having read everything, sees the end of its input.
///
/// Writing to a pipe that nobody reads any more is an error of kind
/// [`BrokenPipe`](std::io::ErrorKind::BrokenPipe). (The signal `SIGPIPE` is ignored in Rust programs,
/// unless they say otherwise.)
///
/// See the [module](super) for where it comes from.
#[derive(Debug)]
pub struct Sender(End);

end_conversions!(Sender, ChildStdin);
inherent_write!(Sender);

impl Sender {
    pub(super) fn of_pipe(fd: OwnedFd) -> Self {
        Self(End::of_pipe(fd, Direction::Write))
    }

    fn of_fd(fd: OwnedFd) -> Result<Self> {
        End::of_fd(fd, Direction::Write).map(Self)
    }

    /// Opens a named pipe (`mkfifo`) for writing.
    ///
    /// # Errors
    ///
    /// Those of the system's `open`, with the path: among them "no such device or address" while nobody
    /// has opened it for reading. [`InvalidInput`](std::io::ErrorKind::InvalidInput) if there is a
    /// regular file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        End::open(path.as_ref(), Direction::Write).map(Self)
    }

    /// Writes what can be taken now.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) when the pipe is full; else those of the system's
    /// `write`.
    pub fn try_write(&self, buf: &[u8]) -> Result<usize> {
        self.0.try_io(|mut file| file.write(buf))
    }

    /// Waits until a write is worth trying: there is room, or nobody reads any more.
    ///
    /// # Errors
    ///
    /// When there is no runtime on this thread, or it has been shut down.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = Result<()>> + Send {
        let wait = Wait::here(WaitKind::Readiness);
        std::future::poll_fn(move |cx| self.0.poll_ready(Direction::Write, wait, cx).map_ok(|_| ()))
    }

    /// Waits until nobody reads any more, without writing.
    ///
    /// It is ready at once when this end is closed.
    ///
    /// # Errors
    ///
    /// When there is no runtime on this thread, or it has been shut down.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    ///
    /// # Examples
    ///
    /// ```
    /// # corio_runtime::run(async {
    /// let (sender, receiver) = corio_io::pipe()?;
    /// drop(receiver);
    /// sender.closed().await?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = Result<()>> + Send {
        let wait = Wait::here(WaitKind::Readiness);
        std::future::poll_fn(move |cx| self.poll_closed(wait, cx))
    }

    /// Nobody reads through this end, so its reading side is free to stand for "the peer is gone": all
    /// that the system reports there is an error or a hang-up (of a socket also data, which is passed
    /// over).
    fn poll_closed(&self, wait: Wait, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.0.is_closed() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let seen = ready!(self.0.poll_ready(Direction::Read, wait, cx))?;
            if seen.is_error() || seen.is_write_closed() || seen.is_read_closed() {
                return Poll::Ready(Ok(()));
            }
            self.0.io()?.registration().clear_ready(Direction::Read, seen);
        }
    }
}

impl AsyncWrite for Sender {
    #[track_caller]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let wait = Wait::here(WaitKind::Write);
        self.0.poll_io(wait, buf.len(), cx, &mut |mut file| file.write(buf))
    }

    #[track_caller]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let wait = Wait::here(WaitKind::Write);
        let len = bufs.iter().fold(0_usize, |sum, b| sum.saturating_add(b.len()));
        self.0.poll_io(wait, len, cx, &mut |mut file| file.write_vectored(bufs))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.close();
        Poll::Ready(Ok(()))
    }
}
