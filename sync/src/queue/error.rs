//! What can go wrong with a queue. What was to be put in is in the error.

use std::error::Error;
use std::fmt;

/// The queue is shut down; here is the item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PutError<T>(pub T);

/// Why an item was not put in at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPutError<T> {
    /// There is no room, or others wait for it.
    Full(T),
    /// The queue is shut down.
    ShutDown(T),
}

/// Why an item was not put in within the time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PutTimeoutError<T> {
    /// There was no room until the time was over.
    Timeout(T),
    /// The queue is shut down.
    ShutDown(T),
}

/// The queue is shut down, and nothing is left in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueShutDown(pub(super) ());

/// Why there was no item at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryGetError {
    /// There is none at the moment.
    Empty,
    /// The queue is shut down, and nothing is left in it.
    ShutDown,
}

/// Why there was no item within the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetTimeoutError {
    /// There was none until the time was over.
    Timeout,
    /// The queue is shut down, and nothing is left in it.
    ShutDown,
}

/// `task_done` was called more often than items were put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyDone {
    pub(super) unfinished: usize,
}

const PUT_SHUT_DOWN: &str = "the queue is shut down: the item was not put in and is in this error";
const GET_SHUT_DOWN: &str = "the queue is shut down and empty: no item will come";

impl<T> PutError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TryPutError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::ShutDown(item) => item,
        }
    }
}

impl<T> PutTimeoutError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            Self::Timeout(item) | Self::ShutDown(item) => item,
        }
    }
}

// The items need not be `Debug` for an error to be unwrapped.
impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PutError(..)")
    }
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::ShutDown(_) => "ShutDown(..)",
        })
    }
}

impl<T> fmt::Debug for PutTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout(_) => "Timeout(..)",
            Self::ShutDown(_) => "ShutDown(..)",
        })
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PUT_SHUT_DOWN)
    }
}

impl<T> fmt::Display for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the queue is full: `put(..).await` waits for room",
            Self::ShutDown(_) => PUT_SHUT_DOWN,
        })
    }
}

impl<T> fmt::Display for PutTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout(_) => "the queue was full until the time was over",
            Self::ShutDown(_) => PUT_SHUT_DOWN,
        })
    }
}

impl fmt::Display for QueueShutDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(GET_SHUT_DOWN)
    }
}

impl fmt::Display for TryGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the queue is empty: `get().await` waits for an item",
            Self::ShutDown => GET_SHUT_DOWN,
        })
    }
}

impl fmt::Display for GetTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "the queue was empty until the time was over",
            Self::ShutDown => GET_SHUT_DOWN,
        })
    }
}

impl fmt::Display for TooManyDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`task_done` was called with {} items unfinished: call it once for each item that was got",
            self.unfinished
        )
    }
}

impl<T> Error for PutError<T> {}
impl<T> Error for TryPutError<T> {}
impl<T> Error for PutTimeoutError<T> {}
impl Error for QueueShutDown {}
impl Error for TryGetError {}
impl Error for GetTimeoutError {}
impl Error for TooManyDone {}

/// A program that only asks whether the queue goes on need not tell put from get.
impl<T> From<PutError<T>> for QueueShutDown {
    fn from(_: PutError<T>) -> Self {
        Self(())
    }
}
