//! The errors of channels and queues as errors of input and output, for code that passes on one kind.
//!
//! | what happened | [`ErrorKind`] |
//! |---|---|
//! | nobody will take what is sent, or give what is asked for | `BrokenPipe` |
//! | nothing more will come | `UnexpectedEof` |
//! | the time is over | `TimedOut` |
//! | not at the moment | `WouldBlock` |
//! | a receiver was too slow | `Other` |

use std::io::{Error, ErrorKind};

use crate::{AcquireError, TryAcquireError};
use crate::{broadcast, error, oneshot, queue, watch};

/// `$error => $kind`, where `$it` is the error. One that holds a value is told by its message alone: the value
/// may be anything, and an [`Error`] holds only what may go to another thread.
macro_rules! io_error {
    ($($error:ty, |$it:ident| $kind:expr;)*) => {
        $(impl From<$error> for Error {
            fn from($it: $error) -> Self {
                Self::new($kind, $it)
            }
        })*
    };
    (with a value: $($error:ty, |$it:ident| $kind:expr;)*) => {
        $(impl<T> From<$error> for Error {
            fn from($it: $error) -> Self {
                Self::new($kind, $it.to_string())
            }
        })*
    };
}

io_error! {
    error::RecvError, |e| ErrorKind::UnexpectedEof;
    error::TryRecvError, |e| match e {
        error::TryRecvError::Empty => ErrorKind::WouldBlock,
        error::TryRecvError::Disconnected => ErrorKind::UnexpectedEof,
    };
    error::RecvTimeoutError, |e| match e {
        error::RecvTimeoutError::Timeout => ErrorKind::TimedOut,
        error::RecvTimeoutError::Disconnected => ErrorKind::UnexpectedEof,
    };
    oneshot::RecvError, |e| ErrorKind::UnexpectedEof;
    oneshot::TryRecvError, |e| match e {
        oneshot::TryRecvError::Empty => ErrorKind::WouldBlock,
        oneshot::TryRecvError::Closed => ErrorKind::UnexpectedEof,
    };
    broadcast::RecvError, |e| match e {
        broadcast::RecvError::Closed => ErrorKind::UnexpectedEof,
        broadcast::RecvError::Lagged(_) => ErrorKind::Other,
    };
    broadcast::TryRecvError, |e| match e {
        broadcast::TryRecvError::Empty => ErrorKind::WouldBlock,
        broadcast::TryRecvError::Closed => ErrorKind::UnexpectedEof,
        broadcast::TryRecvError::Lagged(_) => ErrorKind::Other,
    };
    watch::RecvError, |e| ErrorKind::UnexpectedEof;
    queue::QueueShutDown, |e| ErrorKind::UnexpectedEof;
    queue::TryGetError, |e| match e {
        queue::TryGetError::Empty => ErrorKind::WouldBlock,
        queue::TryGetError::ShutDown => ErrorKind::UnexpectedEof,
    };
    queue::GetTimeoutError, |e| match e {
        queue::GetTimeoutError::Timeout => ErrorKind::TimedOut,
        queue::GetTimeoutError::ShutDown => ErrorKind::UnexpectedEof,
    };
    AcquireError, |e| ErrorKind::BrokenPipe;
    TryAcquireError, |e| match e {
        TryAcquireError::Closed => ErrorKind::BrokenPipe,
        TryAcquireError::NoPermits => ErrorKind::WouldBlock,
    };
}

io_error! {
    with a value:
    error::SendError<T>, |e| ErrorKind::BrokenPipe;
    error::TrySendError<T>, |e| match e {
        error::TrySendError::Full(_) => ErrorKind::WouldBlock,
        error::TrySendError::Closed(_) => ErrorKind::BrokenPipe,
    };
    error::SendTimeoutError<T>, |e| match e {
        error::SendTimeoutError::Timeout(_) => ErrorKind::TimedOut,
        error::SendTimeoutError::Closed(_) => ErrorKind::BrokenPipe,
    };
    queue::PutError<T>, |e| ErrorKind::BrokenPipe;
    queue::TryPutError<T>, |e| match e {
        queue::TryPutError::Full(_) => ErrorKind::WouldBlock,
        queue::TryPutError::ShutDown(_) => ErrorKind::BrokenPipe,
    };
    queue::PutTimeoutError<T>, |e| match e {
        queue::PutTimeoutError::Timeout(_) => ErrorKind::TimedOut,
        queue::PutTimeoutError::ShutDown(_) => ErrorKind::BrokenPipe,
    };
}
