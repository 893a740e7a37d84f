//! Readers and writers that do next to nothing: [`empty`], [`repeat`], [`sink`].

use std::io::{IoSlice, Result, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};

use crate::support::another_turn;

/// A reader that is always at its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty(());

/// Makes a reader that is always at its end.
///
/// ```
/// use corio_io::AsyncReadExt;
///
/// # corio_io::example(async {
/// let mut text = String::new();
/// assert_eq!(corio_io::empty().read_to_string(&mut text).await?, 0);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub fn empty() -> Empty {
    Empty(())
}

impl AsyncRead for Empty {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<Result<usize>> {
        Poll::Ready(Ok(0))
    }
}

impl AsyncBufRead for Empty {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        Poll::Ready(Ok(&[]))
    }
    fn consume(self: Pin<&mut Self>, _: usize) {}
}

impl AsyncSeek for Empty {
    fn poll_seek(self: Pin<&mut Self>, _: &mut Context<'_>, _: SeekFrom) -> Poll<Result<u64>> {
        Poll::Ready(Ok(0))
    }
}

/// A reader that gives one byte for ever.
#[derive(Clone, Copy, Debug)]
pub struct Repeat(u8);

/// Makes a reader that gives `byte` for ever.
///
/// ```
/// use corio_io::AsyncReadExt;
///
/// # corio_io::example(async {
/// let mut buf = [0; 3];
/// corio_io::repeat(7).read_exact(&mut buf).await?;
/// assert_eq!(buf, [7, 7, 7]);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub fn repeat(byte: u8) -> Repeat {
    Repeat(byte)
}

impl AsyncRead for Repeat {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        ready!(another_turn(cx));
        buf.fill(self.0);
        Poll::Ready(Ok(buf.len()))
    }
}

/// A writer that throws everything away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sink(());

/// Makes a writer that throws everything away.
///
/// ```
/// # corio_io::example(async {
/// let mut input: &[u8] = b"read me";
/// assert_eq!(corio_io::copy(&mut input, &mut corio_io::sink()).await?, 7);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub fn sink() -> Sink {
    Sink(())
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        ready!(another_turn(cx));
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        ready!(another_turn(cx));
        Poll::Ready(Ok(bufs.iter().fold(0, |sum, b| sum.saturating_add(b.len()))))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}
