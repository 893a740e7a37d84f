//! Both directions of a proxy: [`copy_bidirectional`].

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::{AsyncRead, AsyncWrite};

use super::one::Pump;
use crate::support::noted;

/// One direction. A direction that is done is never polled again, so it cannot spin.
#[derive(Debug)]
enum Direction {
    Running(Pump),
    /// The reader has ended; its end is being passed on.
    Closing(u64),
    Done(u64),
}

impl Direction {
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
        site: Site,
    ) -> Poll<Result<u64>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        loop {
            *self = match self {
                Self::Running(pump) => {
                    let (reader, writer) = (Pin::new(&mut *reader), Pin::new(&mut *writer));
                    Self::Closing(ready!(pump.poll(cx, reader, writer, site))?)
                }
                Self::Closing(copied) => {
                    let poll = Pin::new(&mut *writer).poll_close(cx);
                    ready!(noted(poll, site, WaitKind::Write))?;
                    Self::Done(*copied)
                }
                Self::Done(copied) => return Poll::Ready(Ok(*copied)),
            }
        }
    }
}

/// Copies from `a` to `b` and from `b` to `a` until both have ended; returns both counts.
///
/// When one side ends, the other one's writer is closed (a half-close, as TCP has it) and the other
/// direction goes on. Whenever a reader has nothing for now, what it gave so far is flushed.
///
/// # Cancel safety
///
/// Unsafe: bytes that were read and not yet written are lost. Drop it together with both streams.
///
/// # Errors
///
/// The first error of either side, in either direction; the other direction stops too.
///
/// # Examples
///
/// ```
/// use corio_io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional, duplex};
///
/// # corio_io::example(async {
/// let (mut client, mut front) = duplex(64);
/// let (mut back, mut server) = duplex(64);
/// client.write_all(b"question").await?;
/// client.close().await?;
/// server.write_all(b"answer").await?;
/// server.close().await?;
///
/// assert_eq!(copy_bidirectional(&mut front, &mut back).await?, (8, 6));
/// let mut answer = String::new();
/// client.read_to_string(&mut answer).await?;
/// assert_eq!(answer, "answer");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn copy_bidirectional<'a, A, B>(a: &'a mut A, b: &'a mut B) -> CopyBidirectional<'a, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let running = || Direction::Running(Pump::default());
    let site = Site::caller();
    CopyBidirectional { a, b, there: running(), back: running(), back_first: false, site }
}

/// The future of [`copy_bidirectional`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct CopyBidirectional<'a, A: ?Sized, B: ?Sized> {
    a: &'a mut A,
    b: &'a mut B,
    there: Direction,
    back: Direction,
    /// Who goes first in the next poll: one direction that is always ready uses the task's budget up,
    /// and must not do so at the other's cost in each poll.
    back_first: bool,
    site: Site,
}

debug_sizes!([A: ?Sized, B: ?Sized] CopyBidirectional<'_, A, B> as "CopyBidirectional", f => {
    there: f.there,
    back: f.back,
});

impl<A, B> Future for CopyBidirectional<'_, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    type Output = Result<(u64, u64)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.back_first = !this.back_first;
        let (there, back);
        if this.back_first {
            there = this.there.poll(cx, this.a, this.b, this.site)?;
            back = this.back.poll(cx, this.b, this.a, this.site)?;
        } else {
            back = this.back.poll(cx, this.b, this.a, this.site)?;
            there = this.there.poll(cx, this.a, this.b, this.site)?;
        }
        Poll::Ready(Ok((ready!(there), ready!(back))))
    }
}
