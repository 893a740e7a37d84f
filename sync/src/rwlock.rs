//! Many readers or one writer, across `.await`.

mod blocking;
mod guard;
mod mapped;
mod raw;
mod wait;

#[cfg(all(test, corio_loom))]
mod loom;

use std::fmt;
use std::sync::Arc;

use crate::mutex::TryLockError;
use crate::prim::{UnsafeCell, const_fn};
use raw::{Kind, RawRwLock};
use wait::Waiting;

pub use guard::{
    OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteGuard, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard,
};
pub use mapped::{
    OwnedRwLockMappedReadGuard, OwnedRwLockMappedWriteGuard, RwLockMappedReadGuard,
    RwLockMappedWriteGuard,
};
pub use wait::{
    RwLockRead, RwLockReadOwned, RwLockUpgradableRead, RwLockUpgradableReadOwned, RwLockUpgrade,
    RwLockUpgradeOwned, RwLockWrite, RwLockWriteOwned,
};

/// A lock that many may hold to read, or one to write, across `.await`.
///
/// It is fair: all stand in one line, so a writer is not starved by readers who keep coming: those
/// that come after it wait behind it. Readers next to each other in the line go in together. As with a
/// [`Mutex`](crate::Mutex), who finds it taken may look for a few microseconds before joining the line.
///
/// An *upgradable* reader reads beside the others and can become the writer without letting go;
/// there is one at a time.
///
/// # Examples
///
/// ```
/// use corio_sync::RwLock;
///
/// let lock = RwLock::new(5);
/// {
///     let (a, b) = (lock.try_read()?, lock.try_read()?);
///     assert_eq!(*a + *b, 10);
///     assert!(lock.try_write().is_err());
/// }
/// *lock.try_write()? += 1;
/// assert_eq!(lock.into_inner(), 6);
/// # Ok::<(), corio_sync::TryLockError>(())
/// ```
pub struct RwLock<T: ?Sized> {
    raw: RawRwLock,
    value: UnsafeCell<T>,
}

impl<T> RwLock<T> {
    const_fn! {
        /// Makes an unlocked lock around `value`.
        #[doc(alias = "const_new")]
        pub fn new(value: T) -> Self {
            Self { raw: RawRwLock::new(), value: UnsafeCell::new(value) }
        }
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Locks to read, waiting for its turn.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `read` gives up its place in the line.
    #[track_caller]
    #[inline]
    pub fn read(&self) -> RwLockRead<'_, T> {
        RwLockRead { wait: Waiting::new(self, Kind::Read) }
    }

    /// Locks to write, waiting for its turn.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `write` gives up its place in the line; readers that waited behind it go in.
    #[track_caller]
    #[inline]
    pub fn write(&self) -> RwLockWrite<'_, T> {
        RwLockWrite { wait: Waiting::new(self, Kind::Write) }
    }

    /// Locks to read with the right to write later, waiting for its turn.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `upgradable_read` gives up its place in the line.
    #[track_caller]
    pub fn upgradable_read(&self) -> RwLockUpgradableRead<'_, T> {
        RwLockUpgradableRead { wait: Waiting::new(self, Kind::Upgradable) }
    }

    /// Locks a shared lock to read.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `read_owned` gives up its place in the line.
    #[track_caller]
    pub fn read_owned(self: Arc<Self>) -> RwLockReadOwned<T> {
        RwLockReadOwned { wait: Waiting::new(self, Kind::Read) }
    }

    /// Locks a shared lock to write.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `write_owned` gives up its place in the line.
    #[track_caller]
    pub fn write_owned(self: Arc<Self>) -> RwLockWriteOwned<T> {
        RwLockWriteOwned { wait: Waiting::new(self, Kind::Write) }
    }

    /// Locks a shared lock to read with the right to write later.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `upgradable_read_owned` gives up its place in the line.
    #[track_caller]
    pub fn upgradable_read_owned(self: Arc<Self>) -> RwLockUpgradableReadOwned<T> {
        RwLockUpgradableReadOwned { wait: Waiting::new(self, Kind::Upgradable) }
    }

    /// Locks to read, if nobody writes and nobody waits.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] when that is not so.
    #[inline]
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        self.attempt(Kind::Read).map(|()| RwLockReadGuard::new(self))
    }

    /// Locks to write, if nobody holds the lock.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] when somebody does.
    #[inline]
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        self.attempt(Kind::Write).map(|()| RwLockWriteGuard::new(self))
    }

    /// Locks to read with the right to write later, if nobody has that, writes, or waits.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] when somebody does.
    pub fn try_upgradable_read(&self) -> Result<RwLockUpgradableReadGuard<'_, T>, TryLockError> {
        self.attempt(Kind::Upgradable).map(|()| RwLockUpgradableReadGuard::new(self))
    }

    /// Locks a shared lock to read, if nobody writes and nobody waits.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] when that is not so.
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        self.attempt(Kind::Read)?;
        Ok(OwnedRwLockReadGuard::new(self))
    }

    /// Locks a shared lock to write, if nobody holds it.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] when somebody does.
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        self.attempt(Kind::Write)?;
        Ok(OwnedRwLockWriteGuard::new(self))
    }

    /// Locks a shared lock to read with the right to write later, if nobody has that, writes, or
    /// waits.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] when somebody does.
    pub fn try_upgradable_read_owned(
        self: Arc<Self>,
    ) -> Result<OwnedRwLockUpgradableReadGuard<T>, TryLockError> {
        self.attempt(Kind::Upgradable)?;
        Ok(OwnedRwLockUpgradableReadGuard::new(self))
    }

    #[inline]
    fn attempt(&self, kind: Kind) -> Result<(), TryLockError> {
        if self.raw.try_lock(kind) { Ok(()) } else { Err(TryLockError(())) }
    }

    /// The value, which nobody else can reach now.
    pub fn get_mut(&mut self) -> &mut T {
        guard::get_mut(self)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => f.field("value", &&*guard),
            Err(_) => f.field("value", &format_args!("<locked>")),
        };
        f.finish()
    }
}
