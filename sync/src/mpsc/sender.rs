//! The sending side of a bounded channel.

use std::time::Duration;

use super::{
    Permit, PermitIterator, Reserve, ReserveMany, Send, SendError, SendTimeoutError, Sender,
    TrySendError,
};
use crate::blocking;
use crate::chan::NoSlot;
use crate::hooks;

impl<T> Sender<T> {
    /// Sends a value, waiting while the channel is full.
    ///
    /// Waiting senders are served in order of arrival.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, when the receiver is gone or closed.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `send` gives up its place in the line, and its value is dropped with it: it
    /// was not sent. To keep the value, [`reserve`](Self::reserve) first.
    #[track_caller]
    #[inline]
    pub fn send(&self, value: T) -> Send<'_, T> {
        Send::new(&self.tx.0.chan, value)
    }

    /// Sends a value if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] with the value: full, or closed.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.tx.0.chan.try_put(value).map_err(|(why, value)| match why {
            NoSlot::Full => TrySendError::Full(value),
            NoSlot::Closed => TrySendError::Closed(value),
        })
    }

    /// Sends a value, blocking this thread while the channel is full.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, when the receiver is gone or closed.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        hooks::forbid_blocking("mpsc::Sender::blocking_send");
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
        hooks::forbid_blocking("mpsc::Sender::blocking_send_timeout");
        self.send(value).within(timeout)
    }

    /// Waits for room for one value and keeps it.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the receiver is gone or closed.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `reserve` gives up its place in the line.
    #[track_caller]
    pub fn reserve(&self) -> Reserve<'_, T> {
        Reserve::new(&self.tx.0.chan, 1)
    }

    /// Waits for room for `n` values at once and keeps it.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the receiver is gone or closed, or when `n` is more than the channel holds.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `reserve_many` gives up its place in the line.
    #[track_caller]
    pub fn reserve_many(&self, n: usize) -> ReserveMany<'_, T> {
        ReserveMany::new(&self.tx.0.chan, n)
    }

    /// Keeps room for one value, if there is some and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TrySendError`]: full, or closed.
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        self.tx.0.chan.try_reserve(1).map_err(no_slot)?;
        Ok(Permit::new(&self.tx.0.chan))
    }

    /// Keeps room for `n` values, if there is that much and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TrySendError`]: full, or closed.
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        self.tx.0.chan.try_reserve(n).map_err(no_slot)?;
        Ok(PermitIterator::new(&self.tx.0.chan, n))
    }

    /// How many values there is room for at the moment.
    pub fn capacity(&self) -> usize {
        self.tx.0.chan.free_slots()
    }

    /// How many values the channel holds at most.
    pub fn max_capacity(&self) -> usize {
        self.tx.0.chan.capacity()
    }
}

fn no_slot(why: NoSlot) -> TrySendError<()> {
    match why {
        NoSlot::Full => TrySendError::Full(()),
        NoSlot::Closed => TrySendError::Closed(()),
    }
}
