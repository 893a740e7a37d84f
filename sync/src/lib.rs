//! Locks, channels and queues of the corio async runtime.
//!
//! Nothing here needs a runtime: every primitive knows [`std::task::Waker`] and nothing else, so it
//! works under any executor and from plain threads. Those that wait are served in order of arrival,
//! tasks and threads in one line; a wait that is dropped gives up its place and passes on what it was
//! given; no user code (a waker, a value's drop) runs under a lock, unless a method says so. The errors of
//! channels and queues can be passed on as a [`std::io::Error`].
//!
//! None of them belongs to a runtime. They may be shared by several, and when a runtime ends, its tasks
//! leave the lines in which they wait and let go of what they hold, as any task does that is dropped:
//! the others go on.
//!
//! | I want to | use |
//! |---|---|
//! | protect a value | [`Mutex`], [`RwLock`] |
//! | wait until a value under a mutex changes | [`Condvar`] |
//! | let a number of tasks in | [`Semaphore`], [`BoundedSemaphore`] |
//! | raise a flag | [`Event`] |
//! | say "look again" | [`Notify`] |
//! | let a number of tasks meet | [`Barrier`] |
//! | make a value once | [`OnceCell`], [`Lazy`] |
//! | set a value that many wait for and look at | [`SetOnce`] |
//! | set a result that many await | [`Promise`] |
//! | send one value | [`oneshot`] |
//! | send values to one task | [`mpsc`] |
//! | send values, each to one of several tasks | [`channel`] |
//! | send values, each to all tasks | [`broadcast`] |
//! | show the latest value | [`watch`] |
//! | hand out work, and wait until it is done | [`queue`] |
#![deny(unsafe_code)]

#[doc(hidden)]
pub mod blocking;
#[doc(hidden)]
#[allow(unsafe_code, reason = "follows a pointer to the current task: invariants in the file")]
pub mod hooks;
#[doc(hidden)]
#[allow(unsafe_code, reason = "the spin lock: invariants in the file")]
pub mod prim;

mod closed;
mod io_error;
mod message;
mod narrow;
mod waitlist;

mod barrier;
mod condvar;
mod contention;
mod event;
mod mutex;
mod notify;
mod once_cell;
mod promise;
mod rwlock;
mod semaphore;
mod set_once;

mod chan;
mod error;

pub mod broadcast;
pub mod channel;
pub mod mpsc;
pub mod oneshot;
pub mod queue;
pub mod watch;

pub use barrier::{Barrier, BarrierWait, BrokenBarrier};
pub use condvar::{Condvar, CondvarWait, CondvarWaitFor};
pub use event::{Event, EventWait};
pub use mutex::{
    Lock, LockOwned, MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
    TryLockError,
};
pub use notify::{Notified, Notify, OwnedNotified};
pub use once_cell::{Lazy, OnceCell, SetError};
pub use promise::{AlreadyDone, DoneCallback, Promise, PromiseError, PromiseWait};
pub use rwlock::{
    OwnedRwLockMappedReadGuard, OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard,
    OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockMappedReadGuard,
    RwLockMappedWriteGuard, RwLockRead, RwLockReadGuard, RwLockReadOwned, RwLockUpgradableRead,
    RwLockUpgradableReadGuard, RwLockUpgradableReadOwned, RwLockUpgrade, RwLockUpgradeOwned,
    RwLockWrite, RwLockWriteGuard, RwLockWriteOwned,
};
pub use semaphore::{
    Acquire, AcquireError, AcquireOwned, BoundedSemaphore, OwnedSemaphorePermit, Semaphore,
    SemaphorePermit, TooManyPermits, TryAcquireError,
};
pub use set_once::{SetOnce, SetOnceWait};

/// Explores the interleavings of a model, with few enough preemptions to end in seconds.
#[cfg(all(test, corio_loom))]
fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.max_branches = builder.max_branches.max(20_000);
    builder.check(f);
}
