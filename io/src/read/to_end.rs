//! Everything up to the end of the input: [`ReadToEnd`], [`ReadToString`].

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncRead;

use crate::support::{another_turn, not_utf8, noted, read_count, too_long};

/// The room for the first read when the vector has none, and for a look past a full one: a vector
/// that the caller made just large enough does not grow to find the end.
const SMALL: usize = 32;
/// The most room offered at once: room is zeroed, which a reader that gives little should not pay for.
const LARGE: usize = 64 << 10;

/// A vector whose end is room for a read; dropping the guard cuts it back to the bytes that came.
struct Filling<'a> {
    buf: &'a mut Vec<u8>,
    filled: usize,
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        self.buf.truncate(self.filled);
    }
}

impl Filling<'_> {
    /// The room at the end, which is made to have `chunk` bytes if it has none.
    fn room(&mut self, chunk: usize, most: usize) -> &mut [u8] {
        if self.filled == self.buf.len() {
            let spare = self.buf.capacity() - self.filled;
            // A vector that has room (of the caller's making, perhaps just enough) is filled first.
            let more = if spare == 0 { chunk } else { spare.min(chunk) };
            self.buf.resize(self.filled.saturating_add(more.min(most)), 0);
        }
        &mut self.buf[self.filled..]
    }

    /// Appends bytes that came some other way.
    fn add(&mut self, bytes: &[u8]) {
        self.buf.truncate(self.filled);
        self.buf.extend_from_slice(bytes);
        self.filled = self.buf.len();
    }
}

/// How a read to the end goes on from poll to poll.
struct Progress {
    /// The length of the vector at the start, and how much it could hold.
    start: usize,
    start_capacity: usize,
    /// The room for the next read: doubled when a read fills it, halved when it is far too large.
    chunk: usize,
    limit: usize,
}

impl Progress {
    fn new(buf: &Vec<u8>) -> Self {
        let (start, start_capacity) = (buf.len(), buf.capacity());
        Self { start, start_capacity, chunk: SMALL, limit: usize::MAX }
    }

    fn poll<R: AsyncRead + Unpin + ?Sized>(
        &mut self,
        reader: &mut R,
        cx: &mut Context<'_>,
        buf: &mut Vec<u8>,
        site: Site,
    ) -> Poll<Result<usize>> {
        let filled = buf.len();
        let mut filling = Filling { buf, filled };
        loop {
            let came = filling.filled - self.start;
            let left = self.limit.saturating_sub(came);
            if left == 0 {
                return match ready!(poll_probe(reader, cx, &mut [0], site))? {
                    0 => Poll::Ready(Ok(came)),
                    _ => Poll::Ready(Err(too_long("the input", self.limit))),
                };
            }
            if filling.filled == self.start_capacity && self.start_capacity > self.start {
                let mut probe = [0; SMALL];
                let probe = &mut probe[..SMALL.min(left)];
                let n = ready!(poll_probe(reader, cx, probe, site))?;
                if n == 0 {
                    return Poll::Ready(Ok(came));
                }
                filling.add(&probe[..n]);
                continue;
            }
            let room = filling.room(self.chunk, left);
            let len = room.len();
            let poll = Pin::new(&mut *reader).poll_read(cx, room);
            let n = read_count(ready!(noted(poll, site, WaitKind::Read))?, len)?;
            if n == 0 {
                return Poll::Ready(Ok(came));
            }
            filling.filled += n;
            self.adapt(n, len);
            ready!(another_turn(cx));
        }
    }

    fn adapt(&mut self, n: usize, room: usize) {
        if n == room {
            self.chunk = (self.chunk * 2).min(LARGE);
        } else if n < room / 4 {
            self.chunk = (self.chunk / 2).max(SMALL);
        }
    }
}

/// One read into a small buffer of our own.
fn poll_probe<R: AsyncRead + Unpin + ?Sized>(
    reader: &mut R,
    cx: &mut Context<'_>,
    probe: &mut [u8],
    site: Site,
) -> Poll<Result<usize>> {
    let poll = Pin::new(&mut *reader).poll_read(cx, probe);
    Poll::Ready(read_count(ready!(noted(poll, site, WaitKind::Read))?, probe.len()))
}

/// The future of [`AsyncReadExt::read_to_end`](super::AsyncReadExt::read_to_end) and
/// [`read_to_end_limited`](super::AsyncReadExt::read_to_end_limited).
#[must_use = "futures do nothing unless they are awaited"]
pub struct ReadToEnd<'a, R: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut Vec<u8>,
    progress: Progress,
    site: Site,
}

debug_sizes!([R: ?Sized] ReadToEnd<'_, R> as "ReadToEnd", f => {
    came: f.buf.len() - f.progress.start,
    max_length: f.progress.limit,
});

impl<'a, R: ?Sized> ReadToEnd<'a, R> {
    pub(super) fn new(reader: &'a mut R, buf: &'a mut Vec<u8>, site: Site) -> Self {
        let progress = Progress::new(buf);
        Self { reader, buf, progress, site }
    }

    /// Sets how long the input may be; a longer one is an error of kind `InvalidData`.
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.progress.limit = bytes;
        self
    }
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadToEnd<'_, R> {
    type Output = Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.progress.poll(this.reader, cx, this.buf, this.site)
    }
}

/// The future of [`AsyncReadExt::read_to_string`](super::AsyncReadExt::read_to_string).
#[must_use = "futures do nothing unless they are awaited"]
pub struct ReadToString<'a, R: ?Sized> {
    reader: &'a mut R,
    text: &'a mut String,
    bytes: Vec<u8>,
    progress: Progress,
    site: Site,
}

debug_sizes!([R: ?Sized] ReadToString<'_, R> as "ReadToString", f => {
    came: f.bytes.len(),
    max_length: f.progress.limit,
});

impl<'a, R: ?Sized> ReadToString<'a, R> {
    pub(super) fn new(reader: &'a mut R, text: &'a mut String, site: Site) -> Self {
        let bytes = Vec::new();
        let progress = Progress::new(&bytes);
        Self { reader, text, bytes, progress, site }
    }

    /// Sets how long the input may be; a longer one is an error of kind `InvalidData`.
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.progress.limit = bytes;
        self
    }
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadToString<'_, R> {
    type Output = Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let n = ready!(this.progress.poll(this.reader, cx, &mut this.bytes, this.site))?;
        match std::str::from_utf8(&this.bytes) {
            // The usual case, an empty string, takes the bytes over as they are.
            Ok(_) if this.text.is_empty() => {
                *this.text = String::from_utf8(std::mem::take(&mut this.bytes)).unwrap_or_default();
            }
            Ok(text) => this.text.push_str(text),
            Err(e) => return Poll::Ready(Err(not_utf8("the input", e.valid_up_to()))),
        }
        Poll::Ready(Ok(n))
    }
}
