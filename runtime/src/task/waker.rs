//! A task's waker: a pointer to its header and one reference.
//!
//! See `header` for the invariants T1 to T6.

use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::task::{RawWaker, RawWakerVTable, Waker};

use corio_sync::hooks;
use corio_sync::prim::Ordering;

use super::header::{Header, drop_quietly};
use super::reason::CancelReason;
use super::state::Next;
use crate::executor::core::{Core, CoreShared};
use crate::executor::{cells, context};

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// The raw waker of `task`. It stands for one reference, which the caller accounts for.
#[inline]
pub(crate) fn waker_of(task: NonNull<Header>) -> RawWaker {
    RawWaker::new(task.as_ptr().cast_const().cast(), &VTABLE)
}

/// Whether `waker` is that of a task, and so stands for one of its references.
pub(crate) fn is_of_a_task(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &VTABLE)
}

#[inline]
fn header_of(data: *const ()) -> NonNull<Header> {
    // SAFETY: `waker_of` made the pointer from a `NonNull`.
    unsafe { NonNull::new_unchecked(data.cast_mut().cast()) }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    let task = header_of(data);
    // SAFETY: the waker that is cloned holds a reference (T1).
    unsafe { task.as_ref() }.add_ref();
    waker_of(task)
}

unsafe fn wake(data: *const ()) {
    let task = header_of(data);
    // SAFETY: this waker holds a reference (T1).
    unsafe { schedule(task) };
    // SAFETY: it is given up here.
    unsafe { release(task) };
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: this waker holds a reference (T1).
    unsafe { schedule(header_of(data)) };
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: this waker's reference is given up here.
    unsafe { release(header_of(data)) };
}

/// Sees to it that the task is polled (again). Only enqueues; never runs anything.
///
/// # Safety
///
/// The caller has a reference, or knows who has one for as long as this lasts (T1).
#[inline]
pub(crate) unsafe fn schedule(task: NonNull<Header>) {
    // SAFETY: the caller's promise.
    let header = unsafe { task.as_ref() };
    // The commonest of all: a task that wakes itself.
    if is_current(header) && header.state.own_wake_polled() {
        return;
    }
    if header.state.is_bound() {
        context::with_core(|core| match core {
            Some(core) if core.is(header.core) => {
                if header.state.own_wake() == Next::Enqueue {
                    core.push_bound(task);
                }
            }
            _ => {
                if header.state.remote_wake() == Next::Enqueue {
                    header.add_ref();
                    // SAFETY: the home core is alive (T6); the mailbox has a reference of its own.
                    unsafe { header.core.as_ref() }.post_bound(task);
                }
            }
        });
    } else if header.state.wake() == Next::Enqueue {
        enqueue(task);
    }
}

/// Whether the task is this thread's current one.
#[inline]
fn is_current(task: &Header) -> bool {
    std::ptr::eq(hooks::with_tls(hooks::Tls::task), &raw const task.head)
}

/// Puts a stealable task whose state has just become "queued" on a queue: this thread's core's, or
/// its home core's mailbox.
fn enqueue(task: NonNull<Header>) {
    // SAFETY: the task is queued, so the task list holds it (T1).
    let header = unsafe { task.as_ref() };
    context::with_core(|core| match core {
        Some(core) if core.same_runtime(header.core) => core.push_stealable(task),
        // SAFETY: the home core is alive (T6).
        _ => unsafe { header.core.as_ref() }.post(task),
    });
}

/// Gives a reference up, and frees the cell if it was the last.
///
/// # Safety
///
/// The caller owns a reference, which ends here.
#[inline]
pub(crate) unsafe fn release(task: NonNull<Header>) {
    // SAFETY: the caller's reference.
    let header = unsafe { task.as_ref() };
    if header.drop_ref() {
        // SAFETY: that was the last one.
        unsafe { free(task) };
    }
}

#[inline(never)]
unsafe fn free(task: NonNull<Header>) {
    // First what may be foreign code, and leave a runtime that this thread has entered.
    // SAFETY: the caller gave up the last reference and is the only one who knows the cell.
    unsafe { drop_left(task) };
    // SAFETY: as above.
    context::with_core(|core| unsafe { free_memory(core, task) });
}

