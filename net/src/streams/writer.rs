//! The writing side of a stream.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_runtime::reactor::Wait;
use corio_sync::hooks::{self, WaitKind};
use corio_sync::prim::Arc;
use futures_io::AsyncWrite;

use super::conn::Conn;
use super::outgoing::{End, Goal, Outgoing};
use super::transport::{Transport, WriteOnly};
use super::waiters::{Key, Waiters};
use crate::{TcpStream, UnixStream};

/// A writer that buffers what the system does not take at once.
///
/// From [`open_connection`](crate::open_connection) and [`start_server`](crate::start_server), together with
/// a [`StreamReader`](crate::StreamReader); or from [`new`](Self::new), on anything that can be written to.
///
/// [`write`](Self::write) never waits: it hands the bytes to the system, and what that does not take is
/// buffered and sent in the background. [`drain`](Self::drain) is where a task waits for a peer that reads too
/// slowly: a loop that writes without it has a buffer without bounds. [`write_all`](Self::write_all) is both,
/// and keeps the buffer small. All of them take `&self`, so several tasks may write.
///
/// # What becomes of bytes
///
/// An error reaches whoever writes, drains, flushes or waits for the close next. It names the peer, if that has
/// an address of the internet, and [`raw_os_error`](corio_io::raw_os_error) finds the system's number in it. **Dropping** the writer ends
/// our side: what is buffered is still sent, in the background, and then the peer sees the end; a reader of the
/// same stream goes on. A peer that takes nothing for 30 seconds then loses the connection, and a line on
/// stderr says how many bytes were lost. The end of the runtime waits for a second.
///
/// When both sides of a socket are dropped, or it is [closed](Self::close), it is kept in the background until the
/// peer has ended its side, too, and what still comes is thrown away: a system answers bytes that nobody will
/// read with a reset, and that can destroy the last answer on its way. It is kept for no longer than two
/// seconds in which nothing comes, 30 seconds or 16 MiB; [`abort`](Self::abort) closes it at once.
///
/// The end of the runtime waits for such a peer until a second after the last thing that it sent and nobody
/// reads, and for no longer than a second in all. What was unread at the close counts as sent then. A peer that
/// has been silent for a second or more, or never sent anything unread, is not waited for.
///
/// # Examples
///
/// ```
/// use corio_net::{open_connection, start_server};
///
/// # corio_runtime::run(async {
/// let server = start_server("127.0.0.1:0", |reader, writer| async move {
///     let mut lines = reader.lines();
///     while let Some(line) = lines.next().await {
///         writer.write(&line?)?;
///         writer.drain().await?;
///     }
///     Ok(())
/// })
/// .await?;
///
/// let (mut reader, writer) = open_connection(server.local_addrs()[0]).await?;
/// writer.write(b"hello\n")?;
/// assert_eq!(reader.read_line().await?, b"hello\n");
/// writer.close();
/// writer.wait_closed().await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub struct StreamWriter {
    conn: Arc<Conn>,
    /// The places in the two lines of whoever uses it as an `AsyncWrite`.
    drain_key: Key,
    idle_key: Key,
}

impl StreamWriter {
    /// Writes to `io`, which may be anything: a file, a pipe.
    pub fn new(io: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        Self::of(Conn::new(Transport::other(WriteOnly(io), true), None))
    }

    pub(crate) fn of(conn: Arc<Conn>) -> Self {
        Self { conn, drain_key: Key::default(), idle_key: Key::default() }
    }

    pub(crate) fn conn(&self) -> &Arc<Conn> {
        &self.conn
    }

    /// Writes `data`, without waiting: what the system does not take now is buffered and sent in the
    /// background.
    ///
    /// `data` is not referred to any more when it returns.
    ///
    /// # Errors
    ///
    /// When the connection has failed, or its writing side was closed or ended
    /// ([`BrokenPipe`](io::ErrorKind::BrokenPipe)). Bytes that are buffered can still be lost: the next call
    /// tells.
    pub fn write(&self, data: &[u8]) -> io::Result<()> {
        self.conn.put(data, usize::MAX).map(drop)
    }

