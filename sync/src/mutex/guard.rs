//! The keys to a mutex's value.
//!
//! The invariants of the file:
//! - **G1** A guard exists only while its mutex is locked for it: `new` is called by whoever has just
//!   taken the lock, and only the guard's drop unlocks.
//!
//! That of the mapped guards, P1, stands in `narrow.rs`.
#![allow(unsafe_code, reason = "hands out references to a cell: the invariants are above")]

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use super::{Mutex, RawMutex};
use crate::narrow::{mapped, mapped_mut, narrow, release};

// SAFETY: the mutex owns its value; sending it sends that.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: the lock lets one thread at a time at the value, which so moves between threads.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

/// The value of a mutex that nobody else can reach.
pub(super) fn get_mut<T: ?Sized>(mutex: &mut Mutex<T>) -> &mut T {
    // SAFETY: `&mut Mutex` excludes guards, which borrow or share it.
    mutex.value.with_mut(|v| unsafe { &mut *v })
}

/// The key to a [`Mutex`]'s value; dropping it unlocks.
#[must_use = "the mutex is unlocked as soon as the guard is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    /// A guard is shared between threads only if the value may be.
    _value: PhantomData<&'a mut T>,
}

/// The key to the value of a shared [`Mutex`]; dropping it unlocks.
#[must_use = "the mutex is unlocked as soon as the guard is dropped"]
pub struct OwnedMutexGuard<T: ?Sized> {
    mutex: Arc<Mutex<T>>,
    /// A guard is shared between threads only if the value may be.
    _value: PhantomData<Box<T>>,
}

/// The key to a part of a [`Mutex`]'s value; dropping it unlocks.
#[must_use = "the mutex is unlocked as soon as the guard is dropped"]
pub struct MappedMutexGuard<'a, U: ?Sized> {
    lock: &'a RawMutex,
    part: NonNull<U>,
    _value: PhantomData<&'a mut U>,
}

/// The key to a part of the value of a shared [`Mutex`]; dropping it unlocks.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use corio_sync::{Mutex, OwnedMutexGuard};
///
/// let mutex = Arc::new(Mutex::new((1, String::from("one"))));
/// let mut name = OwnedMutexGuard::map(mutex.clone().try_lock_owned()?, |pair| &mut pair.1);
/// std::thread::spawn(move || name.push('!')).join().unwrap();
/// assert_eq!(mutex.try_lock()?.1, "one!");
/// # Ok::<(), corio_sync::TryLockError>(())
/// ```
#[must_use = "the mutex is unlocked as soon as the guard is dropped"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    lock: Arc<Mutex<T>>,
    part: NonNull<U>,
    /// What the guard gives out is `&mut U`, which must not be taken for another type's.
    _value: PhantomData<*mut U>,
}

// SAFETY: a mapped guard is a `&mut U` that unlocks when dropped, which any thread may do.
unsafe impl<U: ?Sized + Send> Send for MappedMutexGuard<'_, U> {}
// SAFETY: a shared mapped guard gives out `&U` only.
unsafe impl<U: ?Sized + Sync> Sync for MappedMutexGuard<'_, U> {}
// SAFETY: as for the borrowed one; its mutex may be dropped with it, and the value with that.
unsafe impl<T: ?Sized + Send, U: ?Sized + Send> Send for OwnedMappedMutexGuard<T, U> {}
// SAFETY: a shared mapped guard gives out `&U` only; the mutex itself is out of reach.
unsafe impl<T: ?Sized + Send, U: ?Sized + Sync> Sync for OwnedMappedMutexGuard<T, U> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The caller has just locked `mutex` (G1).
    #[inline]
    pub(crate) fn new(mutex: &'a Mutex<T>) -> Self {
        Self { mutex, _value: PhantomData }
    }

    /// The mutex of this guard.
    pub fn mutex(guard: &Self) -> &'a Mutex<T> {
        guard.mutex
    }
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    /// The caller has just locked `mutex` (G1).
    #[inline]
    pub(crate) fn new(mutex: Arc<Mutex<T>>) -> Self {
        Self { mutex, _value: PhantomData }
    }

    /// The mutex of this guard.
    pub fn mutex(guard: &Self) -> &Arc<Mutex<T>> {
        &guard.mutex
    }
}

macro_rules! key {
    ([$($gen:tt)*] $name:ty) => {
        impl<$($gen)* T: ?Sized> Deref for $name {
            type Target = T;
            #[inline]
            fn deref(&self) -> &T {
                // SAFETY: the guard holds the lock (G1), and the reference ends with the guard.
                self.mutex.value.with(|v| unsafe { &*v })
            }
        }

        impl<$($gen)* T: ?Sized> DerefMut for $name {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                // SAFETY: the guard holds the lock (G1), and the reference ends with the guard.
                self.mutex.value.with_mut(|v| unsafe { &mut *v })
            }
        }

        impl<$($gen)* T: ?Sized> Drop for $name {
            #[inline]
            fn drop(&mut self) {
                self.mutex.raw.unlock();
            }
        }

        impl<$($gen)* T: ?Sized + fmt::Debug> fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<$($gen)* T: ?Sized + fmt::Display> fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

key!(['a,] MutexGuard<'a, T>);
key!([] OwnedMutexGuard<T>);

mapped!(['a,] MappedMutexGuard<'a, U>, |raw: &&RawMutex| raw.unlock());
mapped!([T: ?Sized,] OwnedMappedMutexGuard<T, U>, |m: &Arc<Mutex<T>>| m.raw.unlock());
mapped_mut!(['a,] MappedMutexGuard<'a, U>);
mapped_mut!([T: ?Sized,] OwnedMappedMutexGuard<T, U>);

narrow!(
    ['a, T: ?Sized] MutexGuard<'a, T> => MappedMutexGuard<'a>, [mut] T,
    |guard| &release!(guard.mutex).raw
);
narrow!(
    ['a, U: ?Sized] MappedMutexGuard<'a, U> => MappedMutexGuard<'a>, [mut] U,
    |guard| release!(guard.lock)
);
narrow!(
    [T: ?Sized] OwnedMutexGuard<T> => OwnedMappedMutexGuard<T>, [mut] T,
    |guard| release!(guard.mutex)
);
narrow!(
    [T: ?Sized, U: ?Sized] OwnedMappedMutexGuard<T, U> => OwnedMappedMutexGuard<T>, [mut] U,
    |guard| release!(guard.lock)
);
