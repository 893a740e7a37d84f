//! Mutual exclusion across `.await`.

mod guard;
mod raw;

#[cfg(all(test, corio_loom))]
mod loom;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::blocking;
use crate::hooks;
use crate::prim::{UnsafeCell, const_fn};
use crate::waitlist::project;
use raw::HasRaw;

pub use guard::{MappedMutexGuard, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};
pub(crate) use raw::{Locking, RawMutex};

/// A lock that may be held across `.await`.
///
/// It is fair: whoever came into line first gets it first, and unlocking hands it over directly, so that
/// nobody can overtake who waits there; [`barging`](Self::barging) makes one that trades this for
/// throughput. A guard may be dropped on another thread than the one that locked. There is no poisoning:
/// a panic unlocks. asyncio's `Lock`.
///
/// Who finds it taken, and nobody in line, may look for a few microseconds whether another thread lets go
/// of it before joining the line, if that has been worth it lately. Until it has joined, others may come first.
///
/// Tasks and plain threads ([`blocking_lock`](Self::blocking_lock)) wait in the same line. It is not
/// reentrant: a task that locks twice waits for itself, which introspection shows as a wait whose
/// holder is the waiter.
///
/// # Examples
///
/// ```
/// use corio_sync::Mutex;
///
/// static COUNT: Mutex<u32> = Mutex::new(0);
///
/// # let next = async {
/// *COUNT.lock().await += 1;
/// # };
/// # let mut next = std::pin::pin!(next);
/// # let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(next.as_mut().poll(&mut cx).is_ready());
/// assert_eq!(*COUNT.try_lock().unwrap(), 1);
/// ```
#[doc(alias = "Lock")]
pub struct Mutex<T: ?Sized> {
    raw: RawMutex,
    value: UnsafeCell<T>,
}

/// The mutex is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryLockError(pub(crate) ());

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("locked at the moment: `.lock().await` waits for it")
    }
}

impl std::error::Error for TryLockError {}

impl<T> Mutex<T> {
    const_fn! {
        /// Makes an unlocked mutex around `value`.
        #[doc(alias = "const_new")]
        pub fn new(value: T) -> Self {
            Self { raw: RawMutex::new(false), value: UnsafeCell::new(value) }
        }
    }

    const_fn! {
        /// Makes an unlocked mutex around `value` that may be taken by whoever comes first.
        ///
        /// A fair lock goes straight to the one who waits longest, and nobody can have it until that
        /// one runs. This one is free in between, so that a thread which is at work may take it
        /// again; the longest waiting one is woken to try. The unfairness is bounded: a waiter that
        /// came too late some times is handed the lock.
        ///
        /// For short locks that several threads take all the time. Order among those who contend is
        /// lost, nothing else: the value is as safe, and a cancelled wait as clean.
        ///
        /// # Examples
        ///
        /// ```
        /// use corio_sync::Mutex;
        ///
        /// static HITS: Mutex<u64> = Mutex::barging(0);
        ///
        /// std::thread::scope(|s| {
        ///     for _ in 0..4 {
        ///         s.spawn(|| (0..100).for_each(|_| *HITS.blocking_lock() += 1));
        ///     }
        /// });
        /// assert_eq!(*HITS.blocking_lock(), 400);
        /// ```
        pub fn barging(value: T) -> Self {
            Self { raw: RawMutex::new(true), value: UnsafeCell::new(value) }
        }
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Locks, waiting for its turn.
    ///
    /// Waiters are served in order of arrival, unless the mutex was made by
    /// [`barging`](Self::barging).
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `lock` gives up its place in the line. If it had been given the lock, the
    /// next one gets it.
    #[doc(alias = "acquire")]
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> Lock<'_, T> {
        Lock { wait: Locking::new(self) }
    }

    /// Locks a shared mutex for as long as the guard lives, wherever it goes.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `lock_owned` gives up its place in the line.
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> LockOwned<T> {
        LockOwned { wait: Locking::new(self) }
    }

    /// Locks if nobody holds the lock.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] when it is locked.
    #[inline]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        if self.raw.try_lock() { Ok(MutexGuard::new(self)) } else { Err(TryLockError(())) }
    }

    /// Locks a shared mutex if nobody holds the lock.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] when it is locked.
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        if self.raw.try_lock() { Ok(OwnedMutexGuard::new(self)) } else { Err(TryLockError(())) }
    }

    /// Locks, blocking this thread until its turn comes.
    ///
    /// Threads and tasks wait in the same line.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        hooks::forbid_blocking("Mutex::blocking_lock");
        self.try_lock().unwrap_or_else(|_| blocking::block_on(self.lock()))
    }

    /// Locks a shared mutex, blocking this thread until its turn comes.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        hooks::forbid_blocking("Mutex::blocking_lock_owned");
        blocking::block_on(self.lock_owned())
    }

    /// Locks, blocking this thread for at most `timeout`; `None` when the time is over.
    ///
    /// A zero timeout tries once. Who gives up leaves no trace: the next in line gets the lock.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_lock_timeout(&self, timeout: Duration) -> Option<MutexGuard<'_, T>> {
        hooks::forbid_blocking("Mutex::blocking_lock_timeout");
        blocking::block_on_timeout(self.lock(), timeout)
    }

    /// Whether it is locked at the moment. asyncio's `locked`.
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    /// The value, which nobody else can reach now.
    pub fn get_mut(&mut self) -> &mut T {
        guard::get_mut(self)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => f.field("value", &&*guard),
            Err(_) => f.field("value", &format_args!("<locked>")),
        };
        f.finish()
    }
}

impl<T: ?Sized> HasRaw for &Mutex<T> {
    #[inline]
    fn raw(&self) -> &RawMutex {
        &self.raw
    }
}

impl<T: ?Sized> HasRaw for Arc<Mutex<T>> {
    #[inline]
    fn raw(&self) -> &RawMutex {
        &self.raw
    }
}

/// Future of [`Mutex::lock`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Lock<'a, T: ?Sized> {
    wait: Locking<&'a Mutex<T>>,
}

impl<'a, T: ?Sized> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, wait);
        Poll::Ready(MutexGuard::new(ready!(wait.as_mut().poll_lock(cx))))
    }
}

impl<T: ?Sized> fmt::Debug for Lock<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("wait", &self.wait).finish()
    }
}

/// Future of [`Mutex::lock_owned`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct LockOwned<T: ?Sized> {
    wait: Locking<Arc<Mutex<T>>>,
}

impl<T: ?Sized> Future for LockOwned<T> {
    type Output = OwnedMutexGuard<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, wait);
        Poll::Ready(OwnedMutexGuard::new(ready!(wait.as_mut().poll_lock(cx))))
    }
}

impl<T: ?Sized> fmt::Debug for LockOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockOwned").field("wait", &self.wait).finish()
    }
}
