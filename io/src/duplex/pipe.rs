//! What the two ends of a pipe share.
//!
//! No waker is cloned, woken or dropped while the lock is held: it may belong to an executor that
//! runs the task at once, and the task may use this very pipe.

use std::collections::VecDeque;
use std::fmt;
use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Result};
use std::task::{Context, Poll, Waker, ready};

use corio_sync::hooks;
use corio_sync::prim::Mutex;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Reader,
    Writer,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Reader => Self::Writer,
            Self::Writer => Self::Reader,
        }
    }
}

/// A bounded queue of bytes with a task waiting at each end.
pub(super) struct Pipe {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    /// The end is gone or has closed, by `Side`.
    closed: [bool; 2],
    /// The task that waits at the end, by `Side`.
    waiting: [Option<Waker>; 2],
}

impl State {
    /// Moves bytes out of the queue; none means that the reader has to wait.
    fn read(&mut self, bufs: &mut [IoSliceMut<'_>]) -> Option<usize> {
        if self.bytes.is_empty() {
            return self.closed[Side::Writer as usize].then_some(0);
        }
        let mut copied = 0;
        for buf in bufs {
            let (front, back) = self.bytes.as_slices();
            let first = front.len().min(buf.len());
            let second = back.len().min(buf.len() - first);
            buf[..first].copy_from_slice(&front[..first]);
            buf[first..first + second].copy_from_slice(&back[..second]);
            self.bytes.drain(..first + second);
            copied += first + second;
        }
        Some(copied)
    }

    /// Moves bytes into the queue; none means that the writer has to wait.
    fn write(&mut self, bufs: &[IoSlice<'_>], capacity: usize) -> Option<Result<usize>> {
        if self.closed[Side::Reader as usize] {
            let text = "the other end of the pipe is dropped: nobody will read this";
            return Some(Err(Error::new(ErrorKind::BrokenPipe, text)));
        }
        if self.closed[Side::Writer as usize] {
            let text = "this end of the pipe is closed: write before `close`";
            return Some(Err(Error::new(ErrorKind::BrokenPipe, text)));
        }
        let room = capacity - self.bytes.len();
        if room == 0 {
            return None;
        }
        let len = bufs.iter().fold(0_usize, |sum, b| sum.saturating_add(b.len()));
        self.grow(self.bytes.len() + len.min(room), capacity);
        let mut left = room;
        for buf in bufs {
            let n = buf.len().min(left);
            self.bytes.extend(&buf[..n]);
            left -= n;
        }
        Some(Ok(room - left))
    }

    /// Grows by doubling, but never past what the pipe may hold.
    fn grow(&mut self, needed: usize, capacity: usize) {
        if needed > self.bytes.capacity() {
            let target = needed.max(self.bytes.capacity().saturating_mul(2)).min(capacity);
            self.bytes.reserve_exact(target - self.bytes.len());
        }
    }
}

impl Pipe {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::new(State::default()) }
    }

    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        if bufs.iter().all(|b| b.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.poll(cx, Side::Reader, &mut |state| state.read(bufs).map(Ok))
    }

    pub(super) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        if bufs.iter().all(|b| b.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.poll(cx, Side::Writer, &mut |state| state.write(bufs, self.capacity))
    }

    /// Tries `attempt`, and wakes the other side if it succeeds; waits if it does not.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        side: Side,
        attempt: &mut dyn FnMut(&mut State) -> Option<Result<usize>>,
    ) -> Poll<Result<usize>> {
        ready!(hooks::poll_budget(cx));
        let mut spare: Option<Waker> = None;
        loop {
            let mut state = self.state.lock();
            if let Some(value) = attempt(&mut state) {
                let other = state.waiting[side.other() as usize].take();
                drop(state);
                if let Some(waker) = other {
                    waker.wake();
                }
                hooks::spend();
                return Poll::Ready(value);
            }
            let waiting = &mut state.waiting[side as usize];
            if waiting.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
                drop(state);
                return Poll::Pending;
            }
            if spare.is_some() {
                let old = std::mem::replace(waiting, spare.take());
                drop(state);
                drop(old);
                return Poll::Pending;
            }
            // The clone happens outside the lock, so the other side may move in the meantime: look
            // again before this waker is left behind.
            drop(state);
            spare = Some(cx.waker().clone());
        }
    }

    /// Closes one end: the other side sees the end of its input, or that nobody reads any more.
    pub(super) fn close(&self, side: Side) {
        let mut state = self.state.lock();
        state.closed[side as usize] = true;
        // What no reader will ever take is given back at once.
        let unread = (side == Side::Reader).then(|| std::mem::take(&mut state.bytes));
        let own = state.waiting[side as usize].take();
        let other = state.waiting[side.other() as usize].take();
        drop(state);
        drop((unread, own));
        if let Some(waker) = other {
            waker.wake();
        }
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Pipe");
        out.field("capacity", &self.capacity);
        if let Some(state) = self.state.try_lock() {
            out.field("len", &state.bytes.len())
                .field("reader_gone", &state.closed[Side::Reader as usize])
                .field("writer_closed", &state.closed[Side::Writer as usize]);
        }
        out.finish()
    }
}
