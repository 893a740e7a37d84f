//! The writing side: messages into bytes.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncWrite;

use super::{Encoder, Framed};
use crate::support::noted;
use crate::write::poll_drain;

/// The encoded bytes beyond which an item waits until they are out: a peer that does not read must
/// not make the buffer grow. An item may take the buffer past this mark once.
const HIGH_WATER: usize = 8 << 10;
/// The memory that an empty buffer keeps after a large message.
const KEEP: usize = 64 << 10;

/// What was encoded and not yet written.
#[derive(Default)]
pub(super) struct WriteState {
    buf: Vec<u8>,
    /// How much of `buf` is out already.
    done: usize,
}

debug_sizes!([] WriteState as "WriteState", w => { waiting: w.buffer().len() });

impl WriteState {
    pub(super) fn buffer(&self) -> &[u8] {
        &self.buf[self.done..]
    }

    /// Writes the buffer out, without flushing the byte stream.
    fn poll_empty<W: AsyncWrite>(
        &mut self,
        writer: Pin<&mut W>,
        cx: &mut Context<'_>,
        site: Site,
    ) -> Poll<io::Result<()>> {
        ready!(poll_drain(writer, cx, &self.buf, &mut self.done, site))?;
        self.buf.clear();
        self.buf.shrink_to(KEEP);
        self.done = 0;
        Poll::Ready(Ok(()))
    }

    /// Encodes `item`, or nothing of it.
    fn encode<I, C: Encoder<I>>(&mut self, codec: &mut C, item: I) -> Result<(), C::Error> {
        let before = self.buf.len();
        codec.encode(item, &mut self.buf).inspect_err(|_| self.buf.truncate(before))
    }
}

impl<T: AsyncWrite + Unpin, C> Framed<T, C> {
    fn poll_empty(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<io::Result<()>> {
        self.write.poll_empty(Pin::new(&mut self.io), cx, site)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<io::Result<()>> {
        ready!(self.poll_empty(cx, site))?;
        noted(Pin::new(&mut self.io).poll_flush(cx), site, WaitKind::Write)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<io::Result<()>> {
        ready!(self.poll_empty(cx, site))?;
        noted(Pin::new(&mut self.io).poll_close(cx), site, WaitKind::Write)
    }
}

/// The future of [`Framed::feed`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Feed<'a, T, C, I> {
    pub(super) framed: &'a mut Framed<T, C>,
    /// None when it has been encoded.
    pub(super) item: Option<I>,
    pub(super) site: Site,
}

// An item is moved, never pinned.
impl<T, C, I> Unpin for Feed<'_, T, C, I> {}

impl<T: AsyncWrite + Unpin, C: Encoder<I>, I> Future for Feed<'_, T, C, I> {
    type Output = Result<(), C::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.item.is_none() {
            return Poll::Ready(Ok(()));
        }
        if this.framed.write.buffer().len() >= HIGH_WATER {
            ready!(this.framed.poll_empty(cx, this.site))?;
        }
        match this.item.take() {
            Some(item) => Poll::Ready(this.framed.write.encode(&mut this.framed.codec, item)),
            None => Poll::Ready(Ok(())),
        }
    }
}

/// The future of [`Framed::send`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Sending<'a, T, C, I> {
    pub(super) feed: Feed<'a, T, C, I>,
}

impl<T: AsyncWrite + Unpin, C: Encoder<I>, I> Future for Sending<'_, T, C, I> {
    type Output = Result<(), C::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let feed = &mut self.feed;
        ready!(Pin::new(&mut *feed).poll(cx))?;
        feed.framed.poll_flush(cx, feed.site).map_err(C::Error::from)
    }
}

/// The future of [`Framed::flush`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Flush<'a, T, C> {
    pub(super) framed: &'a mut Framed<T, C>,
    pub(super) site: Site,
}

impl<T: AsyncWrite + Unpin, C> Future for Flush<'_, T, C> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let site = self.site;
        self.framed.poll_flush(cx, site)
    }
}

/// The future of [`Framed::close`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Close<'a, T, C> {
    pub(super) framed: &'a mut Framed<T, C>,
    pub(super) site: Site,
}

impl<T: AsyncWrite + Unpin, C> Future for Close<'_, T, C> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let site = self.site;
        self.framed.poll_close(cx, site)
    }
}

impl<T, C, I> fmt::Debug for Feed<'_, T, C, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("encoded", &self.item.is_none()).finish_non_exhaustive()
    }
}

impl<T, C, I> fmt::Debug for Sending<'_, T, C, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("encoded", &self.feed.item.is_none())
            .finish_non_exhaustive()
    }
}
