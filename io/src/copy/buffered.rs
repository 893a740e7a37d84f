//! One direction from a reader that has a buffer: [`copy_buf`].

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{self, Site, WaitKind};
use futures_io::{AsyncBufRead, AsyncWrite};

use super::Unflushed;
use crate::support::{another_turn, noted, write_count, write_zero};

/// Copies everything from `reader`'s own buffer to `writer`, flushes, and returns how many bytes that was.
///
/// Otherwise like [`copy()`](super::copy()).
///
/// # Cancel safety
///
/// Safe, but the count is lost: a dropped `copy_buf` has taken from the reader what the writer took,
/// and another one goes on from there.
///
/// # Errors
///
/// Those of the reader and of the writer; `WriteZero` when the writer takes no more. Bytes that the
/// writer did not take are still in the reader.
///
/// # Examples
///
/// ```
/// use corio_io::{BufReader, copy_buf};
///
/// # corio_io::example(async {
/// let mut input = BufReader::with_capacity(64 << 10, &b"all of it"[..]);
/// let mut output = Vec::new();
/// assert_eq!(copy_buf(&mut input, &mut output).await?, 9);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn copy_buf<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> CopyBuf<'a, R, W>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    CopyBuf { reader, writer, copied: 0, unflushed: Unflushed(false), site: Site::caller() }
}

/// The future of [`copy_buf`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct CopyBuf<'a, R: ?Sized, W: ?Sized> {
    reader: &'a mut R,
    writer: &'a mut W,
    copied: u64,
    unflushed: Unflushed,
    site: Site,
}

debug_sizes!([R: ?Sized, W: ?Sized] CopyBuf<'_, R, W> as "CopyBuf", f => { copied: f.copied });

impl<R, W> Future for CopyBuf<'_, R, W>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    type Output = Result<u64>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            let mut writer = Pin::new(&mut *this.writer);
            let Poll::Ready(bytes) = Pin::new(&mut *this.reader).poll_fill_buf(cx)? else {
                // An error of the flush ends the copy; a flush that has to wait does so beside the read.
                let _ = this.unflushed.poll_flush(writer, cx, this.site)?;
                hooks::set_wait(this.site, WaitKind::Read);
                return Poll::Pending;
            };
            if bytes.is_empty() {
                ready!(this.unflushed.poll_flush(writer, cx, this.site))?;
                return Poll::Ready(Ok(this.copied));
            }
            let len = bytes.len();
            let poll = writer.as_mut().poll_write(cx, bytes);
            let n = write_count(ready!(noted(poll, this.site, WaitKind::Write))?, len)?;
            if n == 0 {
                return Poll::Ready(Err(write_zero(0, len)));
            }
            Pin::new(&mut *this.reader).consume(n);
            this.copied += n as u64;
            this.unflushed.0 = true;
            ready!(another_turn(cx));
        }
    }
}
