//! What a connection has still to send, and how far it is on its way to its end.

use std::io;
use std::task::{Context, Poll, Waker, ready};

use corio_runtime::reactor::Wait;

use super::conn::Conn;
use super::error::Failure;
use super::transport::Transport;
use super::waiters::{Waiters, Wake};
use crate::error::invalid;

/// Above so many buffered bytes `drain` waits, unless the user says otherwise; at a quarter of it, it goes on.
pub(crate) const HIGH: usize = 64 * 1024;

/// A buffer of more than this is given back to the allocator when it is empty.
const KEEP: usize = 64 * 1024;

/// What is to happen when everything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Goal {
    /// The connection goes on.
    Open,
    /// Our side ends; the other may go on.
    End,
    /// The connection ends.
    Close,
}

/// How a connection has ended.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// As we wanted.
    Closed,
    /// As we wanted, whatever was unsent.
    Aborted,
    Failed(Failure),
}

/// The sending side. All of it is under the connection's lock.
#[derive(Debug)]
pub(crate) struct Outgoing {
    buffer: Vec<u8>,
    /// What stands before is sent.
    start: usize,
    pub(crate) high: usize,
    pub(crate) low: usize,
    /// The buffer has grown beyond `high` and not shrunk to `low` since.
    pub(crate) paused: bool,
    /// How often a pause has ended: a wait for it is over when this has changed.
    pub(crate) resumes: u64,
    /// The transport may hold back something that was written.
    pub(crate) unflushed: bool,
    pub(crate) goal: Goal,
    /// The other side has been told that no more comes.
    ended: bool,
    pub(crate) end: Option<End>,
    /// Bytes that are not in the buffer are being sent: what is written waits behind them.
    pub(crate) held: bool,
    /// An abort has lost bytes.
    pub(crate) cut: bool,
    /// There is a flusher: whoever adds to the buffer leaves the sending to it.
    pub(crate) flushing: bool,
    /// The flusher, while it waits.
    pub(crate) flusher: Option<Waker>,
    /// The writer is gone: there is nobody to tell of an error.
    pub(crate) abandoned: bool,
    /// Those who wait for the end of a pause.
    pub(crate) drains: Waiters,
    /// Those who wait until everything is sent, or for the end.
    pub(crate) idlers: Waiters,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            high: HIGH,
            low: HIGH / 4,
            paused: false,
            resumes: 0,
            unflushed: false,
            goal: Goal::Open,
            ended: false,
            end: None,
            held: false,
            cut: false,
            flushing: false,
            flusher: None,
            abandoned: false,
            drains: Waiters::default(),
            idlers: Waiters::default(),
        }
    }
}

impl Outgoing {
    pub(crate) fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Everything is with the transport, and nobody else is about to write to it.
    pub(crate) fn is_idle(&self) -> bool {
        !self.held && !self.flushing && self.buffered() == 0
    }

    /// Whether nothing remains to be done.
    pub(crate) fn is_settled(&self) -> bool {
        self.end.is_some()
            || self.buffered() == 0
                && !self.held
                && !self.unflushed
                && (self.goal == Goal::Open || (self.goal == Goal::End && self.ended))
    }

    /// Whether everything is sent, our end included.
    pub(crate) fn is_sent(&self) -> bool {
        self.ended && matches!(self.end, None | Some(End::Closed))
    }

    /// Tells whether a write to `conn`, whose sending side this is, would go anywhere.
    pub(crate) fn check_open(&self, conn: &Conn) -> io::Result<()> {
        if self.end.is_none() && self.goal == Goal::Open {
            return Ok(());
        }
        Err(self.refusal(conn))
    }

    #[cold]
    fn refusal(&self, conn: &Conn) -> io::Error {
        if let Some(end) = &self.end {
            return end.error(conn);
        }
        let what = match self.goal {
            Goal::Close => "nothing can be written after `close`",
            Goal::End | Goal::Open => "nothing can be written after `write_eof`",
        };
        conn.named(io::Error::new(io::ErrorKind::BrokenPipe, what))
    }

    /// What somebody is told who waits for room: nothing, as long as more may come or only our side ends.
    pub(crate) fn closed(&self, conn: &Conn) -> Option<io::Error> {
        (self.end.is_some() || self.goal == Goal::Close).then(|| self.refusal(conn))
    }

