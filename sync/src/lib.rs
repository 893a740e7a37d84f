//! Locks, channels and queues of the corio async runtime.
//!
//! Nothing here needs a runtime: every primitive knows [`std::task::Waker`] and nothing else, so it
//! works under any executor and from plain threads.
#![deny(unsafe_code)]

#[doc(hidden)]
#[allow(unsafe_code, reason = "follows a pointer to the current task: invariants in the file")]
pub mod hooks;
#[doc(hidden)]
#[allow(unsafe_code, reason = "the spin lock: invariants in the file")]
pub mod prim;

mod blocking;
mod semaphore;
mod waitlist;

pub use semaphore::{
    Acquire, AcquireError, AcquireOwned, BoundedSemaphore, OwnedSemaphorePermit, Semaphore,
    SemaphorePermit, TooManyPermits, TryAcquireError,
};
mod event;
mod mutex;

pub use event::{Event, EventWait};
pub use mutex::{
    Lock, LockOwned, MappedMutexGuard, Mutex, MutexGuard, OwnedMutexGuard, TryLockError,
};
mod notify;
pub use notify::{Notified, Notify, OwnedNotified};
pub mod broadcast;
mod chan;
pub mod channel;
mod error;
pub mod mpsc;
pub mod oneshot;
pub mod queue;
pub mod watch;

mod rwlock;
pub use rwlock::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockMappedReadGuard,
    RwLockMappedWriteGuard, RwLockRead, RwLockReadGuard, RwLockReadOwned, RwLockUpgradableRead,
    RwLockUpgradableReadGuard, RwLockUpgrade, RwLockWrite, RwLockWriteGuard, RwLockWriteOwned,
};

mod condvar;
pub use condvar::{Condvar, CondvarWait, CondvarWaitFor};

mod barrier;
mod once_cell;
pub use barrier::{Barrier, BarrierWait, BrokenBarrier};
pub use once_cell::{Lazy, OnceCell, SetError};

mod promise;
pub use promise::{AlreadyDone, Promise, PromiseError, PromiseWait};

/// Explores the interleavings of a model, with few enough preemptions to end in seconds.
#[cfg(all(test, corio_loom))]
fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.max_branches = builder.max_branches.max(20_000);
    builder.check(f);
}
