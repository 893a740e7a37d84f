//! Wake-ups without data.
//!
//! | bits      | meaning                                                                |
//! |-----------|------------------------------------------------------------------------|
//! | `PERMIT`  | a notification is stored for the next to come                          |
//! | `WAITERS` | the list is not empty (whenever its lock is free); excludes `PERMIT`   |
//! | the rest  | how often `notify_waiters` was called                                  |

mod notified;

#[cfg(all(test, corio_loom))]
mod loom;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::prim::{AtomicUsize, Ordering, SpinLock, const_fn};
use crate::waitlist::{List, Waiter, Wakers};
use notified::Notifying;

pub use notified::{Notified, OwnedNotified};

const PERMIT: usize = 1;
const WAITERS: usize = 2;
const ROUND: usize = 4;

/// How a waiter was notified.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// By `notify_one`: if the waiter does not take it, somebody else must.
    One,
    /// By `notify_last`: the same.
    Last,
    /// By `notify_waiters`: it was for this waiter alone.
    All,
}

/// Notifies tasks that something happened; what happened they find out themselves.
///
/// A notification that finds nobody waiting is kept, but only one: it says "look again", not how
/// often. For a flag that stays set use an [`Event`](crate::Event).
///
/// # Examples
///
/// ```
/// use corio_sync::Notify;
///
/// let notify = Notify::new();
/// std::thread::scope(|s| {
///     s.spawn(|| notify.blocking_wait());
///     notify.notify_one();
/// });
/// ```
pub struct Notify {
    /// See the table above.
    state: AtomicUsize,
    waiters: SpinLock<List<By>>,
}

impl Notify {
    const_fn! {
        /// Makes a `Notify` without a stored notification.
        #[doc(alias = "const_new")]
        pub fn new() -> Self {
            Self { state: AtomicUsize::new(0), waiters: SpinLock::new(List::new()) }
        }
    }

    /// Notifies the longest waiting task, or stores the notification for the next to come.
    ///
    /// At most one is stored.
    #[inline]
    pub fn notify_one(&self) {
        self.notify(By::One);
    }

    /// Notifies the task that came last, or stores the notification for the next to come.
    ///
    /// For a pool of workers of which those that idle longest should stay idle. At most one is stored.
    pub fn notify_last(&self) {
        self.notify(By::Last);
    }

