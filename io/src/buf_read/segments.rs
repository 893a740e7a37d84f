//! Streams of what stands between delimiters: [`Split`], [`Lines`].

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::Site;
use futures_core::Stream;
use futures_io::AsyncBufRead;
use pin_project_lite::pin_project;

use super::until::{Outcome, poll_skip, poll_until};
use crate::DEFAULT_MAX_LENGTH;
use crate::support::{not_utf8, pop_byte, too_long};

/// A segment in the making. It outlives the futures that poll it, so dropping one loses nothing.
struct Segment {
    bytes: Vec<u8>,
    delimiter: u8,
    limit: usize,
    /// The segment was too long and has been reported: its rest is to be thrown away.
    skipping: bool,
    /// Where the stream was made, for polls that come from no call of ours.
    site: Site,
}

debug_sizes!([] Segment as "Segment", s => { came: s.bytes.len(), max_length: s.limit });

impl Segment {
    fn new(delimiter: u8, site: Site) -> Self {
        Self { bytes: Vec::new(), delimiter, limit: DEFAULT_MAX_LENGTH, skipping: false, site }
    }

    /// The next segment, with its delimiter unless it ends with the input.
    fn poll<R: AsyncBufRead + ?Sized>(
        &mut self,
        mut reader: Pin<&mut R>,
        cx: &mut Context<'_>,
        site: Site,
        what: &str,
    ) -> Poll<Result<Option<Vec<u8>>>> {
        if self.skipping {
            ready!(poll_skip(reader.as_mut(), cx, self.delimiter, site))?;
            self.skipping = false;
        }
        let bounds = (0, self.limit);
        let outcome = poll_until(reader, cx, self.delimiter, &mut self.bytes, bounds, site);
        match ready!(outcome)? {
            Outcome::TooLong => {
                self.skipping = true;
                self.bytes = Vec::new();
                Poll::Ready(Err(too_long(what, self.limit)))
            }
            Outcome::End if self.bytes.is_empty() => Poll::Ready(Ok(None)),
            _ => Poll::Ready(Ok(Some(std::mem::take(&mut self.bytes)))),
        }
    }

    fn poll_split<R: AsyncBufRead + ?Sized>(
        &mut self,
        reader: Pin<&mut R>,
        cx: &mut Context<'_>,
        site: Site,
    ) -> Poll<Result<Option<Vec<u8>>>> {
        let mut segment = ready!(self.poll(reader, cx, site, "the segment"))?;
        if let Some(bytes) = &mut segment {
            pop_byte(bytes, self.delimiter);
        }
        Poll::Ready(Ok(segment))
    }

    fn poll_line<R: AsyncBufRead + ?Sized>(
        &mut self,
        reader: Pin<&mut R>,
        cx: &mut Context<'_>,
        site: Site,
    ) -> Poll<Result<Option<String>>> {
        let Some(mut line) = ready!(self.poll(reader, cx, site, "the line"))? else {
            return Poll::Ready(Ok(None));
        };
        if pop_byte(&mut line, b'\n') {
            pop_byte(&mut line, b'\r');
        }
        let text = String::from_utf8(line)
            .map_err(|e| not_utf8("the line", e.utf8_error().valid_up_to()))?;
        Poll::Ready(Ok(Some(text)))
    }
}

pin_project! {
    /// The lines of a reader, made by [`AsyncBufReadExt::lines`](super::AsyncBufReadExt::lines).
    ///
    /// A `Stream` of `Result<String>`; [`next_line`](Self::next_line) needs no stream extension.
    ///
    /// A line that is not UTF-8, or longer than the limit, is an error of kind `InvalidData`, once: the
    /// next call goes on with the next line. Of an overlong line nothing is kept.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless they are polled"]
    pub struct Lines<R> {
        #[pin]
        reader: R,
        segment: Segment,
    }
}

