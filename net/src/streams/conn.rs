//! A connection, which its reader, its writer and its flusher share.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

use corio_io::background;
use corio_runtime::Handle;
use corio_runtime::reactor::Wait;
use corio_sync::hooks::WaitKind;
use corio_sync::prim::{Arc, AtomicBool, Mutex, MutexGuard, Ordering};

use super::error::Failure;
use super::flusher::Flusher;
use super::linger::linger;
use super::outgoing::{End, Goal, Outgoing, too_much, write_zero};
use super::transport::Transport;
use super::waiters::{Key, Wake};
use crate::error::with_context;
use crate::say::Seldom;
use crate::server::clients::Member;
#[cfg(feature = "tls")]
use crate::tls::TlsInfo;

/// Without TLS there is nothing to know of it.
#[cfg(not(feature = "tls"))]
type TlsInfo = std::convert::Infallible;

pub(crate) struct Conn {
    transport: Transport,
    /// The peer's address, as long as the system could tell it.
    peer: Option<SocketAddr>,
    out: Mutex<Outgoing>,
    /// We have closed it: reads give the end, or an error after an abort.
    closed: AtomicBool,
    /// A read has met the peer's end.
    peer_ended: AtomicBool,
    /// The socket is kept until the peer has ended its side, or has been for long enough.
    lingers: AtomicBool,
    /// Where the flusher runs: the runtime in which the connection was made, if it was in one.
    runtime: Option<Handle>,
    /// The server that it is a client of waits for its end.
    member: Option<Member>,
    /// What TLS has come to, if there is TLS.
    tls: Option<Box<TlsInfo>>,
}

impl Conn {
    pub(crate) fn new(transport: Transport, peer: Option<SocketAddr>) -> Arc<Self> {
        Self::with(transport, peer, None, None)
    }

    /// A connection that a server has accepted.
    pub(crate) fn of_client(
        transport: Transport,
        peer: Option<SocketAddr>,
        member: Member,
    ) -> Arc<Self> {
        let conn = Self::with(transport, peer, Some(member.clone()), None);
        member.set_conn(&conn);
        conn
    }

    /// A connection that has been encrypted.
    #[cfg(feature = "tls")]
    pub(crate) fn with_tls(
        transport: Transport,
        peer: Option<SocketAddr>,
        member: Option<Member>,
        info: TlsInfo,
    ) -> Arc<Self> {
        let conn = Self::with(transport, peer, member, Some(Box::new(info)));
        if let Some(member) = &conn.member {
            member.set_conn(&conn);
        }
        conn
    }

