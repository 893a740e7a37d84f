//! All of the bytes: [`WriteAll`], [`WriteAllVectored`].

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncWrite;

use super::once::total;
use crate::support::{noted, write_count, write_zero};

/// The most slices handed to a writer at once: more make `writev` fail with `EINVAL` on Linux, where
/// a writer may pass them on as they are.
const MOST_SLICES: usize = 1024;

/// Writes the rest of `buf`; `done` says how far it is.
pub(crate) fn poll_drain<W: AsyncWrite + ?Sized>(
    mut writer: Pin<&mut W>,
    cx: &mut Context<'_>,
    buf: &[u8],
    done: &mut usize,
    site: Site,
) -> Poll<Result<()>> {
    while *done < buf.len() {
        let rest = &buf[*done..];
        let poll = writer.as_mut().poll_write(cx, rest);
        match write_count(ready!(noted(poll, site, WaitKind::Write))?, rest.len())? {
            0 => return Poll::Ready(Err(write_zero(*done, buf.len()))),
            n => *done += n,
        }
    }
    Poll::Ready(Ok(()))
}

/// The future of [`AsyncWriteExt::write_all`](super::AsyncWriteExt::write_all).
#[must_use = "futures do nothing unless they are awaited"]
pub struct WriteAll<'a, W: ?Sized> {
    pub(super) writer: &'a mut W,
    pub(super) buf: &'a [u8],
    pub(super) done: usize,
    pub(super) site: Site,
}

debug_sizes!([W: ?Sized] WriteAll<'_, W> as "WriteAll", f => { done: f.done, len: f.buf.len() });

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteAll<'_, W> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        poll_drain(Pin::new(&mut *this.writer), cx, this.buf, &mut this.done, this.site)
    }
}

/// The future of [`AsyncWriteExt::write_all_vectored`](super::AsyncWriteExt::write_all_vectored).
#[must_use = "futures do nothing unless they are awaited"]
pub struct WriteAllVectored<'a, 'b, W: ?Sized> {
    writer: &'a mut W,
    bufs: &'a mut [IoSlice<'b>],
    /// The first slice that has bytes left.
    next: usize,
    done: usize,
    site: Site,
}

debug_sizes!([W: ?Sized] WriteAllVectored<'_, '_, W> as "WriteAllVectored", f => {
    done: f.done,
    bufs: f.bufs.len() - f.next,
});

impl<'a, 'b, W: ?Sized> WriteAllVectored<'a, 'b, W> {
    pub(super) fn new(writer: &'a mut W, bufs: &'a mut [IoSlice<'b>], site: Site) -> Self {
        Self { writer, bufs, next: 0, done: 0, site }
    }

    /// Moves the slices forward over `n` bytes that went out.
    fn advance(&mut self, mut n: usize) {
        self.done = self.done.saturating_add(n);
        for buf in &mut self.bufs[self.next..] {
            let step = n.min(buf.len());
            buf.advance(step);
            n -= step;
            if !buf.is_empty() {
                return;
            }
            self.next += 1;
        }
    }
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteAllVectored<'_, '_, W> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // Empty slices in front are no bytes for a writer to take.
        this.advance(0);
        while this.next < this.bufs.len() {
            let end = this.bufs.len().min(this.next + MOST_SLICES);
            let bufs = &this.bufs[this.next..end];
            let given = total(bufs);
            let poll = Pin::new(&mut *this.writer).poll_write_vectored(cx, bufs);
            match write_count(ready!(noted(poll, this.site, WaitKind::Write))?, given)? {
                0 => {
                    let whole = this.done.saturating_add(total(&this.bufs[this.next..]));
                    return Poll::Ready(Err(write_zero(this.done, whole)));
                }
                n => this.advance(n),
            }
        }
        Poll::Ready(Ok(()))
    }
}
