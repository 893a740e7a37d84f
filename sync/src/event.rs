//! A flag that tasks wait for.
//!
//! | word      | meaning                                                              |
//! |-----------|----------------------------------------------------------------------|
//! | 0         | not set, nobody waits                                                |
//! | `SET`     | set; nobody waits                                                    |
//! | `WAITERS` | not set, and the list is not empty (whenever its lock is free)       |

#[cfg(all(test, corio_loom))]
mod loom;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::blocking;
use crate::hooks::{self, Site, WaitKind};
use crate::prim::{AtomicU32, Ordering, SpinLock, const_fn};
use crate::waitlist::{List, Waiter, Wakers, project};

const SET: u32 = 1;
const WAITERS: u32 = 2;

/// A flag: [`set`](Self::set) lets everybody go on who waits for it, now or later, until
/// [`clear`](Self::clear).
///
/// It keeps its state, where a [`Notify`](crate::Notify) passes a notification on. asyncio's `Event`.
///
/// # Examples
///
/// ```
/// use corio_sync::Event;
///
/// let ready = Event::new();
/// std::thread::scope(|s| {
///     s.spawn(|| ready.blocking_wait());
///     ready.set();
/// });
/// assert!(ready.is_set());
/// ```
pub struct Event {
    /// See the table above.
    state: AtomicU32,
    waiters: SpinLock<List<()>>,
}

impl Event {
    const_fn! {
        /// Makes an event that is not set.
        pub fn new() -> Self {
            Self { state: AtomicU32::new(0), waiters: SpinLock::new(List::new()) }
        }
    }

    /// Whether the event is set.
    #[inline]
    pub fn is_set(&self) -> bool {
        // Ordering: Acquire sees what the setter did before. Pairs with the Release in `set`.
        self.state.load(Ordering::Acquire) & SET != 0
    }

    /// Sets the event and wakes everybody who waits, in order of arrival.
    ///
    /// Those who waited at this moment go on even if [`clear`](Self::clear) follows at once.
    pub fn set(&self) {
        // Ordering: Release publishes what the caller did. Pairs with the Acquire in `is_set`. An
        // exchange even if it is set already, so that later waiters see this caller's writes too.
        let alone = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, |state| {
            (state & WAITERS == 0).then_some(SET)
        });
        if alone.is_err() {
            self.set_slow();
        }
    }

    #[cold]
    fn set_slow(&self) {
        let mut wakers = Wakers::new();
        {
            // Under the list's lock, so that a clear and a wait that follow belong to the next turn.
            let mut list = self.waiters.lock();
            // Ordering: Release, as in `set`.
            self.state.swap(SET, Ordering::Release);
            list.pop_all(&mut wakers, |()| {});
        }
        wakers.wake();
    }

    /// Takes the flag back: those who come from now on wait.
    pub fn clear(&self) {
        // Ordering: Acquire, so that what the caller does next comes after what the setter did.
        self.state.fetch_and(!SET, Ordering::Acquire);
    }

    /// Waits until the event is set.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn wait(&self) -> EventWait<'_> {
        EventWait { event: self, site: Site::caller(), waiter: Waiter::new(()) }
    }

    /// Waits until the event is set, blocking this thread.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait(&self) {
        hooks::forbid_blocking("Event::blocking_wait");
        blocking::block_on(self.wait());
    }

    /// Waits for at most `timeout` until the event is set, blocking this thread; tells whether it
    /// was set.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait_timeout(&self, timeout: Duration) -> bool {
        hooks::forbid_blocking("Event::blocking_wait_timeout");
        blocking::block_on_timeout(self.wait(), timeout).is_some()
    }

    /// How many wait at the moment.
    pub fn waiters(&self) -> usize {
        self.waiters.lock().len()
    }

    /// Joins the line, unless the event is set by now.
    #[cold]
    fn join_line(&self, waiter: Pin<&mut Waiter<()>>, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut list = self.waiters.lock();
        // From here on a setter comes for the lock.
        // Ordering: Acquire, as in `is_set`.
        if self.state.fetch_or(WAITERS, Ordering::Acquire) & SET != 0 {
            // Set, so nobody waits.
            self.state.fetch_and(!WAITERS, Ordering::Relaxed);
            return Poll::Ready(());
        }
        waiter.push(&mut list, waker, ());
        Poll::Pending
    }

    #[cold]
    fn leave_line(&self, waiter: &Waiter<()>) {
        let mut list = self.waiters.lock();
        let waker = waiter.remove(&mut list);
        if waker.is_some() && list.is_empty() {
            // Ordering: Relaxed, nothing is handed over.
            self.state.fetch_and(!WAITERS, Ordering::Relaxed);
        }
        drop(list);
        drop(waker);
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Event");
        f.field("set", &self.is_set()).field("waiters", &self.waiters()).finish()
    }
}

/// Future of [`Event::wait`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct EventWait<'a> {
    event: &'a Event,
    site: Site,
    waiter: Waiter<()>,
}

impl Future for EventWait<'_> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(hooks::poll_budget(cx));
        project!(self => this, waiter);
        let event = this.event;
        let set = if !waiter.is_idle() {
            waiter.poll_chosen(cx, |f| f(&mut event.waiters.lock()))
        } else if event.is_set() {
            Poll::Ready(())
        } else {
            event.join_line(waiter.as_mut(), cx)
        };
        if set.is_pending() {
            hooks::set_wait(this.site, WaitKind::Event);
            return Poll::Pending;
        }
        hooks::spend();
        Poll::Ready(())
    }
}

impl Drop for EventWait<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.waiter.is_idle() {
            self.event.leave_line(&self.waiter);
        }
    }
}

impl fmt::Debug for EventWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWait").field("at", &self.site).field("waiter", &self.waiter).finish()
    }
}
