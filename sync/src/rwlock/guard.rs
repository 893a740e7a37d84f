//! The keys to a reader-writer lock's value.
//!
//! The invariants of the file:
//! - **G1** A guard exists only while its lock is held in its way: `new` is called by whoever has just
//!   taken the lock so, and only the guard's drop, or its conversion into another guard, gives that up.
#![allow(unsafe_code, reason = "hands out references to a cell: invariant G1 is above")]

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::raw::Kind;
use super::wait::Waiting;
use super::{RwLock, RwLockUpgrade, RwLockUpgradeOwned};
use crate::narrow::release;

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
            pub(super) lock: $handle,
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

guard! {
    /// The right to read the value of a shared [`RwLock`] and to become its writer; dropping it lets
    /// go.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use corio_sync::{OwnedRwLockUpgradableReadGuard, RwLock};
    ///
    /// let lock = Arc::new(RwLock::new(1));
    /// let guard = lock.clone().try_upgradable_read_owned()?;
    /// if *guard == 1 {
    ///     *OwnedRwLockUpgradableReadGuard::try_upgrade(guard).expect("no other reader") += 1;
    /// }
    /// assert_eq!(*lock.try_read()?, 2);
    /// # Ok::<(), corio_sync::TryLockError>(())
    /// ```
    OwnedRwLockUpgradableReadGuard [] Arc<RwLock<T>>, Box<T>, Kind::Upgradable
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

/// The ways from one guard to another without letting go, for borrowed and for shared locks.
macro_rules! changes {
    ([$($gen:tt)*] $write:ident, $upgradable:ident, $read:ident, $upgrade:ident) => {
        impl<$($gen)* T: ?Sized> $write<$($gen)* T> {
            /// Goes on as a reader, and lets in the readers that wait; no writer comes between.
            pub fn downgrade(guard: Self) -> $read<$($gen)* T> {
                let guard = $read::new(release!(guard.lock));
                guard.lock.raw.downgrade(Kind::Write, Kind::Read);
                guard
            }

            /// Goes on as the upgradable reader; no writer comes between.
            pub fn downgrade_to_upgradable(guard: Self) -> $upgradable<$($gen)* T> {
                let guard = $upgradable::new(release!(guard.lock));
                guard.lock.raw.downgrade(Kind::Write, Kind::Upgradable);
                guard
            }
        }

        impl<$($gen)* T: ?Sized> $upgradable<$($gen)* T> {
            /// Becomes the writer when the readers that are in have left. Nobody writes in between,
            /// and new readers stay out.
            ///
            /// # Cancel safety
            ///
            /// Safe, but a dropped `upgrade` has let go of the lock: the guard is gone with it.
            #[track_caller]
            pub fn upgrade(guard: Self) -> $upgrade<$($gen)* T> {
                $upgrade { wait: Waiting::new(release!(guard.lock), Kind::Upgrade) }
            }

            /// Becomes the writer if no other reader is in.
            ///
            /// # Errors
            ///
            /// The guard itself, when there are other readers.
            pub fn try_upgrade(guard: Self) -> Result<$write<$($gen)* T>, Self> {
                if !guard.lock.raw.try_lock(Kind::Upgrade) {
                    return Err(guard);
                }
                Ok($write::new(release!(guard.lock)))
            }

            /// Goes on as a plain reader.
            pub fn downgrade(guard: Self) -> $read<$($gen)* T> {
                let guard = $read::new(release!(guard.lock));
                guard.lock.raw.downgrade(Kind::Upgradable, Kind::Read);
                guard
            }
        }
    };
}

changes!(['a,] RwLockWriteGuard, RwLockUpgradableReadGuard, RwLockReadGuard, RwLockUpgrade);
changes!([] OwnedRwLockWriteGuard, OwnedRwLockUpgradableReadGuard, OwnedRwLockReadGuard, RwLockUpgradeOwned);