    /// Adds to what is to be sent.
    pub(crate) fn push(&mut self, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        // Moving the rest to the front is cheap as long as more than that has been sent.
        if self.start > 0 && self.start >= self.buffered() {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(data);
        self.paused |= self.buffered() > self.high;
    }

    fn advance(&mut self, count: usize) -> io::Result<()> {
        match count {
            0 => return Err(write_zero(self.buffered())),
            count if count > self.buffered() => return Err(too_much()),
            count => self.start += count,
        }
        if self.buffered() == 0 {
            self.start = 0;
            self.buffer.clear();
            if self.buffer.capacity() > KEEP {
                self.buffer = Vec::new();
            }
        }
        Ok(())
    }

    /// Sends what there is, and does what is to follow.
    pub(crate) fn poll_work(
        &mut self,
        transport: &Transport,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.buffered() > 0 {
            let count = ready!(transport.poll_write(wait, cx, &self.buffer[self.start..]))?;
            self.advance(count)?;
            self.unflushed |= transport.is_buffered();
        }
        if self.unflushed {
            ready!(transport.poll_flush(cx))?;
            self.unflushed = false;
        }
        if self.goal > Goal::Open && !self.ended {
            ready!(transport.poll_end(cx))?;
            self.ended = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Draws the conclusions from what [`poll_work`](Self::poll_work) has come to. The bytes that are lost
    /// by it are counted.
    pub(crate) fn settle(&mut self, work: Poll<io::Result<()>>) -> (Wake, usize) {
        match work {
            Poll::Ready(Err(error)) => self.finish(End::Failed(Failure::from(&error))),
            Poll::Ready(Ok(())) if self.goal == Goal::Close => self.finish(End::Closed),
            Poll::Ready(Ok(())) => (self.resume().and(self.idlers.take()), 0),
            Poll::Pending if self.buffered() <= self.low => (self.resume(), 0),
            Poll::Pending => (Wake::nobody(), 0),
        }
    }

    /// The connection is over, unless it was before.
    pub(crate) fn finish(&mut self, end: End) -> (Wake, usize) {
        let lost = self.buffered();
        if self.end.is_none() && matches!(end, End::Aborted) {
            self.cut = lost > 0 || self.unflushed || self.held;
        }
        (self.buffer, self.start, self.unflushed) = (Vec::new(), 0, false);
        self.end.get_or_insert(end);
        // A flusher that waits has nothing left to wait for.
        let wake = self.resume().and(self.drains.take()).and(self.idlers.take());
        (wake.also(self.flusher.take()), lost)
    }

    fn resume(&mut self) -> Wake {
        if !std::mem::replace(&mut self.paused, false) {
            return Wake::nobody();
        }
        self.resumes += 1;
        self.drains.take()
    }

    pub(crate) fn set_limits(&mut self, high: usize, low: usize) -> io::Result<Wake> {
        if low > high {
            return Err(invalid(format_args!(
                "the low-water mark, {low}, is above the high-water mark, {high}: a writer that waited \
                 would go on at once"
            )));
        }
        (self.high, self.low) = (high, low);
        self.paused |= self.buffered() > high;
        Ok(if self.buffered() <= low { self.resume() } else { Wake::nobody() })
    }
}

impl End {
    /// What somebody is told who wants to write to `conn` after this end of it.
    #[cold]
    pub(crate) fn error(&self, conn: &Conn) -> io::Error {
        let (kind, what) = match self {
            End::Closed => (io::ErrorKind::BrokenPipe, "the stream is closed"),
            End::Aborted => (io::ErrorKind::ConnectionAborted, "the stream was aborted by us"),
            // It says whose it is.
            End::Failed(failure) => return failure.error(),
        };
        conn.named(io::Error::new(kind, what))
    }
}

pub(crate) fn write_zero(left: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::WriteZero,
        format!("the stream takes no more bytes, and {left} are left to write"),
    )
}

/// A transport that breaks its trait's contract.
pub(crate) fn too_much() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the stream claims to have written more bytes than it was given",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_pauses_above_the_high_mark_and_goes_on_at_the_low_one() {
        let mut out = Outgoing::default();
        drop(out.set_limits(8, 2).unwrap());
        out.push(&[1; 8]);
        assert!(!out.paused);
        out.push(&[2; 1]);
        assert!(out.paused);
        out.advance(6).unwrap();
        drop(out.settle(Poll::Pending));
        assert!(out.paused, "3 bytes are more than 2");
        out.advance(1).unwrap();
        drop(out.settle(Poll::Pending));
        assert_eq!((out.paused, out.resumes, out.buffered()), (false, 1, 2));
        assert_eq!(&out.buffer[out.start..], [1, 2]);
        assert!(out.set_limits(1, 2).is_err());
    }

    #[test]
    fn a_transport_that_lies_is_an_error() {
        let mut out = Outgoing::default();
        out.push(&[0; 4]);
        assert_eq!(out.advance(5).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(out.advance(0).unwrap_err().kind(), io::ErrorKind::WriteZero);
    }

    #[test]
    fn a_large_buffer_is_given_back() {
        let mut out = Outgoing::default();
        out.push(&vec![0; 10 * KEEP]);
        out.advance(10 * KEEP).unwrap();
        assert_eq!(out.buffer.capacity(), 0);
    }
}
