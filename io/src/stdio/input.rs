//! Standard input.

use std::fmt;
use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_runtime::reactor::Wait;
use corio_sync::hooks::WaitKind;
use corio_sync::prim::Mutex;
use corio_sync::prim::statics::OnceLock;
use futures_io::{AsyncBufRead, AsyncRead};

use super::source::Source;
use crate::Lines;
use crate::buf_read::{AsyncBufReadExt, ReadLine};

/// As much is read at a time.
const CHUNK: usize = 8 << 10;

/// What handles that are gone had read and nobody has taken.
static LEFT: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();

/// Standard input, with a buffer.
///
/// From a pipe, a socket or a terminal it is read when there is something, without a thread that waits:
/// a read that is pending neither keeps the program from ending nor swallows a byte. The
/// stream's mode, which other programs share, is left alone. From a regular file it is read as
/// [`fs::File`](crate::fs::File) is.
///
/// Use one handle at a time; what one leaves in its buffer when it is dropped the next one finds. What
/// [`std::io::stdin`] has in its own buffer is not seen here.
///
/// # Cancel safety
///
/// `read` and the methods for lines are safe: what has been read stays in the buffer.
///
/// # Examples
///
/// ```
/// async fn count() -> std::io::Result<usize> {
///     let mut lines = corio_io::stdin().lines();
///     let mut count = 0;
///     while lines.next_line().await?.is_some() {
///         count += 1;
///     }
///     Ok(count)
/// }
/// # drop(count);
/// ```
pub struct Stdin {
    /// Opened at the first read.
    source: Option<Source>,
    /// What has been read lies between `taken` and `filled`.
    bytes: Vec<u8>,
    taken: usize,
    filled: usize,
}

inherent_read!(Stdin);

/// A handle of standard input; see [`Stdin`].
pub fn stdin() -> Stdin {
    let bytes = std::mem::take(&mut *left().lock());
    let filled = bytes.len();
    Stdin { source: None, bytes, taken: 0, filled }
}

fn left() -> &'static Mutex<Vec<u8>> {
    LEFT.get_or_init(|| Mutex::new(Vec::new()))
}

impl Stdin {
    /// The lines, without their ends: a `Stream` with a method
    /// [`next_line`](crate::Lines::next_line).
    ///
    /// # Errors
    ///
    /// See [`AsyncBufReadExt::lines`](crate::AsyncBufReadExt::lines), which this is.
    pub fn lines(self) -> Lines<Self> {
        AsyncBufReadExt::lines(self)
    }

    /// Reads a line with its end and appends it to `line`; returns how many bytes came, 0 at the end.
    ///
    /// # Cancel safety
    ///
    /// See [`AsyncBufReadExt::read_line`](crate::AsyncBufReadExt::read_line), which this is.
    ///
    /// # Errors
    ///
    /// See the same.
    #[track_caller]
    pub fn read_line<'a>(&'a mut self, line: &'a mut String) -> ReadLine<'a, Self> {
        AsyncBufReadExt::read_line(self, line)
    }

    fn poll_fill(&mut self, wait: Wait, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.taken < self.filled {
            return Poll::Ready(Ok(()));
        }
        if self.source.is_none() {
            self.source = Some(Source::open()?);
        }
        let Some(source) = &mut self.source else { unreachable!("it was just opened") };
        self.bytes.resize(CHUNK, 0);
        (self.taken, self.filled) = (0, 0);
        self.filled = ready!(source.poll_read(wait, cx, &mut self.bytes))?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Stdin {
    #[track_caller]
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        let this = self.get_mut();
        ready!(this.poll_fill(Wait::here(WaitKind::Read), cx))?;
        Poll::Ready(Ok(&this.bytes[this.taken..this.filled]))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.taken = self.filled.min(self.taken.saturating_add(amount));
    }
}

impl AsyncRead for Stdin {
    #[track_caller]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let this = self.get_mut();
        ready!(this.poll_fill(Wait::here(WaitKind::Read), cx))?;
        let bytes = &this.bytes[this.taken..this.filled];
        let n = bytes.len().min(buf.len());
        buf[..n].copy_from_slice(&bytes[..n]);
        this.taken += n;
        Poll::Ready(Ok(n))
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        let unread = &self.bytes[self.taken..self.filled];
        if !unread.is_empty() {
            let mut left = left().lock();
            left.splice(0..0, unread.iter().copied());
        }
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin")
            .field("buffered", &(self.filled - self.taken))
            .finish_non_exhaustive()
    }
}
