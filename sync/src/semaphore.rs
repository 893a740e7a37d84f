//! A counter of permits, with a line of those who wait for some.
//!
//! The state word holds the free permits and two flags, so that an uncontended acquire is one
//! compare-exchange and a release one addition. While `WAITERS` is set, permits are taken only by
//! whoever holds the list's lock: that keeps the line in order.
//!
//! | bits      | meaning                                                             |
//! |-----------|---------------------------------------------------------------------|
//! | `WAITERS` | the list is not empty (whenever its lock is free)                   |
//! | `CLOSED`  | acquiring fails; set once                                           |
//! | the rest  | free permits                                                        |

mod acquire;
mod bounded;
mod error;
mod permit;

#[cfg(all(test, corio_loom))]
mod loom;

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::blocking;
use crate::contention;
use crate::hooks::{self, Caller, WaitKind};
use crate::message::Message;
use crate::prim::{AtomicUsize, Ordering, SpinLock, const_fn};
use crate::waitlist::{List, Wakers};

use acquire::Acquiring;

pub use acquire::{Acquire, AcquireOwned};
pub use bounded::{BoundedSemaphore, TooManyPermits};
pub use error::{AcquireError, TryAcquireError};
pub use permit::{OwnedSemaphorePermit, SemaphorePermit};

const WAITERS: usize = 1;
const CLOSED: usize = 2;
const SHIFT: u32 = 2;

/// What a waiter wants, and what became of it.
#[derive(Clone, Copy)]
struct Want {
    permits: usize,
    /// The semaphore was closed; no permits were given.
    refused: bool,
}

/// Limits how many may do something at once.
///
/// Those who wait are given permits in the order in which they came: while somebody waits, a newcomer
/// does not overtake, not even one who asks for fewer permits or calls
/// [`try_acquire`](Self::try_acquire). asyncio's `Semaphore`.
///
/// As with a [`Mutex`](crate::Mutex), who finds no permit, and nobody in line, may look for a few microseconds
/// before joining it.
///
/// # Examples
///
/// ```
/// use corio_sync::Semaphore;
///
/// let semaphore = Semaphore::new(2);
/// let first = semaphore.try_acquire()?;
/// let second = semaphore.try_acquire()?;
/// assert!(semaphore.try_acquire().is_err());
/// drop(first);
/// assert_eq!(semaphore.available_permits(), 1);
/// # Ok::<(), corio_sync::TryAcquireError>(())
/// ```
pub struct Semaphore {
    /// See the table above.
    state: AtomicUsize,
    /// As many permits as may be free; more are dropped.
    limit: usize,
    waiters: SpinLock<List<Want>>,
}

impl Semaphore {
    /// The most permits that can be free at once.
    pub const MAX_PERMITS: usize = usize::MAX >> 3;

    const_fn! {
        /// Makes a semaphore with `permits` free permits.
        ///
        /// # Panics
        ///
        /// When `permits` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
        #[doc(alias = "const_new")]
        pub fn new(permits: usize) -> Self {
            Self::with_limit(permits, Self::MAX_PERMITS)
        }
    }

    const_fn! {
        fn with_limit(permits: usize, limit: usize) -> Self {
            if permits > Self::MAX_PERMITS {
                let message = Message::new().number(permits);
                let message = message.text(" permits are more than `Semaphore::MAX_PERMITS`, ");
                panic!("{}", message.number(Self::MAX_PERMITS).as_str());
            }
            Self {
                state: AtomicUsize::new(permits << SHIFT),
                limit,
                waiters: SpinLock::new(List::new()),
            }
        }
    }

    /// The permits that are free at the moment.
    pub fn available_permits(&self) -> usize {
        // Ordering: Relaxed, a snapshot.
        self.state.load(Ordering::Relaxed) >> SHIFT
    }

