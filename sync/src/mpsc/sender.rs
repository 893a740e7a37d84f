//! The sending side of a bounded channel.

use std::time::Duration;

use super::{
    Permit, PermitIterator, Reserve, ReserveMany, Send, SendError, SendTimeoutError, Sender,
    TrySendError,
};
use crate::blocking;
use crate::chan::{NoSlot, sending};
use crate::hooks;

sending!(Sender, "mpsc", "To keep the value, [`reserve`](Self::reserve) first.", tx.0.chan);

impl<T> Sender<T> {
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
    /// [`SendError`] when the receiver is gone or closed.
    ///
    /// # Panics
    ///
    /// When `n` is more than the channel holds: so much room would never be free.
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
    /// [`TrySendError`]: full, or closed. For more than the channel holds it is always full.
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
