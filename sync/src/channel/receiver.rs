//! The receiving side.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::{RecvError, RecvTimeoutError, Shared, TryRecvError};
use crate::blocking;
use crate::chan::{NoItem, Place, Turn};
use crate::hooks::{self, Caller};
use crate::prim::{Arc, Ordering};
use crate::waitlist::{Waiter, project};

/// Receives values of a channel's [`Sender`](super::Sender)s. Clones share the values between them.
///
/// As a stream it has one place in the line of receivers, which it keeps when the wait for its next value is
/// dropped, in a `select!` for example: a value may be promised to it then, which it gives the next time it is
/// asked. It gives the place up when it receives by another method, and the value to the next, or when it is
/// dropped.
pub struct Receiver<T> {
    pub(super) shared: Arc<Shared<T>>,
    /// Where it was made: what the stream reports.
    caller: Caller,
    place: Place,
}

impl<T> Receiver<T> {
    #[track_caller]
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared, caller: Caller::here(), place: Place::new() }
    }

    /// Receives the next value, waiting for it.
    ///
    /// Waiting receivers are served in order of arrival.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the channel is closed, or all senders are gone, and nothing is left.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `recv` gives up its place in the line. A value it was promised goes to the
    /// next.
    #[track_caller]
    pub fn recv(&self) -> Recv<'_, T> {
        self.place.leave(&self.shared.chan);
        Recv { shared: &self.shared, caller: Caller::here(), waiter: Waiter::new(Turn::NONE) }
    }

    /// Receives a value if there is one that is not promised to somebody who waits.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: empty, or disconnected.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.place.leave(&self.shared.chan);
        self.shared.chan.try_take().map_err(|why| match why {
            NoItem::Empty => TryRecvError::Empty,
            NoItem::Ended => TryRecvError::Disconnected,
        })
    }

    /// Receives the next value, blocking this thread.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the channel is closed, or all senders are gone, and nothing is left.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_recv(&self) -> Result<T, RecvError> {
        hooks::forbid_blocking("channel::Receiver::blocking_recv");
        match self.try_recv() {
            Ok(value) => Ok(value),
            Err(TryRecvError::Disconnected) => Err(RecvError(())),
            Err(TryRecvError::Empty) => blocking::block_on(self.recv()),
        }
    }

    /// Receives the next value, blocking this thread for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`]: the time is over, or disconnected.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        hooks::forbid_blocking("channel::Receiver::blocking_recv_timeout");
        match blocking::block_on_timeout(self.recv(), timeout) {
            Some(value) => value.map_err(|_| RecvTimeoutError::Disconnected),
            None => Err(RecvTimeoutError::Timeout),
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed, this receiver keeps the count above zero.
        self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        Self { shared: self.shared.clone(), caller: self.caller, place: Place::new() }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.place.leave(&self.shared.chan);
        // Ordering: AcqRel, so that the end comes after everything that other receivers did.
        if self.shared.receivers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.chan.close_and_clear(true, |_, _, _| {});
        }
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        this.place.poll_next(&this.shared.chan, cx, this.caller)
    }
}

/// Future of [`Receiver::recv`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Recv<'a, T> {
    shared: &'a Shared<T>,
    caller: Caller,
    waiter: Waiter<Turn>,
}

impl<T> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, waiter);
        let next = this.shared.chan.poll_take(waiter.as_mut(), cx, this.caller);
        next.map(|value| value.ok_or(RecvError(())))
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        if !self.waiter.is_idle() {
            self.shared.chan.leave_take(&self.waiter);
        }
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").field("at", &self.caller).field("waiter", &self.waiter).finish()
    }
}
