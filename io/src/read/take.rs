//! The first bytes of a reader: [`Take`].

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead};
use pin_project_lite::pin_project;

use crate::support::read_count;

pin_project! {
    /// A reader that ends early, made by [`AsyncReadExt::take`](super::AsyncReadExt::take).
    #[derive(Clone, Debug)]
    pub struct Take<R> {
        #[pin]
        inner: R,
        limit: u64,
    }
}

impl<R> Take<R> {
    pub(super) fn new(inner: R, limit: u64) -> Self {
        Self { inner, limit }
    }

    /// Returns how many bytes may still be read.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Sets how many bytes may still be read.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Returns a reference to the reader.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// Returns a mutable reference to the reader; what is read through it is not counted.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// Returns the reader.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

/// `len`, or the limit if that is less.
fn within(limit: u64, len: usize) -> usize {
    usize::try_from(limit).map_or(len, |limit| limit.min(len))
}

impl<R: AsyncRead> AsyncRead for Take<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        let this = self.project();
        let room = within(*this.limit, buf.len());
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        let n = read_count(ready!(this.inner.poll_read(cx, &mut buf[..room]))?, room)?;
        *this.limit -= n as u64;
        Poll::Ready(Ok(n))
    }
}

impl<R: AsyncBufRead> AsyncBufRead for Take<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        let this = self.project();
        if *this.limit == 0 {
            return Poll::Ready(Ok(&[]));
        }
        let bytes = ready!(this.inner.poll_fill_buf(cx))?;
        let len = within(*this.limit, bytes.len());
        Poll::Ready(Ok(&bytes[..len]))
    }

    fn consume(self: Pin<&mut Self>, n: usize) {
        let this = self.project();
        let n = within(*this.limit, n);
        *this.limit -= n as u64;
        this.inner.consume(n);
    }
}
