//! Many senders, many receivers; each value goes to one of them.
//!
//! Like [`mpsc`](crate::mpsc), with receivers that can be cloned. Receivers that wait are served in
//! order of arrival, and a value promised to one that is dropped goes to the next. When all senders
//! are gone the receivers get what is left, then an error; when all receivers are gone a send fails.

mod receiver;
mod sender;

#[cfg(all(test, corio_loom))]
mod loom;

use std::fmt;

use crate::chan::{Chan, Fifo};
use crate::hooks::WaitKind;
use crate::prim::{Arc, AtomicUsize, Ordering};

pub use crate::error::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
pub use crate::mpsc::{Send, SenderClosed};
pub use receiver::{Receiver, Recv};
pub use sender::Sender;

/// Makes a channel that holds up to `capacity` values.
///
/// # Panics
///
/// When `capacity` is 0.
///
/// # Examples
///
/// ```
/// use corio_sync::channel;
///
/// let (tx, rx) = channel::bounded(4);
/// let sums = std::thread::scope(|s| {
///     let sum = |rx: channel::Receiver<u32>| move || {
///         std::iter::from_fn(|| rx.blocking_recv().ok()).sum::<u32>()
///     };
///     let (a, b) = (s.spawn(sum(rx.clone())), s.spawn(sum(rx)));
///     (1..=100).for_each(|i| tx.blocking_send(i).unwrap());
///     drop(tx);
///     a.join().unwrap() + b.join().unwrap()
/// });
/// assert_eq!(sums, 5050);
/// ```
#[track_caller]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a channel of capacity 0 could never take a value: use at least 1");
    make(capacity.min(usize::MAX - 1))
}

/// Makes a channel without a bound: a send never waits.
#[track_caller]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    make(usize::MAX)
}

#[track_caller]
fn make<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let chan = Chan::new(Fifo::new(), capacity, WaitKind::Channel);
    let (senders, receivers) = (AtomicUsize::new(1), AtomicUsize::new(1));
    let shared = Arc::new(Shared { chan, senders, receivers });
    (Sender::new(shared.clone()), Receiver::new(shared))
}

/// What all handles of a channel share.
struct Shared<T> {
    chan: Chan<Fifo<T>>,
    /// Senders that are there; the last to go closes the channel.
    senders: AtomicUsize,
    /// Receivers that are there; the last to go closes the channel and drops what is in it.
    receivers: AtomicUsize,
}

/// What both halves can do.
macro_rules! half {
    ($name:ident, $does:literal) => {
        impl<T> $name<T> {
            /// Closes the channel for all: nothing more is let in; what is in it can still be received.
            pub fn close(&self) {
                self.shared.chan.close();
            }

            /// Whether the channel is closed, or all its senders or all its receivers are gone.
            pub fn is_closed(&self) -> bool {
                self.shared.chan.is_closed()
            }

            /// How many values are in the channel.
            pub fn len(&self) -> usize {
                self.shared.chan.len()
            }

            /// Whether no value is in the channel.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// How many values the channel holds at most; `None` without a bound.
            pub fn capacity(&self) -> Option<usize> {
                Some(self.shared.chan.capacity()).filter(|n| *n != usize::MAX)
            }

            /// How many senders there are.
            pub fn sender_count(&self) -> usize {
                // Ordering: Relaxed, a snapshot.
                self.shared.senders.load(Ordering::Relaxed)
            }

            /// How many receivers there are.
            pub fn receiver_count(&self) -> usize {
                // Ordering: Relaxed, a snapshot.
                self.shared.receivers.load(Ordering::Relaxed)
            }

            #[doc = concat!("Whether `other` ", $does, " the same channel.")]
            pub fn same_channel(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.shared, &other.shared)
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("channel", &self.shared.chan).finish()
            }
        }
    };
}

half!(Sender, "sends to");
half!(Receiver, "receives from");
