//! The lock itself, without the value it protects.
//!
//! | word               | meaning                                                            |
//! |--------------------|--------------------------------------------------------------------|
//! | 0                  | free                                                               |
//! | `LOCKED`           | held, nobody waits                                                 |
//! | `LOCKED` `WAITERS` | held, and the list is not empty (whenever its lock is free)        |
//! | `WAITERS`          | only while the list's lock is held: its holder is about to decide  |
//!
//! With waiters the word stays `LOCKED` from one holder to the next, so nobody can come between.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::hooks::{self, Site, WaitKind};
use crate::prim::{AtomicU32, AtomicU64, Ordering, SpinLock, const_fn};
use crate::waitlist::{List, Waiter, project};

const LOCKED: u32 = 1;
const WAITERS: u32 = 2;

pub(crate) struct RawMutex {
    /// See the table above.
    state: AtomicU32,
    /// The id of the task that holds the lock, 0 for a thread; stale while it is free. For people.
    holder: AtomicU64,
    /// Those who wait, each with its task's id.
    waiters: SpinLock<List<u64>>,
}

impl RawMutex {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self {
                state: AtomicU32::new(0),
                holder: AtomicU64::new(0),
                waiters: SpinLock::new(List::new()),
            }
        }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        // Ordering: Acquire sees the last holder's writes. Pairs with the Release in `unlock`.
        let free =
            self.state.compare_exchange(0, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if free {
            // Ordering: Relaxed, introspection reads a snapshot.
            self.holder.store(hooks::current_task_id(), Ordering::Relaxed);
        }
        free
    }

    /// The holder unlocks.
    #[inline]
    pub(crate) fn unlock(&self) {
        // Ordering: Release publishes the holder's writes. Pairs with the Acquire in `try_lock`.
        let alone = self.state.compare_exchange(LOCKED, 0, Ordering::Release, Ordering::Relaxed);
        if alone.is_err() {
            self.hand_over();
        }
    }

    /// Gives the lock to the longest waiting one.
    #[cold]
    fn hand_over(&self) {
        let waker = {
            let mut list = self.waiters.lock();
            let mut heir = 0;
            let waker = list.pop(|task| heir = *task);
            if waker.is_some() {
                // Ordering: Relaxed, see `holder`.
                self.holder.store(heir, Ordering::Relaxed);
            }
            if list.is_empty() {
                // Ordering: Release publishes the holder's writes, as in `unlock`. A waiter that was
                // chosen sees them by its status.
                self.state.store(if waker.is_some() { LOCKED } else { 0 }, Ordering::Release);
            }
            waker
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Joins the line, unless the lock is free by now: then it is taken.
    #[cold]
    fn join_line(&self, waiter: Pin<&mut Waiter<u64>>, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let task = hooks::current_task_id();
        let mut list = self.waiters.lock();
        // From here on the holder comes for the list when it unlocks.
        // Ordering: Acquire, as in `try_lock`, if it turns out to be free.
        if self.state.fetch_or(WAITERS, Ordering::Acquire) & LOCKED == 0 {
            debug_assert!(list.is_empty(), "free, and somebody waits");
            // Ordering: Relaxed, the exchange above took it: with WAITERS alone nobody else can.
            self.state.store(LOCKED, Ordering::Relaxed);
            self.holder.store(task, Ordering::Relaxed);
            return Poll::Ready(());
        }
        waiter.push(&mut list, waker, task);
        Poll::Pending
    }

    /// Leaves the line; the lock, if it was given already, goes to the next.
    #[cold]
    fn leave_line(&self, waiter: &Waiter<u64>) {
        let removed = {
            let mut list = self.waiters.lock();
            let removed = waiter.remove(&mut list);
            if removed.is_some() && list.is_empty() {
                // Ordering: Relaxed, nothing is handed over; the holder goes on holding it.
                self.state.fetch_and(!WAITERS, Ordering::Relaxed);
            }
            removed
        };
        if removed.is_none() && waiter.is_chosen() {
            self.unlock();
        }
    }

    pub(crate) fn is_locked(&self) -> bool {
        // Ordering: Relaxed, a snapshot.
        self.state.load(Ordering::Relaxed) & LOCKED != 0
    }
}

/// A borrowed or a shared owner of a lock.
pub(crate) trait HasRaw {
    fn raw(&self) -> &RawMutex;
}

/// The wait for a lock.
pub(crate) struct Locking<M: HasRaw> {
    mutex: Option<M>,
    site: Site,
    waiter: Waiter<u64>,
}

impl<M: HasRaw + Unpin> Locking<M> {
    #[track_caller]
    #[inline]
    pub(crate) fn new(mutex: M) -> Self {
        Self::at(mutex, Site::caller())
    }

    #[inline]
    pub(crate) fn at(mutex: M, site: Site) -> Self {
        Self { mutex: Some(mutex), site, waiter: Waiter::new(0) }
    }

    /// Ready when the lock is taken, with the mutex.
    #[inline]
    pub(crate) fn poll_lock(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<M> {
        ready!(hooks::poll_budget(cx));
        project!(self => this, waiter);
        let raw = this.mutex.as_ref().expect("polled after it was ready").raw();
        let turn = if !waiter.is_idle() {
            waiter.poll_chosen(cx, |f| f(&mut raw.waiters.lock()))
        } else if raw.try_lock() {
            Poll::Ready(())
        } else {
            raw.join_line(waiter.as_mut(), cx)
        };
        if turn.is_pending() {
            // Ordering: Relaxed, a snapshot for people.
            let holder = raw.holder.load(Ordering::Relaxed);
            hooks::set_wait_on(this.site, WaitKind::Mutex, holder);
            return Poll::Pending;
        }
        waiter.reset();
        hooks::spend();
        Poll::Ready(this.mutex.take().expect("it was there above"))
    }
}

impl<M: HasRaw> Drop for Locking<M> {
    #[inline]
    fn drop(&mut self) {
        if !self.waiter.is_idle() {
            let mutex = self.mutex.as_ref().expect("a waiter that waits has a mutex");
            mutex.raw().leave_line(&self.waiter);
        }
    }
}

impl<M: HasRaw> fmt::Debug for Locking<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locking").field("at", &self.site).field("waiter", &self.waiter).finish()
    }
}
