//! One stream as a reader and a writer: [`split`].

use std::fmt;
use std::io::{IoSlice, IoSliceMut, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::prim::{Arc, Mutex};
use futures_io::{AsyncRead, AsyncWrite};

/// Splits a stream into a reader and a writer that can go to different tasks.
///
/// It works for every stream, at the price of a lock around each poll; the sockets of corio have a
/// split of their own that needs none. The stream is dropped with the second half. Dropping the
/// [`WriteHalf`] does not close the stream: close it, and the peer sees the end.
///
/// # Examples
///
/// ```
/// use corio_io::{AsyncReadExt, AsyncWriteExt, duplex, split};
///
/// # corio_io::example(async {
/// let (ours, mut theirs) = duplex(64);
/// let (mut reader, mut writer) = split(ours);
/// writer.write_all(b"ping").await?;
/// theirs.write_all(b"pong").await?;
/// let mut answer = [0; 4];
/// reader.read_exact(&mut answer).await?;
/// assert_eq!(&answer, b"pong");
/// let whole = reader.reunite(writer).expect("the halves of one stream");
/// # drop(whole);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
///
/// # Example: a stream that must stay where it is
///
/// Putting the halves together moves the stream, so one that may not be moved cannot be split:
///
/// ```compile_fail,E0277
/// use corio_io::{AsyncRead, AsyncWrite};
///
/// fn halves<T: AsyncRead + AsyncWrite>(stream: T) {
///     corio_io::split(stream); // error: `T` may be pinned for good; `Box::pin` it first
/// }
/// ```
pub fn split<T: AsyncRead + AsyncWrite + Unpin>(stream: T) -> (ReadHalf<T>, WriteHalf<T>) {
    let shared = Arc::new(Mutex::new(stream));
    (ReadHalf { shared: shared.clone() }, WriteHalf { shared })
}

/// The reading half of a stream, made by [`split`].
pub struct ReadHalf<T> {
    shared: Arc<Mutex<T>>,
}

/// The writing half of a stream, made by [`split`].
pub struct WriteHalf<T> {
    shared: Arc<Mutex<T>>,
}

impl<T> ReadHalf<T> {
    /// Tells whether `other` is the other half of the same stream.
    pub fn is_pair_of(&self, other: &WriteHalf<T>) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Puts the two halves together again.
    ///
    /// Only streams that are `Unpin` can be split, so the stream may be moved out.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`], with both halves in it, if they are of different streams.
    pub fn reunite(self, other: WriteHalf<T>) -> std::result::Result<T, ReuniteError<T>>
    where
        T: Unpin,
    {
        if !self.is_pair_of(&other) {
            return Err(ReuniteError(self, other));
        }
        drop(other);
        match Arc::try_unwrap(self.shared) {
            Ok(stream) => Ok(stream.into_inner()),
            Err(_) => unreachable!("a stream has two halves, and neither can be cloned"),
        }
    }
}

impl<T> WriteHalf<T> {
    /// Tells whether `other` is the other half of the same stream.
    pub fn is_pair_of(&self, other: &ReadHalf<T>) -> bool {
        other.is_pair_of(self)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ReadHalf<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut *self.shared.lock()).poll_read(cx, buf)
    }
    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut *self.shared.lock()).poll_read_vectored(cx, bufs)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for WriteHalf<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut *self.shared.lock()).poll_write(cx, buf)
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut *self.shared.lock()).poll_write_vectored(cx, bufs)
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.shared.lock()).poll_flush(cx)
    }
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.shared.lock()).poll_close(cx)
    }
}

impl<T> fmt::Debug for ReadHalf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for WriteHalf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}

/// The error of [`ReadHalf::reunite`]: the halves, as they were, of two different streams.
pub struct ReuniteError<T>(pub ReadHalf<T>, pub WriteHalf<T>);

impl<T> fmt::Debug for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReuniteError").field(&self.0).field(&self.1).finish()
    }
}

impl<T> fmt::Display for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves belong to different streams: reunite those of one `split`")
    }
}

impl<T> std::error::Error for ReuniteError<T> {}
