//! Waiting, with a mutex, for its value to change.

#[cfg(all(test, corio_loom))]
mod loom;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::blocking;
use crate::hooks::{self, Caller, WaitKind};
use crate::mutex::{Locking, Mutex, MutexGuard};
use crate::prim::{SpinLock, const_fn};
use crate::waitlist::{List, Waiter, Wakers, project};

/// How a waiter was notified.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// As one of a number: if it does not go on, another one must.
    One,
    /// With everybody.
    All,
}

/// Lets the holder of a [`Mutex`] wait until another holder says that the value has changed.
///
/// A notification with nobody waiting is not kept. Waiters are notified in order of arrival, and each
/// goes on once it has the lock again. asyncio's `Condition`, without the lock in it: any mutex will
/// do, one for all waits of one condition.
///
/// # Examples
///
/// ```
/// use corio_sync::{Condvar, Mutex};
///
/// static JOBS: Mutex<Vec<u32>> = Mutex::new(Vec::new());
/// static MORE: Condvar = Condvar::new();
///
/// let worker = std::thread::spawn(|| {
///     let jobs = JOBS.blocking_lock();
///     let mut jobs = MORE.blocking_wait_for(jobs, |jobs| !jobs.is_empty());
///     jobs.pop().unwrap()
/// });
/// JOBS.blocking_lock().push(7);
/// MORE.notify_one();
/// assert_eq!(worker.join().unwrap(), 7);
/// ```
#[doc(alias = "Condition")]
pub struct Condvar {
    waiters: SpinLock<List<By>>,
}

impl Condvar {
    const_fn! {
        /// Makes a condition variable.
        pub fn new() -> Self {
            Self { waiters: SpinLock::new(List::new()) }
        }
    }

    /// Unlocks, waits for a notification, and locks again.
    ///
    /// The mutex is unlocked at the first poll, when the wait is already in the line: a notification
    /// by whoever locks next is not missed. What was waited for may be over again when the wait ends:
    /// look, or use [`wait_for`](Self::wait_for).
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `wait` leaves the mutex unlocked: there is no guard to come back to. A
    /// notification it had been given goes to the next.
    #[track_caller]
    pub fn wait<'a, T: ?Sized>(&'a self, guard: MutexGuard<'a, T>) -> CondvarWait<'a, T> {
        let (mutex, caller) = (MutexGuard::mutex(&guard), Caller::here());
        CondvarWait {
            guard: Some(guard),
            mutex,
            condvar: self,
            caller,
            waiter: Waiter::new(By::One),
            lock: Locking::at(mutex, caller),
        }
    }

    /// Waits, as often as needed, until `ready` says yes to the value; does not wait if it does now.
    ///
    /// asyncio's `wait_for`, std's `wait_while` with the opposite question.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `wait_for` leaves the mutex unlocked. A notification it had been given goes to the
    /// next, also when `ready` panics.
    #[doc(alias = "wait_while")]
    #[track_caller]
    pub fn wait_for<'a, T, P>(
        &'a self,
        guard: MutexGuard<'a, T>,
        ready: P,
    ) -> CondvarWaitFor<'a, T, P>
    where
        T: ?Sized,
        P: FnMut(&mut T) -> bool,
    {
        CondvarWaitFor { wait: self.wait(guard), ready, is_new: true }
    }

    /// Unlocks, waits for a notification, and locks again, blocking this thread.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait<'a, T: ?Sized>(&'a self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        hooks::forbid_blocking("Condvar::blocking_wait");
        blocking::block_on(self.wait(guard))
    }

    /// Waits until `ready` says yes to the value, blocking this thread.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait_for<'a, T: ?Sized>(
        &'a self,
        guard: MutexGuard<'a, T>,
        ready: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        hooks::forbid_blocking("Condvar::blocking_wait_for");
        blocking::block_on(self.wait_for(guard, ready))
    }

    /// Unlocks, waits for a notification for at most `timeout`, and locks again, blocking this thread;
    /// tells whether it was notified.
    ///
    /// Locking again takes as long as it takes, also when the time is over.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait_timeout<'a, T: ?Sized>(
        &'a self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        hooks::forbid_blocking("Condvar::blocking_wait_timeout");
        let mutex = MutexGuard::mutex(&guard);
        match blocking::block_on_timeout(self.wait(guard), timeout) {
            Some(guard) => (guard, true),
            None => (mutex.blocking_lock(), false),
        }
    }

    /// Waits for at most `timeout` until `ready` says yes to the value, blocking this thread; gives
    /// its last answer, which is asked for once more when the time is over.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait_for_timeout<'a, T: ?Sized>(
        &'a self,
        guard: MutexGuard<'a, T>,
        mut ready: impl FnMut(&mut T) -> bool,
        timeout: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        hooks::forbid_blocking("Condvar::blocking_wait_for_timeout");
        let mutex = MutexGuard::mutex(&guard);
        match blocking::block_on_timeout(self.wait_for(guard, &mut ready), timeout) {
            Some(guard) => (guard, true),
            None => {
                let mut guard = mutex.blocking_lock();
                let answer = ready(&mut guard);
                (guard, answer)
            }
        }
    }

    /// Notifies the longest waiting one.
    pub fn notify_one(&self) {
        let waker = self.waiters.lock().pop(|by| *by = By::One);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Notifies the `n` longest waiting ones, or as many as there are.
    pub fn notify(&self, n: usize) {
        let mut wakers = Wakers::new();
        {
            let mut list = self.waiters.lock();
            (0..n).map_while(|_| list.pop(|by| *by = By::One)).for_each(|w| wakers.push(w));
        }
        wakers.wake();
    }

    /// Notifies everybody who waits now.
    pub fn notify_all(&self) {
        let mut wakers = Wakers::new();
        self.waiters.lock().pop_all(&mut wakers, |by| *by = By::All);
        wakers.wake();
    }

    /// How many wait at the moment.
    pub fn waiters(&self) -> usize {
        self.waiters.lock().len()
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").field("waiters", &self.waiters()).finish()
    }
}

