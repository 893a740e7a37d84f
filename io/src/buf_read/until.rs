//! Up to a delimiter: [`ReadUntil`], [`ReadLine`].

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncBufRead;

use crate::DEFAULT_MAX_LENGTH;
use crate::support::{another_turn, find_byte, not_utf8, noted, too_long};

/// How a search for a delimiter ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// At the delimiter, which is the last byte collected.
    Found,
    /// At the end of the input.
    End,
    /// At the limit; what follows is still in the reader.
    TooLong,
}

/// Collects into `buf` up to and including `delimiter`; at most `limit` bytes from `start` before it.
pub(super) fn poll_until<R: AsyncBufRead + ?Sized>(
    mut reader: Pin<&mut R>,
    cx: &mut Context<'_>,
    delimiter: u8,
    buf: &mut Vec<u8>,
    (start, limit): (usize, usize),
    site: Site,
) -> Poll<Result<Outcome>> {
    loop {
        let bytes = ready!(noted(reader.as_mut().poll_fill_buf(cx), site, WaitKind::Read))?;
        if bytes.is_empty() {
            return Poll::Ready(Ok(Outcome::End));
        }
        let left = limit.saturating_sub(buf.len() - start);
        // One byte beyond the limit may be looked at: the delimiter.
        let window = &bytes[..bytes.len().min(left.saturating_add(1))];
        let (taken, outcome) = match find_byte(delimiter, window) {
            Some(at) => (at + 1, Some(Outcome::Found)),
            None if window.len() > left => (left, Some(Outcome::TooLong)),
            None => (window.len(), None),
        };
        buf.extend_from_slice(&window[..taken]);
        reader.as_mut().consume(taken);
        if let Some(outcome) = outcome {
            return Poll::Ready(Ok(outcome));
        }
        ready!(another_turn(cx));
    }
}

/// Throws away what comes up to and including `delimiter`, or up to the end.
pub(super) fn poll_skip<R: AsyncBufRead + ?Sized>(
    mut reader: Pin<&mut R>,
    cx: &mut Context<'_>,
    delimiter: u8,
    site: Site,
) -> Poll<Result<()>> {
    loop {
        let bytes = ready!(noted(reader.as_mut().poll_fill_buf(cx), site, WaitKind::Read))?;
        let (len, at) = (bytes.len(), find_byte(delimiter, bytes));
        reader.as_mut().consume(at.map_or(len, |at| at + 1));
        if at.is_some() || len == 0 {
            return Poll::Ready(Ok(()));
        }
        ready!(another_turn(cx));
    }
}

/// The future of [`AsyncBufReadExt::read_until`](super::AsyncBufReadExt::read_until).
#[must_use = "futures do nothing unless they are awaited"]
pub struct ReadUntil<'a, R: ?Sized> {
    reader: &'a mut R,
    delimiter: u8,
    buf: &'a mut Vec<u8>,
    start: usize,
    limit: usize,
    site: Site,
}

debug_sizes!([R: ?Sized] ReadUntil<'_, R> as "ReadUntil", f => {
    came: f.buf.len() - f.start,
    max_length: f.limit,
});

impl<'a, R: ?Sized> ReadUntil<'a, R> {
    pub(super) fn new(reader: &'a mut R, delimiter: u8, buf: &'a mut Vec<u8>, site: Site) -> Self {
        let start = buf.len();
        Self { reader, delimiter, buf, start, limit: DEFAULT_MAX_LENGTH, site }
    }

    /// Sets how many bytes may come before the delimiter.
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadUntil<'_, R> {
    type Output = Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let reader = Pin::new(&mut *this.reader);
        let bounds = (this.start, this.limit);
        match ready!(poll_until(reader, cx, this.delimiter, this.buf, bounds, this.site))? {
            Outcome::TooLong => {
                Poll::Ready(Err(too_long("what comes to the delimiter", this.limit)))
            }
            _ => Poll::Ready(Ok(this.buf.len() - this.start)),
        }
    }
}

/// The future of [`AsyncBufReadExt::read_line`](super::AsyncBufReadExt::read_line).
#[must_use = "futures do nothing unless they are awaited"]
pub struct ReadLine<'a, R: ?Sized> {
    reader: &'a mut R,
    line: &'a mut String,
    bytes: Vec<u8>,
    limit: usize,
    site: Site,
}

debug_sizes!([R: ?Sized] ReadLine<'_, R> as "ReadLine", f => {
    came: f.bytes.len(),
    max_length: f.limit,
});

impl<'a, R: ?Sized> ReadLine<'a, R> {
    pub(super) fn new(reader: &'a mut R, line: &'a mut String, site: Site) -> Self {
        Self { reader, line, bytes: Vec::new(), limit: DEFAULT_MAX_LENGTH, site }
    }

    /// Sets how many bytes the line may have before its `\n`.
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadLine<'_, R> {
    type Output = Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let reader = Pin::new(&mut *this.reader);
        let bounds = (0, this.limit);
        let outcome = poll_until(reader, cx, b'\n', &mut this.bytes, bounds, this.site);
        if ready!(outcome)? == Outcome::TooLong {
            return Poll::Ready(Err(too_long("the line", this.limit)));
        }
        match std::str::from_utf8(&this.bytes) {
            Ok(text) => this.line.push_str(text),
            Err(e) => return Poll::Ready(Err(not_utf8("the line", e.valid_up_to()))),
        }
        Poll::Ready(Ok(this.bytes.len()))
    }
}
