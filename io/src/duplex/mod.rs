//! Pipes in memory, for two tasks of one program and for tests.
//!
//! *Which one do I want?* [`duplex()`] stands in for a socket: two ends that both read and write.
//! [`simplex`] goes one way.

mod pipe;

use std::fmt;
use std::io::{IoSlice, IoSliceMut, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::{Site, WaitKind};
use corio_sync::prim::Arc;
use futures_io::{AsyncRead, AsyncWrite};

use crate::support::noted;
use pipe::{Pipe, Side};

/// Makes two connected streams; what is written to one is read from the other.
///
/// Each direction holds up to `capacity` bytes, and a writer waits while its direction is full. Memory
/// follows what is in the pipe. A reader gets what was written before its peer closed or was
/// dropped, and then the end. Writing to a dropped peer is an error of kind `BrokenPipe`. Closing one
/// direction leaves the other as it is.
///
/// # Panics
///
/// When `capacity` is 0: nothing could ever be written.
///
/// # Examples
///
/// ```
/// use corio_io::{AsyncReadExt, AsyncWriteExt, duplex};
///
/// # corio_io::example(async {
/// let (mut client, mut server) = duplex(1024);
/// client.write_all(b"GET /").await?;
/// client.close().await?;
///
/// let mut request = String::new();
/// server.read_to_string(&mut request).await?;
/// assert_eq!(request, "GET /");
///
/// server.write_u8(b'!').await?;
/// assert_eq!(client.read_u8().await?, b'!');
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn duplex(capacity: usize) -> (DuplexStream, DuplexStream) {
    let (read_a, write_b) = simplex(capacity);
    let (read_b, write_a) = simplex(capacity);
    let a = DuplexStream { reader: read_a, writer: write_a };
    let b = DuplexStream { reader: read_b, writer: write_b };
    (a, b)
}

/// Makes a pipe that goes one way, with room for `capacity` bytes.
///
/// Each end behaves as that of a [`duplex()`].
///
/// # Panics
///
/// When `capacity` is 0: nothing could ever be written.
///
/// # Examples
///
/// ```
/// use corio_io::{AsyncReadExt, AsyncWriteExt, simplex};
///
/// # corio_io::example(async {
/// let (mut reader, mut writer) = simplex(16);
/// writer.write_all(b"over there").await?;
/// drop(writer);
/// let mut text = String::new();
/// reader.read_to_string(&mut text).await?;
/// assert_eq!(text, "over there");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn simplex(capacity: usize) -> (SimplexReader, SimplexWriter) {
    assert!(capacity > 0, "a pipe of capacity 0 lets nothing through: make it at least 1");
    let pipe = Arc::new(Pipe::new(capacity));
    let site = Site::caller();
    (SimplexReader { pipe: pipe.clone(), site }, SimplexWriter { pipe, site })
}

/// One end of a [`duplex()`].
#[derive(Debug)]
pub struct DuplexStream {
    reader: SimplexReader,
    writer: SimplexWriter,
}

impl DuplexStream {
    /// Splits this end into its two directions, without a lock.
    pub fn into_split(self) -> (SimplexReader, SimplexWriter) {
        (self.reader, self.writer)
    }
}

/// The end of a [`simplex`] from which one reads.
pub struct SimplexReader {
    pipe: Arc<Pipe>,
    /// Where the pipe was made, for polls that come from no call of ours.
    site: Site,
}

/// The end of a [`simplex`] to which one writes; dropping it ends the reader's input.
pub struct SimplexWriter {
    pipe: Arc<Pipe>,
    site: Site,
}

inherent_read!(SimplexReader);
inherent_write!(SimplexWriter);
inherent_read!(DuplexStream);
inherent_write!(DuplexStream);

impl AsyncRead for SimplexReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        noted(self.pipe.poll_read(cx, &mut [IoSliceMut::new(buf)]), self.site, WaitKind::Read)
    }
    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        noted(self.pipe.poll_read(cx, bufs), self.site, WaitKind::Read)
    }
}

impl AsyncWrite for SimplexWriter {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        noted(self.pipe.poll_write(cx, &[IoSlice::new(buf)]), self.site, WaitKind::Write)
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        noted(self.pipe.poll_write(cx, bufs), self.site, WaitKind::Write)
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        self.pipe.close(Side::Writer);
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimplexReader {
    fn drop(&mut self) {
        self.pipe.close(Side::Reader);
    }
}

impl Drop for SimplexWriter {
    fn drop(&mut self) {
        self.pipe.close(Side::Writer);
    }
}

impl AsyncRead for DuplexStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.reader).poll_read_vectored(cx, bufs)
    }
}

impl AsyncWrite for DuplexStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, buf)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.writer).poll_write_vectored(cx, bufs)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.writer).poll_close(cx)
    }
}

impl fmt::Debug for SimplexReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimplexReader").field("pipe", &self.pipe).finish()
    }
}

impl fmt::Debug for SimplexWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimplexWriter").field("pipe", &self.pipe).finish()
    }
}
