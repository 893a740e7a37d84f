//! Buffers in both directions: [`BufStream`].

use std::io::{IoSlice, IoSliceMut, Result, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use pin_project_lite::pin_project;

use super::{
    BufReader, BufWriter, DEFAULT_CAPACITY, forward_buf_read, forward_read, forward_write,
};

pin_project! {
    /// A stream with a [`BufReader`] and a [`BufWriter`].
    ///
    /// Reading does not flush: a request that is to be answered has to be flushed first.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
    ///
    /// # corio_io::example(async {
    /// let (a, b) = corio_io::duplex(64);
    /// let (mut client, mut server) = (BufStream::new(a), BufStream::new(b));
    /// client.write_all(b"ping\n").await?;
    /// client.flush().await?;
    /// let mut line = String::new();
    /// server.read_line(&mut line).await?;
    /// assert_eq!(line, "ping\n");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[derive(Debug)]
    pub struct BufStream<S> {
        #[pin]
        inner: BufReader<BufWriter<S>>,
    }
}

impl<S> BufStream<S> {
    /// Makes a stream with two buffers of 8 KiB.
    pub fn new(inner: S) -> Self {
        Self::with_capacity(DEFAULT_CAPACITY, DEFAULT_CAPACITY, inner)
    }

    /// Makes a stream with a buffer of `read` bytes and one of `write` bytes.
    pub fn with_capacity(read: usize, write: usize, inner: S) -> Self {
        let inner = BufWriter::with_capacity(write, inner);
        Self { inner: BufReader::with_capacity(read, inner) }
    }

    /// Returns a reference to the stream below.
    pub fn get_ref(&self) -> &S {
        self.inner.get_ref().get_ref()
    }

    /// Returns a mutable reference to the stream below, which bypasses both buffers.
    pub fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut().get_mut()
    }

    /// Returns the stream below; what is in the buffers is lost.
    pub fn into_inner(self) -> S {
        self.inner.into_inner().into_inner()
    }
}

impl<S: AsyncRead> AsyncRead for BufStream<S> {
    forward_read!();
}

impl<S: AsyncRead> AsyncBufRead for BufStream<S> {
    forward_buf_read!();
}

impl<S: AsyncWrite> AsyncWrite for BufStream<S> {
    forward_write!();
}

impl<S: AsyncWrite + AsyncSeek> AsyncSeek for BufStream<S> {
    /// Writes out what is buffered and drops what was read ahead, then moves.
    fn poll_seek(self: Pin<&mut Self>, cx: &mut Context<'_>, to: SeekFrom) -> Poll<Result<u64>> {
        self.project().inner.poll_seek(cx, to)
    }
}
