//! Many senders, many receivers; each receiver gets every value.
//!
//! The channel keeps the last values, up to its capacity, until every receiver has got them. A sender
//! never waits: when the channel is full the oldest value goes, and a receiver that had not got it
//! *lags*, which its next receive reports, with the number of values it missed.
//!
//! Values are cloned for all receivers but the last, one at a time, under the channel's lock, so that a
//! value need not be `Sync`. `Clone` should be quick and must not use the channel. Send a large value in
//! an `Arc`. A value whose `clone` panics counts as received by whoever asked for it.

pub mod error;
mod receiver;
mod sender;

#[cfg(all(test, corio_loom))]
mod loom;

use std::collections::VecDeque;

use crate::prim::{AtomicUsize, SpinLock};
use crate::waitlist::{List, Wakers};

#[doc(inline)]
pub use error::{RecvError, SendError, TryRecvError};
pub use receiver::{Receiver, Recv};
pub use sender::{Closed, Sender, WeakSender};

/// Makes a channel that keeps up to `capacity` values.
///
/// # Panics
///
/// When `capacity` is 0.
///
/// # Examples
///
/// ```
/// use corio_sync::broadcast::{self, RecvError};
///
/// let (tx, mut a) = broadcast::channel(2);
/// let mut b = tx.subscribe();
/// assert_eq!(tx.send("one").unwrap(), 2);
/// assert_eq!(a.blocking_recv(), Ok("one"));
/// tx.send("two").unwrap();
/// tx.send("three").unwrap();
/// assert_eq!(b.blocking_recv(), Err(RecvError::Lagged(1)));
/// assert_eq!(b.blocking_recv(), Ok("two"));
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let tx = Sender::new(capacity);
    let rx = tx.subscribe();
    (tx, rx)
}

struct Shared<T> {
    state: SpinLock<State<T>>,
    senders: AtomicUsize,
}

struct State<T> {
    /// The values that somebody has not got yet, oldest first.
    ring: VecDeque<Slot<T>>,
    /// The number of the first value in the ring, counted from the channel's beginning.
    base: u64,
    capacity: usize,
    receivers: usize,
    /// The senders are gone.
    closed: bool,
    /// Receivers that wait for a value.
    waiters: List<()>,
    /// Senders that wait for the last receiver to go.
    deserted: List<()>,
}

struct Slot<T> {
    /// None once the last receiver took it.
    value: Option<T>,
    /// Receivers that have not got it. No later slot has less: receivers get values in order.
    left: usize,
}

impl<T> State<T> {
    fn end(&self) -> u64 {
        self.base + self.ring.len() as u64
    }

    /// Adds a value; gives the one that had to go for it, and whom to wake, if any.
    #[inline]
    fn push(&mut self, value: T) -> (Option<T>, Option<Wakers>) {
        let mut old = None;
        if self.ring.len() == self.capacity {
            old = self.ring.pop_front().and_then(|slot| slot.value);
            self.base += 1;
        }
        self.ring.push_back(Slot { value: Some(value), left: self.receivers });
        let waiters = !self.waiters.is_empty();
        (old, waiters.then(|| self.choose_all()))
    }

    #[cold]
    fn choose_all(&mut self) -> Wakers {
        let mut wakers = Wakers::new();
        self.waiters.pop_all(&mut wakers, |()| {});
        wakers
    }

    /// Lets slots go that everybody has got; their values were taken.
    fn trim(&mut self) {
        while self.ring.front().is_some_and(|slot| slot.left == 0) {
            self.ring.pop_front();
            self.base += 1;
        }
    }
}

impl<T: Clone> State<T> {
    /// The value after those that a receiver at `next` has got.
    #[inline]
    fn get(&mut self, next: &mut u64) -> Result<T, TryRecvError> {
        if *next < self.base {
            let missed = self.base - std::mem::replace(next, self.base);
            return Err(TryRecvError::Lagged(missed));
        }
        let Some(slot) = self.ring.get_mut((*next - self.base) as usize) else {
            return Err(if self.closed { TryRecvError::Closed } else { TryRecvError::Empty });
        };
        // First, so that a value whose `clone` panics is one that this receiver has got: it goes on with the
        // next, and the value goes with the last receiver.
        *next += 1;
        slot.left -= 1;
        if slot.left > 0 {
            return Ok(slot.value.clone().expect("taken by the last receiver only"));
        }
        let value = slot.value.take();
        self.trim();
        Ok(value.expect("taken by the last receiver only"))
    }
}
