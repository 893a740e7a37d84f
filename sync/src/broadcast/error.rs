//! Why no value came. The errors are in [`broadcast`](super), too.

use std::fmt;

pub use crate::error::SendError;

/// Why a receive gave no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// The senders are gone, and every value was received.
    Closed,
    /// This receiver was too slow: so many values went before it got them. The next receive goes on
    /// with the oldest that is left.
    Lagged(u64),
}

/// Why a receive gave no value at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is none at the moment.
    Empty,
    /// The senders are gone, and every value was received.
    Closed,
    /// This receiver was too slow; see [`RecvError::Lagged`].
    Lagged(u64),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the broadcast senders are gone: no value will come"),
            Self::Lagged(n) => write!(
                f,
                "the receiver was too slow and missed {n} values: receive again for the oldest \
                 that is left, or make the channel larger"
            ),
        }
    }
}

impl std::error::Error for RecvError {}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no value at the moment: `recv().await` waits for one"),
            Self::Closed => RecvError::Closed.fmt(f),
            Self::Lagged(n) => RecvError::Lagged(*n).fmt(f),
        }
    }
}

impl std::error::Error for TryRecvError {}
