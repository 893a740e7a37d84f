//! The sending side of an unbounded channel.

use std::fmt;

use super::{SendError, SenderClosed, Shared, Tx};
use crate::prim::{Arc, Ordering};

/// Sends values to an unbounded channel's [`UnboundedReceiver`](super::UnboundedReceiver).
pub struct UnboundedSender<T> {
    pub(super) tx: Tx<T>,
}

/// An unbounded sender that does not keep the channel open.
pub struct WeakUnboundedSender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> UnboundedSender<T> {
    /// Sends a value. It never waits, so it can be called from anywhere.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, when the receiver is gone or closed.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.tx.0.chan.try_put(value).map_err(|(_, value)| SendError(value))
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
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender { shared: self.tx.0.clone() }
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        // Ordering: Relaxed, a snapshot.
        self.tx.0.senders.load(Ordering::Relaxed)
    }
}

impl<T> WeakUnboundedSender<T> {
    /// A sender, unless the last one is gone.
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        Tx::upgrade(&self.shared).map(|tx| UnboundedSender { tx })
    }
}

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> Self {
        Self { tx: self.tx.clone() }
    }
}

impl<T> Clone for WeakUnboundedSender<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedSender").field("channel", &self.tx.0.chan).finish()
    }
}

impl<T> fmt::Debug for WeakUnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakUnboundedSender").field("channel", &self.shared.chan).finish()
    }
}
