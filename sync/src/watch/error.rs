//! What can go wrong. The errors are in [`watch`](super), too.

use std::fmt;

pub use crate::error::SendError;

/// All senders are gone, and the last value was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError(pub(super) ());

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the watch senders are gone: the value will not change any more")
    }
}

impl std::error::Error for RecvError {}
