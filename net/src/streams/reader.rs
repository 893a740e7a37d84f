//! The reading side of a stream.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_io::find_byte;
use corio_runtime::reactor::Wait;
use corio_sync::hooks::{self, WaitKind};
use corio_sync::prim::Arc;
use futures_core::Stream;
use futures_io::{AsyncBufRead, AsyncRead};

use super::buffer::Buffer;
use super::conn::Conn;
use super::error::{Failure, IncompleteRead, LimitOverrun};
use super::search::Separators;
use super::transport::{ReadOnly, Transport};
use crate::error::invalid;

/// How many bytes may stand before a separator unless the user says otherwise: 64 KiB.
pub const DEFAULT_LIMIT: usize = 64 * 1024;

/// A buffered reader of whatever bytes come from: pieces of some length, or up to a separator.
///
/// From [`open_connection`](crate::open_connection) and [`start_server`](crate::start_server), together with
/// a [`StreamWriter`](crate::StreamWriter); or from [`new`](Self::new), of anything that can be read. It reads
/// from the system only when it is asked for more than it has, so a peer that sends too quickly is held up by
/// the system's own buffers.
///
/// Whatever a method has read and not returned stays in the reader: each of them can be dropped at any time.
///
/// # Examples
///
/// ```
/// use corio_net::StreamReader;
///
/// # corio_runtime::run(async {
/// let mut reader = StreamReader::new(&b"HELO there\r\n\x00\x02ok"[..]);
/// assert_eq!(reader.read_until(b"\r\n").await?, b"HELO there\r\n");
/// let length = reader.read_exact(2).await?;
/// let length = u16::from_be_bytes([length[0], length[1]]);
/// assert_eq!(reader.read_exact(length.into()).await?, b"ok");
/// assert_eq!(reader.read(100).await?, b"");
/// assert!(reader.at_eof());
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub struct StreamReader {
    conn: Arc<Conn>,
    buffer: Buffer,
    limit: usize,
    /// How the stream has ended, once it has.
    end: Option<ReadEnd>,
}

enum ReadEnd {
    Eof,
    Failed(Failure),
}

impl StreamReader {
    /// Reads from `io`, which may be anything: a file, a pipe, bytes in memory.
    pub fn new(io: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let conn = Conn::new(Transport::other(ReadOnly(io), false), None);
        Self::of(conn, DEFAULT_LIMIT)
    }

    pub(crate) fn of(conn: Arc<Conn>, limit: usize) -> Self {
        Self { conn, buffer: Buffer::default(), limit, end: None }
    }

