//! The sending side.

use std::fmt;

use super::{Send, SendError, SenderClosed, Shared, TrySendError};
use crate::blocking;
use crate::chan::NoSlot;
use crate::hooks;
use crate::prim::{Arc, Ordering};

/// Sends values to a channel's [`Receiver`](super::Receiver)s.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
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

    /// Closes the channel for all: nothing more is let in; what is in it can still be received.
    pub fn close(&self) {
        self.shared.chan.close();
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

    /// Whether the channel is closed or all receivers are gone.
    pub fn is_closed(&self) -> bool {
        self.shared.chan.is_closed()
    }

    /// How many values are in the channel.
    pub fn len(&self) -> usize {
        self.shared.chan.len()
    }

    /// Whether no value is in the channel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values the channel holds at most; `None` without a bound.
    pub fn capacity(&self) -> Option<usize> {
        Some(self.shared.chan.capacity()).filter(|n| *n != usize::MAX)
    }

    /// Whether `other` sends to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
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

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("channel", &self.shared.chan).finish()
    }
}
