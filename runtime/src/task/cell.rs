//! What depends on a task's types: its cell, `header · hook · max(future, outcome)`, and the table of what is done
//! with it.
//!
//! Every type of future that a program spawns brings its copy of what is here along, so it is kept short: the rest of
//! a task's life is not generic, and comes here through the table.
//!
//! See `header` for the invariants T1 to T6.

use std::any::Any;
use std::cell::UnsafeCell;
use std::future::Future;
use std::mem::{ManuallyDrop, needs_drop, offset_of};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use super::end;
use super::error::TaskError;
use super::header::{Header, Stage};
use super::quiet::{drop_at, glue};
use crate::executor::cells::Size;

/// What a future comes to.
pub(super) type Outcome<T> = Result<T, TaskError>;

/// What is done with a task that depends on its types (T3).
#[derive(Debug)]
pub(crate) struct VTable {
    /// Polls the future; `Ready` when it is gone and its outcome stored. May unwind: then the stage tells whether
    /// the future is still there.
    pub(super) poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> Poll<()>,
    /// Drops the future in the given place.
    pub(super) drop_future: unsafe fn(*mut ()),
    /// Drops the outcome in the given place.
    pub(super) drop_outcome: unsafe fn(*mut ()),
    /// Writes an outcome that is no value to the given place, where there is none.
    pub(super) put_error: unsafe fn(*mut (), TaskError),
    /// The hook's operations, unless it takes no interest.
    pub(super) hook: Option<HookTable>,
    /// Where the hook is, and the future or the outcome, as distances from the header.
    hook_at: usize,
    place_at: usize,
    pub(super) size: Size,
}

impl VTable {
    /// The place of the future, and then of the outcome, of `task`.
    ///
    /// # Safety
    ///
    /// The table is that of the live cell `task` (T1, T3).
    #[inline]
    pub(super) unsafe fn place(&self, task: NonNull<Header>) -> *mut () {
        // SAFETY: within the cell, says the caller.
        unsafe { task.as_ptr().byte_add(self.place_at).cast() }
    }

    /// The place of the hook of `task`.
    ///
    /// # Safety
    ///
    /// As `place`.
    #[inline]
    pub(super) unsafe fn hook_place(&self, task: NonNull<Header>) -> *mut () {
        // SAFETY: within the cell, says the caller.
        unsafe { task.as_ptr().byte_add(self.hook_at).cast() }
    }
}

/// What stands between a future and the outcome of its task; a task group has one, others none.
pub(crate) trait Hook<O>: Sized + 'static {
    /// What awaiting the task's handle gives: the output or a part of it, so that it is `Send` if the output is.
    /// Whoever spawns relies on that.
    type Value;
    /// Calls the methods from `panicked` on; `None` if they do nothing of their own.
    const TABLE: Option<HookTable> = Some(HookTable {
        panicked: panicked::<O, Self>,
        cancelled: cancelled::<O, Self>,
        done: done::<O, Self>,
    });
    /// The task is in memory; it is queued next, or refused because the runtime is shutting down.
    fn born(&mut self, _task: &Header) {}
    /// The future has returned `output`.
    fn returned(&mut self, output: O, task: &Header) -> Outcome<Self::Value>;
    /// The future has panicked.
    fn panicked(&mut self, payload: Box<dyn Any + Send>, task: &Header) -> TaskError {
        TaskError::panic(payload, task)
    }
    /// The future was dropped because of a cancel request.
    fn cancelled(&mut self, task: &Header) -> TaskError {
        TaskError::cancelled(task)
    }
    /// The task is done: its cleanups have run, its outcome is published.
    fn done(self, _task: &Header) {}
}

/// The methods of a [`Hook`] that have nothing to do with values. Each is given the hook's place (T3).
#[derive(Clone, Copy, Debug)]
pub(crate) struct HookTable {
    pub(super) panicked: unsafe fn(*mut (), Box<dyn Any + Send>, &Header) -> TaskError,
    pub(super) cancelled: unsafe fn(*mut (), &Header) -> TaskError,
    /// Takes the hook out of its place.
    pub(super) done: unsafe fn(*mut (), &Header),
}

/// # Safety
///
/// `hook` points at an `H` that is the caller's, as for the next two.
unsafe fn panicked<O, H: Hook<O>>(
    hook: *mut (),
    payload: Box<dyn Any + Send>,
    task: &Header,
) -> TaskError {
    // SAFETY: the caller's promise.
    unsafe { &mut *hook.cast::<H>() }.panicked(payload, task)
}

/// # Safety
///
/// As `panicked`.
unsafe fn cancelled<O, H: Hook<O>>(hook: *mut (), task: &Header) -> TaskError {
    // SAFETY: the caller's promise.
    unsafe { &mut *hook.cast::<H>() }.cancelled(task)
}