    /// Takes a permit, waiting until one is free.
    ///
    /// Waiters are served in order of arrival.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] when the semaphore is closed.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `acquire` gives up its place in the line. A permit that it had been given
    /// goes to the next.
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        self.acquire_many(1)
    }

    /// Takes `n` permits at once, waiting until that many are free.
    ///
    /// Those who come later wait behind this call, also when they want fewer.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] when the semaphore is closed.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `acquire_many` gives up its place in the line. It holds no permits before
    /// it has all of them.
    #[track_caller]
    pub fn acquire_many(&self, n: u32) -> Acquire<'_> {
        Acquire { wait: Acquiring::new(self, n) }
    }

    /// Takes a permit for something else than a semaphore that is built on this one.
    pub(crate) fn acquire_at(&self, caller: Caller, kind: WaitKind) -> Acquire<'_> {
        Acquire { wait: Acquiring::at(self, 1, caller, kind) }
    }

    /// Takes a permit that keeps the semaphore alive, waiting until one is free.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] when the semaphore is closed.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `acquire_owned` gives up its place in the line.
    #[track_caller]
    pub fn acquire_owned(self: Arc<Self>) -> AcquireOwned {
        self.acquire_many_owned(1)
    }

    /// Takes `n` permits that keep the semaphore alive, waiting until that many are free.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] when the semaphore is closed.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `acquire_many_owned` gives up its place in the line.
    #[track_caller]
    pub fn acquire_many_owned(self: Arc<Self>, n: u32) -> AcquireOwned {
        AcquireOwned { wait: Acquiring::new(self, n) }
    }

    /// Takes a permit if one is free and nobody waits.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`]: closed, or no permits.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits if they are free and nobody waits.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`]: closed, or not enough permits.
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.take(n as usize).map(|()| SemaphorePermit::new(self, n))
    }

    /// Takes a permit that keeps the semaphore alive, if one is free and nobody waits.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`]: closed, or no permits.
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// Takes `n` permits that keep the semaphore alive, if they are free and nobody waits.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`]: closed, or not enough permits.
    pub fn try_acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.take(n as usize)?;
        Ok(OwnedSemaphorePermit::new(self, n))
    }

    /// Takes a permit, blocking this thread until one is free.
    ///
    /// Threads and tasks wait in the same line.
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
        hooks::forbid_blocking("Semaphore::blocking_acquire");
        blocking::block_on(self.acquire())
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
        hooks::forbid_blocking("Semaphore::blocking_acquire_timeout");
        match blocking::block_on_timeout(self.acquire(), timeout) {
            Some(permit) => permit.map_err(|_| TryAcquireError::Closed),
            None => Err(TryAcquireError::NoPermits),
        }
    }

    /// Adds `n` permits, which go to those who wait first. asyncio's `release`.
    ///
    /// # Panics
    ///
    /// When more than [`MAX_PERMITS`](Self::MAX_PERMITS) would be free.
    #[doc(alias = "release")]
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        let added = self.try_add(n, Self::MAX_PERMITS);
        assert!(
            added,
            "adding {n} permits to the {} that are free makes more than `Semaphore::MAX_PERMITS`, {}: \
             add only what was taken or forgotten",
            self.available_permits(),
            Self::MAX_PERMITS,
        );
    }

    /// Takes away up to `n` free permits for ever, and tells how many those were.
    pub fn forget_permits(&self, n: usize) -> usize {
        // With the lock held nobody else takes permits while there are waiters; without waiters the
        // compare-exchange sees who does.
        let _list = self.waiters.lock();
        // Ordering: Acquire, AcqRel: as for an acquire, see `take`.
        let mut state = self.state.load(Ordering::Acquire);
        loop {
            let taken = n.min(state >> SHIFT);
            let less = state - (taken << SHIFT);
            match self.state.compare_exchange(state, less, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return taken,
                Err(now) => state = now,
            }
        }
    }

    /// Closes the semaphore: those who wait and those who come later get [`AcquireError`].
    ///
    /// Permits that were given stay valid.
    #[inline]
    pub fn close(&self) {
        // Who comes to wait after this exchange sees the flag under the list's lock.
        // Ordering: AcqRel, the word's place in the order of all transitions; see `take`.
        let alone = self.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |state| {
            (state & WAITERS == 0).then_some(state | CLOSED)
        });
        if alone.is_err() {
            self.close_slow();
        }
    }

    #[cold]
    fn close_slow(&self) {
        let mut wakers = Wakers::new();
        {
            let mut list = self.waiters.lock();
            // Ordering: AcqRel, as in `close`, here and below.
            self.state.fetch_or(CLOSED, Ordering::AcqRel);
            list.pop_all(&mut wakers, |want| want.refused = true);
            self.state.fetch_and(!WAITERS, Ordering::AcqRel);
        }
        wakers.wake();
    }

    /// Whether the semaphore was closed.
    pub fn is_closed(&self) -> bool {
        // Ordering: Acquire sees what the closer did before. Pairs with the AcqRel in `close`.
        self.state.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Takes `n` permits if they are free, the semaphore is open, and nobody waits.
    #[inline]
    fn take(&self, n: usize) -> Result<(), TryAcquireError> {
        // Ordering: Acquire, so that who finds it closed sees what the closer did. Pairs with the AcqRel
        // in `close`.
        let mut state = self.state.load(Ordering::Acquire);
        loop {
            if state & CLOSED != 0 {
                return Err(TryAcquireError::Closed);
            }
            if state & WAITERS != 0 || state >> SHIFT < n {
                return Err(TryAcquireError::NoPermits);
            }
            let taken = state - (n << SHIFT);
            // Ordering: Acquire sees what was done under the permits. Pairs with the Release in
            // `give_back`.
            match self.state.compare_exchange_weak(
                state,
                taken,
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => return Ok(()),
                Err(now) => state = now,
            }
        }
    }

    /// Tries for a moment to take `n` permits that others hold, unless somebody waits in line.
    fn contend(&self, n: usize) -> bool {
        contention::contend(|| match self.take(n) {
            Ok(()) => ControlFlow::Break(true),
            Err(TryAcquireError::Closed) => ControlFlow::Break(false),
            // Ordering: Relaxed, a hint.
            Err(_) if self.state.load(Ordering::Relaxed) & WAITERS != 0 => {
                ControlFlow::Break(false)
            }
            Err(_) => ControlFlow::Continue(()),
        })
    }

    /// Adds `n` permits unless more than `limit` would be free then.
    fn try_add(&self, n: usize, limit: usize) -> bool {
        // Ordering: Relaxed, the compare-exchange below decides.
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let Some(free) = (state >> SHIFT).checked_add(n).filter(|sum| *sum <= limit) else {
                return false;
            };
            let more = free << SHIFT | state & (WAITERS | CLOSED);
            // Ordering: Release hands over what was done under the permits. Pairs with the Acquire
            // in `take` and in `serve`.
            match self.state.compare_exchange(state, more, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        if state & WAITERS != 0 {
            self.serve();
        }
        true
    }

    /// Returns `n` permits that were taken.
    #[inline]
    fn give_back(&self, n: usize) {
        // Ordering: Release hands over what was done under the permits. Pairs with the Acquire in
        // `take` and in `serve`.
        let before = self.state.fetch_add(n << SHIFT, Ordering::Release);
        if before & WAITERS != 0 || (before >> SHIFT) + n > self.limit {
            self.give_back_slow();
        }
    }

    #[cold]
    fn give_back_slow(&self) {
        self.serve();
        // Permits above the limit: somebody added permits of his own while these were out. There is
        // room above the limit in the word, so the sum has not overflowed.
        // Ordering: Relaxed, permits vanish, and nothing is handed over with them.
        let _ = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
            let excess = (state >> SHIFT).saturating_sub(self.limit);
            (excess > 0).then(|| state - (excess << SHIFT))
        });
    }

    /// Gives free permits to those who wait, in order.
    #[cold]
    fn serve(&self) {
        let mut wakers = Wakers::new();
        self.serve_locked(&mut self.waiters.lock(), &mut wakers);
        wakers.wake();
    }

    fn serve_locked(&self, list: &mut List<Want>, wakers: &mut Wakers) {
        // Ordering: Acquire, what is handed on here was released by `give_back`. A release that
        // comes after this load finds `WAITERS` set and comes for the lock.
        let mut free = self.state.load(Ordering::Acquire) >> SHIFT;
        while let Some(n) = list.peek(|want| want.permits).filter(|n| *n <= free) {
            free -= n;
            // Ordering: AcqRel, see `take`.
            self.state.fetch_sub(n << SHIFT, Ordering::AcqRel);
            wakers.push(list.pop(|_| {}).expect("it was peeked at"));
        }
        if list.is_empty() {
            // Ordering: Release, a taker without the lock comes after those served here.
            self.state.fetch_and(!WAITERS, Ordering::Release);
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("permits", &self.available_permits())
            .field("closed", &self.is_closed())
            .field("waiters", &self.waiters.lock().len())
            .finish()
    }
}
