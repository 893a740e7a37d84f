//! The keys to a reader-writer lock's value.
//!
//! The invariants of the file:
//! - **G1** A guard exists only while its lock is held in its way: `new` is called by whoever has just
//!   taken the lock so, and only the guard's drop, or its conversion into another guard, gives that up.
//! - **G2** A mapped guard points into the value of the lock it holds, by a reference derived from the
//!   original guard's, which no longer exists.
#![allow(unsafe_code, reason = "hands out references to a cell: invariants G1 and G2 are above")]

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use super::raw::{Kind, RawRwLock};
use super::wait::Waiting;
use super::{RwLock, RwLockUpgrade};

// SAFETY: the lock owns its value; sending it sends that.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: readers share the value between threads, writers move it between them.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

/// The value of a lock that nobody else can reach.
pub(super) fn get_mut<T: ?Sized>(lock: &mut RwLock<T>) -> &mut T {
    // SAFETY: `&mut RwLock` excludes guards, which borrow or share it.
    lock.value.with_mut(|v| unsafe { &mut *v })
}

macro_rules! guard {
    ($(#[$doc:meta])* $name:ident [$($gen:tt)*] $handle:ty, $value:ty, $kind:expr) => {
        $(#[$doc])*
        #[must_use = "the lock is let go as soon as the guard is dropped"]
        pub struct $name<$($gen)* T: ?Sized> {
            lock: $handle,
            /// What the guard is to the compiler: it sets who may send or share it.
            _value: PhantomData<$value>,
        }

        impl<$($gen)* T: ?Sized> $name<$($gen)* T> {
            /// The caller holds `lock` in this guard's way (G1).
            #[inline]
            pub(super) fn new(lock: $handle) -> Self {
                Self { lock, _value: PhantomData }
            }
        }

        impl<$($gen)* T: ?Sized> Deref for $name<$($gen)* T> {
            type Target = T;
            #[inline]
            fn deref(&self) -> &T {
                // SAFETY: the guard keeps writers out or is the only one (G1).
                self.lock.value.with(|v| unsafe { &*v })
            }
        }

        impl<$($gen)* T: ?Sized> Drop for $name<$($gen)* T> {
            #[inline]
            fn drop(&mut self) {
                self.lock.raw.unlock($kind);
            }
        }

        impl<$($gen)* T: ?Sized + fmt::Debug> fmt::Debug for $name<$($gen)* T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<$($gen)* T: ?Sized + fmt::Display> fmt::Display for $name<$($gen)* T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

guard! {
    /// The right to read a [`RwLock`]'s value; dropping it lets go.
    RwLockReadGuard ['a,] &'a RwLock<T>, &'a T, Kind::Read
}
guard! {
    /// The right to write a [`RwLock`]'s value; dropping it lets go.
    RwLockWriteGuard ['a,] &'a RwLock<T>, &'a mut T, Kind::Write
}
guard! {
    /// The right to read a [`RwLock`]'s value and to become its writer; dropping it lets go.
    RwLockUpgradableReadGuard ['a,] &'a RwLock<T>, &'a mut T, Kind::Upgradable
}
guard! {
    /// The right to read the value of a shared [`RwLock`]; dropping it lets go.
    OwnedRwLockReadGuard [] Arc<RwLock<T>>, Box<T>, Kind::Read
}
guard! {
    /// The right to write the value of a shared [`RwLock`]; dropping it lets go.
    OwnedRwLockWriteGuard [] Arc<RwLock<T>>, Box<T>, Kind::Write
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only one (G1), and the reference ends with it.
        self.lock.value.with_mut(|v| unsafe { &mut *v })
    }
}

impl<T: ?Sized> DerefMut for OwnedRwLockWriteGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only one (G1), and the reference ends with it.
        self.lock.value.with_mut(|v| unsafe { &mut *v })
    }
}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// Narrows the guard to a part of the value.
    pub fn map<U: ?Sized>(
        guard: Self,
        part: impl FnOnce(&T) -> &U,
    ) -> RwLockMappedReadGuard<'a, U> {
        let part = NonNull::from(part(&*guard));
        let guard = ManuallyDrop::new(guard);
        RwLockMappedReadGuard { raw: &guard.lock.raw, part, _value: PhantomData }
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Narrows the guard to a part of the value.
    pub fn map<U: ?Sized>(
        mut guard: Self,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> RwLockMappedWriteGuard<'a, U> {
        let part = NonNull::from(part(&mut *guard));
        let guard = ManuallyDrop::new(guard);
        RwLockMappedWriteGuard { raw: &guard.lock.raw, part, _value: PhantomData }
    }

    /// Goes on as a reader, and lets in the readers that wait; no writer comes between.
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        let guard = ManuallyDrop::new(guard);
        guard.lock.raw.downgrade(Kind::Write, Kind::Read);
        RwLockReadGuard::new(guard.lock)
    }

    /// Goes on as the upgradable reader; no writer comes between.
    pub fn downgrade_to_upgradable(guard: Self) -> RwLockUpgradableReadGuard<'a, T> {
        let guard = ManuallyDrop::new(guard);
        guard.lock.raw.downgrade(Kind::Write, Kind::Upgradable);
        RwLockUpgradableReadGuard::new(guard.lock)
    }
}

impl<'a, T: ?Sized> RwLockUpgradableReadGuard<'a, T> {
    /// Becomes the writer when the readers that are in have left. Nobody writes in between, and new
    /// readers stay out.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `upgrade` has let go of the lock: the guard is gone with it.
    #[track_caller]
    pub fn upgrade(guard: Self) -> RwLockUpgrade<'a, T> {
        let guard = ManuallyDrop::new(guard);
        RwLockUpgrade { wait: Waiting::new(guard.lock, Kind::Upgrade) }
    }

    /// Becomes the writer if no other reader is in.
    ///
    /// # Errors
    ///
    /// The guard itself, when there are other readers.
    pub fn try_upgrade(guard: Self) -> Result<RwLockWriteGuard<'a, T>, Self> {
        if !guard.lock.raw.try_lock(Kind::Upgrade) {
            return Err(guard);
        }
        Ok(RwLockWriteGuard::new(ManuallyDrop::new(guard).lock))
    }

    /// Goes on as a plain reader.
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        let guard = ManuallyDrop::new(guard);
        guard.lock.raw.downgrade(Kind::Upgradable, Kind::Read);
        RwLockReadGuard::new(guard.lock)
    }
}

