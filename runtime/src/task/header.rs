//! The part of a task in memory that does not depend on its types. What follows it is in `cell`.
//!
//! The invariants of the tasks' files (`header`, `cell`, `end`, `harness`, `spawn`, `join`, `waker`):
//! - **T1** A `NonNull<Header>` that is used points at the header of a live [`Cell`](super::cell::Cell): whoever
//!   holds it owns one of `refs`, or has borrowed from somebody who does, under a lock that the owner takes before
//!   giving it up. The task list of the home core owns one from the moment that it lists the task until completion,
//!   and so covers queues and polls; of a blocking call that is on no list, whoever claims it does.
//! - **T2** The stage, what it says is there (future, outcome), and the hook are touched only by the thread to
//!   which the state word gives them (see `state`): the poller until DONE, then the handle; with no handle, the
//!   completing thread. The hook stays the completing thread's.
//! - **T3** `vtable` is the one made for the very types in the cell.
//! - **T4** A bound task is polled and its future dropped only on the thread that holds its core. One that is refused
//!   at birth is dropped by its spawner; the future of a local one is then on its thread, any other is `Send`.
//! - **T5** `joiner` is written by the handle while JOIN_WAKER is clear and the task is not done. Once
//!   DONE is set with JOIN_WAKER set it is only read, until the completing thread has used it and the
//!   handle has gone; whichever of the two comes second drops it.
//! - **T6** `core` points at a `CoreShared` that the cell keeps alive by one of its `cells` counts.

use std::ptr::{self, NonNull};
use std::task::Waker;

use corio_sync::hooks::TaskHead;
use corio_sync::prim::{AtomicPtr, AtomicU32, Ordering, UnsafeCell};

use super::cell::VTable;
pub(crate) use super::cell::{Hook, Plain};
use super::error::TaskError;
use super::extras::Extras;
pub(crate) use super::quiet::{catch, drop_payload, drop_quietly};
use super::refs::Refs;
use super::state::State;
use crate::executor::core::{CoreRef, CoreShared};
use crate::executor::mailbox::Linked;

/// The part of a task that does not depend on its types.
#[repr(C)]
pub(crate) struct Header {
    /// What primitives may write to. First, so that a pointer to it is a pointer to the header.
    pub(crate) head: TaskHead,
    /// The index in the home core's task list. Under that list's lock.
    pub(crate) list_index: AtomicU32,
    pub(crate) state: State,
    /// What follows the header and the hook (T2).
    stage: UnsafeCell<Stage>,
    refs: Refs,
    /// When it last began to wait, in milliseconds of the core's clock. Written by the poller.
    pub(crate) since_ms: AtomicU32,
    pub(crate) vtable: &'static VTable,
    /// The link in a mailbox.
    link: AtomicPtr<Header>,
    /// The home core: its list holds the task, its mailbox receives a bound task's remote wakes.
    pub(crate) core: NonNull<CoreShared>,
    /// What few tasks need: a name, context variables, cleanups, callbacks. Null until needed.
    pub(crate) extras: AtomicPtr<Extras>,
    /// The waker of whoever awaits the handle (T5).
    pub(crate) joiner: UnsafeCell<Option<Waker>>,
}

// SAFETY: the link is used by one mailbox at a time: the state decides who may put the task there.
unsafe impl Linked for Header {
    fn link(&self) -> &AtomicPtr<Self> {
        &self.link
    }
}

impl Header {
    pub(crate) fn new(
        head: TaskHead,
        state: State,
        refs: u32,
        vtable: &'static VTable,
        core: NonNull<CoreShared>,
        extras: *mut Extras,
    ) -> Self {
        Self {
            head,
            list_index: AtomicU32::new(0),
            state,
            stage: UnsafeCell::new(Stage::Future),
            refs: Refs::new(refs),
            since_ms: AtomicU32::new(0),
            vtable,
            link: AtomicPtr::new(ptr::null_mut()),
            core,
            extras: AtomicPtr::new(extras),
            joiner: UnsafeCell::new(None),
        }
    }