    /// Writes several parts, one after the other, in one system call if that takes them all.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Self::write).
    #[doc(alias = "writelines")]
    pub fn write_vectored(&self, data: &[IoSlice<'_>]) -> io::Result<()> {
        self.conn.put_vectored(data)
    }

    /// Waits while more is buffered than the [high-water mark](Self::set_write_limits), until that is at
    /// most the low-water mark.
    ///
    /// # Errors
    ///
    /// When the connection has failed, or is closed: [`close`](Self::close) ends a wait with the error that
    /// a write then gives.
    ///
    /// # Cancel safety
    ///
    /// Safe: what is buffered is sent in any case.
    #[track_caller]
    pub fn drain(&self) -> Drain<'_> {
        let wait = Wait::here(WaitKind::Write);
        Drain { conn: &self.conn, wait, key: Key::default(), resumes: 0 }
    }

    /// Writes `data`, and waits as [`drain`](Self::drain) does whenever more is buffered than the high-water
    /// mark.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Self::write).
    ///
    /// # Cancel safety
    ///
    /// Unsafe: a part of `data` may be written, and nothing says how much. [`write`](Self::write), followed by
    /// [`drain`](Self::drain), always writes all of it.
    #[track_caller]
    pub fn write_all<'a>(
        &'a self,
        data: &'a [u8],
    ) -> impl Future<Output = io::Result<()>> + Send + 'a {
        let wait = Wait::here(WaitKind::Write);
        async move {
            let mut rest = data;
            loop {
                let most = self.conn.out().high.saturating_add(1);
                rest = &rest[self.conn.put(rest, most)?..];
                Drain { conn: &self.conn, wait, key: Key::default(), resumes: 0 }.await?;
                if rest.is_empty() {
                    return Ok(());
                }
            }
        }
    }

    /// Waits until the system has taken everything.
    ///
    /// # Errors
    ///
    /// When the connection has failed, or was aborted.
    ///
    /// # Cancel safety
    ///
    /// Safe: what is buffered is sent in any case.
    #[track_caller]
    pub fn flush(&self) -> impl Future<Output = io::Result<()>> + Send {
        let (wait, mut waiting) = (Wait::here(WaitKind::Write), Waiting::new(&self.conn));
        poll_fn(move |cx| waiting.poll(wait, cx, flushed))
    }

    /// Ends our side: after what is buffered the peer sees the end. It may still answer.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) where the stream cannot do so, as under TLS; see
    /// [`can_write_eof`](Self::can_write_eof). Else when the connection has failed.
    pub fn write_eof(&self) -> io::Result<()> {
        if !self.can_write_eof() {
            return Err(self.conn.named(io::Error::new(
                io::ErrorKind::Unsupported,
                "this stream cannot end in one direction only: `close` ends both",
            )));
        }
        self.conn.aim(Goal::End)
    }

    /// Whether [`write_eof`](Self::write_eof) can be used: not under TLS.
    pub fn can_write_eof(&self) -> bool {
        self.conn.transport().can_half_close()
    }

    /// Closes the connection, as soon as what is buffered is sent: the peer sees the end, and our reader
    /// too. Twice is once.
    ///
    /// It does not wait; [`wait_closed`](Self::wait_closed) does, and tells of errors. Whoever waits in
    /// [`drain`](Self::drain) is told at once. A peer that takes nothing for 30 seconds loses the connection.
    /// One that still sends gets all of our bytes, and its own are thrown away for a while; see
    /// [`StreamWriter`].
    pub fn close(&self) {
        // An error is kept for `wait_closed`.
        let _ = self.conn.aim(Goal::Close);
    }

    /// Closes the connection now: what is buffered is lost, and the peer of a TCP connection sees a reset,
    /// once reader and writer are dropped.
    ///
    /// Our own reader gives what it has read already, and then an error of kind
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted), not an end: nobody knows what the peer had
    /// still to say. So does one that waits. After a [`close`](Self::close) that is complete an abort changes
    /// nothing for the reader.
    pub fn abort(&self) {
        self.conn.abort();
    }

    /// Whether the connection is closed, or will be as soon as everything is sent.
    pub fn is_closing(&self) -> bool {
        let out = self.conn.out();
        out.goal == Goal::Close || out.end.is_some()
    }

    /// Waits until the connection is closed: by [`close`](Self::close) or [`abort`](Self::abort), or by an
    /// error. The system has all that was sent by then; the peer may not.
    ///
    /// # Errors
    ///
    /// Why not everything was sent; after an abort that lost bytes that is
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn wait_closed(&self) -> impl Future<Output = io::Result<()>> + Send {
        let (wait, mut waiting) = (Wait::here(WaitKind::Write), Waiting::new(&self.conn));
        poll_fn(move |cx| {
            waiting.poll(wait, cx, |conn, out| match &out.end {
                None => None,
                Some(End::Closed) => Some(Ok(())),
                Some(End::Aborted) if !out.cut => Some(Ok(())),
                Some(end) => Some(Err(end.error(conn))),
            })
        })
    }

    /// Makes [`drain`](Self::drain) wait above `high` buffered bytes, until there are at most `low`. 64 KiB
    /// and 16 KiB unless set.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when `low` is above `high`.
    #[doc(alias = "set_write_buffer_limits")]
    pub fn set_write_limits(&self, high: usize, low: usize) -> io::Result<()> {
        let wake = self.conn.out().set_limits(high, low)?;
        wake.wake();
        Ok(())
    }

    /// The high-water and the low-water mark.
    #[doc(alias = "get_write_buffer_limits")]
    pub fn write_limits(&self) -> (usize, usize) {
        let out = self.conn.out();
        (out.high, out.low)
    }

    /// How many bytes are buffered.
    #[doc(alias = "get_write_buffer_size")]
    pub fn buffered(&self) -> usize {
        self.conn.out().buffered()
    }

    /// The peer's address, also after the connection has ended.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) when the stream has no such address. That of a Unix socket
    /// is [`unix_stream`](Self::unix_stream)'s.
    #[doc(alias("get_extra_info", "peername"))]
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.conn.peer_addr()
    }

    /// Our address.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) when the stream has no such address; those of the system's
    /// `getsockname`.
    #[doc(alias("get_extra_info", "sockname"))]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self.conn.transport() {
            Transport::Tcp(stream) => stream.local_addr(),
            _ => Err(no_address()),
        }
    }

    /// Whether the stream is encrypted.
    pub fn is_tls(&self) -> bool {
        self.conn.tls().is_some()
    }

    /// The TCP connection underneath, for its options; `None` if there is none, or there is TLS between.
    #[doc(alias = "get_extra_info")]
    pub fn tcp_stream(&self) -> Option<&TcpStream> {
        match self.conn.transport() {
            Transport::Tcp(stream) => Some(stream),
            _ => None,
        }
    }

    /// The Unix connection underneath, for its addresses and the peer's credentials.
    #[doc(alias = "get_extra_info")]
    pub fn unix_stream(&self) -> Option<&UnixStream> {
        match self.conn.transport() {
            Transport::Unix(stream) => Some(stream),
            _ => None,
        }
    }
}

