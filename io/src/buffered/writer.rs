//! A buffer in front of a writer: [`BufWriter`].

use std::fmt;
use std::io::{IoSlice, IoSliceMut, Result, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use pin_project_lite::pin_project;

use super::{DEFAULT_CAPACITY, forward_buf_read, forward_read};
use crate::support::{write_count, write_zero};

pin_project! {
    /// Collects small writes into large ones.
    ///
    /// What was written goes out when the buffer is full, and on [`flush`] and [`close`]. Dropping a
    /// `BufWriter` does not flush: what is in the buffer then is lost, so end with one of these two.
    ///
    /// [`flush`]: crate::AsyncWriteExt::flush
    /// [`close`]: crate::AsyncWriteExt::close
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::{AsyncWriteExt, BufWriter};
    ///
    /// # corio_io::example(async {
    /// let mut out = Vec::new();
    /// let mut writer = BufWriter::new(&mut out);
    /// for n in 0..3_u8 {
    ///     writer.write_u8(n).await?;
    /// }
    /// writer.flush().await?;
    /// assert_eq!(out, [0, 1, 2]);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub struct BufWriter<W> {
        #[pin]
        inner: W,
        buf: Vec<u8>,
        // How much of `buf` is out already: a flush that was interrupted.
        done: usize,
        capacity: usize,
    }
}

impl<W> BufWriter<W> {
    /// Makes a writer with a buffer of 8 KiB.
    pub fn new(inner: W) -> Self {
        Self::with_capacity(DEFAULT_CAPACITY, inner)
    }

    /// Makes a writer with a buffer of `capacity` bytes; with 0 every write goes straight through.
    pub fn with_capacity(capacity: usize, inner: W) -> Self {
        Self { inner, buf: Vec::new(), done: 0, capacity }
    }

    /// Returns what waits to be written.
    pub fn buffer(&self) -> &[u8] {
        &self.buf[self.done..]
    }

    /// Returns the size of the buffer.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns a reference to the writer below.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// Returns a mutable reference to the writer below; writing to it overtakes what is buffered.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    /// Returns a pinned reference to the writer below.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut W> {
        self.project().inner
    }

    /// Returns the writer below; what is buffered is lost (flush first).
    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: AsyncWrite> BufWriter<W> {
    /// Writes the buffer out, without flushing the writer below.
    fn poll_empty(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut this = self.project();
        while *this.done < this.buf.len() {
            let rest = &this.buf[*this.done..];
            let n = write_count(ready!(this.inner.as_mut().poll_write(cx, rest))?, rest.len())?;
            if n == 0 {
                return Poll::Ready(Err(write_zero(*this.done, this.buf.len())));
            }
            *this.done += n;
        }
        this.buf.clear();
        *this.done = 0;
        Poll::Ready(Ok(()))
    }

    /// Makes room for `len` bytes; false if they are better written without the buffer.
    fn poll_room(mut self: Pin<&mut Self>, cx: &mut Context<'_>, len: usize) -> Poll<Result<bool>> {
        // `buf` never grows beyond `capacity`, bytes that are out included.
        if len > self.capacity - self.buf.len() {
            ready!(self.as_mut().poll_empty(cx))?;
        }
        let this = self.project();
        if len >= *this.capacity {
            return Poll::Ready(Ok(false));
        }
        if this.buf.capacity() == 0 {
            this.buf.reserve_exact(*this.capacity);
        }
        Poll::Ready(Ok(true))
    }
}

impl<W: fmt::Debug> fmt::Debug for BufWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufWriter")
            .field("writer", &self.inner)
            .field("buffered", &self.buffer().len())
            .field("capacity", &self.capacity)
            .finish()
    }
}

impl<W: AsyncWrite> AsyncWrite for BufWriter<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let buffered = ready!(self.as_mut().poll_room(cx, buf.len()))?;
        let this = self.project();
        if !buffered {
            let n = ready!(this.inner.poll_write(cx, buf))?;
            return Poll::Ready(write_count(n, buf.len()));
        }
        this.buf.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let len = bufs.iter().fold(0_usize, |sum, b| sum.saturating_add(b.len()));
        if len == 0 {
            return Poll::Ready(Ok(0));
        }
        let buffered = ready!(self.as_mut().poll_room(cx, len))?;
        let this = self.project();
        if !buffered {
            let n = ready!(this.inner.poll_write_vectored(cx, bufs))?;
            return Poll::Ready(write_count(n, len));
        }
        bufs.iter().for_each(|b| this.buf.extend_from_slice(b));
        Poll::Ready(Ok(len))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.as_mut().poll_empty(cx))?;
        self.project().inner.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.as_mut().poll_empty(cx))?;
        self.project().inner.poll_close(cx)
    }
}

impl<W: AsyncWrite + AsyncSeek> AsyncSeek for BufWriter<W> {
    /// Writes the buffer out, then moves.
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<Result<u64>> {
        ready!(self.as_mut().poll_empty(cx))?;
        self.project().inner.poll_seek(cx, to)
    }
}

impl<W: AsyncRead> AsyncRead for BufWriter<W> {
    forward_read!();
}

impl<W: AsyncBufRead> AsyncBufRead for BufWriter<W> {
    forward_buf_read!();
}
