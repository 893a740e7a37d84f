//! The sending side of a bounded channel.

use std::fmt;

use super::{
    Permit, PermitIterator, Reserve, ReserveMany, Send, SendError, SenderClosed, Shared,
    TrySendError, Tx,
};
use crate::blocking;
use crate::chan::NoSlot;
use crate::hooks;
use crate::prim::{Arc, Ordering};

/// Sends values to a bounded channel's [`Receiver`](super::Receiver). Clones send to the same one.
pub struct Sender<T> {
    pub(super) tx: Tx<T>,
}

/// A sender that does not keep the channel open.
pub struct WeakSender<T> {
    shared: Arc<Shared<T>>,
}

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

    /// Waits until the receiver is gone or closed.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn closed(&self) -> SenderClosed<'_, T> {
        SenderClosed::new(&self.tx.0.chan)
    }

    /// Whether the receiver is gone or closed.
    pub fn is_closed(&self) -> bool {
        self.tx.0.chan.is_closed()
    }

    /// How many values there is room for at the moment.
    pub fn capacity(&self) -> usize {
        self.tx.0.chan.free_slots()
    }

    /// How many values the channel holds at most.
    pub fn max_capacity(&self) -> usize {
        self.tx.0.chan.capacity()
    }

    /// How many values are in the channel.
    pub fn len(&self) -> usize {
        self.tx.0.chan.len()
    }

    /// Whether no value is in the channel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `other` sends to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tx.0, &other.tx.0)
    }

    /// A sender that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { shared: self.tx.0.clone() }
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        // Ordering: Relaxed, a snapshot.
        self.tx.0.senders.load(Ordering::Relaxed)
    }
}

fn no_slot(why: NoSlot) -> TrySendError<()> {
    match why {
        NoSlot::Full => TrySendError::Full(()),
        NoSlot::Closed => TrySendError::Closed(()),
    }
}

impl<T> WeakSender<T> {
    /// A sender, unless the last one is gone.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        Tx::upgrade(&self.shared).map(|tx| Sender { tx })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { tx: self.tx.clone() }
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("channel", &self.tx.0.chan).finish()
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").field("channel", &self.shared.chan).finish()
    }
}