macro_rules! mapped {
    ($(#[$doc:meta])* $name:ident, $value:ty, $kind:expr) => {
        $(#[$doc])*
        #[must_use = "the lock is let go as soon as the guard is dropped"]
        pub struct $name<'a, U: ?Sized> {
            raw: &'a RawRwLock,
            part: NonNull<U>,
            _value: PhantomData<$value>,
        }

        impl<U: ?Sized> Deref for $name<'_, U> {
            type Target = U;
            #[inline]
            fn deref(&self) -> &U {
                // SAFETY: it points into the value of a lock that this guard holds (G2).
                unsafe { self.part.as_ref() }
            }
        }

        impl<U: ?Sized> Drop for $name<'_, U> {
            fn drop(&mut self) {
                self.raw.unlock($kind);
            }
        }

        impl<U: ?Sized + fmt::Debug> fmt::Debug for $name<'_, U> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

mapped! {
    /// The right to read a part of a [`RwLock`]'s value; dropping it lets go.
    RwLockMappedReadGuard, &'a U, Kind::Read
}
mapped! {
    /// The right to write a part of a [`RwLock`]'s value; dropping it lets go.
    RwLockMappedWriteGuard, &'a mut U, Kind::Write
}

// SAFETY: a mapped read guard is a `&U` that lets go when dropped, which any thread may do.
unsafe impl<U: ?Sized + Sync> Send for RwLockMappedReadGuard<'_, U> {}
// SAFETY: as above.
unsafe impl<U: ?Sized + Sync> Sync for RwLockMappedReadGuard<'_, U> {}
// SAFETY: a mapped write guard is a `&mut U` that lets go when dropped, which any thread may do.
unsafe impl<U: ?Sized + Send> Send for RwLockMappedWriteGuard<'_, U> {}
// SAFETY: a shared mapped write guard gives out `&U` only.
unsafe impl<U: ?Sized + Sync> Sync for RwLockMappedWriteGuard<'_, U> {}

impl<U: ?Sized> DerefMut for RwLockMappedWriteGuard<'_, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: it points into the value of a lock of which this is the only guard (G2).
        unsafe { self.part.as_mut() }
    }
}