    fn with(
        transport: Transport,
        peer: Option<SocketAddr>,
        member: Option<Member>,
        tls: Option<Box<TlsInfo>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            transport,
            peer,
            out: Mutex::new(Outgoing::default()),
            closed: AtomicBool::new(false),
            peer_ended: AtomicBool::new(false),
            lingers: AtomicBool::new(false),
            runtime: Handle::try_current().ok(),
            member,
            tls,
        })
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub(crate) fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    pub(crate) fn member(&self) -> Option<&Member> {
        self.member.as_ref()
    }

    pub(crate) fn out(&self) -> MutexGuard<'_, Outgoing> {
        self.out.lock()
    }

    #[inline]
    pub(crate) fn poll_read(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_closed() {
            return Poll::Ready(Ok(0));
        }
        let poll = self.transport.poll_read(wait, cx, buffer);
        self.outcome(poll, buffer.len())
    }

    /// As [`poll_read`](Self::poll_read), from a socket into an empty vector; `None` if there is no socket.
    #[inline]
    pub(crate) fn poll_read_new(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
        bytes: &mut Vec<u8>,
        size: usize,
    ) -> Option<Poll<io::Result<usize>>> {
        if self.is_closed() {
            return Some(Poll::Ready(Ok(0)));
        }
        let poll = self.transport.poll_read_new(wait, cx, bytes, size)?;
        Some(self.outcome(poll, size))
    }

    /// What a reader is told that has tried to read `most` bytes.
    #[inline]
    fn outcome(&self, poll: Poll<io::Result<usize>>, most: usize) -> Poll<io::Result<usize>> {
        match poll {
            Poll::Ready(Ok(0)) if most > 0 => {
                // Ordering: Relaxed, it only spares an attempt to read.
                self.peer_ended.store(true, Ordering::Relaxed);
                Poll::Ready(Ok(0))
            }
            Poll::Ready(Ok(count)) => Poll::Ready(Ok(count)),
            Poll::Pending if !self.was_closed_meanwhile() => Poll::Pending,
            Poll::Ready(Err(error)) if !self.is_closed() => Poll::Ready(Err(self.named(error))),
            _ => Poll::Ready(Ok(0)),
        }
    }

    /// Whether it has been closed while a reader took its place in the line. Who closes it later finds the
    /// reader there.
    #[cold]
    fn was_closed_meanwhile(&self) -> bool {
        // Ordering: AcqRel on both sides, this and the swap in `close_reading` or that in `abort`. The
        // two have an order: the later one sees the closing, or the reader's place in the line.
        self.closed.fetch_or(false, Ordering::AcqRel)
    }

    /// `error`, with whose connection it is, unless it is not of the connection.
    #[cold]
    pub(crate) fn named(&self, error: io::Error) -> io::Error {
        if self.peer.is_some() && Failure::lasts(&error) {
            with_context(error, self)
        } else {
            error
        }
    }

    fn is_closed(&self) -> bool {
        // Ordering: Acquire pairs with the swaps in `close_reading` and `abort`: who is woken by them sees it.
        self.closed.load(Ordering::Acquire)
    }

    /// Takes `data`: what the system does not take now is buffered, but at most until there are `most`
    /// bytes in the buffer. Returns how many bytes were taken.
    pub(crate) fn put(self: &Arc<Self>, data: &[u8], most: usize) -> io::Result<usize> {
        let mut out = self.out.lock();
        out.check_open(self)?;
        if data.is_empty() {
            return Ok(0);
        }
        let mut sent = 0;
        if out.is_idle() {
            match self.transport.try_write(data) {
                Ok(count) if count == data.len() && !self.transport.is_buffered() => {
                    return Ok(count);
                }
                result => match written(result, data.len()) {
                    Ok(count) => sent = count,
                    Err(error) => return Err(self.failed(out, error)),
                },
            }
            out.unflushed |= self.transport.is_buffered();
        }
        let rest = &data[sent..];
        let part = &rest[..rest.len().min(most.saturating_sub(out.buffered()))];
        out.push(part);
        let taken = sent + part.len();
        self.carry_on(out)?;
        Ok(taken)
    }

    /// [`put`](Self::put) of several parts, all of them.
    pub(crate) fn put_vectored(self: &Arc<Self>, data: &[IoSlice<'_>]) -> io::Result<()> {
        let mut out = self.out.lock();
        out.check_open(self)?;
        let total: usize = data.iter().map(|part| part.len()).sum();
        if total == 0 {
            return Ok(());
        }
        let mut sent = 0;
        if out.is_idle() {
            match written(self.transport.try_write_vectored(data), total) {
                Ok(count) => sent = count,
                Err(error) => return Err(self.failed(out, error)),
            }
            out.unflushed |= self.transport.is_buffered();
        }
        for part in data {
            let skip = sent.min(part.len());
            sent -= skip;
            out.push(&part[skip..]);
        }
        self.carry_on(out)
    }

    #[cold]
    fn failed(&self, out: MutexGuard<'_, Outgoing>, error: io::Error) -> io::Error {
        let error = self.named(error);
        self.fail_holding(out, Failure::from(&error));
        error
    }

    /// Sees to it that what is to be done will be: at once if nothing has to be waited for, else by a
    /// flusher.
    fn carry_on(self: &Arc<Self>, mut out: MutexGuard<'_, Outgoing>) -> io::Result<()> {
        if out.flushing || out.held || out.is_settled() {
            return Ok(());
        }
        let mut wake = Wake::nobody();
        if out.buffered() == 0 {
            let mut cx = Context::from_waker(Waker::noop());
            let work = out.poll_work(&self.transport, Wait::here(WaitKind::Write), &mut cx);
            let work = work.map_err(|error| self.named(error));
            let ready = work.is_ready();
            let error = match &work {
                Poll::Ready(Err(error)) => Some(Failure::from(error)),
                _ => None,
            };
            (wake, _) = out.settle(work);
            if ready {
                let ended = out.end.is_some();
                drop(out);
                self.after(wake, ended);
                return error.map_or(Ok(()), |failure| Err(failure.error()));
            }
        }
        out.flushing = true;
        drop(out);
        wake.wake();
        self.spawn_flusher()
    }

    /// What follows once the lock is free.
    pub(crate) fn after(&self, wake: Wake, ended: bool) {
        if ended {
            self.close_reading();
        }
        wake.wake();
    }

    fn close_reading(&self) {
        // A connection that has failed gives its reader what is left, and then its own error.
        let failed = matches!(self.out.lock().end, Some(End::Failed(_)));
        // Ordering: AcqRel, see `is_closed` and `was_closed_meanwhile`.
        if !failed && !self.closed.swap(true, Ordering::AcqRel) {
            self.transport.end_reading();
            self.linger();
        }
    }

    /// Keeps the socket until the peer has ended its side, once. Ours has been ended.
    fn linger(&self) {
        if self.begins_to_linger() {
            if let Some(socket) = self.transport.duplicate() {
                linger(socket, self.runtime.as_ref());
            }
        }
    }

    fn begins_to_linger(&self) -> bool {
        // Ordering: Relaxed, the two are about nothing but themselves.
        let over = self.peer_ended.load(Ordering::Relaxed);
        !over && !self.lingers.swap(true, Ordering::Relaxed)
    }

    #[cold]
    fn spawn_flusher(self: &Arc<Self>) -> io::Result<()> {
        let runtime = self.runtime.clone().or_else(|| Handle::try_current().ok());
        match runtime {
            Some(runtime) => {
                background::spawn_on(&runtime, Box::pin(Flusher::new(self.clone())));
                Ok(())
            }
            None => {
                let text = "the stream has to wait, and there is no corio runtime on this thread: make \
                            the stream inside `corio::run`, or enter a `Handle` first";
                let failure = Failure::new(io::ErrorKind::Other, text);
                self.fail(failure.clone());
                Err(failure.error())
            }
        }
    }

    /// The connection has failed for a reason that the system does not know.
    pub(crate) fn fail_because(&self, kind: io::ErrorKind, text: &str) {
        self.fail(Failure::from(&self.named(io::Error::new(kind, text))));
    }

    /// The connection has failed; whoever waits for it is told.
    pub(crate) fn fail(&self, failure: Failure) {
        self.fail_holding(self.out.lock(), failure);
    }

    /// [`fail`](Self::fail), with the lock that is held since before the failure: a reader that meets the end
    /// which comes with it asks for the failure under the same lock.
    pub(crate) fn fail_holding(&self, mut out: MutexGuard<'_, Outgoing>, failure: Failure) {
        static LOST: Seldom = Seldom::new();
        let text = failure.text().to_owned();
        let (wake, lost) = out.finish(End::Failed(failure));
        let untold = out.abandoned && lost > 0;
        drop(out);
        wake.wake();
        if untold {
            // Most errors say whose they are.
            let whose = format!("{self}: ");
            let why = text.strip_prefix(&whose).unwrap_or(&text);
            LOST.say(format_args!("{self} was dropped with {lost} bytes unsent: {why}"));
        }
    }

    /// The failure that has cut off what the peer sends, or our abort. The system tells a failure once, so that
    /// a reader sees an end where a writer has met it first; and after an abort it sees one, although nobody
    /// knows what the peer had still to say.
    pub(crate) fn cut_off(&self) -> Option<Failure> {
        let out = self.out.lock();
        match &out.end {
            Some(End::Failed(failure)) if failure.cuts_both() => Some(failure.clone()),
            Some(end @ End::Aborted) => Some(Failure::from(&end.error(self))),
            // Who sends a file past the buffer may have met it, and is about to say so.
            None if out.held && self.transport.is_reset() => {
                let reset = io::Error::from(io::ErrorKind::ConnectionReset);
                Some(Failure::from(&self.named(reset)))
            }
            _ => None,
        }
    }

    /// What was held back may go.
    pub(crate) fn release(self: &Arc<Self>, key: Key) {
        let mut out = self.out.lock();
        let waker = out.drains.leave(key);
        out.held = false;
        out.unflushed |= out.end.is_none() && self.transport.is_buffered();
        let wake = if out.is_settled() { out.idlers.take() } else { Wake::nobody() };
        // An error is kept for whoever writes next.
        let _ = self.carry_on(out);
        wake.wake();
        drop(waker);
    }

    /// Ends our side, or all of the connection, as soon as everything is sent.
    pub(crate) fn aim(self: &Arc<Self>, goal: Goal) -> io::Result<()> {
        let mut out = self.out.lock();
        if out.end.is_some() || out.goal >= goal {
            return Ok(());
        }
        out.goal = goal;
        let wake = if goal == Goal::Close {
            // Who waits for room is told, and the flusher's time is limited from now on.
            out.drains.take().also(out.flusher.take())
        } else {
            Wake::nobody()
        };
        let result = self.carry_on(out);
        wake.wake();
        result
    }

    /// The writer is dropped.
    pub(crate) fn abandon(self: &Arc<Self>) {
        let flusher = {
            let mut out = self.out.lock();
            out.abandoned = true;
            out.flusher.take()
        };
        // Its time is limited from now on.
        if let Some(flusher) = flusher {
            flusher.wake();
        }
        // An error has nobody to go to; `fail` tells of bytes that are lost.
        let _ = self.aim(Goal::End);
    }

    /// Ends the connection now, whatever is unsent.
    pub(crate) fn abort(&self) {
        let (wake, _) = self.out.lock().finish(End::Aborted);
        // Ordering: AcqRel, see `is_closed` and `was_closed_meanwhile`.
        self.closed.swap(true, Ordering::AcqRel);
        self.transport.abort();
        wake.wake();
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        // After a failure or an abort there is nothing that the peer could still read.
        if self.out.get_mut().is_sent() && self.begins_to_linger() {
            let transport = std::mem::replace(&mut self.transport, Transport::gone());
            if let Some(socket) = transport.into_socket() {
                linger(socket, self.runtime.as_ref());
            }
        }
    }
}

/// What an attempt to write `len` bytes has come to.
fn written(result: io::Result<usize>, len: usize) -> io::Result<usize> {
    match result {
        Ok(0) => Err(write_zero(len)),
        Ok(count) if count > len => Err(too_much()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}

/// "the connection with 127.0.0.1:80".
impl fmt::Display for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer {
            Some(peer) => write!(f, "the connection with {peer}"),
            None => f.write_str("a stream"),
        }
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let out = self.out.lock();
        f.debug_struct("Conn")
            .field("transport", &self.transport)
            .field("unsent", &out.buffered())
            .field("goal", &out.goal)
            .field("end", &out.end)
            .field("served", &self.member().is_some())
            .field("encrypted", &self.tls().is_some())
            .finish_non_exhaustive()
    }
}
