//! One direction through a buffer: [`copy()`].

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{self, Site, WaitKind};
use futures_io::{AsyncRead, AsyncWrite};

use super::Unflushed;
use crate::buffer::Buffer;
use crate::support::another_turn;
use crate::write::poll_drain;

/// The size of the buffer at the start.
const INITIAL: usize = 8 << 10;
/// The size up to which it doubles while reads fill it.
const LARGEST: usize = 64 << 10;

/// A copy under way: what [`Copy`] and each direction of a proxy consist of.
#[derive(Debug, Default)]
pub(super) struct Pump {
    buf: Buffer,
    /// How much of `buf` has been written.
    done: usize,
    copied: u64,
    ended: bool,
    unflushed: Unflushed,
}

impl Pump {
    /// Moves bytes until the reader's end; returns how many went over in all.
    pub(super) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
        site: Site,
    ) -> Poll<Result<u64>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        loop {
            if self.buf.is_empty() && !self.ended {
                ready!(self.poll_fill(cx, reader.as_mut(), writer.as_mut(), site))?;
            }
            ready!(self.poll_empty(cx, writer.as_mut(), site))?;
            if self.ended {
                ready!(self.unflushed.poll_flush(writer, cx, site))?;
                return Poll::Ready(Ok(self.copied));
            }
            ready!(another_turn(cx));
        }
    }

    fn poll_fill<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: Pin<&mut R>,
        writer: Pin<&mut W>,
        site: Site,
    ) -> Poll<Result<()>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        self.buf.make_room(INITIAL);
        let Poll::Ready(n) = self.buf.poll_fill(reader, cx)? else {
            // An error of the flush ends the copy; a flush that has to wait does so beside the read.
            let _ = self.unflushed.poll_flush(writer, cx, site)?;
            hooks::set_wait(site, WaitKind::Read);
            return Poll::Pending;
        };
        self.ended = n == 0;
        Poll::Ready(Ok(()))
    }

    fn poll_empty<W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        writer: Pin<&mut W>,
        site: Site,
    ) -> Poll<Result<()>> {
        if self.buf.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let before = self.done;
        let poll = poll_drain(writer, cx, &self.buf, &mut self.done, site);
        self.copied += (self.done - before) as u64;
        self.unflushed.0 |= self.done > before;
        ready!(poll)?;
        let (filled, size) = (self.buf.room() == 0, self.buf.capacity());
        self.buf.clear();
        self.done = 0;
        if filled {
            self.buf.make_room((size * 2).min(LARGEST));
        }
        Poll::Ready(Ok(()))
    }
}

/// Copies everything from `reader` to `writer`, flushes, and returns how many bytes that was.
///
/// The buffer is 8 KiB at first and grows to 64 KiB while the reader fills it. Whenever the reader has
/// nothing for now, the writer is flushed, so that what came so far reaches its peer. The writer is
/// not closed.
///
/// # Cancel safety
///
/// Unsafe: bytes that were read and not yet written, up to 64 KiB, are lost. Use
/// [`copy_buf`](super::copy_buf), which takes from the reader only what the writer took.
///
/// # Errors
///
/// Those of the reader and of the writer; `WriteZero` when the writer takes no more.
///
/// # Examples
///
/// ```
/// # corio_io::example(async {
/// let mut input: &[u8] = b"all of it";
/// let mut output = Vec::new();
/// assert_eq!(corio_io::copy(&mut input, &mut output).await?, 9);
/// assert_eq!(output, b"all of it");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn copy<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> Copy<'a, R, W>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    Copy { reader, writer, pump: Pump::default(), site: Site::caller() }
}

/// The future of [`copy()`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Copy<'a, R: ?Sized, W: ?Sized> {
    reader: &'a mut R,
    writer: &'a mut W,
    pump: Pump,
    site: Site,
}

debug_sizes!([R: ?Sized, W: ?Sized] Copy<'_, R, W> as "Copy", f => { copied: f.pump.copied });

impl<R, W> Future for Copy<'_, R, W>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    type Output = Result<u64>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.pump.poll(cx, Pin::new(&mut *this.reader), Pin::new(&mut *this.writer), this.site)
    }
}
