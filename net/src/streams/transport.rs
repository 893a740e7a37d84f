//! What a stream of this module is on: a socket, or anything that reads and writes bytes.

#[cfg(feature = "tls")]
use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio_runtime::reactor::{Direction, Wait};
use corio_sync::prim::Mutex;
use futures_io::{AsyncRead, AsyncWrite};

use crate::socket::{MAX_VECTORS, Socket};
use crate::stream_core::{Core, HasCore};
use crate::{TcpStream, UnixStream};

/// A stream of bytes in both directions.
pub(crate) trait Both: AsyncRead + AsyncWrite + Send {
    /// Itself, to be told apart from others.
    #[cfg(feature = "tls")]
    fn as_any(&self) -> &dyn Any;
}

impl<T: AsyncRead + AsyncWrite + Send + 'static> Both for T {
    #[cfg(feature = "tls")]
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What carries the bytes. The sockets are told apart rather than hidden behind a pointer: that spares an
/// allocation for each, and a lock and an indirect call for each operation.
pub(crate) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Other(Other),
}

/// Anything else, which cannot be read and written through a shared reference.
pub(crate) struct Other {
    /// `None` after an abort.
    io: Mutex<Option<Pin<Box<dyn Both>>>>,
    /// The task that waits in a read, to be told when we close the stream.
    reader: Mutex<Option<Waker>>,
    /// Closing its writing side leaves the other side open.
    half_close: bool,
}

impl Transport {
    pub(crate) fn other(io: impl Both + 'static, half_close: bool) -> Self {
        Transport::Other(Other {
            io: Mutex::new(Some(Box::pin(io))),
            reader: Mutex::new(None),
            half_close,
        })
    }

    #[inline]
    pub(crate) fn poll_read(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Transport::Tcp(stream) => stream.core().poll_read(wait, cx, buffer),
            Transport::Unix(stream) => stream.core().poll_read(wait, cx, buffer),
            Transport::Other(other) => {
                let poll = other.with(&mut |io| io.poll_read(cx, buffer));
                if poll.is_pending() {
                    corio_sync::hooks::set_wait(wait.site, wait.kind);
                    let waker = cx.waker().clone();
                    let old = other.reader.lock().replace(waker);
                    drop(old);
                }
                poll
            }
        }
    }

    /// Reads from a socket into `bytes`, which is empty; see [`Core::poll_read_new`]. `None` if this is none.
    #[inline]
    pub(crate) fn poll_read_new(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
        bytes: &mut Vec<u8>,
        size: usize,
    ) -> Option<Poll<io::Result<usize>>> {
        match self {
            Transport::Tcp(stream) => Some(stream.core().poll_read_new(wait, cx, bytes, size)),
            Transport::Unix(stream) => Some(stream.core().poll_read_new(wait, cx, bytes, size)),
            Transport::Other(_) => None,
        }
    }

    pub(crate) fn poll_write(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Transport::Tcp(stream) => stream.core().poll_write(wait, cx, data),
            Transport::Unix(stream) => stream.core().poll_write(wait, cx, data),
            Transport::Other(other) => {
                let poll = other.with(&mut |io| io.poll_write(cx, data));
                if poll.is_pending() {
                    corio_sync::hooks::set_wait(wait.site, wait.kind);
                }
                poll
            }
        }
    }

    /// Writes what is taken at once; `WouldBlock` when that is nothing.
    #[inline]
    pub(crate) fn try_write(&self, data: &[u8]) -> io::Result<usize> {
        match self {
            Transport::Tcp(stream) => try_io(stream.core(), |s| s.write(data)),
            Transport::Unix(stream) => try_io(stream.core(), |s| s.write(data)),
            Transport::Other(other) => at_once(|cx| other.with(&mut |io| io.poll_write(cx, data))),
        }
    }

    /// [`try_write`](Self::try_write) from several buffers; looks at one only where that is all one can do.
    pub(crate) fn try_write_vectored(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        let data = &data[..data.len().min(MAX_VECTORS)];
        match self {
            Transport::Tcp(stream) => try_io(stream.core(), |s| s.write_vectored(data)),
            Transport::Unix(stream) => try_io(stream.core(), |s| s.write_vectored(data)),
            Transport::Other(other) => {
                at_once(|cx| other.with(&mut |io| io.poll_write_vectored(cx, data)))
            }
        }
    }

    /// Whether what was written may be held back until it is flushed.
    pub(crate) fn is_buffered(&self) -> bool {
        matches!(self, Transport::Other(_))
    }

    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Tcp(_) | Transport::Unix(_) => Poll::Ready(Ok(())),
            Transport::Other(other) => {
                other.with(&mut |io| io.poll_flush(cx).map_ok(|()| 0)).map_ok(drop)
            }
        }
    }

    /// Tells the other side that no more will come.
    pub(crate) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Tcp(stream) => Poll::Ready(stream.core().shutdown(Shutdown::Write)),
            Transport::Unix(stream) => Poll::Ready(stream.core().shutdown(Shutdown::Write)),
            Transport::Other(other) => {
                other.with(&mut |io| io.poll_close(cx).map_ok(|()| 0)).map_ok(drop)
            }
        }
    }

    /// Lets a read that waits know that we have closed the stream. The socket itself can still be read.
    pub(crate) fn end_reading(&self) {
        match self {
            Transport::Tcp(stream) => stream.core().io().registration().wake(Direction::Read),
            Transport::Unix(stream) => stream.core().io().registration().wake(Direction::Read),
            Transport::Other(other) => {
                let waiting = other.reader.lock().take();
                if let Some(waker) = waiting {
                    waker.wake();
                }
            }
        }
    }

    /// What is left in the place of one that has been taken out.
    pub(crate) fn gone() -> Self {
        let (io, reader) = (Mutex::new(None), Mutex::new(None));
        Transport::Other(Other { io, reader, half_close: false })
    }

    /// The socket underneath, if there is one. What is above it ends.
    pub(crate) fn into_socket(self) -> Option<Transport> {
        match self {
            Transport::Tcp(_) | Transport::Unix(_) => Some(self),
            Transport::Other(_) => self.duplicate(),
        }
    }

    /// The socket underneath by another descriptor, if there is one.
    pub(crate) fn duplicate(&self) -> Option<Transport> {
        match self {
            Transport::Tcp(stream) => tcp_again(stream),
            Transport::Unix(stream) => unix_again(stream),
            #[cfg(feature = "tls")]
            Transport::Other(other) => {
                let io = other.io.lock();
                crate::tls::socket_under(io.as_ref()?.as_ref().get_ref().as_any())
            }
            #[cfg(not(feature = "tls"))]
            Transport::Other(_) => None,
        }
    }

    /// Reads what is there; `WouldBlock` when that is nothing. Only for sockets.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Transport::Tcp(stream) => stream.try_read(buffer),
            Transport::Unix(stream) => stream.try_read(buffer),
            Transport::Other(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Sees to it that what is not sent yet never is, and that the other side notices.
    pub(crate) fn abort(&self) {
        // That the connection may be gone already is what is wanted.
        match self {
            Transport::Tcp(stream) => {
                // The reset is sent when the descriptor is closed; ending the writing would look like an end.
                let _ = stream.set_linger(Some(Duration::ZERO));
                let _ = stream.core().shutdown(Shutdown::Read);
            }
            Transport::Unix(stream) => drop(stream.core().shutdown(Shutdown::Read)),
            Transport::Other(other) => {
                let io = other.io.lock().take();
                drop(io);
            }
        }
        self.end_reading();
    }

    /// Whether the connection is gone although we have not ended our side: the peer has reset it.
    pub(crate) fn is_reset(&self) -> bool {
        matches!(self, Transport::Tcp(stream) if stream.peer_addr().is_err())
    }

    pub(crate) fn can_half_close(&self) -> bool {
        match self {
            Transport::Tcp(_) | Transport::Unix(_) => true,
            Transport::Other(other) => other.half_close,
        }
    }
}

