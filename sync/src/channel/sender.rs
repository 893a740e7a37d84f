//! The sending side.

use std::time::Duration;

use super::{Send, SendError, SendTimeoutError, SenderClosed, Shared, TrySendError};
use crate::blocking;
use crate::chan::{NoSlot, sending};
use crate::hooks;
use crate::prim::{Arc, Ordering};

/// Sends values to a channel's [`Receiver`](super::Receiver)s.
pub struct Sender<T> {
    pub(super) shared: Arc<Shared<T>>,
}

sending!(Sender, "channel", "A send that may be dropped is given a clone.", shared.chan);

impl<T> Sender<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
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
