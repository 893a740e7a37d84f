//! Descriptors of one's own: waiting until an operation is worth trying.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll};

use corio_runtime::reactor::{
    Direction, Interest, Readiness, Ready, Registered, Registration, Wait,
};
use corio_sync::hooks::WaitKind;

/// A descriptor that tasks can wait for: a pipe, a terminal, a socket of another library. asyncio's
/// `add_reader` and `add_writer`.
///
/// The descriptor must be in non-blocking mode, and nothing else may register it with the same
/// runtime. It leaves the reactor before `T` is dropped. Regular files cannot be waited for: the
/// first wait says so.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// use corio_io::AsyncFd;
///
/// # corio_runtime::run(async {
/// let (reader, mut writer) = std::os::unix::net::UnixStream::pair()?;
/// reader.set_nonblocking(true)?;
/// let reader = AsyncFd::new(reader);
///
/// writer.write_all(b"hello")?;
/// let mut text = [0; 5];
/// let count = reader.async_io(corio_io::Direction::Read, |mut r| r.read(&mut text)).await?;
/// assert_eq!(&text[..count], b"hello");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias("add_reader", "add_writer", "wait_readable", "wait_writable"))]
pub struct AsyncFd<T: AsFd> {
    io: Registered<T>,
}

impl<T: AsFd> AsyncFd<T> {
    /// Takes a non-blocking descriptor, to wait for reading and writing.
    pub fn new(inner: T) -> Self {
        Self::with_interest(inner, Interest::Both)
    }

    /// Takes a non-blocking descriptor, to wait for what `interest` says.
    pub fn with_interest(inner: T, interest: Interest) -> Self {
        // The first wait asks the system: what the user does afterwards may not be repeatable.
        Self { io: Registered::with_registration(inner, Registration::new_unready(interest)) }
    }

    /// The descriptor's owner.
    pub fn get_ref(&self) -> &T {
        self.io.get_ref()
    }

    /// Takes the descriptor out of the reactor and gives its owner back.
    pub fn into_inner(self) -> T {
        self.io.into_inner()
    }

    /// Waits until a read is worth trying. It may still block: try it with [`try_io`](Self::try_io).
    ///
    /// # Errors
    ///
    /// When the descriptor cannot be registered: there is no runtime on this thread, the runtime has
    /// been shut down, or it is a regular file.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn readable(&self) -> Ready<'_> {
        self.io.readable()
    }

    /// Waits until a write is worth trying; see [`readable`](Self::readable).
    ///
    /// # Errors
    ///
    /// Those of `readable`.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn writable(&self) -> Ready<'_> {
        self.io.writable()
    }

    /// Tries `operation` once, now. Its `WouldBlock` makes the next wait ask the system again.
    ///
    /// # Errors
    ///
    /// Those of the operation; `WouldBlock` also without trying, when the descriptor is known not to
    /// be ready.
    pub fn try_io<R>(
        &self,
        direction: Direction,
        operation: impl FnOnce(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.io.try_io(direction, operation)
    }

    /// Performs `operation` as soon as it does not answer `WouldBlock`.
    ///
    /// # Errors
    ///
    /// Those of the operation, and those of [`readable`](Self::readable).
    ///
    /// # Cancel safety
    ///
    /// Safe: the operation has not happened if the future is dropped before it is ready.
    #[track_caller]
    pub fn async_io<'a, R, F>(
        &'a self,
        direction: Direction,
        operation: F,
    ) -> impl Future<Output = io::Result<R>> + use<'a, T, R, F>
    where
        F: FnMut(&T) -> io::Result<R>,
    {
        let wait = Wait::here(WaitKind::Readiness);
        let mut operation = operation;
        std::future::poll_fn(move |cx| self.io.poll_io(direction, wait, cx, &mut operation))
    }

    /// Waits until an operation in `direction` is worth trying, for hand-written futures.
    ///
    /// # Errors
    ///
    /// Those of [`readable`](Self::readable).
    #[track_caller]
    pub fn poll_ready(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Readiness>> {
        self.io.poll_ready(direction, Wait::here(WaitKind::Readiness), cx)
    }
}

impl<T: AsFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl<T: AsFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncFd").field(self.get_ref()).finish()
    }
}
