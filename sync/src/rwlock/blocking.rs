//! The forms for plain threads.

use std::sync::Arc;
use std::time::Duration;

use super::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard,
};
use crate::blocking;
use crate::hooks;

impl<T: ?Sized> RwLock<T> {
    /// Locks to read, blocking this thread until its turn comes.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        hooks::forbid_blocking("RwLock::blocking_read");
        self.try_read().unwrap_or_else(|_| blocking::block_on(self.read()))
    }

    /// Locks to write, blocking this thread until its turn comes.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        hooks::forbid_blocking("RwLock::blocking_write");
        self.try_write().unwrap_or_else(|_| blocking::block_on(self.write()))
    }

    /// Locks to read with the right to write later, blocking this thread until its turn comes.
    ///
    /// [`upgrade`](RwLockUpgradableReadGuard::upgrade) is a future;
    /// [`blocking_upgrade`](RwLockUpgradableReadGuard::blocking_upgrade) is for threads.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_upgradable_read(&self) -> RwLockUpgradableReadGuard<'_, T> {
        hooks::forbid_blocking("RwLock::blocking_upgradable_read");
        blocking::block_on(self.upgradable_read())
    }

    /// Locks a shared lock to read, blocking this thread until its turn comes.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_read_owned(self: Arc<Self>) -> OwnedRwLockReadGuard<T> {
        hooks::forbid_blocking("RwLock::blocking_read_owned");
        blocking::block_on(self.read_owned())
    }

    /// Locks a shared lock to write, blocking this thread until its turn comes.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_write_owned(self: Arc<Self>) -> OwnedRwLockWriteGuard<T> {
        hooks::forbid_blocking("RwLock::blocking_write_owned");
        blocking::block_on(self.write_owned())
    }

    /// Locks to read, blocking this thread for at most `timeout`; `None` when the time is over.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_read_timeout(&self, timeout: Duration) -> Option<RwLockReadGuard<'_, T>> {
        hooks::forbid_blocking("RwLock::blocking_read_timeout");
        blocking::block_on_timeout(self.read(), timeout)
    }

    /// Locks to write, blocking this thread for at most `timeout`; `None` when the time is over.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_write_timeout(&self, timeout: Duration) -> Option<RwLockWriteGuard<'_, T>> {
        hooks::forbid_blocking("RwLock::blocking_write_timeout");
        blocking::block_on_timeout(self.write(), timeout)
    }
}

impl<'a, T: ?Sized> RwLockUpgradableReadGuard<'a, T> {
    /// Becomes the writer, blocking this thread until the readers that are in have left.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_upgrade(guard: Self) -> RwLockWriteGuard<'a, T> {
        hooks::forbid_blocking("RwLockUpgradableReadGuard::blocking_upgrade");
        blocking::block_on(Self::upgrade(guard))
    }
}
