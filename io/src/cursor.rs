//! Memory as a reader, a writer and a thing to seek in.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Result, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};

/// A position in something that is a slice of bytes, like [`std::io::Cursor`].
///
/// It reads from whatever is `AsRef<[u8]>`, and writes wherever std's cursor does: a `Vec<u8>`
/// (which grows), `&mut Vec<u8>`, `&mut [u8]`, `Box<[u8]>`, `[u8; N]`. It never waits.
///
/// # Examples
///
/// ```
/// use corio_io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, Cursor};
///
/// # corio_io::example(async {
/// let mut file = Cursor::new(Vec::new());
/// file.write_all(b"some text").await?;
/// file.rewind().await?;
/// let mut word = [0; 4];
/// file.read_exact(&mut word).await?;
/// assert_eq!(&word, b"some");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cursor<T>(io::Cursor<T>);

impl<T> Cursor<T> {
    /// Makes a cursor at the start of `inner`.
    pub fn new(inner: T) -> Self {
        Self(io::Cursor::new(inner))
    }

    /// Returns what the cursor points into.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }

    /// Returns a reference to what the cursor points into.
    pub fn get_ref(&self) -> &T {
        self.0.get_ref()
    }

    /// Returns a mutable reference to what the cursor points into; the position stays as it is.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// Returns the position.
    pub fn position(&self) -> u64 {
        self.0.position()
    }

    /// Sets the position, also beyond the end.
    pub fn set_position(&mut self, position: u64) {
        self.0.set_position(position);
    }
}

impl<T> fmt::Debug for Cursor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it points into may be a secret, and is its owner's to show.
        f.debug_struct("Cursor").field("position", &self.position()).finish_non_exhaustive()
    }
}

impl<T> From<io::Cursor<T>> for Cursor<T> {
    fn from(cursor: io::Cursor<T>) -> Self {
        Self(cursor)
    }
}

impl<T: AsRef<[u8]> + Unpin> AsyncRead for Cursor<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        Poll::Ready(io::Read::read(&mut self.0, buf))
    }
    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        Poll::Ready(io::Read::read_vectored(&mut self.0, bufs))
    }
}

impl<T: AsRef<[u8]> + Unpin> AsyncBufRead for Cursor<T> {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        Poll::Ready(io::BufRead::fill_buf(&mut self.get_mut().0))
    }
    fn consume(mut self: Pin<&mut Self>, n: usize) {
        let position = self.0.position();
        let end = self.0.get_ref().as_ref().len() as u64;
        // A cursor beyond the end stays there, and none goes beyond it by consuming.
        let next = position.saturating_add(n as u64).min(end.max(position));
        self.0.set_position(next);
    }
}

impl<T: AsRef<[u8]> + Unpin> AsyncSeek for Cursor<T> {
    fn poll_seek(mut self: Pin<&mut Self>, _: &mut Context<'_>, to: SeekFrom) -> Poll<Result<u64>> {
        Poll::Ready(io::Seek::seek(&mut self.0, to))
    }
}

impl<T: Unpin> AsyncWrite for Cursor<T>
where
    io::Cursor<T>: io::Write,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        Poll::Ready(io::Write::write(&mut self.0, buf))
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Poll::Ready(io::Write::write_vectored(&mut self.0, bufs))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}