    /// Reads some bytes, at most `most`, waiting until there is one. Empty at the end.
    ///
    /// What the reader has is returned at once; it does not wait for more.
    ///
    /// # Errors
    ///
    /// Those of the system: the connection was reset, or timed out; and
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) after
    /// [`StreamWriter::abort`](crate::StreamWriter::abort). From then on every read gives that error, as soon
    /// as what came before is taken.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn read(&mut self, most: usize) -> impl Future<Output = io::Result<Vec<u8>>> + Send {
        let wait = Wait::here(WaitKind::Read);
        poll_fn(move |cx| {
            ready!(hooks::poll_budget(cx));
            if let Some(poll) = self.poll_read_direct(most, wait, cx) {
                return poll;
            }
            if most > 0 && self.buffer.is_empty() {
                ready!(self.poll_fill(wait, cx))?;
            }
            hooks::spend();
            Poll::Ready(Ok(self.buffer.take(most.min(self.buffer.len()))))
        })
    }

    /// Reads exactly `count` bytes. The limit is not for it: whoever asks knows how much.
    ///
    /// Memory is taken as the bytes come, not on the word of the one who says how many there will be.
    ///
    /// # Errors
    ///
    /// [`IncompleteRead`], with the bytes that came, when the stream ends before; else those of
    /// [`read`](Self::read).
    ///
    /// # Cancel safety
    ///
    /// Safe: what came stays in the reader.
    #[doc(alias = "readexactly")]
    #[track_caller]
    pub fn read_exact(&mut self, count: usize) -> impl Future<Output = io::Result<Vec<u8>>> + Send {
        let wait = Wait::here(WaitKind::Read);
        poll_fn(move |cx| {
            ready!(hooks::poll_budget(cx));
            while self.buffer.len() < count {
                if ready!(self.poll_fill(wait, cx))? == 0 {
                    let partial = self.buffer.take_all();
                    let peer = self.conn.peer();
                    return Poll::Ready(Err(IncompleteRead::error(partial, Some(count), peer)));
                }
            }
            hooks::spend();
            Poll::Ready(Ok(self.buffer.take(count)))
        })
    }

    /// Reads up to `separator`, and returns it with what stands before.
    ///
    /// # Errors
    ///
    /// [`IncompleteRead`], with the bytes that came, when the stream ends before; [`LimitOverrun`] when no
    /// separator begins within the [limit](Self::set_limit), and then all bytes stay in the reader;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when the separator is empty; else those of
    /// [`read`](Self::read).
    ///
    /// # Cancel safety
    ///
    /// Safe: what came stays in the reader.
    #[doc(alias = "readuntil")]
    #[track_caller]
    pub fn read_until<'a>(
        &'a mut self,
        separator: &'a [u8],
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send {
        self.piece(Separators::one(separator), Wait::here(WaitKind::Read))
    }

    /// Reads up to whichever of `separators` ends first, and returns it with what stands before.
    ///
    /// # Errors
    ///
    /// Those of [`read_until`](Self::read_until); [`InvalidInput`](io::ErrorKind::InvalidInput) also when
    /// there is no separator at all.
    ///
    /// # Cancel safety
    ///
    /// Safe: what came stays in the reader.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_net::StreamReader;
    ///
    /// # corio_runtime::run(async {
    /// let mut reader = StreamReader::new(&b"one\rtwo\n"[..]);
    /// assert_eq!(reader.read_until_any(&[b"\r", b"\n"]).await?, b"one\r");
    /// assert_eq!(reader.read_until_any(&[b"\r", b"\n"]).await?, b"two\n");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "readuntil")]
    #[track_caller]
    pub fn read_until_any<'a>(
        &'a mut self,
        separators: &'a [&'a [u8]],
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send {
        self.piece(Separators::any(separators), Wait::here(WaitKind::Read))
    }

    /// [`read_until`](Self::read_until) without a copy: the bytes are lent until the next call.
    ///
    /// # Errors
    ///
    /// Those of [`read_until`](Self::read_until).
    ///
    /// # Cancel safety
    ///
    /// Safe: what came stays in the reader.
    #[track_caller]
    pub fn read_until_ref<'a>(
        &'a mut self,
        separator: &'a [u8],
    ) -> impl Future<Output = io::Result<&'a [u8]>> + Send {
        let (separators, wait) = (Separators::one(separator), Wait::here(WaitKind::Read));
        async move {
            let (separators, mut scanned) = (separators?, 0);
            let piece = poll_fn(|cx| self.poll_piece(&separators, &mut scanned, wait, cx)).await?;
            Ok(self.buffer.skipped(piece))
        }
    }

    /// Reads a line, and returns it with its line feed. Empty at the end of the stream.
    ///
    /// A last line without a line feed is a line, too.
    ///
    /// # Errors
    ///
    /// [`LimitOverrun`] when the line is longer than the [limit](Self::set_limit). Unlike
    /// [`read_until`](Self::read_until) it then takes the line out of the reader, or, if its end has not come
    /// yet, all that has; the next call goes on behind. Else those of [`read`](Self::read).
    ///
    /// # Cancel safety
    ///
    /// Safe: what came stays in the reader.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_net::StreamReader;
    ///
    /// # corio_runtime::run(async {
    /// let mut reader = StreamReader::new(&b"one\ntwo"[..]);
    /// assert_eq!(reader.read_line().await?, b"one\n");
    /// assert_eq!(reader.read_line().await?, b"two");
    /// assert_eq!(reader.read_line().await?, b"");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "readline")]
    #[track_caller]
    pub fn read_line(&mut self) -> impl Future<Output = io::Result<Vec<u8>>> + Send {
        let (wait, mut scanned) = (Wait::here(WaitKind::Read), 0);
        poll_fn(move |cx| {
            let line = ready!(self.poll_line(&mut scanned, wait, cx))?;
            Poll::Ready(Ok(self.buffer.skipped(line).to_vec()))
        })
    }

    /// [`read_line`](Self::read_line) without a copy: the bytes are lent until the next call.
    ///
    /// # Errors
    ///
    /// Those of [`read_line`](Self::read_line).
    ///
    /// # Cancel safety
    ///
    /// Safe: what came stays in the reader.
    #[track_caller]
    pub fn read_line_ref(&mut self) -> impl Future<Output = io::Result<&[u8]>> + Send {
        let (wait, mut scanned) = (Wait::here(WaitKind::Read), 0);
        async move {
            let line = poll_fn(|cx| self.poll_line(&mut scanned, wait, cx)).await?;
            Ok(self.buffer.skipped(line))
        }
    }

    /// Reads everything up to the end of the stream. The limit is not for it.
    ///
    /// The peer decides how much that is: of one that is not trusted, read in parts.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read); what came before stays in the reader.
    ///
    /// # Cancel safety
    ///
    /// Safe: what came stays in the reader.
    #[track_caller]
    pub fn read_to_end(&mut self) -> impl Future<Output = io::Result<Vec<u8>>> + Send {
        let wait = Wait::here(WaitKind::Read);
        poll_fn(move |cx| {
            while ready!(self.poll_fill(wait, cx))? > 0 {}
            Poll::Ready(Ok(self.buffer.take_all()))
        })
    }

    /// The lines as a stream, each with its line feed; asyncio's `async for line in reader`.
    ///
    /// [`Lines::into_inner`] gives the reader back.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_net::StreamReader;
    ///
    /// # corio_runtime::run(async {
    /// let mut lines = StreamReader::new(&b"one\ntwo"[..]).lines();
    /// assert_eq!(lines.next().await.unwrap()?, b"one\n");
    /// assert_eq!(lines.next().await.unwrap()?, b"two");
    /// assert!(lines.next().await.is_none());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "__aiter__")]
    #[track_caller]
    pub fn lines(self) -> Lines {
        Lines { reader: self, wait: Wait::here(WaitKind::Read), scanned: 0 }
    }

    /// Whether the stream has ended and everything is taken.
    ///
    /// It tells what is known: the end is met by reading.
    pub fn at_eof(&self) -> bool {
        matches!(self.end, Some(ReadEnd::Eof)) && self.buffer.is_empty()
    }

    /// The bytes that have come and are not taken.
    pub fn buffer(&self) -> &[u8] {
        self.buffer.filled()
    }

    /// How many bytes may stand before a separator.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Lets so many bytes stand before a separator, and no more. 64 KiB unless set.
    ///
    /// It is for [`read_line`](Self::read_line), [`read_until`](Self::read_until) and their like, whose
    /// length the peer decides.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when it is 0.
    pub fn set_limit(&mut self, bytes: usize) -> io::Result<()> {
        check_limit(bytes)?;
        self.limit = bytes;
        Ok(())
    }

    /// The peer's address.
    ///
    /// # Errors
    ///
    /// Those of [`StreamWriter::peer_addr`](crate::StreamWriter::peer_addr).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.conn.peer_addr()
    }

    fn piece<'a>(
        &'a mut self,
        separators: io::Result<Separators<'a>>,
        wait: Wait,
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send + 'a {
        let mut scanned = 0;
        poll_fn(move |cx| {
            let separators = match &separators {
                Ok(separators) => separators,
                Err(error) => return Poll::Ready(Err(invalid(error))),
            };
            let piece = ready!(self.poll_piece(separators, &mut scanned, wait, cx))?;
            Poll::Ready(Ok(self.buffer.skipped(piece).to_vec()))
        })
    }

    /// Reads once from the system; 0 at the end.
    fn poll_fill(&mut self, wait: Wait, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Some(end) = &self.end {
            return Poll::Ready(end.result());
        }
        let result = ready!(self.conn.poll_read(wait, cx, self.buffer.room()));
        Poll::Ready(self.note(result).inspect(|count| self.buffer.add(*count)))
    }

    /// Reads once from the system, not by way of the buffer, if that is worth it.
    fn poll_read_direct(
        &mut self,
        most: usize,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Option<Poll<io::Result<Vec<u8>>>> {
        let size = self.buffer.direct(most).filter(|_| self.end.is_none())?;
        let mut bytes = Vec::new();
        let Poll::Ready(result) = self.conn.poll_read_new(wait, cx, &mut bytes, size)? else {
            return Some(Poll::Pending);
        };
        Some(Poll::Ready(self.note(result).map(|count| {
            self.buffer.learn(count, size);
            if count < size / 2 {
                // It may be kept for long.
                bytes.shrink_to_fit();
            }
            bytes
        })))
    }

    /// Remembers an end, or an error.
    fn note(&mut self, result: io::Result<usize>) -> io::Result<usize> {
        match &result {
            Ok(0) => match self.conn.cut_off() {
                None => self.end = Some(ReadEnd::Eof),
                Some(failure) => {
                    let error = failure.error();
                    self.end = Some(ReadEnd::Failed(failure));
                    return Err(error);
                }
            },
            Ok(_) => {}
            Err(error) if Failure::lasts(error) => {
                let failure = Failure::from(error);
                // Whoever writes is to know, too: what is sent now goes nowhere.
                self.conn.fail(failure.clone());
                self.end = Some(ReadEnd::Failed(failure));
            }
            Err(_) => {}
        }
        result
    }

    /// A piece that ends with a separator. `scanned` bytes are known not to begin one.
    fn poll_piece(
        &mut self,
        separators: &Separators<'_>,
        scanned: &mut usize,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Range<usize>>> {
        ready!(hooks::poll_budget(cx));
        loop {
            let data = self.buffer.filled();
            if data.len() >= *scanned + separators.shortest() {
                if let Some(found) = separators.find(data, *scanned) {
                    if found.start > self.limit {
                        return Poll::Ready(Err(self.overrun(found.start, true).error()));
                    }
                    hooks::spend();
                    return Poll::Ready(Ok(self.buffer.skip(found.end)));
                }
                *scanned = (data.len() + 1).saturating_sub(separators.longest());
                if *scanned > self.limit {
                    return Poll::Ready(Err(self.overrun(*scanned, false).error()));
                }
            }
            if ready!(self.poll_fill(wait, cx))? == 0 {
                let (partial, peer) = (self.buffer.take_all(), self.conn.peer());
                return Poll::Ready(Err(IncompleteRead::error(partial, None, peer)));
            }
        }
    }

    fn overrun(&self, consumed: usize, found: bool) -> LimitOverrun {
        let (limit, buffered) = (self.limit, self.buffer.len());
        LimitOverrun { limit, buffered, consumed, found, taken: false, peer: self.conn.peer() }
    }

    fn poll_line(
        &mut self,
        scanned: &mut usize,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Range<usize>>> {
        ready!(hooks::poll_budget(cx));
        loop {
            let data = self.buffer.filled();
            let found = find_byte(b'\n', &data[*scanned..]).map(|at| *scanned + at);
            let before = found.unwrap_or(data.len());
            if before > self.limit {
                let error = LimitOverrun { taken: true, ..self.overrun(before, found.is_some()) };
                self.buffer.skip(before + usize::from(found.is_some()));
                *scanned = 0;
                return Poll::Ready(Err(error.error()));
            }
            if found.is_some() {
                hooks::spend();
                *scanned = 0;
                return Poll::Ready(Ok(self.buffer.skip(before + 1)));
            }
            *scanned = data.len();
            if ready!(self.poll_fill(wait, cx))? == 0 {
                *scanned = 0;
                return Poll::Ready(Ok(self.buffer.skip(self.buffer.len())));
            }
        }
    }
}

impl ReadEnd {
    fn result(&self) -> io::Result<usize> {
        match self {
            ReadEnd::Eof => Ok(0),
            ReadEnd::Failed(failure) => Err(failure.error()),
        }
    }
}

/// Refuses a limit that would let nothing be read.
pub(crate) fn check_limit(bytes: usize) -> io::Result<()> {
    if bytes == 0 {
        return Err(invalid("a limit of 0 bytes would refuse every line: set at least 1"));
    }
    Ok(())
}

impl AsyncRead for StreamReader {
    #[track_caller]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let (this, wait) = (self.get_mut(), Wait::here(WaitKind::Read));
        ready!(hooks::poll_budget(cx));
        if to.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if this.buffer.is_empty() {
            if let Some(end) = &this.end {
                return Poll::Ready(end.result());
            }
            if !Buffer::is_small(to.len()) {
                let result = ready!(this.conn.poll_read(wait, cx, to));
                return Poll::Ready(this.note(result));
            }
            ready!(this.poll_fill(wait, cx))?;
        }
        hooks::spend();
        let count = to.len().min(this.buffer.len());
        let range = this.buffer.skip(count);
        to[..count].copy_from_slice(this.buffer.skipped(range));
        Poll::Ready(Ok(count))
    }
}

impl AsyncBufRead for StreamReader {
    #[track_caller]
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let (this, wait) = (self.get_mut(), Wait::here(WaitKind::Read));
        ready!(hooks::poll_budget(cx));
        if this.buffer.is_empty() {
            ready!(this.poll_fill(wait, cx))?;
        }
        hooks::spend();
        Poll::Ready(Ok(this.buffer.filled()))
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        let this = self.get_mut();
        let count = count.min(this.buffer.len());
        this.buffer.skip(count);
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("StreamReader");
        debug.field("buffered", &self.buffer.len());
        if self.limit != DEFAULT_LIMIT {
            debug.field("limit", &self.limit);
        }
        match &self.end {
            None => {}
            Some(ReadEnd::Eof) => drop(debug.field("eof", &true)),
            Some(ReadEnd::Failed(failure)) => drop(debug.field("error", &failure.text())),
        }
        debug.field("conn", &self.conn).finish()
    }
}