    /// Makes a reference from one that the caller knows.
    #[inline]
    pub(crate) fn add_ref(&self) {
        self.refs.add();
    }

    /// How many references there are, as of a moment ago.
    pub(crate) fn refs(&self) -> u32 {
        self.refs.count()
    }

    /// What there is behind the header.
    ///
    /// # Safety
    ///
    /// The stage is the caller's (T2).
    #[inline]
    pub(crate) unsafe fn stage(&self) -> Stage {
        // SAFETY: the caller's promise.
        self.stage.with(|stage| unsafe { *stage })
    }

    /// Notes what there is now.
    ///
    /// # Safety
    ///
    /// As `stage`.
    #[inline]
    pub(super) unsafe fn set_stage(&self, now: Stage) {
        // SAFETY: the caller's promise.
        self.stage.with_mut(|stage| unsafe { *stage = now });
    }

    /// Gives one reference up; `true` if it was the last.
    #[inline]
    pub(crate) fn drop_ref(&self) -> bool {
        self.refs.give_up()
    }

    /// The home core, which knows the task's runtime.
    pub(crate) fn home(&self) -> CoreRef {
        // SAFETY: the cell keeps it alive (T6), and whoever has `self` the cell (T1).
        unsafe { CoreRef::new(self.core) }
    }

    /// The extras, if there are any.
    #[inline]
    pub(crate) fn extras(&self) -> Option<&Extras> {
        // Ordering: Acquire sees what `extras_or_new` published.
        let extras = self.extras.load(Ordering::Acquire);
        // SAFETY: not null, so set once by `new` or `extras_or_new`, and freed with the cell (T1).
        unsafe { extras.as_ref() }
    }

    /// The extras, made if need be.
    pub(crate) fn extras_or_new(&self) -> &Extras {
        if let Some(extras) = self.extras() {
            return extras;
        }
        let new = Box::into_raw(Box::<Extras>::default());
        // Ordering: Release publishes the new extras, Acquire sees another thread's. Pairs with
        // itself and with `extras`.
        match self.extras.compare_exchange(
            ptr::null_mut(),
            new,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            // SAFETY: it is in place now, and is freed with the cell (T1).
            Ok(_) => unsafe { &*new },
            Err(theirs) => {
                // SAFETY: `new` was never published.
                drop(unsafe { Box::from_raw(new) });
                // SAFETY: as above.
                unsafe { &*theirs }
            }
        }
    }
}

/// What is in a cell behind its header and hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The future.
    Future,
    /// Nothing: the future is gone, and there is no outcome yet, or it was taken.
    Nothing,
    /// A value.
    Value,
    /// That the task was cancelled, or that it failed and its group has the error.
    Stopped,
    /// That a blocking call was not started.
    NotStarted,
    /// A panic.
    Panic,
}

impl Stage {
    /// The stage of an outcome that is no value.
    pub(super) fn of(error: &TaskError) -> Self {
        if error.is_panic() {
            Self::Panic
        } else if error.is_known_to_the_group() {
            Self::Stopped
        } else {
            Self::NotStarted
        }
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::super::refs;
    use crate::executor::Builder;

    /// Set in the process that clones one waker too many.
    const VARIABLE: &str = "CORIO_TEST_REFERENCES";

    /// Wakers that are forgotten by the billion end the process; the count never comes round to zero
    /// under somebody who still has the task.
    #[test]
    fn t10_too_many_references_end_the_process() {
        if std::env::var_os(VARIABLE).is_some() {
            let runtime = Builder::new_current_thread().build().unwrap();
            let task = runtime.spawn(std::future::pending::<()>());
            task.header().refs.set(refs::MAX);
            task.header().add_ref();
            println!("the last one that is allowed");
            task.header().add_ref();
            println!("one too many");
            return;
        }
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "task::header::tests::t10_too_many_references_end_the_process"])
            .args(["--nocapture", "--test-threads=1"])
            .env(VARIABLE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{said}");
        assert!(said.contains("the last one that is allowed"), "{said}");
        assert!(!said.contains("one too many"), "{said}");
    }
}
