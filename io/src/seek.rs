//! The methods of everything that has a position.

use std::io::{Result, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncSeek;

use crate::support::noted;

/// Moves within any [`AsyncSeek`].
///
/// # Examples
///
/// ```
/// use corio_io::{AsyncReadExt, AsyncSeekExt, Cursor, SeekFrom};
///
/// # corio_io::example(async {
/// let mut file = Cursor::new("0123456789");
/// assert_eq!(file.seek(SeekFrom::End(-3)).await?, 7);
/// assert_eq!(file.read_u8().await?, b'7');
/// assert_eq!(file.stream_position().await?, 8);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncSeekExt: AsyncSeek {
    /// Moves to `to`; returns the new position, counted from the start.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `seek` may or may not have moved: seek again, from the start or the end.
    ///
    /// # Errors
    ///
    /// A position before the start; otherwise those of the thing itself.
    #[track_caller]
    fn seek(&mut self, to: SeekFrom) -> Seek<'_, Self>
    where
        Self: Unpin,
    {
        Seek { inner: self, to, site: Site::caller() }
    }

    /// Moves to the start.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `rewind` may or may not have moved.
    ///
    /// # Errors
    ///
    /// As [`seek`](Self::seek).
    #[track_caller]
    fn rewind(&mut self) -> Seek<'_, Self>
    where
        Self: Unpin,
    {
        self.seek(SeekFrom::Start(0))
    }

    /// Returns the position, counted from the start.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing moves.
    ///
    /// # Errors
    ///
    /// As [`seek`](Self::seek).
    #[doc(alias = "tell")]
    #[track_caller]
    fn stream_position(&mut self) -> Seek<'_, Self>
    where
        Self: Unpin,
    {
        self.seek(SeekFrom::Current(0))
    }
}

impl<S: AsyncSeek + ?Sized> AsyncSeekExt for S {}

/// The future of the methods of [`AsyncSeekExt`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Seek<'a, S: ?Sized> {
    inner: &'a mut S,
    to: SeekFrom,
    site: Site,
}

debug_sizes!([S: ?Sized] Seek<'_, S> as "Seek", f => { to: f.to });

impl<S: AsyncSeek + Unpin + ?Sized> Future for Seek<'_, S> {
    type Output = Result<u64>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let poll = Pin::new(&mut *this.inner).poll_seek(cx, this.to);
        noted(poll, this.site, WaitKind::Other)
    }
}
