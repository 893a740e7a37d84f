//! The methods of readers with a buffer, and the futures and streams they return.

mod fill;
mod segments;
mod until;

use std::pin::Pin;

use corio_sync::hooks::Site;
use futures_io::AsyncBufRead;

pub use fill::FillBuf;
pub use segments::{Lines, NextLine, NextSegment, Split};
pub use until::{ReadLine, ReadUntil};

/// Reads up to a byte, or line by line, from any [`AsyncBufRead`].
///
/// A reader without a buffer gets one from [`BufReader`](crate::BufReader).
///
/// # Examples
///
/// ```
/// use corio_io::{AsyncBufReadExt, BufReader};
///
/// # corio_io::example(async {
/// let socket: &[u8] = b"HELO me\r\nQUIT\r\n";
/// let mut lines = BufReader::new(socket).lines();
/// while let Some(line) = lines.next_line().await? {
///     assert!(line == "HELO me" || line == "QUIT");
/// }
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncBufReadExt: AsyncBufRead {
    /// Returns what is in the buffer, reading once if it is empty; an empty slice is the end.
    ///
    /// Bytes stay in the buffer until [`consume`](Self::consume) takes them.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is taken.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    #[track_caller]
    fn fill_buf(&mut self) -> FillBuf<'_, Self>
    where
        Self: Unpin,
    {
        FillBuf { reader: Some(self), site: Site::caller() }
    }

    /// Takes `n` bytes out of the buffer.
    ///
    /// More than [`fill_buf`](Self::fill_buf) returned is a mistake; the readers of this crate then
    /// take what there is.
    fn consume(&mut self, n: usize)
    where
        Self: Unpin,
    {
        AsyncBufRead::consume(Pin::new(self), n);
    }

    /// Reads up to and including `delimiter`, or to the end; returns how many bytes it appended to `buf`.
    ///
    /// At most [`DEFAULT_MAX_LENGTH`](crate::DEFAULT_MAX_LENGTH) bytes before the delimiter; set
    /// another limit with [`max_length`](ReadUntil::max_length).
    ///
    /// # Cancel safety
    ///
    /// Safe: what a dropped `read_until` has read is in `buf`, and another call goes on from there (the
    /// limit starts anew).
    ///
    /// # Errors
    ///
    /// `InvalidData` over the limit, and those of the reader. What was read before is in `buf`, what
    /// follows is still in the reader.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::AsyncBufReadExt;
    ///
    /// # corio_io::example(async {
    /// let mut input: &[u8] = b"key=value";
    /// let mut key = Vec::new();
    /// input.read_until(b'=', &mut key).max_length(64).await?;
    /// assert_eq!((key.as_slice(), input), (&b"key="[..], &b"value"[..]));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "readuntil")]
    #[track_caller]
    fn read_until<'a>(&'a mut self, delimiter: u8, buf: &'a mut Vec<u8>) -> ReadUntil<'a, Self>
    where
        Self: Unpin,
    {
        ReadUntil::new(self, delimiter, buf, Site::caller())
    }

    /// Reads a line, its `\n` included, and appends it to `line`; returns its bytes, 0 at the end.
    ///
    /// At most [`DEFAULT_MAX_LENGTH`](crate::DEFAULT_MAX_LENGTH) bytes before the `\n`; set another
    /// limit with [`max_length`](ReadLine::max_length).
    ///
    /// # Cancel safety
    ///
    /// Unsafe: what a dropped `read_line` has read of its line is lost. Use [`lines`](Self::lines),
    /// which keeps it, or [`read_until`](Self::read_until).
    ///
    /// # Errors
    ///
    /// `InvalidData` for a line that is not UTF-8 (the line is gone) or over the limit (its rest is
    /// still in the reader), and those of the reader. After any error `line` is as it was.
    #[doc(alias = "readline")]
    #[track_caller]
    fn read_line<'a>(&'a mut self, line: &'a mut String) -> ReadLine<'a, Self>
    where
        Self: Unpin,
    {
        ReadLine::new(self, line, Site::caller())
    }

    /// Makes a stream of the lines, without their `\n` or `\r\n`.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::{AsyncBufReadExt, Cursor};
    ///
    /// # corio_io::example(async {
    /// let mut lines = Cursor::new("one\ntwo\r\nthree").lines().max_length(80);
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("one"));
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("two"));
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("three"));
    /// assert_eq!(lines.next_line().await?, None);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    fn lines(self) -> Lines<Self>
    where
        Self: Sized,
    {
        Lines::new(self, Site::caller())
    }

    /// Makes a stream of the segments between `delimiter` bytes, without these.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::{AsyncBufReadExt, Cursor};
    ///
    /// # corio_io::example(async {
    /// let mut fields = Cursor::new("a,bc").split(b',');
    /// assert_eq!(fields.next_segment().await?.as_deref(), Some(&b"a"[..]));
    /// assert_eq!(fields.next_segment().await?.as_deref(), Some(&b"bc"[..]));
    /// assert_eq!(fields.next_segment().await?, None);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    fn split(self, delimiter: u8) -> Split<Self>
    where
        Self: Sized,
    {
        Split::new(self, delimiter, Site::caller())
    }
}

impl<R: AsyncBufRead + ?Sized> AsyncBufReadExt for R {}