impl Conn {
    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.peer().ok_or_else(no_address)
    }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this stream has no address of the internet")
}

fn flushed(conn: &Conn, out: &mut Outgoing) -> Option<io::Result<()>> {
    match &out.end {
        Some(End::Closed) => Some(Ok(())),
        Some(end) => Some(Err(end.error(conn))),
        None => out.is_settled().then_some(Ok(())),
    }
}

pub(super) fn drains(out: &mut Outgoing) -> &mut Waiters {
    &mut out.drains
}

fn idlers(out: &mut Outgoing) -> &mut Waiters {
    &mut out.idlers
}

/// Takes a place in a line of `conn`, unless `ready` has an answer.
pub(super) fn poll_line<R>(
    conn: &Conn,
    line: fn(&mut Outgoing) -> &mut Waiters,
    key: &mut Key,
    wait: Wait,
    cx: &mut Context<'_>,
    ready: impl Fn(&Conn, &mut Outgoing) -> Option<R>,
) -> Poll<R> {
    {
        let mut out = conn.out();
        if let Some(result) = ready(conn, &mut out) {
            return Poll::Ready(result);
        }
        if line(&mut out).knows(*key, cx) {
            hooks::set_wait(wait.site, wait.kind);
            return Poll::Pending;
        }
    }
    // A waker is foreign code, so it is cloned, and the old one dropped, while the lock is free.
    let waker = cx.waker().clone();
    let mut out = conn.out();
    if let Some(result) = ready(conn, &mut out) {
        return Poll::Ready(result);
    }
    let old = line(&mut out).enter(key, waker);
    drop(out);
    drop(old);
    hooks::set_wait(wait.site, wait.kind);
    Poll::Pending
}

