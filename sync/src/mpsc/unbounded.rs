//! The sending side of an unbounded channel.

use super::{SendError, UnboundedSender};

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
}