pin_project! {
    /// The segments of a reader, made by [`AsyncBufReadExt::split`](super::AsyncBufReadExt::split).
    ///
    /// A `Stream` of `Result<Vec<u8>>`; [`next_segment`](Self::next_segment) needs no stream
    /// extension.
    ///
    /// A segment longer than the limit is an error of kind `InvalidData`, once: the next call goes on
    /// with the next segment.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless they are polled"]
    pub struct Split<R> {
        #[pin]
        reader: R,
        segment: Segment,
    }
}

/// What [`Lines`] and [`Split`] have in common beside their streams.
macro_rules! segment_stream {
    ($stream:ident, $what:literal) => {
        impl<R> $stream<R> {
            #[doc = concat!("Sets how many bytes a ", $what, " may have before the byte that ends it.")]
            ///
            /// Unless set it is [`DEFAULT_MAX_LENGTH`](crate::DEFAULT_MAX_LENGTH).
            pub fn max_length(mut self, bytes: usize) -> Self {
                self.segment.limit = bytes;
                self
            }

            /// Returns a reference to the reader.
            pub fn get_ref(&self) -> &R {
                &self.reader
            }

            /// Returns a mutable reference to the reader.
            pub fn get_mut(&mut self) -> &mut R {
                &mut self.reader
            }

            #[doc = concat!("Returns the reader; what has been read of a ", $what, " is lost.")]
            pub fn into_inner(self) -> R {
                self.reader
            }
        }
    };
}

segment_stream!(Lines, "line");
segment_stream!(Split, "segment");

impl<R> Lines<R> {
    pub(super) fn new(reader: R, site: Site) -> Self {
        Self { reader, segment: Segment::new(b'\n', site) }
    }

    /// Returns the next line without its `\n` or `\r\n`, `None` at the end.
    ///
    /// # Cancel safety
    ///
    /// Safe: what a dropped `next_line` has read is kept for the next one.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a line that is too long or not UTF-8, and those of the reader. None of them
    /// ends the stream.
    #[track_caller]
    pub fn next_line(&mut self) -> NextLine<'_, R>
    where
        R: AsyncBufRead + Unpin,
    {
        NextLine { lines: self, site: Site::caller() }
    }
}

impl<R> Split<R> {
    pub(super) fn new(reader: R, delimiter: u8, site: Site) -> Self {
        Self { reader, segment: Segment::new(delimiter, site) }
    }

    /// Returns the next segment without its delimiter, `None` at the end.
    ///
    /// # Cancel safety
    ///
    /// Safe: what a dropped `next_segment` has read is kept for the next one.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a segment that is too long, and those of the reader. None of them ends the
    /// stream.
    #[track_caller]
    pub fn next_segment(&mut self) -> NextSegment<'_, R>
    where
        R: AsyncBufRead + Unpin,
    {
        NextSegment { split: self, site: Site::caller() }
    }
}

impl<R: AsyncBufRead> Stream for Lines<R> {
    type Item = Result<String>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let site = this.segment.site;
        this.segment.poll_line(this.reader, cx, site).map(Result::transpose)
    }
}

impl<R: AsyncBufRead> Stream for Split<R> {
    type Item = Result<Vec<u8>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let site = this.segment.site;
        this.segment.poll_split(this.reader, cx, site).map(Result::transpose)
    }
}

/// The future of [`Lines::next_line`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct NextLine<'a, R> {
    lines: &'a mut Lines<R>,
    site: Site,
}

impl<R: AsyncBufRead + Unpin> Future for NextLine<'_, R> {
    type Output = Result<Option<String>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let site = self.site;
        let lines = &mut *self.lines;
        lines.segment.poll_line(Pin::new(&mut lines.reader), cx, site)
    }
}

/// The future of [`Split::next_segment`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct NextSegment<'a, R> {
    split: &'a mut Split<R>,
    site: Site,
}

impl<R: AsyncBufRead + Unpin> Future for NextSegment<'_, R> {
    type Output = Result<Option<Vec<u8>>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let site = self.site;
        let split = &mut *self.split;
        split.segment.poll_split(Pin::new(&mut split.reader), cx, site)
    }
}
