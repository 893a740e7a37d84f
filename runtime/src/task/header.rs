//! A task in memory: one allocation, `header · hook · max(future, output)`.
//!
//! The invariants of the tasks' files (`header`, `harness`, `spawn`, `join`, `waker`):
//! - **T1** A `NonNull<Header>` that is used points at the header of a live [`Cell`]: whoever holds
//!   it owns one of `refs`, or knows somebody who does. The task list of the home core owns one from
//!   spawn until completion, and so covers queues and polls.
//! - **T2** The stage (future, output) and the hook are touched only by the thread to which the state
//!   word gives them (see `state`): the poller until DONE, then the handle; with no handle, the
//!   completing thread.
//! - **T3** `vtable` is the one made for the very types in the cell.
//! - **T4** A bound task is polled and its future dropped only on the thread that holds its core.
//! - **T5** `joiner` is written by the handle while JOIN_WAKER is clear and the task is not done. Once
//!   DONE is set with JOIN_WAKER set it is only read, until the completing thread has used it and the
//!   handle has gone; whichever of the two comes second drops it.
//! - **T6** `core` points at a `CoreShared` that the cell keeps alive by one of its `cells` counts.

use std::alloc::Layout;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll, Waker};

use corio_sync::hooks::TaskHead;
use corio_sync::prim::{AtomicPtr, AtomicU32, Ordering, UnsafeCell};

use super::error::TaskError;
use super::extras::Extras;
use super::state::State;
use crate::executor::cells;
use crate::executor::context::with_core;
use crate::executor::core::{Core, CoreRef, CoreShared};
use crate::executor::mailbox::Linked;

/// The part of a task that does not depend on its types.
#[repr(C)]
pub(crate) struct Header {
    /// What primitives may write to. First, so that a pointer to it is a pointer to the header.
    pub(crate) head: TaskHead,
    /// The index in the home core's task list. Under that list's lock.
    pub(crate) list_index: AtomicU32,
    pub(crate) state: State,
    /// References: task list, handle, wakers, cancellers, mailbox. The cell goes with the last.
    refs: AtomicU32,
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

/// References beyond which the process is ended rather than the count wrapped (T10 of the faults).
const MAX_REFS: u32 = u32::MAX / 2;

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
            refs: AtomicU32::new(refs),
            since_ms: AtomicU32::new(0),
            vtable,
            link: AtomicPtr::new(ptr::null_mut()),
            core,
            extras: AtomicPtr::new(extras),
            joiner: UnsafeCell::new(None),
        }
    }

    #[inline]
    pub(crate) fn add_ref(&self) {
        // Ordering: Relaxed, a reference is made from a reference.
        if self.refs.fetch_add(1, Ordering::Relaxed) > MAX_REFS {
            // Wakers forgotten by the billion; going on would free the task under its users.
            std::process::abort();
        }
    }

    /// How many references there are, as of a moment ago.
    pub(crate) fn refs(&self) -> u32 {
        // Ordering: Relaxed, a snapshot.
        self.refs.load(Ordering::Relaxed)
    }

    /// Gives one reference up; `true` if it was the last.
    #[inline]
    pub(crate) fn drop_ref(&self) -> bool {
        // Ordering: Release hands this user's accesses to whoever frees the cell, Acquire takes
        // those of the others. (A fence would do with less; ThreadSanitizer does not see fences.)
        self.refs.fetch_sub(1, Ordering::AcqRel) == 1
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

/// The operations that depend on a task's types. Each takes the header of a live cell (T1, T3).
#[derive(Debug)]
pub(crate) struct VTable {
    /// Polls the future; `Ready` when it is gone and the outcome is stored. Never unwinds.
    pub(crate) poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> Poll<()>,
    /// Drops the future and stores as the outcome that the task was cancelled, or why it could not
    /// be started. Never unwinds.
    pub(crate) cancel: unsafe fn(NonNull<Header>, Option<String>),
    /// Tells the hook that the task is done. Never unwinds.
    pub(crate) done: unsafe fn(NonNull<Header>),
    /// Moves the outcome to `*mut Result<T, TaskError>`.
    pub(crate) take_output: unsafe fn(NonNull<Header>, *mut ()),
    /// The outcome, as a `*const Result<T, TaskError>`; null if it was taken.
    pub(crate) peek_output: unsafe fn(NonNull<Header>) -> *const (),
    /// Drops the outcome. Tells the panic in it, if there is one. Never unwinds.
    pub(crate) drop_output: unsafe fn(NonNull<Header>) -> bool,
    /// Frees the cell.
    pub(crate) dealloc: unsafe fn(NonNull<Header>),
}

/// What stands between a future and the outcome of its task; a task group has one, others none.
pub(crate) trait Hook<O>: 'static {
    /// What awaiting the task's handle gives.
    type Value;
    /// The task is in memory; it is queued next, or refused because the runtime is shutting down.
    fn born(&mut self, _task: &Header) {}
    /// The future has returned `output`.
    fn returned(&mut self, output: O, task: &Header) -> Result<Self::Value, TaskError>;
    /// The future has panicked.
    fn panicked(&mut self, payload: Box<dyn std::any::Any + Send>, task: &Header) -> TaskError {
        TaskError::panic(payload, task)
    }
    /// The future was dropped because of a cancel request.
    fn cancelled(&mut self, task: &Header) -> TaskError {
        TaskError::cancelled(task)
    }
    /// The task is done: its cleanups have run, its outcome is published.
    fn done(self, _task: &Header)
    where
        Self: Sized,
    {
    }
}