/// As `free`, on the thread of `core`.
///
/// # Safety
///
/// The caller gave up the last reference.
#[inline]
pub(super) unsafe fn free_on(core: &Core, task: NonNull<Header>) {
    // SAFETY: the caller's promise.
    unsafe {
        drop_left(task);
        free_memory(Some(core), task);
    }
}

/// Drops what a cell without future and outcome may still have.
///
/// # Safety
///
/// As `free_on`.
#[inline]
unsafe fn drop_left(task: NonNull<Header>) {
    // SAFETY: the caller's promise.
    let header = unsafe { task.as_ref() };
    // Ordering: Relaxed, nobody else uses the cell.
    let has_extras = !header.extras.load(Ordering::Relaxed).is_null();
    // SAFETY: nobody else uses the slot.
    if has_extras || header.joiner.with(|joiner| unsafe { (*joiner).is_some() }) {
        // SAFETY: the caller's promise.
        unsafe { drop_rest(header) };
    }
}

/// # Safety
///
/// As `free_on`.
#[cold]
unsafe fn drop_rest(header: &Header) {
    // Ordering: Relaxed, nobody else uses the cell.
    let extras = header.extras.swap(ptr::null_mut(), Ordering::Relaxed);
    if !extras.is_null() {
        // SAFETY: set once, from a box, and nobody else uses it.
        drop_quietly(unsafe { Box::from_raw(extras) });
    }
    // A waker is left where the handle wanted to change it and could not: the clone of the next one panicked.
    // SAFETY: nobody else uses the slot.
    drop_quietly(header.joiner.with_mut(|joiner| unsafe { (*joiner).take() }));
}

/// Gives the memory of a cell back, and then its count on its core, which must not be the last thing to go before.
///
/// # Safety
///
/// As `free_on`.
#[inline]
unsafe fn free_memory(core: Option<&Core>, task: NonNull<Header>) {
    // SAFETY: the caller's promise.
    let (home, size) = unsafe { (task.as_ref().core, task.as_ref().vtable.size) };
    // SAFETY: the cell was allocated with this size (T3), and is not used any more.
    unsafe { cells::free(core.map(|core| &core.memory), task.cast(), size) };
    match core {
        Some(core) => core.on_dealloc(home),
        // SAFETY: the cell's count (T6) is given up once, here.
        None => unsafe { CoreShared::release(home, 1) },
    }
}

/// Asks the task to stop; `true` if it was not asked before and is not done.
///
/// # Safety
///
/// As `schedule`.
pub(crate) unsafe fn cancel(task: NonNull<Header>) -> bool {
    // SAFETY: the caller's promise.
    let first = unsafe { task.as_ref() }.state.set_cancel();
    // SAFETY: the caller's promise.
    unsafe { tell_cancelled(task, first) }
}

/// As [`cancel`], with the reason for it.
///
/// # Safety
///
/// As `schedule`.
pub(crate) unsafe fn cancel_because(task: NonNull<Header>, reason: Arc<CancelReason>) -> bool {
    // SAFETY: the caller's promise.
    let header = unsafe { task.as_ref() };
    let first = header.extras_or_new().cancel_because(reason, || header.state.set_cancel());
    // SAFETY: the caller's promise.
    unsafe { tell_cancelled(task, first) }
}

/// Has the task look at a request that is the `first`; gives that back.
///
/// # Safety
///
/// As `schedule`.
unsafe fn tell_cancelled(task: NonNull<Header>, first: bool) -> bool {
    // SAFETY: the caller's promise.
    if first && unsafe { task.as_ref() }.state.is_blocking() {
        // SAFETY: the caller's promise.
        unsafe { crate::blocking::cancel_queued(task) };
        return first;
    }
    if first {
        // SAFETY: the caller's promise.
        unsafe { schedule(task) };
        // SAFETY: the caller's promise; the home core is alive (T6).
        let header = unsafe { task.as_ref() };
        if header.state.is_main() {
            // It may be polled beside the runtime, by a thread that sleeps on a parker of its own.
            // SAFETY: as above.
            if let Some(runtime) = unsafe { header.core.as_ref() }.runtime() {
                runtime.wake_waiting();
            }
        }
    }
    first
}
