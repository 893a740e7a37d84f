//! A semaphore that notices when it is released too often.

use std::fmt;
use std::time::Duration;

use super::{Acquire, AcquireError, Semaphore, SemaphorePermit, TryAcquireError};
use crate::prim::const_fn;

/// A [`Semaphore`] that never has more free permits than it began with.
///
/// A release too many is nearly always a fault in the program; here it is an error, and it leaves
/// the semaphore as it was. asyncio's `BoundedSemaphore`.
///
/// # Examples
///
/// ```
/// use corio_sync::BoundedSemaphore;
///
/// let semaphore = BoundedSemaphore::new(1);
/// semaphore.try_acquire()?.forget();
/// assert!(semaphore.release(1).is_ok());
/// assert!(semaphore.release(1).is_err());
/// assert_eq!(semaphore.available_permits(), 1);
/// # Ok::<(), corio_sync::TryAcquireError>(())
/// ```
pub struct BoundedSemaphore {
    semaphore: Semaphore,
}

/// More permits were released than had been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyPermits {
    released: usize,
    bound: usize,
}

impl fmt::Display for TooManyPermits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { released, bound } = self;
        write!(
            f,
            "releasing {released} makes more than the semaphore's {bound} permits free: release \
             each permit once"
        )
    }
}

impl std::error::Error for TooManyPermits {}

impl BoundedSemaphore {
    const_fn! {
        /// Makes a semaphore that has at most `permits` free permits, and that many now.
        ///
        /// # Panics
        ///
        /// When `permits` is more than [`Semaphore::MAX_PERMITS`].
        pub fn new(permits: usize) -> Self {
            Self { semaphore: Semaphore::with_limit(permits, permits) }
        }
    }

    /// Takes a permit, waiting until one is free; see [`Semaphore::acquire`].
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `acquire` gives up its place in the line.
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        self.semaphore.acquire()
    }

    /// Takes `n` permits at once; see [`Semaphore::acquire_many`].
    ///
    /// # Panics
    ///
    /// When `n` is more than [`bound`](Self::bound): it would wait for ever.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `acquire_many` gives up its place in the line.
    #[track_caller]
    pub fn acquire_many(&self, n: u32) -> Acquire<'_> {
        let bound = self.bound();
        assert!(
            n as usize <= bound,
            "acquiring {n} permits of a semaphore that never has more than {bound} would wait for \
             ever"
        );
        self.semaphore.acquire_many(n)
    }

    /// Takes a permit, blocking this thread until one is free.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] when the semaphore is closed.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.semaphore.blocking_acquire()
    }

    /// Takes a permit, blocking this thread for at most `timeout` until one is free.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`]: closed, or no permit until the time was over.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_acquire_timeout(
        &self,
        timeout: Duration,
    ) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.semaphore.blocking_acquire_timeout(timeout)
    }

    /// Takes a permit if one is free and nobody waits.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`]: closed, or no permits.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.semaphore.try_acquire()
    }

    /// Returns `n` permits that were taken and [forgotten](SemaphorePermit::forget).
    ///
    /// A permit that was not forgotten goes back by itself.
    ///
    /// # Errors
    ///
    /// [`TooManyPermits`] when more permits would be free than at the beginning; then nothing changes.
    pub fn release(&self, n: usize) -> Result<(), TooManyPermits> {
        let bound = self.semaphore.limit;
        if self.semaphore.try_add(n, bound) {
            return Ok(());
        }
        Err(TooManyPermits { released: n, bound })
    }

    /// The permits that are free at the moment.
    pub fn available_permits(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// The most permits that are ever free.
    pub fn bound(&self) -> usize {
        self.semaphore.limit
    }

    /// Closes the semaphore; see [`Semaphore::close`].
    pub fn close(&self) {
        self.semaphore.close();
    }

    /// Whether the semaphore was closed.
    pub fn is_closed(&self) -> bool {
        self.semaphore.is_closed()
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedSemaphore")
            .field("bound", &self.bound())
            .field("semaphore", &self.semaphore)
            .finish()
    }
}
