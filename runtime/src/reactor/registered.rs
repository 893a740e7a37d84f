//! A descriptor together with its registration.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::WaitKind;

use super::readiness::{Direction, Interest, Readiness, Wait};
use super::registration::{Ready, Registration};

/// A non-blocking descriptor that tasks can wait for.
///
/// It keeps the descriptor open until it is out of the reactor, which is what a
/// [`Registration`] asks of its user.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
///
/// use corio_runtime::reactor::{Direction, Registered};
///
/// # corio_runtime::run(async {
/// let (ours, mut theirs) = UnixStream::pair()?;
/// ours.set_nonblocking(true)?;
/// let io = Registered::new(ours);
///
/// theirs.write_all(b"hello")?;
/// let mut text = [0; 5];
/// loop {
///     io.readable().await?;
///     match io.try_io(Direction::Read, |mut stream| stream.read(&mut text)) {
///         Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
///         result => break assert_eq!(result?, 5),
///     }
/// }
/// assert_eq!(&text, b"hello");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub struct Registered<S: AsFd> {
    // The order of the fields is the order of their drop: the descriptor leaves the reactor first.
    registration: Registration,
    io: S,
}

impl<S: AsFd> Registered<S> {
    /// Takes `io`, which must be in non-blocking mode, and assumes that it can be read and written.
    pub fn new(io: S) -> Self {
        Self::with_registration(io, Registration::new(Interest::Both))
    }

    /// Takes `io`, which must be in non-blocking mode, with a registration that is new.
    pub fn with_registration(io: S, registration: Registration) -> Self {
        Self { registration, io }
    }

    /// The descriptor's owner.
    #[inline]
    pub fn get_ref(&self) -> &S {
        &self.io
    }

    /// Takes the descriptor out of the reactor and gives its owner back.
    pub fn into_inner(self) -> S {
        drop(self.registration);
        self.io
    }

    /// The registration.
    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Waits until an operation in `direction` is worth trying; see [`Registration::poll_ready`].
    ///
    /// # Errors
    ///
    /// Those of [`Registration::poll_ready`].
    pub fn poll_ready(
        &self,
        direction: Direction,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Readiness>> {
        self.registration.poll_ready(self.io.as_fd(), direction, wait, cx)
    }

    /// Tries `operation` until it does not block; see [`Registration::poll_io`].
    ///
    /// # Errors
    ///
    /// Those of `operation` and of [`Registration::poll_io`].
    #[inline]
    pub fn poll_io<R>(
        &self,
        direction: Direction,
        wait: Wait,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.registration.poll_io(self.io.as_fd(), direction, wait, cx, || operation(&self.io))
    }

    /// Tries `operation`, which transfers up to `len` bytes of a stream, until it does not block; see
    /// [`Registration::poll_stream_io`].
    ///
    /// # Errors
    ///
    /// Those of `operation` and of [`Registration::poll_io`].
    #[inline]
    pub fn poll_stream_io(
        &self,
        direction: Direction,
        wait: Wait,
        len: usize,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let fd = self.io.as_fd();
        self.registration.poll_stream_io(fd, direction, wait, len, cx, || operation(&self.io))
    }

    /// Tries `operation` once, now; see [`Registration::try_io`].
    ///
    /// # Errors
    ///
    /// Those of `operation`, [`WouldBlock`](io::ErrorKind::WouldBlock) among them.
    pub fn try_io<R>(
        &self,
        direction: Direction,
        operation: impl FnOnce(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        self.registration.try_io(direction, || operation(&self.io))
    }

    /// Waits until an operation in `direction` is worth trying.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn ready(&self, direction: Direction) -> Ready<'_> {
        self.registration.ready(self.io.as_fd(), direction, Wait::here(WaitKind::Readiness))
    }

    /// Waits until a read is worth trying.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn readable(&self) -> Ready<'_> {
        self.ready(Direction::Read)
    }

    /// Waits until a write is worth trying.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn writable(&self) -> Ready<'_> {
        self.ready(Direction::Write)
    }

    /// Performs `operation` as soon as it does not block.
    ///
    /// # Cancel safety
    ///
    /// Safe: the operation has not happened if the future is dropped before it is ready.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::UdpSocket;
    ///
    /// use corio_runtime::reactor::{Direction, Registered, Wait};
    /// use corio_sync::hooks::WaitKind;
    ///
    /// # corio_runtime::run(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// socket.set_nonblocking(true)?;
    /// socket.send_to(b"to myself", socket.local_addr()?)?;
    /// let io = Registered::new(socket);
    ///
    /// let mut text = [0; 16];
    /// let wait = Wait::here(WaitKind::Read);
    /// let (len, _) = io.io(Direction::Read, wait, |socket| socket.recv_from(&mut text)).await?;
    /// assert_eq!(&text[..len], b"to myself");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn io<R, F>(&self, direction: Direction, wait: Wait, operation: F) -> Io<'_, S, F>
    where
        F: FnMut(&S) -> io::Result<R> + Unpin,
    {
        Io { io: self, direction, wait, operation }
    }

    /// Performs `operation`, which transfers up to `len` bytes of a stream, as soon as it does not
    /// block.
    ///
    /// # Cancel safety
    ///
    /// Safe: the operation has not happened if the future is dropped before it is ready.
    pub fn stream_io<F>(
        &self,
        direction: Direction,
        wait: Wait,
        len: usize,
        operation: F,
    ) -> StreamIo<'_, S, F>
    where
        F: FnMut(&S) -> io::Result<usize> + Unpin,
    {
        StreamIo { io: self, direction, wait, len, operation }
    }
}

impl<S: AsFd> AsFd for Registered<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl<S: AsFd> AsRawFd for Registered<S> {
    fn as_raw_fd(&self) -> RawFd {
        self.io.as_fd().as_raw_fd()
    }
}

impl<S: AsFd + fmt::Debug> fmt::Debug for Registered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.io, f)
    }
}

/// Performs one operation as soon as it does not block; see [`Registered::io`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Io<'a, S: AsFd, F> {
    io: &'a Registered<S>,
    direction: Direction,
    wait: Wait,
    operation: F,
}

impl<R, S: AsFd, F: FnMut(&S) -> io::Result<R> + Unpin> Future for Io<'_, S, F> {
    type Output = io::Result<R>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.io.poll_io(this.direction, this.wait, cx, &mut this.operation)
    }
}

impl<S: AsFd, F> fmt::Debug for Io<'_, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("wait", &self.wait).finish_non_exhaustive()
    }
}

/// Transfers bytes as soon as that does not block; see [`Registered::stream_io`].
#[must_use = "a future does nothing until it is awaited"]
pub struct StreamIo<'a, S: AsFd, F> {
    io: &'a Registered<S>,
    direction: Direction,
    wait: Wait,
    len: usize,
    operation: F,
}

impl<S: AsFd, F: FnMut(&S) -> io::Result<usize> + Unpin> Future for StreamIo<'_, S, F> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.io.poll_stream_io(this.direction, this.wait, this.len, cx, &mut this.operation)
    }
}

impl<S: AsFd, F> fmt::Debug for StreamIo<'_, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamIo").field("wait", &self.wait).finish_non_exhaustive()
    }
}
