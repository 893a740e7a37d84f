//! The sending side.

use std::time::Duration;

use super::{Send, SendError, SendTimeoutError, SenderClosed, Shared, TrySendError};
use crate::blocking;
use crate::chan::NoSlot;
use crate::hooks;
use crate::prim::{Arc, Ordering};

/// Sends values to a channel's [`Receiver`](super::Receiver)s.
pub struct Sender<T> {
    pub(super) shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    /// Sends a value, waiting while the channel is full.
    ///
    /// Waiting senders are served in order of arrival.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, when the channel is closed or all receivers are gone.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `send` gives up its place in the line, and its value is dropped with it: it
    /// was not sent.
    #[track_caller]
    pub fn send(&self, value: T) -> Send<'_, T> {
        Send::new(&self.shared.chan, value)
    }

    /// Sends a value if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] with the value: full, or closed.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.shared.chan.try_put(value).map_err(|(why, value)| match why {
            NoSlot::Full => TrySendError::Full(value),
            NoSlot::Closed => TrySendError::Closed(value),
        })
    }

    /// Sends a value, blocking this thread while the channel is full.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, when the channel is closed or all receivers are gone.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        hooks::forbid_blocking("channel::Sender::blocking_send");
        match self.try_send(value) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(value)) => Err(SendError(value)),
            Err(TrySendError::Full(value)) => blocking::block_on(self.send(value)),
        }
    }

    /// Sends a value, blocking this thread for at most `timeout` while the channel is full.
    ///
    /// In a task, `timeout(d, tx.send(value))` with the timer of the runtime does it: a send that is
    /// dropped has not sent.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`] with the value: the time is over, or closed.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_send_timeout(
        &self,
        value: T,
        timeout: Duration,
    ) -> Result<(), SendTimeoutError<T>> {
        hooks::forbid_blocking("channel::Sender::blocking_send_timeout");
        self.send(value).within(timeout)
    }

    /// Waits until the channel is closed or all receivers are gone.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn closed(&self) -> SenderClosed<'_, T> {
        SenderClosed::new(&self.shared.chan)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed, this sender keeps the count above zero.
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel, so that the close comes after everything that other senders did.
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.chan.close();
        }
    }
}