/// The hook of an ordinary task.
#[derive(Debug)]
pub(crate) struct Plain;

impl<O> Hook<O> for Plain {
    type Value = O;
    #[inline]
    fn returned(&mut self, output: O, _: &Header) -> Result<O, TaskError> {
        Ok(output)
    }
}

pub(crate) enum Stage<F, T> {
    Running(F),
    Finished(Result<T, TaskError>),
    Consumed,
}

/// Why a future ends without an output.
enum Failure {
    Panicked(Box<dyn std::any::Any + Send>),
    Cancelled,
    /// A blocking call for which there is no thread, for the reason given.
    NotStarted(String),
}

#[repr(C)]
pub(crate) struct Cell<F: Future, H: Hook<F::Output>> {
    pub(crate) header: Header,
    /// Taken once, by `done`: every cell that is made is also completed.
    hook: UnsafeCell<ManuallyDrop<H>>,
    stage: UnsafeCell<Stage<F, H::Value>>,
}

impl<F: Future, H: Hook<F::Output>> Cell<F, H> {
    pub(crate) const VTABLE: VTable = VTable {
        poll: Self::poll,
        cancel: Self::cancel,
        done: Self::done,
        take_output: Self::take_output,
        peek_output: Self::peek_output,
        drop_output: Self::drop_output,
        dealloc: Self::dealloc,
    };

    /// Puts a cell on the heap, in memory of `core` if it has some.
    #[inline]
    pub(crate) fn allocate(
        core: Option<&Core>,
        header: Header,
        future: F,
        hook: H,
    ) -> NonNull<Header> {
        let cell = cells::allocate(core.map(|c| &c.memory), Layout::new::<Self>()).cast::<Self>();
        // SAFETY: fresh memory of this layout.
        unsafe {
            cell.write(Self {
                header,
                hook: UnsafeCell::new(ManuallyDrop::new(hook)),
                stage: UnsafeCell::new(Stage::Running(future)),
            });
        }
        // SAFETY: just made, and nobody else knows it yet.
        let this = unsafe { cell.as_ref() };
        this.hook.with_mut(|hook| {
            // SAFETY: as above, so the hook is this thread's.
            let hook: &mut H = unsafe { &mut *hook };
            hook.born(&this.header);
        });
        cell.cast()
    }

