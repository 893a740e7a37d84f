//! The everyday methods of a sender to a channel that may be full.

/// Gives `$sender`, of the module `$module`, the forms of `send`; `$chan` leads from it to its channel, and
/// `$keep` says how to keep a value that is not sent.
macro_rules! sending {
    ($sender:ident, $module:literal, $keep:literal, $($chan:tt)+) => {
        impl<T> $sender<T> {
            /// Sends a value, waiting while the channel is full.
            ///
            /// Waiting senders are served in order of arrival, once they are in line: a sender that nobody is in
            /// front of may look for about a microsecond whether another thread makes room. To wait for some time
            /// only, put the timer of the runtime around it: `timeout(d, tx.send(value))`.
            ///
            /// # Errors
            ///
            /// [`SendError`] with the value, when the channel is closed or nobody is left to receive.
            ///
            /// # Cancel safety
            ///
            /// Safe, but a dropped `send` gives up its place in the line, and its value is dropped with
            /// it: it was not sent.
            #[doc = $keep]
            #[track_caller]
            #[inline]
            pub fn send(&self, value: T) -> Send<'_, T> {
                Send::new(&self.$($chan)+, value)
            }

            /// Sends a value if there is room and nobody waits for it.
            ///
            /// # Errors
            ///
            /// [`TrySendError`] with the value: full, or closed.
            #[inline]
            pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
                self.$($chan)+.try_put(value).map_err(|(why, value)| match why {
                    NoSlot::Full => TrySendError::Full(value),
                    NoSlot::Closed => TrySendError::Closed(value),
                })
            }

            /// Sends a value, blocking this thread while the channel is full.
            ///
            /// # Errors
            ///
            /// [`SendError`] with the value, when the channel is closed or nobody is left to receive.
            ///
            /// # Panics
            ///
            /// When called inside a task.
            #[track_caller]
            pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
                hooks::forbid_blocking(concat!($module, "::Sender::blocking_send"));
                match self.try_send(value) {
                    Ok(()) => Ok(()),
                    Err(TrySendError::Closed(value)) => Err(SendError(value)),
                    Err(TrySendError::Full(value)) => blocking::block_on(self.send(value)),
                }
            }

            /// Sends a value, blocking this thread for at most `timeout` while the channel is full.
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
                hooks::forbid_blocking(concat!($module, "::Sender::blocking_send_timeout"));
                self.send(value).within(timeout)
            }
        }
    };
}
pub(crate) use sending;
