//! A look into the buffer: [`FillBuf`].

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncBufRead;

use crate::support::noted;

/// The future of [`AsyncBufReadExt::fill_buf`](super::AsyncBufReadExt::fill_buf).
///
/// # Panics
///
/// When it is polled again after it returned bytes.
#[must_use = "futures do nothing unless they are awaited"]
pub struct FillBuf<'a, R: ?Sized> {
    /// None when the borrow has gone out with the result.
    pub(super) reader: Option<&'a mut R>,
    pub(super) site: Site,
}

debug_sizes!([R: ?Sized] FillBuf<'_, R> as "FillBuf", f => { done: f.reader.is_none() });

impl<'a, R: AsyncBufRead + Unpin + ?Sized> Future for FillBuf<'a, R> {
    type Output = Result<&'a [u8]>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let reader = self.reader.as_mut().expect("`fill_buf` was polled after its end");
        let poll = Pin::new(&mut **reader).poll_fill_buf(cx).map_ok(<[u8]>::is_empty);
        if ready!(noted(poll, self.site, WaitKind::Read))? {
            return Poll::Ready(Ok(&[]));
        }
        // The borrow checker does not let the bytes of the poll above out of this function, so ask
        // again: a reader with bytes in its buffer has them still.
        match self.reader.take().map(|reader| Pin::new(reader).poll_fill_buf(cx)) {
            Some(Poll::Ready(result)) => Poll::Ready(result),
            _ => Poll::Ready(Err(Error::new(
                ErrorKind::InvalidData,
                "the reader has no bytes where it had some: its `poll_fill_buf` is wrong",
            ))),
        }
    }
}