/// A wait for everything to be sent, or for the end.
pub(super) struct Waiting<'a> {
    conn: &'a Conn,
    key: Key,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(conn: &'a Conn) -> Self {
        Self { conn, key: Key::default() }
    }

    pub(super) fn poll(
        &mut self,
        wait: Wait,
        cx: &mut Context<'_>,
        ready: impl Fn(&Conn, &mut Outgoing) -> Option<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        ready!(hooks::poll_budget(cx));
        let result = ready!(poll_line(self.conn, idlers, &mut self.key, wait, cx, ready));
        hooks::spend();
        Poll::Ready(result)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waker = self.conn.out().idlers.leave(self.key);
        drop(waker);
    }
}

/// Waits while too much is buffered; from [`StreamWriter::drain`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Drain<'a> {
    conn: &'a Conn,
    wait: Wait,
    key: Key,
    /// How many pauses had ended when the wait began.
    resumes: u64,
}

impl Future for Drain<'_> {
    type Output = io::Result<()>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(hooks::poll_budget(cx));
        let (waited, resumes) = (this.key != Key::default(), this.resumes);
        let mut seen = resumes;
        let poll = {
            let mut out = this.conn.out();
            seen = if waited { seen } else { out.resumes };
            drained(this.conn, &mut out, waited, seen)
        };
        this.resumes = seen;
        let result = match poll {
            Some(result) => result,
            None => {
                ready!(poll_line(this.conn, drains, &mut this.key, this.wait, cx, |conn, out| {
                    drained(conn, out, waited, seen)
                },))
            }
        };
        hooks::spend();
        Poll::Ready(result)
    }
}

/// Whether a drain is over; one that has waited ends with its pause, whatever was written since.
fn drained(conn: &Conn, out: &mut Outgoing, waited: bool, seen: u64) -> Option<io::Result<()>> {
    match &out.end {
        Some(End::Closed | End::Aborted) if waited => Some(Ok(())),
        Some(end) => Some(Err(end.error(conn))),
        None if out.goal == Goal::Close => out.closed(conn).map(Err),
        None => (!out.paused || out.resumes != seen).then_some(Ok(())),
    }
}

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        if self.key != Key::default() {
            let waker = self.conn.out().drains.leave(self.key);
            drop(waker);
        }
    }
}

impl fmt::Debug for Drain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("conn", &self.conn).finish_non_exhaustive()
    }
}

impl AsyncWrite for StreamWriter {
    #[track_caller]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (this, wait) = (self.get_mut(), Wait::here(WaitKind::Write));
        ready!(hooks::poll_budget(cx));
        ready!(poll_line(&this.conn, drains, &mut this.drain_key, wait, cx, |conn, out| {
            drained(conn, out, false, out.resumes)
        }))?;
        hooks::spend();
        let most = this.conn.out().high.saturating_add(1);
        Poll::Ready(this.conn.put(data, most))
    }

    #[track_caller]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (this, wait) = (self.get_mut(), Wait::here(WaitKind::Write));
        poll_line(&this.conn, idlers, &mut this.idle_key, wait, cx, flushed)
    }

    /// Flushes and ends our side; the reader goes on.
    #[track_caller]
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Err(error) = self.conn.aim(Goal::End) {
            return Poll::Ready(Err(error));
        }
        self.poll_flush(cx)
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        let wakers = {
            let mut out = self.conn.out();
            (out.drains.leave(self.drain_key), out.idlers.leave(self.idle_key))
        };
        drop(wakers);
        self.conn.abandon();
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamWriter").field(&self.conn).finish()
    }
}
