//! One read: [`Read`], [`ReadVectored`].

use std::io::{IoSliceMut, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncRead;

use crate::support::{noted, read_count};

/// The future of [`AsyncReadExt::read`](super::AsyncReadExt::read).
#[must_use = "futures do nothing unless they are awaited"]
pub struct Read<'a, R: ?Sized> {
    pub(super) reader: &'a mut R,
    pub(super) buf: &'a mut [u8],
    pub(super) site: Site,
}

debug_sizes!([R: ?Sized] Read<'_, R> as "Read", f => { room: f.buf.len() });

impl<R: AsyncRead + Unpin + ?Sized> Future for Read<'_, R> {
    type Output = Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let poll = Pin::new(&mut *this.reader).poll_read(cx, this.buf);
        let n = ready!(noted(poll, this.site, WaitKind::Read))?;
        Poll::Ready(read_count(n, this.buf.len()))
    }
}

/// The future of [`AsyncReadExt::read_vectored`](super::AsyncReadExt::read_vectored).
#[must_use = "futures do nothing unless they are awaited"]
pub struct ReadVectored<'a, 'b, R: ?Sized> {
    pub(super) reader: &'a mut R,
    pub(super) bufs: &'a mut [IoSliceMut<'b>],
    pub(super) site: Site,
}

debug_sizes!([R: ?Sized] ReadVectored<'_, '_, R> as "ReadVectored", f => { bufs: f.bufs.len() });

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadVectored<'_, '_, R> {
    type Output = Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let poll = Pin::new(&mut *this.reader).poll_read_vectored(cx, this.bufs);
        let n = ready!(noted(poll, this.site, WaitKind::Read))?;
        let room = this.bufs.iter().fold(0_usize, |sum, b| sum.saturating_add(b.len()));
        Poll::Ready(read_count(n, room))
    }
}
