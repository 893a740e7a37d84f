//! The keys to a mutex's value.
//!
//! The invariants of the file:
//! - **G1** A guard exists only while its mutex is locked for it: `new` is called by whoever has just
//!   taken the lock, and only the guard's drop unlocks.
//! - **G2** A mapped guard points into the value of the mutex whose lock it holds, by a reference
//!   derived from the original guard's, which no longer exists.
#![allow(unsafe_code, reason = "hands out references to a cell: invariants G1 and G2 are above")]

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use super::{Mutex, RawMutex};

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
    raw: &'a RawMutex,
    part: NonNull<U>,
    _value: PhantomData<&'a mut U>,
}

// SAFETY: a mapped guard is a `&mut U` that unlocks when dropped, which any thread may do.
unsafe impl<U: ?Sized + Send> Send for MappedMutexGuard<'_, U> {}
// SAFETY: a shared mapped guard gives out `&U` only.
unsafe impl<U: ?Sized + Sync> Sync for MappedMutexGuard<'_, U> {}

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

    /// Narrows the guard to a part of the value.
    pub fn map<U: ?Sized>(
        mut guard: Self,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> MappedMutexGuard<'a, U> {
        let part = NonNull::from(part(&mut *guard));
        let guard = ManuallyDrop::new(guard);
        MappedMutexGuard { raw: &guard.mutex.raw, part, _value: PhantomData }
    }

    /// Narrows the guard to a part of the value, if it has that part.
    ///
    /// # Errors
    ///
    /// The guard itself, when `part` finds none.
    pub fn try_map<U: ?Sized>(
        mut guard: Self,
        part: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedMutexGuard<'a, U>, Self> {
        let Some(part) = part(&mut *guard).map(NonNull::from) else {
            return Err(guard);
        };
        let guard = ManuallyDrop::new(guard);
        Ok(MappedMutexGuard { raw: &guard.mutex.raw, part, _value: PhantomData })
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

impl<U: ?Sized> Deref for MappedMutexGuard<'_, U> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: it points into the value of a mutex that is locked for this guard (G2).
        unsafe { self.part.as_ref() }
    }
}

impl<U: ?Sized> DerefMut for MappedMutexGuard<'_, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: it points into the value of a mutex that is locked for this guard (G2).
        unsafe { self.part.as_mut() }
    }
}

impl<U: ?Sized> Drop for MappedMutexGuard<'_, U> {
    fn drop(&mut self) {
        self.raw.unlock();
    }
}

impl<U: ?Sized + fmt::Debug> fmt::Debug for MappedMutexGuard<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<U: ?Sized + fmt::Display> fmt::Display for MappedMutexGuard<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
