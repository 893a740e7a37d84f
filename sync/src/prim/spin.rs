//! A lock for a few instructions.
//!
//! The invariant of the file:
//! - **L1** The value is touched only by the one thread whose compare-exchange set `locked`, until
//!   its guard clears it, or by who has the lock itself for its own.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::{AtomicBool, Ordering, UnsafeCell, spin_loop, thread};

/// Spins before the thread gives its slice away: a holder that was preempted will not return sooner.
const SPINS: u32 = 64;

/// A lock that is held for a few instructions at a time and is nearly always free.
///
/// It costs one read-modify-write where a futex lock costs two; a waiter yields its thread after a
/// short spin, so that a preempted holder gets the processor.
#[derive(Debug, Default)]
pub struct SpinLock<T> {
    locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands the value to one thread at a time (L1).
unsafe impl<T: Send> Send for SpinLock<T> {}
// SAFETY: the lock hands the value to one thread at a time (L1).
unsafe impl<T: Send> Sync for SpinLock<T> {}

// What lies behind it is valid between statements: no panic, not that of foreign code, leaves it otherwise.
impl<T> UnwindSafe for SpinLock<T> {}
impl<T> RefUnwindSafe for SpinLock<T> {}

/// The key to a [`SpinLock`]'s value.
#[derive(Debug)]
pub struct SpinGuard<'a, T> {
    lock: &'a SpinLock<T>,
    /// It lends the value itself: shared between threads, it would share that. The lock alone may be
    /// shared whatever is in it.
    _value: PhantomData<&'a mut T>,
}

impl<T> SpinLock<T> {
    const_fn! {
        /// A free lock around `value`.
        pub fn new(value: T) -> Self {
            Self { locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
        }
    }

    /// The value, which nobody else can see while it is borrowed mutably.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: the lock is borrowed mutably, so no guard of it exists (L1).
        self.value.with_mut(|v| unsafe { &mut *v })
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        // Ordering: Acquire sees the last holder's writes. Pairs with the Release store in `drop`.
        self.locked
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .ok()
            .map(|_| SpinGuard { lock: self, _value: PhantomData })
    }

    /// Takes the lock, waiting for it if need be.
    #[inline]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        match self.try_lock() {
            Some(guard) => guard,
            None => self.lock_slow(),
        }
    }

    #[cold]
    fn lock_slow(&self) -> SpinGuard<'_, T> {
        let mut spins = 0;
        loop {
            // Ordering: Relaxed, `try_lock` decides. Looking leaves the holder the cache line that he works on;
            // trying would take it from him.
            if !self.locked.load(Ordering::Relaxed) {
                if let Some(guard) = self.try_lock() {
                    return guard;
                }
            }
            spins += 1;
            if cfg!(corio_loom) || spins > SPINS {
                thread::yield_now();
            } else {
                spin_loop();
            }
        }
    }
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this guard's thread holds the lock (L1), and the reference ends with the guard.
        self.lock.value.with(|v| unsafe { &*v })
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this guard's thread holds the lock (L1), and the reference ends with the guard.
        self.lock.value.with_mut(|v| unsafe { &mut *v })
    }
}

impl<T> Drop for SpinGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Ordering: Release publishes the holder's writes. Pairs with the Acquire in `try_lock`.
        self.lock.locked.store(false, Ordering::Release);
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Which implementation is meant is clear only for a type that is not `Sync`.
    trait NotSync<A> {
        fn check() {}
    }
    impl<T> NotSync<()> for T {}
    impl<T: Sync> NotSync<u8> for T {}

    #[test]
    fn a_guard_is_shared_only_where_its_value_may_be() {
        fn sync<T: Sync>() {}
        sync::<SpinGuard<'_, u8>>();
        sync::<SpinLock<Cell<u8>>>();
        <SpinGuard<'_, Cell<u8>> as NotSync<_>>::check();
    }
}

#[cfg(all(test, corio_loom))]
mod loom_tests {
    use super::*;
    use crate::prim::Arc;

    #[test]
    fn loom_two_holders_exclude_each_other() {
        crate::model(|| {
            let lock = Arc::new(SpinLock::new(0));
            let other = lock.clone();
            let handle = thread::spawn(move || *other.lock() += 1);
            *lock.lock() += 1;
            handle.join().unwrap();
            assert_eq!(*lock.lock(), 2);
        });
    }
}