/// The lines of a [`StreamReader`], each with its line feed; from [`lines`](StreamReader::lines).
///
/// A line that is too long is an error, and the stream goes on behind it.
#[must_use = "a stream does nothing until it is polled"]
pub struct Lines {
    reader: StreamReader,
    wait: Wait,
    scanned: usize,
}

impl Lines {
    /// The reader, at the line that comes next.
    pub fn into_inner(self) -> StreamReader {
        self.reader
    }

    /// The reader, at the line that comes next.
    pub fn get_mut(&mut self) -> &mut StreamReader {
        self.scanned = 0;
        &mut self.reader
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of [`StreamReader::read_line`].
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    #[expect(clippy::should_implement_trait, reason = "it is what a stream's next item is called")]
    pub fn next(&mut self) -> impl Future<Output = Option<io::Result<Vec<u8>>>> + Send {
        self.wait = Wait::here(WaitKind::Read);
        poll_fn(move |cx| Pin::new(&mut *self).poll_next(cx))
    }
}

impl Stream for Lines {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match ready!(this.reader.poll_line(&mut this.scanned, this.wait, cx)) {
            Ok(line) if line.is_empty() => Poll::Ready(None),
            Ok(line) => Poll::Ready(Some(Ok(this.reader.buffer.skipped(line).to_vec()))),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lines").field(&self.reader).finish()
    }
}