    #[inline]
    fn notify(&self, by: By) {
        // Ordering: Release publishes what the caller did. Pairs with the Acquire in `take`. An
        // exchange even if one is stored, so that whoever takes it sees this caller's writes too.
        let alone = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, |state| {
            (state & WAITERS == 0).then_some(state | PERMIT)
        });
        if alone.is_err() {
            self.notify_a_waiter(by);
        }
    }

    #[cold]
    fn notify_a_waiter(&self, by: By) {
        let waker = {
            let mut list = self.waiters.lock();
            let waker = match by {
                By::Last => list.pop_last(|how| *how = by),
                By::One | By::All => list.pop(|how| *how = by),
            };
            if waker.is_none() {
                // The waiters left meanwhile.
                // Ordering: Release, as in `notify`.
                self.state.fetch_or(PERMIT, Ordering::Release);
            }
            self.settle(&mut list);
            waker
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Notifies everybody who waits, in order of arrival, and stores nothing.
    ///
    /// A [`Notified`] counts as waiting from the moment it is made, even before its first poll.
    pub fn notify_waiters(&self) {
        // Ordering: Release publishes what the caller did. Pairs with the Acquire in `take`.
        let alone = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, |state| {
            (state & WAITERS == 0).then(|| state.wrapping_add(ROUND))
        });
        if alone.is_ok() {
            return;
        }
        let mut wakers = Wakers::new();
        {
            let mut list = self.waiters.lock();
            // Ordering: Release, as above.
            self.state.fetch_add(ROUND, Ordering::Release);
            list.pop_all(&mut wakers, |by| *by = By::All);
            self.settle(&mut list);
        }
        wakers.wake();
    }

    /// Waits for a notification.
    ///
    /// Waiters are notified in order of arrival; a stored notification goes to the first to poll.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `notified` gives up its place in the line. A notification by
    /// [`notify_one`](Self::notify_one) that it had been given goes to the next, or is stored; one by
    /// [`notify_last`](Self::notify_last) to the one before it.
    #[track_caller]
    #[inline]
    pub fn notified(&self) -> Notified<'_> {
        Notified { wait: Notifying::new(self) }
    }

    /// Waits for a notification of a shared `Notify`.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `notified_owned` gives up its place in the line; see [`notified`](Self::notified).
    #[track_caller]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        OwnedNotified { wait: Notifying::new(self) }
    }

    /// Waits for a notification, blocking this thread.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait(&self) {
        crate::hooks::forbid_blocking("Notify::blocking_wait");
        crate::blocking::block_on(self.notified());
    }

    /// Waits for a notification for at most `timeout`, blocking this thread; tells whether there was
    /// one.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait_timeout(&self, timeout: Duration) -> bool {
        crate::hooks::forbid_blocking("Notify::blocking_wait_timeout");
        crate::blocking::block_on_timeout(self.notified(), timeout).is_some()
    }

    /// How often `notify_waiters` was called, in the word's own units.
    #[inline]
    fn round(&self) -> usize {
        // Ordering: Relaxed, a `Notified` made after a call by this thread's own order sees it.
        self.state.load(Ordering::Relaxed) & !(PERMIT | WAITERS)
    }

    /// Takes a notification for one who came in `round`.
    #[inline]
    fn take(&self, round: usize) -> bool {
        // Ordering: Acquire sees what the notifier did. Pairs with the Release in `notify_one` and
        // `notify_waiters`.
        let mut state = self.state.load(Ordering::Acquire);
        while state & !(PERMIT | WAITERS) == round {
            if state & PERMIT == 0 {
                return false;
            }
            let (without, acquire) = (state & !PERMIT, Ordering::Acquire);
            match self.state.compare_exchange_weak(state, without, acquire, acquire) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        true
    }

    /// Joins the line, unless there is a notification by now.
    #[cold]
    fn join_line(&self, round: usize, waiter: Pin<&mut Waiter<By>>, waker: Waker) -> Poll<()> {
        let mut list = self.waiters.lock();
        // With the bit set every notifier comes for the lock, and `PERMIT` does not appear again.
        // Ordering: Acquire, as in `take`.
        self.state.fetch_or(WAITERS, Ordering::Acquire);
        if self.take(round) {
            self.settle(&mut list);
            return Poll::Ready(());
        }
        waiter.push(&mut list, waker, By::One);
        Poll::Pending
    }

    /// Leaves the line; the notification, if it was given already, goes to the next.
    #[cold]
    fn leave_line(&self, waiter: &Waiter<By>) {
        let removed = {
            let mut list = self.waiters.lock();
            let removed = waiter.remove(&mut list);
            if removed.is_some() {
                self.settle(&mut list);
            }
            removed
        };
        if removed.is_none() && waiter.is_chosen() {
            match waiter.data() {
                By::One => self.notify_one(),
                By::Last => self.notify_last(),
                By::All => {}
            }
        }
    }

    /// Takes the bit back when the last waiter is gone.
    fn settle(&self, list: &mut List<By>) {
        if list.is_empty() {
            // Ordering: Relaxed, nothing is handed over.
            self.state.fetch_and(!WAITERS, Ordering::Relaxed);
        }
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ordering: Relaxed, a snapshot for people.
        let stored = self.state.load(Ordering::Relaxed) & PERMIT != 0;
        let waiters = self.waiters.lock().len();
        f.debug_struct("Notify").field("stored", &stored).field("waiters", &waiters).finish()
    }
}