/// Future of [`Condvar::wait`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct CondvarWait<'a, T: ?Sized> {
    /// The lock, until the first poll.
    guard: Option<MutexGuard<'a, T>>,
    mutex: &'a Mutex<T>,
    condvar: &'a Condvar,
    caller: Caller,
    /// It stays chosen until the lock is held again: a notification is taken only then.
    waiter: Waiter<By>,
    /// The wait for the lock, after the notification.
    lock: Locking<&'a Mutex<T>>,
}

impl<'a, T: ?Sized> CondvarWait<'a, T> {
    /// Makes a wait that is over begin again.
    fn restart(self: Pin<&mut Self>, guard: MutexGuard<'a, T>) {
        project!(self => this, lock);
        lock.set(Locking::at(this.mutex, this.caller));
        this.guard = Some(guard);
    }

    /// The condition variable, if the wait that is over was notified as one of a number.
    fn notified_alone(&self) -> Option<&'a Condvar> {
        (self.waiter.data() == By::One).then_some(self.condvar)
    }

    /// Ends the wait, which holds the lock, if `ready` says so of the value.
    fn finish_if(
        self: Pin<&mut Self>,
        ready: impl FnOnce(&mut T) -> bool,
    ) -> Option<MutexGuard<'a, T>> {
        project!(self => this, waiter);
        debug_assert!(waiter.is_idle(), "holds the lock and waits");
        this.guard.take_if(|guard| ready(guard))
    }
}

impl<'a, T: ?Sized> Future for CondvarWait<'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, waiter, lock);
        let condvar = this.condvar;
        if let Some(guard) = this.guard.take() {
            let waker = cx.waker().clone();
            waiter.push(&mut condvar.waiters.lock(), waker, By::One);
            // In the line before the lock is free: no notification falls between.
            drop(guard);
            hooks::set_wait(this.caller.site(), WaitKind::Condvar);
            return Poll::Pending;
        }
        if waiter.poll_chosen(cx, |f| f(&mut condvar.waiters.lock())).is_pending() {
            hooks::set_wait(this.caller.site(), WaitKind::Condvar);
            return Poll::Pending;
        }
        let mutex = ready!(lock.as_mut().poll_lock(cx));
        waiter.reset();
        Poll::Ready(MutexGuard::new(mutex))
    }
}

impl<T: ?Sized> Drop for CondvarWait<'_, T> {
    fn drop(&mut self) {
        if self.waiter.is_idle() {
            return;
        }
        let waker = self.waiter.remove(&mut self.condvar.waiters.lock());
        if waker.is_none() && self.waiter.is_chosen() && self.waiter.data() == By::One {
            self.condvar.notify_one();
        }
    }
}

impl<T: ?Sized> fmt::Debug for CondvarWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CondvarWait")
            .field("at", &self.caller)
            .field("waiter", &self.waiter)
            .finish()
    }
}

/// Future of [`Condvar::wait_for`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct CondvarWaitFor<'a, T: ?Sized, P> {
    wait: CondvarWait<'a, T>,
    ready: P,
    /// The value was not looked at yet.
    is_new: bool,
}

impl<'a, T, P> Future for CondvarWaitFor<'a, T, P>
where
    T: ?Sized,
    P: FnMut(&mut T) -> bool,
{
    type Output = MutexGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, wait);
        if this.is_new {
            this.is_new = false;
            if let Some(guard) = wait.as_mut().finish_if(&mut this.ready) {
                return Poll::Ready(guard);
            }
        }
        loop {
            let guard = ready!(wait.as_mut().poll(cx));
            let mut notified = PassOn(wait.notified_alone());
            wait.as_mut().restart(guard);
            let done = wait.as_mut().finish_if(&mut this.ready);
            notified.0 = None;
            if let Some(guard) = done {
                return Poll::Ready(guard);
            }
        }
    }
}

/// Gives a notification to the next, unless it is taken out before: a predicate may panic.
struct PassOn<'a>(Option<&'a Condvar>);

impl Drop for PassOn<'_> {
    fn drop(&mut self) {
        if let Some(condvar) = self.0 {
            condvar.notify_one();
        }
    }
}

impl<T: ?Sized, P> fmt::Debug for CondvarWaitFor<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CondvarWaitFor").field("wait", &self.wait).finish()
    }
}
