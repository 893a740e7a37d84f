//! The keys to a part of a reader-writer lock's value. Their invariant, P1, stands in `narrow.rs`.
#![allow(unsafe_code, reason = "hands out references to a cell: invariant P1 of narrow.rs")]

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use super::raw::{Kind, RawRwLock};
use super::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use crate::narrow::{mapped, mapped_mut, narrow, release};

/// The right to read a part of a [`RwLock`]'s value; dropping it lets go.
#[must_use = "the lock is let go as soon as the guard is dropped"]
pub struct RwLockMappedReadGuard<'a, U: ?Sized> {
    lock: &'a RawRwLock,
    part: NonNull<U>,
    _value: PhantomData<&'a U>,
}

/// The right to write a part of a [`RwLock`]'s value; dropping it lets go.
#[must_use = "the lock is let go as soon as the guard is dropped"]
pub struct RwLockMappedWriteGuard<'a, U: ?Sized> {
    lock: &'a RawRwLock,
    part: NonNull<U>,
    _value: PhantomData<&'a mut U>,
}

/// The right to read a part of the value of a shared [`RwLock`]; dropping it lets go.
#[must_use = "the lock is let go as soon as the guard is dropped"]
pub struct OwnedRwLockMappedReadGuard<T: ?Sized, U: ?Sized = T> {
    lock: Arc<RwLock<T>>,
    part: NonNull<U>,
    _value: PhantomData<*const U>,
}

/// The right to write a part of the value of a shared [`RwLock`]; dropping it lets go.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use corio_sync::{OwnedRwLockWriteGuard, RwLock};
///
/// let lock = Arc::new(RwLock::new(vec![1, 2, 3]));
/// let guard = lock.clone().try_write_owned()?;
/// let mut last = OwnedRwLockWriteGuard::try_map(guard, |all| all.last_mut()).unwrap();
/// *last += 1;
/// drop(last);
/// assert_eq!(*lock.try_read()?, [1, 2, 4]);
/// # Ok::<(), corio_sync::TryLockError>(())
/// ```
#[must_use = "the lock is let go as soon as the guard is dropped"]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T> {
    lock: Arc<RwLock<T>>,
    part: NonNull<U>,
    /// What the guard gives out is `&mut U`, which must not be taken for another type's.
    _value: PhantomData<*mut U>,
}

// SAFETY: a mapped read guard is a `&U` that lets go when dropped, which any thread may do.
unsafe impl<U: ?Sized + Sync> Send for RwLockMappedReadGuard<'_, U> {}
// SAFETY: as above.
unsafe impl<U: ?Sized + Sync> Sync for RwLockMappedReadGuard<'_, U> {}
// SAFETY: a mapped write guard is a `&mut U` that lets go when dropped, which any thread may do.
unsafe impl<U: ?Sized + Send> Send for RwLockMappedWriteGuard<'_, U> {}
// SAFETY: a shared mapped write guard gives out `&U` only.
unsafe impl<U: ?Sized + Sync> Sync for RwLockMappedWriteGuard<'_, U> {}
// SAFETY: a `&U` and a share of the lock, which may be sent as `T` is `Send + Sync`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Send for OwnedRwLockMappedReadGuard<T, U> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Sync for OwnedRwLockMappedReadGuard<T, U> {}
// SAFETY: a `&mut U` and a share of the lock, which may be sent as `T` is `Send + Sync`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send> Send for OwnedRwLockMappedWriteGuard<T, U> {}
// SAFETY: a shared mapped write guard gives out `&U` only.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Sync for OwnedRwLockMappedWriteGuard<T, U> {}

mapped!(['a,] RwLockMappedReadGuard<'a, U>, |raw: &&RawRwLock| raw.unlock(Kind::Read));
mapped!(['a,] RwLockMappedWriteGuard<'a, U>, |raw: &&RawRwLock| raw.unlock(Kind::Write));
mapped!(
    [T: ?Sized,] OwnedRwLockMappedReadGuard<T, U>,
    |lock: &Arc<RwLock<T>>| lock.raw.unlock(Kind::Read)
);
mapped!(
    [T: ?Sized,] OwnedRwLockMappedWriteGuard<T, U>,
    |lock: &Arc<RwLock<T>>| lock.raw.unlock(Kind::Write)
);
mapped_mut!(['a,] RwLockMappedWriteGuard<'a, U>);
mapped_mut!([T: ?Sized,] OwnedRwLockMappedWriteGuard<T, U>);

narrow!(
    ['a, T: ?Sized] RwLockReadGuard<'a, T> => RwLockMappedReadGuard<'a>, [] T,
    |guard| &release!(guard.lock).raw
);
narrow!(
    ['a, T: ?Sized] RwLockWriteGuard<'a, T> => RwLockMappedWriteGuard<'a>, [mut] T,
    |guard| &release!(guard.lock).raw
);
narrow!(
    ['a, U: ?Sized] RwLockMappedReadGuard<'a, U> => RwLockMappedReadGuard<'a>, [] U,
    |guard| release!(guard.lock)
);
narrow!(
    ['a, U: ?Sized] RwLockMappedWriteGuard<'a, U> => RwLockMappedWriteGuard<'a>, [mut] U,
    |guard| release!(guard.lock)
);
narrow!(
    [T: ?Sized] OwnedRwLockReadGuard<T> => OwnedRwLockMappedReadGuard<T>, [] T,
    |guard| release!(guard.lock)
);
narrow!(
    [T: ?Sized] OwnedRwLockWriteGuard<T> => OwnedRwLockMappedWriteGuard<T>, [mut] T,
    |guard| release!(guard.lock)
);
narrow!(
    [T: ?Sized, U: ?Sized] OwnedRwLockMappedReadGuard<T, U> => OwnedRwLockMappedReadGuard<T>, [] U,
    |guard| release!(guard.lock)
);
narrow!(
    [T: ?Sized, U: ?Sized]
    OwnedRwLockMappedWriteGuard<T, U> => OwnedRwLockMappedWriteGuard<T>, [mut] U,
    |guard| release!(guard.lock)
);
