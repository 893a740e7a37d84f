//! Many senders, many receivers; each value goes to one of them.
//!
//! Like [`mpsc`](crate::mpsc), with receivers that can be cloned. Receivers that wait are served in
//! order of arrival, and a value promised to one that is dropped goes to the next. When all senders
//! are gone the receivers get what is left, then an error; when all receivers are gone a send fails.

mod receiver;
mod sender;

#[cfg(all(test, corio_loom))]
mod loom;

use crate::chan::{Chan, Fifo};
use crate::hooks::WaitKind;
use crate::prim::{Arc, AtomicUsize};

pub use crate::error::{RecvError, SendError, TryRecvError, TrySendError};
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