/// # Safety
///
/// As `panicked`, and the hook is not used any more.
unsafe fn done<O, H: Hook<O>>(hook: *mut (), task: &Header) {
    // SAFETY: the caller's promise.
    unsafe { hook.cast::<H>().read() }.done(task);
}

/// The hook of an ordinary task.
#[derive(Debug)]
pub(crate) struct Plain;

impl<O> Hook<O> for Plain {
    type Value = O;
    const TABLE: Option<HookTable> = None;
    #[inline]
    fn returned(&mut self, output: O, _: &Header) -> Outcome<O> {
        Ok(output)
    }
}

/// The header's stage says which of them is there, if one is. Both begin where it begins (T3).
#[repr(C)]
union Place<F, T> {
    future: ManuallyDrop<F>,
    outcome: ManuallyDrop<Outcome<T>>,
}

/// A task in memory.
///
/// Nothing in it is dropped with it. Every cell that is made is also completed, which takes the hook, and leaves no
/// future; the outcome is taken or dropped before the last reference goes.
#[repr(C)]
pub(crate) struct Cell<F: Future, H: Hook<F::Output>> {
    header: Header,
    hook: UnsafeCell<ManuallyDrop<H>>,
    place: UnsafeCell<Place<F, H::Value>>,
}

impl<F: Future, H: Hook<F::Output>> Cell<F, H> {
    pub(crate) const VTABLE: &'static VTable = &VTable {
        poll: Self::poll,
        drop_future: glue::<F>,
        drop_outcome: glue::<Outcome<H::Value>>,
        put_error: Self::put_error,
        hook: H::TABLE,
        hook_at: offset_of!(Self, hook),
        place_at: offset_of!(Self, place),
        size: Size::of::<Self>(),
    };

    /// Puts `future` and `hook` into a cell that has its header and nothing else.
    ///
    /// # Safety
    ///
    /// The header was made with this type's table, and nobody else knows it.
    #[inline]
    pub(crate) unsafe fn fill(task: NonNull<Header>, future: F, hook: H) {
        let cell = task.cast::<Self>().as_ptr();
        let place = Place { future: ManuallyDrop::new(future) };
        // SAFETY: the memory of a cell of this type (T3), which is the caller's.
        unsafe {
            (&raw mut (*cell).place).write(UnsafeCell::new(place));
            (&raw mut (*cell).hook).write(UnsafeCell::new(ManuallyDrop::new(hook)));
            (*(*cell).hook.get()).born(task.as_ref());
        }
    }

    /// # Safety
    ///
    /// T1, T3; the caller is the poller (T2), and the future is there.
    unsafe fn poll(task: NonNull<Header>, cx: &mut Context<'_>) -> Poll<()> {
        let cell = task.cast::<Self>().as_ptr();
        // SAFETY: the caller's promise. The future lies in the cell, which does not move, until it is dropped in place.
        let polled = unsafe { Pin::new_unchecked(&mut *(*(*cell).place.get()).future).poll(cx) };
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(output) => {
                // SAFETY: the caller's promise.
                unsafe { Self::returned(task, output) };
                Poll::Ready(())
            }
        }
    }

    /// Drops the future, and stores what the hook makes of its output.
    ///
    /// # Safety
    ///
    /// As `poll`.
    #[inline]
    unsafe fn returned(task: NonNull<Header>, output: F::Output) {
        let cell = task.cast::<Self>().as_ptr();
        // Neither output nor payload is dropped by unwinding, where another panic would end the process. What is below
        // does not unwind, except for the hook, which has the output by then; its panic stands for both.
        let output = ManuallyDrop::new(output);
        // SAFETY: the poller owns stage and future (T2).
        let panic = ManuallyDrop::new(unsafe {
            task.as_ref().set_stage(Stage::Nothing);
            if needs_drop::<F>() { drop_at((*cell).place.get().cast(), glue::<F>) } else { None }
        });
        // SAFETY: the poller owns hook and outcome (T2), whose place is free.
        unsafe {
            let outcome =
                (*(*cell).hook.get()).returned(ManuallyDrop::into_inner(output), task.as_ref());
            let stage = match &outcome {
                Ok(_) => Stage::Value,
                Err(error) => Stage::of(error),
            };
            (*cell).place.get().write(Place { outcome: ManuallyDrop::new(outcome) });
            task.as_ref().set_stage(stage);
        }
        if let Some(payload) = ManuallyDrop::into_inner(panic) {
            // SAFETY: as above.
            unsafe { end::panicked_in_drop(task, payload) };
        }
    }

    /// # Safety
    ///
    /// `place` is that of a cell of this type, is the caller's (T2), and nothing is there.
    unsafe fn put_error(place: *mut (), error: TaskError) {
        // SAFETY: the caller's promise.
        unsafe { place.cast::<Outcome<H::Value>>().write(Err(error)) };
    }
}
