//! A thread that waits for one notification.

use std::time::Duration;

use super::{AtomicU32, Condvar, Linger, Mutex, Ordering};

const EMPTY: u32 = 0;
const NOTIFIED: u32 = 1;

/// One thread parks, any thread unparks; an unpark before the park is kept, several are one.
#[derive(Debug)]
pub struct Parker {
    /// NOTIFIED from an unpark to the park that takes it.
    state: AtomicU32,
    /// Held from a parker's last look at `state` until it sleeps, so that no unpark falls between.
    lock: Mutex<()>,
    condvar: Condvar,
}

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}

impl Parker {
    /// A parker with no notification in it.
    pub fn new() -> Self {
        Self { state: AtomicU32::new(EMPTY), lock: Mutex::new(()), condvar: Condvar::new() }
    }

    /// Takes a notification if there is one.
    pub fn try_take(&self) -> bool {
        // Ordering: Acquire sees what the unparker wrote. Pairs with the AcqRel swap in `unpark`.
        self.state.swap(EMPTY, Ordering::Acquire) == NOTIFIED
    }

    /// Takes a notification if one comes soon, on a thread that has seen that happen.
    pub fn linger(&self, linger: &Linger) -> bool {
        // Ordering: Relaxed, `try_take` looks again.
        linger.wait(|| self.state.load(Ordering::Relaxed) == NOTIFIED) && self.try_take()
    }

    /// Waits for a notification and takes it.
    pub fn park(&self) {
        if self.try_take() {
            return;
        }
        let mut guard = self.lock.lock();
        while !self.try_take() {
            guard = self.condvar.wait(guard);
        }
    }

    /// Waits for a notification for about `timeout`; tells whether it took one.
    pub fn park_timeout(&self, timeout: Duration) -> bool {
        if self.try_take() {
            return true;
        }
        let guard = self.lock.lock();
        if self.try_take() {
            return true;
        }
        drop(self.condvar.wait_timeout(guard, timeout));
        self.try_take()
    }

    /// Leaves a notification and wakes the parked thread.
    pub fn unpark(&self) {
        // Ordering: Release publishes the caller's writes, pairs with the Acquire in `try_take`.
        // Acquire keeps a second unpark from overtaking the first.
        if self.state.swap(NOTIFIED, Ordering::AcqRel) == NOTIFIED {
            return;
        }
        // The parker is either before its lock (and will see NOTIFIED) or asleep with the lock
        // released: taking the lock here waits out the time between.
        drop(self.lock.lock());
        self.condvar.notify_one();
    }
}

#[cfg(all(test, corio_loom))]
mod loom_tests {
    use super::*;
    use crate::prim::{Arc, thread};

    #[test]
    fn loom_an_unpark_is_never_lost() {
        crate::model(|| {
            let parker = Arc::new(Parker::new());
            let other = parker.clone();
            let handle = thread::spawn(move || other.unpark());
            parker.park();
            handle.join().unwrap();
        });
    }

    #[test]
    fn loom_two_unparks_wake_at_least_once() {
        crate::model(|| {
            let parker = Arc::new(Parker::new());
            let (a, b) = (parker.clone(), parker.clone());
            let a = thread::spawn(move || a.unpark());
            let b = thread::spawn(move || b.unpark());
            parker.park();
            a.join().unwrap();
            b.join().unwrap();
        });
    }
}
