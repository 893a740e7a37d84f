//! Many senders, one receiver.
//!
//! *Which channel do I want?* This one when one task owns what the others send to it. When several
//! tasks take from the same channel, [`channel`](crate::channel) or a [`queue`](crate::queue); when
//! each of several gets every value, [`broadcast`](crate::broadcast); when only the latest value
//! counts, [`watch`](crate::watch); for a single value, [`oneshot`](crate::oneshot).
//!
//! A [`channel`] is bounded: a sender waits while it is full, so a slow receiver slows its senders
//! down. An [`unbounded`] one never makes a sender wait; its memory is what is in it. Neither
//! allocates room before it is needed, whatever the bound, and the room of a burst is given back when the
//! receiver has taken all of it.
//!
//! Senders that wait are served in order of arrival. When all senders are gone the receiver gets
//! what is left, then `None`; when the receiver is gone or [closed](Receiver::close), a send fails
//! and gives its value back.

mod handles;
mod owned;
mod permit;
mod receiver;
mod send;
mod sender;
mod unbounded;

#[cfg(all(test, corio_loom))]
mod loom;

use crate::chan::{Chan, Fifo};
use crate::hooks::WaitKind;
use crate::prim::{Arc, AtomicUsize, Ordering};

#[doc(inline)]
pub use error::{RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
pub use handles::{Sender, UnboundedSender, WeakSender, WeakUnboundedSender};
pub use owned::{OwnedPermit, ReserveOwned};
pub use permit::{Permit, PermitIterator};
pub use receiver::{Receiver, Recv, RecvMany, UnboundedReceiver};
pub use send::{Reserve, ReserveMany, Send, SenderClosed};

/// The errors, where those who come from tokio look for them.
pub mod error {
    pub use crate::error::{
        RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
    };
}

#[doc(no_inline)]
pub use unbounded as unbounded_channel;

/// Makes a channel that holds up to `capacity` values: no more than `usize::MAX - 1`, which says all that
/// [`unbounded`] does.
///
/// # Panics
///
/// When `capacity` is 0.
///
/// # Examples
///
/// ```
/// use corio_sync::mpsc;
///
/// let (tx, mut rx) = mpsc::channel(2);
/// let thread = std::thread::spawn(move || {
///     for i in 0..100 {
///         tx.blocking_send(i).unwrap();
///     }
/// });
/// let mut sum = 0;
/// while let Some(i) = rx.blocking_recv() {
///     sum += i;
/// }
/// assert_eq!(sum, 4950);
/// # thread.join().unwrap();
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a channel of capacity 0 could never take a value: use at least 1");
    let (tx, shared) = make(capacity.min(usize::MAX - 1));
    (Sender { tx }, Receiver::new(shared))
}

/// Makes a channel without a bound.
///
/// # Examples
///
/// ```
/// use corio_sync::mpsc;
///
/// let (tx, mut rx) = mpsc::unbounded();
/// tx.send("a").unwrap();
/// tx.send("b").unwrap();
/// assert_eq!(rx.try_recv(), Ok("a"));
/// drop(tx);
/// assert_eq!(rx.blocking_recv(), Some("b"));
/// assert_eq!(rx.blocking_recv(), None);
/// ```
#[track_caller]
pub fn unbounded<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (tx, shared) = make(usize::MAX);
    (UnboundedSender { tx }, UnboundedReceiver::new(shared))
}

fn make<T>(capacity: usize) -> (Tx<T>, Arc<Shared<T>>) {
    let chan = Chan::new(Fifo::new(), capacity, WaitKind::Channel);
    let shared = Arc::new(Shared { chan, senders: AtomicUsize::new(1) });
    (Tx(shared.clone()), shared)
}

/// What all handles of a channel share.
struct Shared<T> {
    chan: Chan<Fifo<T>>,
    /// Senders that are there; the last to go closes the channel. Weak ones do not count.
    senders: AtomicUsize,
}

/// A counted sender.
struct Tx<T>(Arc<Shared<T>>);

impl<T> Tx<T> {
    /// A sender, if there still is another one: a closed channel is not revived.
    fn upgrade(shared: &Arc<Shared<T>>) -> Option<Self> {
        // Ordering: Relaxed, the count guards no data; the last drop orders by itself.
        shared
            .senders
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n > 0).then(|| n + 1))
            .ok()?;
        Some(Self(shared.clone()))
    }
}

impl<T> Clone for Tx<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed, as in `upgrade`; this sender keeps the count above zero.
        self.0.senders.fetch_add(1, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

impl<T> Drop for Tx<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel, so that the close comes after everything that other senders did.
        if self.0.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.chan.close();
        }
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_empty_channel_takes_less_than_350_bytes() {
        let shared = size_of::<Shared<[u8; 1024]>>();
        let counts = 2 * size_of::<usize>();
        assert!(shared + counts < 350, "{shared} bytes and two counts");
    }
}
