//! One step of a writer: [`Write`], [`WriteVectored`], [`Flush`], [`Close`].

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncWrite;

use crate::support::{noted, write_count};

/// The future of [`AsyncWriteExt::write`](super::AsyncWriteExt::write).
#[must_use = "futures do nothing unless they are awaited"]
pub struct Write<'a, W: ?Sized> {
    pub(super) writer: &'a mut W,
    pub(super) buf: &'a [u8],
    pub(super) site: Site,
}

debug_sizes!([W: ?Sized] Write<'_, W> as "Write", f => { len: f.buf.len() });

impl<W: AsyncWrite + Unpin + ?Sized> Future for Write<'_, W> {
    type Output = Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let poll = Pin::new(&mut *this.writer).poll_write(cx, this.buf);
        let n = ready!(noted(poll, this.site, WaitKind::Write))?;
        Poll::Ready(write_count(n, this.buf.len()))
    }
}

/// The future of [`AsyncWriteExt::write_vectored`](super::AsyncWriteExt::write_vectored).
#[must_use = "futures do nothing unless they are awaited"]
pub struct WriteVectored<'a, 'b, W: ?Sized> {
    pub(super) writer: &'a mut W,
    pub(super) bufs: &'a [IoSlice<'b>],
    pub(super) site: Site,
}

debug_sizes!([W: ?Sized] WriteVectored<'_, '_, W> as "WriteVectored", f => { bufs: f.bufs.len() });

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteVectored<'_, '_, W> {
    type Output = Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let poll = Pin::new(&mut *this.writer).poll_write_vectored(cx, this.bufs);
        let n = ready!(noted(poll, this.site, WaitKind::Write))?;
        Poll::Ready(write_count(n, total(this.bufs)))
    }
}

/// The bytes of all `bufs` together. The same memory may stand in several, so the sum may overflow.
pub(super) fn total(bufs: &[IoSlice<'_>]) -> usize {
    bufs.iter().fold(0, |sum: usize, b| sum.saturating_add(b.len()))
}

/// The future of [`AsyncWriteExt::flush`](super::AsyncWriteExt::flush).
#[must_use = "futures do nothing unless they are awaited"]
pub struct Flush<'a, W: ?Sized> {
    pub(super) writer: &'a mut W,
    pub(super) site: Site,
}

debug_sizes!([W: ?Sized] Flush<'_, W> as "Flush", f => { at: f.site });

impl<W: AsyncWrite + Unpin + ?Sized> Future for Flush<'_, W> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let poll = Pin::new(&mut *self.writer).poll_flush(cx);
        noted(poll, self.site, WaitKind::Write)
    }
}

/// The future of [`AsyncWriteExt::close`](super::AsyncWriteExt::close).
#[must_use = "futures do nothing unless they are awaited"]
pub struct Close<'a, W: ?Sized> {
    pub(super) writer: &'a mut W,
    pub(super) site: Site,
}

debug_sizes!([W: ?Sized] Close<'_, W> as "Close", f => { at: f.site });

impl<W: AsyncWrite + Unpin + ?Sized> Future for Close<'_, W> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let poll = Pin::new(&mut *self.writer).poll_close(cx);
        noted(poll, self.site, WaitKind::Write)
    }
}