    /// # Safety
    ///
    /// T1, T3.
    unsafe fn of<'a>(header: NonNull<Header>) -> &'a Self {
        // SAFETY: the header is the first field of a live cell of this type (T1, T3, repr(C)).
        unsafe { header.cast::<Self>().as_ref() }
    }

    unsafe fn poll(header: NonNull<Header>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the caller's promise.
        let cell = unsafe { Self::of(header) };
        let polled = cell.stage.with_mut(|stage| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                // SAFETY: the poller owns the stage (T2).
                let Stage::Running(future) = (unsafe { &mut *stage }) else {
                    unreachable!("polled after its end");
                };
                // SAFETY: the future lies in the cell, which does not move, until it is dropped in
                // place by `finish`.
                unsafe { Pin::new_unchecked(future) }.poll(cx)
            }))
        });
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => {
                // SAFETY: the poller owns stage and hook (T2).
                unsafe { cell.finish(|hook| hook.returned(output, &cell.header)) };
                Poll::Ready(())
            }
            Err(payload) => {
                // SAFETY: as above.
                unsafe { cell.fail(Failure::Panicked(payload)) };
                Poll::Ready(())
            }
        }
    }

    unsafe fn cancel(header: NonNull<Header>, why: Option<String>) {
        // SAFETY: the caller's promise.
        let cell = unsafe { Self::of(header) };
        let failure = why.map_or(Failure::Cancelled, Failure::NotStarted);
        // SAFETY: the poller owns stage and hook (T2).
        unsafe { cell.fail(failure) };
    }

    /// Ends a future that has no output. One function for all ways to fail, and not inlined: a task of every type
    /// that a program spawns brings it along.
    ///
    /// # Safety
    ///
    /// As `finish`.
    #[inline(never)]
    unsafe fn fail(&self, failure: Failure) {
        let outcome = |hook: &mut H| {
            Err(match failure {
                Failure::Panicked(payload) => hook.panicked(payload, &self.header),
                Failure::Cancelled => hook.cancelled(&self.header),
                Failure::NotStarted(why) => TaskError::not_started(why, &self.header),
            })
        };
        // SAFETY: the caller's promise.
        unsafe { self.finish(outcome) };
    }

    /// Drops the future in place and stores the outcome. A panic in the drop becomes the outcome,
    /// unless there is a panic already.
    ///
    /// # Safety
    ///
    /// The caller owns stage and hook (T2).
    unsafe fn finish(&self, outcome: impl FnOnce(&mut H) -> Result<H::Value, TaskError>) {
        let hook = self.hook.with_mut(|hook| {
            // SAFETY: the caller's promise; the hook is there until `done`, which comes later.
            let hook: &mut H = unsafe { &mut *hook };
            hook
        });
        let dropped = self.stage.with_mut(|stage| {
            // The stage is `Consumed` once the drop below returns or unwinds: an assignment writes
            // the new value also when dropping the old one panics.
            // SAFETY: the caller's promise; the future is dropped where it lies.
            catch(|| unsafe { *stage = Stage::Consumed })
        });
        let mut result = match catch(|| outcome(hook)) {
            Ok(result) => result,
            Err(payload) => Err(TaskError::panic(payload, &self.header)),
        };
        if let Err(payload) = dropped {
            result = self.panicked_in_drop(hook, result, payload);
        }
        // SAFETY: the caller's promise; what is overwritten is `Consumed`.
        self.stage.with_mut(|stage| unsafe { *stage = Stage::Finished(result) });
    }

    #[cold]
    #[inline(never)]
    fn panicked_in_drop(
        &self,
        hook: &mut H,
        result: Result<H::Value, TaskError>,
        payload: Box<dyn std::any::Any + Send>,
    ) -> Result<H::Value, TaskError> {
        if matches!(&result, Err(error) if error.is_panic()) {
            drop_payload(payload);
            return result;
        }
        drop_quietly(result);
        Err(match catch(|| hook.panicked(payload, &self.header)) {
            Ok(error) => error,
            Err(payload) => TaskError::panic(payload, &self.header),
        })
    }

    unsafe fn done(header: NonNull<Header>) {
        // SAFETY: the caller's promise.
        let cell = unsafe { Self::of(header) };
        // SAFETY: the completing thread keeps the hook after DONE: the handle never touches it (T2),
        // and a task is completed once.
        let hook = cell.hook.with_mut(|hook| unsafe { ManuallyDrop::take(&mut *hook) });
        if let Err(payload) = catch(|| hook.done(&cell.header)) {
            drop_payload(payload);
        }
    }

    unsafe fn take_output(header: NonNull<Header>, to: *mut ()) {
        // SAFETY: the caller's promise.
        let cell = unsafe { Self::of(header) };
        let stage = cell.stage.with_mut(|stage| {
            // SAFETY: the caller owns the output (T2).
            std::mem::replace(unsafe { &mut *stage }, Stage::Consumed)
        });
        if let Stage::Finished(result) = stage {
            // SAFETY: `to` points at an `Option` of this type (T3).
            unsafe { *to.cast::<Option<Result<H::Value, TaskError>>>() = Some(result) };
        }
    }

    unsafe fn peek_output(header: NonNull<Header>) -> *const () {
        // SAFETY: the caller's promise.
        let cell = unsafe { Self::of(header) };
        cell.stage.with(|stage| {
            // SAFETY: the caller owns the output (T2).
            match unsafe { &*stage } {
                Stage::Finished(result) => ptr::from_ref(result).cast(),
                Stage::Running(_) | Stage::Consumed => ptr::null(),
            }
        })
    }

    unsafe fn drop_output(header: NonNull<Header>) -> bool {
        // SAFETY: the caller's promise.
        let cell = unsafe { Self::of(header) };
        let stage = cell.stage.with_mut(|stage| {
            // SAFETY: the caller owns the output (T2).
            std::mem::replace(unsafe { &mut *stage }, Stage::Consumed)
        });
        let panicked = matches!(&stage, Stage::Finished(Err(e)) if e.is_panic());
        drop_quietly(stage);
        panicked
    }

    unsafe fn dealloc(header: NonNull<Header>) {
        let cell = header.cast::<Self>();
        let extras = {
            // SAFETY: the last reference is gone, so nobody else uses the cell.
            let header = unsafe { header.as_ref() };
            // Ordering: Relaxed, nobody else uses the cell.
            header.extras.load(Ordering::Relaxed)
        };
        if !extras.is_null() {
            // SAFETY: set once, from a box, and nobody else uses the cell.
            drop_quietly(unsafe { Box::from_raw(extras) });
        }
        // SAFETY: as above; what is left in the cell is dropped once, here.
        let dropped = catch(|| unsafe { ptr::drop_in_place(cell.as_ptr()) });
        if let Err(payload) = dropped {
            drop_payload(payload);
        }
        with_core(|core| {
            // SAFETY: `allocate` made it with this layout.
            unsafe { cells::free(core.map(|c| &c.memory), cell.cast(), Layout::new::<Self>()) };
        });
    }
}

/// Runs user code that may panic.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Box<dyn std::any::Any + Send>> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f))
}

/// Drops a panic's payload, whose own drop may panic; that second payload is let go.
pub(crate) fn drop_payload(payload: Box<dyn std::any::Any + Send>) {
    if let Err(second) = catch(|| drop(payload)) {
        std::mem::forget(second);
    }
}

/// Drops a value of the user's; a panic in its drop has been reported by the panic hook and ends
/// here.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch(|| drop(value)) {
        drop_payload(payload);
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;
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
            task.header().refs.store(MAX_REFS, Ordering::Relaxed);
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
