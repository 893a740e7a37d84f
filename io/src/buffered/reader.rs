//! A buffer in front of a reader: [`BufReader`].

use std::fmt;
use std::io::{IoSlice, IoSliceMut, Result, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use pin_project_lite::pin_project;

use super::{DEFAULT_CAPACITY, forward_write};
use crate::buffer::Buffer;
use crate::support::read_count;

pin_project! {
    /// Reads ahead, so that many small reads cost few reads of the reader below.
    ///
    /// It is what lines and delimiters are read from: see [`AsyncBufReadExt`](crate::AsyncBufReadExt).
    /// The buffer is allocated at the first read, so an idle connection has none. A reader below that
    /// can also write or seek can do so through the `BufReader`; seeking drops what was read ahead.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::{AsyncBufReadExt, AsyncReadExt, BufReader};
    ///
    /// # corio_io::example(async {
    /// let mut reader = BufReader::new(&b"4\nbodyrest"[..]);
    /// let mut len = String::new();
    /// reader.read_line(&mut len).await?;
    /// let mut body = vec![0; len.trim().parse().unwrap()];
    /// reader.read_exact(&mut body).await?;
    /// assert_eq!(body, b"body");
    /// assert_eq!(reader.buffer(), b"rest");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub struct BufReader<R> {
        #[pin]
        inner: R,
        buf: Buffer,
        capacity: usize,
    }
}

impl<R> BufReader<R> {
    /// Makes a reader with a buffer of 8 KiB.
    pub fn new(inner: R) -> Self {
        Self::with_capacity(DEFAULT_CAPACITY, inner)
    }

    /// Makes a reader with a buffer of `capacity` bytes; of one byte if that is 0.
    ///
    /// A buffer without room would make every read look like the end of the input.
    pub fn with_capacity(capacity: usize, inner: R) -> Self {
        Self { inner, buf: Buffer::new(), capacity: capacity.max(1) }
    }

    /// Returns what has been read ahead.
    pub fn buffer(&self) -> &[u8] {
        &self.buf
    }

    /// Returns the size of the buffer.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns a reference to the reader below.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// Returns a mutable reference to the reader below; reading from it skips what was read ahead.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// Returns a pinned reference to the reader below.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut R> {
        self.project().inner
    }

    /// Returns the reader below; what has been read ahead is lost (see [`buffer`](Self::buffer)).
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: fmt::Debug> fmt::Debug for BufReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufReader")
            .field("reader", &self.inner)
            .field("buffered", &self.buf.len())
            .field("capacity", &self.capacity)
            .finish()
    }
}

impl<R: AsyncRead> AsyncRead for BufReader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        if self.buf.is_empty() && buf.len() >= self.capacity {
            // A large read gains nothing by a copy.
            let n = ready!(self.as_mut().project().inner.poll_read(cx, buf))?;
            return Poll::Ready(read_count(n, buf.len()));
        }
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let bytes = ready!(self.as_mut().poll_fill_buf(cx))?;
        let n = bytes.len().min(buf.len());
        buf[..n].copy_from_slice(&bytes[..n]);
        self.consume(n);
        Poll::Ready(Ok(n))
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        let room = bufs.iter().fold(0_usize, |sum, b| sum.saturating_add(b.len()));
        if self.buf.is_empty() && room >= self.capacity {
            let n = ready!(self.as_mut().project().inner.poll_read_vectored(cx, bufs))?;
            return Poll::Ready(read_count(n, room));
        }
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        let mut bytes = ready!(self.as_mut().poll_fill_buf(cx))?;
        let n = std::io::Read::read_vectored(&mut bytes, bufs)?;
        self.consume(n);
        Poll::Ready(Ok(n))
    }
}

impl<R: AsyncRead> AsyncBufRead for BufReader<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        let this = self.project();
        if this.buf.is_empty() {
            this.buf.make_room(*this.capacity);
            ready!(this.buf.poll_fill(this.inner, cx))?;
        }
        Poll::Ready(Ok(this.buf))
    }

    fn consume(self: Pin<&mut Self>, n: usize) {
        self.project().buf.consume(n);
    }
}

impl<R: AsyncSeek> AsyncSeek for BufReader<R> {
    /// Moves, and drops what was read ahead.
    ///
    /// `SeekFrom::Current` counts from the byte that the next read would return.
    fn poll_seek(self: Pin<&mut Self>, cx: &mut Context<'_>, to: SeekFrom) -> Poll<Result<u64>> {
        let mut this = self.project();
        let ahead = this.buf.len() as i64;
        let to = match to {
            SeekFrom::Current(n) => match n.checked_sub(ahead) {
                Some(n) => SeekFrom::Current(n),
                None => {
                    // Too far back for one step. The buffer is dropped in between, so a poll that
                    // comes again after the first step takes only the second.
                    ready!(this.inner.as_mut().poll_seek(cx, SeekFrom::Current(-ahead)))?;
                    this.buf.clear();
                    SeekFrom::Current(n)
                }
            },
            absolute => absolute,
        };
        let position = ready!(this.inner.poll_seek(cx, to))?;
        this.buf.clear();
        Poll::Ready(Ok(position))
    }
}

impl<R: AsyncWrite> AsyncWrite for BufReader<R> {
    forward_write!();
}
