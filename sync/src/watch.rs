//! The latest value, for any number who look.
//!
//! A receiver sees that the value has changed, and what it is now; values that it did not look at in
//! time are gone. For every value see [`broadcast`](crate::broadcast), for a flag
//! [`Event`](crate::Event).
//!
//! The state word is a version that grows with each value, and two flags:
//!
//! | bits      | meaning                                                    |
//! |-----------|------------------------------------------------------------|
//! | `WAITERS` | receivers wait (whenever the lists' lock is free)          |
//! | `CLOSED`  | the senders are gone                                       |
//! | the rest  | the version                                                |

pub mod error;
mod receiver;
mod sender;

#[cfg(all(test, corio_loom))]
mod loom;
#[cfg(all(test, not(corio_loom)))]
mod tests;

use std::fmt;
use std::ops::Deref;

use crate::prim::{AtomicUsize, Ordering, RwLock, RwLockReadGuard, SpinLock};
use crate::waitlist::{List, Wakers};

#[doc(inline)]
pub use error::{RecvError, SendError};
pub use receiver::{Changed, Receiver, WaitFor};
pub use sender::{Closed, Sender};

const WAITERS: usize = 1;
const CLOSED: usize = 2;
const VERSION: usize = 4;

/// Makes a channel that holds `value` until another one is sent.
///
/// The receiver has seen this first value.
///
/// # Examples
///
/// ```
/// use corio_sync::watch;
///
/// let (tx, mut rx) = watch::channel("starting");
/// assert_eq!(rx.has_changed(), Ok(false));
/// tx.send("serving").unwrap();
/// assert_eq!(rx.has_changed(), Ok(true));
/// assert_eq!(*rx.borrow_and_update(), "serving");
/// ```
#[track_caller]
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let tx = Sender::new(value);
    let rx = tx.subscribe();
    (tx, rx)
}

struct Shared<T> {
    value: RwLock<T>,
    /// See the table above. The version changes only while `value` is locked for writing.
    state: AtomicUsize,
    senders: AtomicUsize,
    receivers: AtomicUsize,
    lists: SpinLock<Lists>,
}

struct Lists {
    /// Receivers that wait for another version.
    changed: List<()>,
    /// Senders that wait for the last receiver to go.
    closed: List<()>,
}

impl<T> Shared<T> {
    /// The word without `WAITERS`: version and `CLOSED`.
    #[inline]
    fn news(&self) -> usize {
        // Ordering: Acquire, who finds it closed sees what the senders did. Pairs with the Release in
        // `announce`. The value itself lies behind its lock.
        self.state.load(Ordering::Acquire) & !WAITERS
    }

    /// Adds `VERSION` or `CLOSED` to the word and wakes the receivers that wait.
    fn announce(&self, what: usize) {
        // Ordering: Release publishes what the caller did. Pairs with the Acquire in `news`.
        if self.state.fetch_add(what, Ordering::Release) & WAITERS != 0 {
            self.wake_receivers();
        }
    }

    #[cold]
    fn wake_receivers(&self) {
        let mut wakers = Wakers::new();
        {
            let mut lists = self.lists.lock();
            lists.changed.pop_all(&mut wakers, |()| {});
            // Ordering: Relaxed, nothing is handed over.
            self.state.fetch_and(!WAITERS, Ordering::Relaxed);
        }
        wakers.wake();
    }

    fn borrow(&self) -> (RwLockReadGuard<'_, T>, usize) {
        let value = self.value.read();
        // With the value locked the version stands still.
        (value, self.news() & !CLOSED)
    }
}

impl<T: fmt::Debug> Shared<T> {
    /// A half, with the value unless somebody is changing it: that may be this very thread.
    fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct(name);
        match self.value.try_read() {
            Some(value) => f.field("value", &*value).finish(),
            None => f.finish_non_exhaustive(),
        }
    }
}

/// A look at the value. While it is there no sender can send: keep it short, and not across `.await`. On a
/// thread that has one, `send` and its kin wait for ever; so does a second look while a sender waits.
#[must_use = "looking at nothing"]
pub struct Ref<'a, T> {
    value: RwLockReadGuard<'a, T>,
    changed: bool,
}

impl<T> Ref<'_, T> {
    /// Whether the receiver had not seen this value before.
    pub fn has_changed(&self) -> bool {
        self.changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
