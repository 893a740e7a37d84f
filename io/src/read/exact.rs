//! As many bytes as asked for: [`ReadExact`].

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncRead;

use crate::support::{early_end, noted, read_count};

/// Reads until `buf` is full; `filled` says how far it is.
pub(crate) fn poll_fill<R: AsyncRead + Unpin + ?Sized>(
    reader: &mut R,
    cx: &mut Context<'_>,
    buf: &mut [u8],
    filled: &mut usize,
    site: Site,
) -> Poll<Result<()>> {
    while *filled < buf.len() {
        let rest = &mut buf[*filled..];
        let room = rest.len();
        let poll = Pin::new(&mut *reader).poll_read(cx, rest);
        match read_count(ready!(noted(poll, site, WaitKind::Read))?, room)? {
            0 => return Poll::Ready(Err(early_end(*filled, buf.len()))),
            n => *filled += n,
        }
    }
    Poll::Ready(Ok(()))
}

/// The future of [`AsyncReadExt::read_exact`](super::AsyncReadExt::read_exact).
#[must_use = "futures do nothing unless they are awaited"]
pub struct ReadExact<'a, R: ?Sized> {
    pub(super) reader: &'a mut R,
    pub(super) buf: &'a mut [u8],
    pub(super) filled: usize,
    pub(super) site: Site,
}

debug_sizes!([R: ?Sized] ReadExact<'_, R> as "ReadExact", f => {
    filled: f.filled,
    wanted: f.buf.len(),
});

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadExact<'_, R> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        poll_fill(this.reader, cx, this.buf, &mut this.filled, this.site)
    }
}