pub(crate) fn tcp_again(stream: &TcpStream) -> Option<Transport> {
    let socket = stream.core().socket().try_clone().ok()?;
    Some(Transport::Tcp(TcpStream::from_nonblocking(socket, 0)))
}

pub(crate) fn unix_again(stream: &UnixStream) -> Option<Transport> {
    let socket = stream.core().socket().try_clone().ok()?;
    Some(Transport::Unix(UnixStream::from_nonblocking(socket)))
}

/// What is done with a stream that is no socket; the count is of bytes, if it moves any.
type Operation<'a> = dyn FnMut(Pin<&mut dyn Both>) -> Poll<io::Result<usize>> + 'a;

impl Other {
    fn with(&self, f: &mut Operation<'_>) -> Poll<io::Result<usize>> {
        match &mut *self.io.lock() {
            Some(io) => f(io.as_mut()),
            None => Poll::Ready(Err(aborted())),
        }
    }
}

#[cold]
fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the stream was aborted")
}

fn try_io<S: Socket>(
    core: &Core<S>,
    operation: impl Fn(&S) -> io::Result<usize>,
) -> io::Result<usize> {
    loop {
        match core.io().try_io(Direction::Write, &operation) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Polls once; who waits is nobody, since the flusher polls again.
fn at_once<R>(poll: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<R>>) -> io::Result<R> {
    match poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// A stream of which one direction is wanting.
pub(crate) struct ReadOnly<T>(pub(crate) T);
pub(crate) struct WriteOnly<T>(pub(crate) T);

fn unsupported<T>(what: &str) -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::Error::new(io::ErrorKind::Unsupported, what)))
}

impl<T: AsyncRead + Unpin> AsyncRead for ReadOnly<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<T: Unpin> AsyncWrite for ReadOnly<T> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        unsupported("the stream can only be read")
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl<T: Unpin> AsyncRead for WriteOnly<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        unsupported("the stream can only be written to")
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for WriteOnly<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, data)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Transport::Tcp(stream) => stream.fmt(f),
            Transport::Unix(stream) => stream.fmt(f),
            Transport::Other(_) => f.write_str("Other"),
        }
    }
}
