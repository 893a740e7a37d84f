//! Why no value came. The errors are in [`oneshot`](super), too.

use std::error::Error;
use std::fmt;

/// The sender was dropped without sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError(pub(super) ());

/// Why [`Receiver::try_recv`](super::Receiver::try_recv) gave no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// No value yet; the sender is there.
    Empty,
    /// No value, and none will come: the sender is gone, or the value was taken before.
    Closed,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the oneshot sender was dropped without sending, or its value was taken before")
    }
}

impl Error for RecvError {}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => {
                f.write_str("nothing was sent yet: `.await` the receiver to wait for it")
            }
            Self::Closed => RecvError(()).fmt(f),
        }
    }
}

impl Error for TryRecvError {}
