//! One turn of a task, from the queue to its next rest or its end. Nothing here is generic.
//!
//! See `header` for the invariants T1 to T6.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{Context, Waker};

use corio_sync::hooks;
use corio_sync::prim::Ordering;

use super::end::{self, Failure};
use super::header::Header;
use super::intercept;
use super::quiet::{catch, drop_payload, drop_quietly};
use super::state::Next;
use super::waker::{free_on, waker_of};
use crate::cleanup;
use crate::executor::abort::AbortOnUnwind;
use crate::executor::core::Core;

/// Runs a task that came off a queue of `core`; `true` if it was woken meanwhile, so that the caller
/// must queue it again.
///
/// # Safety
///
/// The state says that this thread may run the task (T2, T4); the task list's reference keeps it
/// alive until it is completed here (T1).
#[must_use]
pub(crate) unsafe fn run(task: NonNull<Header>, core: &Core) -> bool {
    // SAFETY: alive, see above.
    let header = unsafe { task.as_ref() };
    let bound = header.state.is_bound();
    let cancel = if bound { header.state.own_start_poll() } else { header.state.start_poll() };

    core.poll_begins(&header.head);
    // SAFETY: the state gave the task to this thread.
    let ended = with_current(header, || unsafe { turn(task, cancel, core) });

    core.poll_ends();
    if ended {
        // SAFETY: the same; the task is not used afterwards.
        unsafe { complete(task, core) };
        return false;
    }
    // Ordering: Relaxed, introspection reads a snapshot.
    header.since_ms.store(core.now_ms(), Ordering::Relaxed);
    let next = if bound { header.state.own_end_poll() } else { header.state.end_poll() };
    next == Next::Enqueue
}

/// Runs `f` with `header` as the thread's current task and a fresh budget.
#[inline]
pub(crate) fn with_current<R>(header: &Header, f: impl FnOnce() -> R) -> R {
    header.head.clear_wait();
    // SAFETY: the header's reference outlives this call, which puts the old pointer back.
    let outer = hooks::with_tls(|tls| unsafe {
        tls.budget.set(hooks::BUDGET);
        tls.set_task(&header.head)
    });
    // Every call of foreign code in it is caught.
    let result = AbortOnUnwind::during(f);
    // SAFETY: it was there before, and what called this keeps what it points at.
    hooks::with_tls(|tls| unsafe {
        tls.budget.set(0);
        tls.set_task(outer)
    });
    result
}

/// Polls (or drops) the main future and polls the cleanups; `true` when nothing of either is left.
///
/// # Safety
///
/// As `run`.
unsafe fn turn(task: NonNull<Header>, cancel: bool, core: &Core) -> bool {
    // SAFETY: alive (T1).
    let header = unsafe { task.as_ref() };
    // SAFETY: alive for this call; the waker's reference is not counted, so it is not dropped.
    let waker = ManuallyDrop::new(unsafe { Waker::from_raw(waker_of(task)) });
    let mut cx = Context::from_waker(&waker);
    if !header.state.is_closing() {
        // SAFETY: this thread polls the task.
        if cancel && unsafe { heeds_cancel(header, core) } {
            // SAFETY: this thread polls the task (T2).
            unsafe { end::fail(task, Failure::Cancelled) };
        // SAFETY: as above; the task is not closing, so the future is there.
        } else if unsafe { end::poll(task, &mut cx) }.is_pending() {
            // SAFETY: this thread polls the task.
            let _ = unsafe { cleanup::poll_all(header, &mut cx) };
            return false;
        }
        header.state.set_closing();
    }
    if core.abandons_cleanups() {
        // SAFETY: this thread polls the task.
        unsafe { abandon(header) };
        return true;
    }
    // SAFETY: this thread polls the task.
    unsafe { cleanup::poll_all(header, &mut cx) }.is_ready()
}

/// Drops the cleanups of a task, for which shutdown has no time.
///
/// # Safety
///
/// The caller polls the task.
#[cold]
unsafe fn abandon(header: &Header) {
    // SAFETY: the caller's promise.
    let count = unsafe { cleanup::abandon_all(header) };
    if count > 0 {
        crate::say::say(format_args!(
            "{count} cleanup(s) of task {} were dropped unfinished: the time for shutdown is over",
            header.head.id
        ));
    }
}

/// Whether a cancel request drops the main future now.
///
/// # Safety
///
/// The caller polls the task.
#[cold]
unsafe fn heeds_cancel(header: &Header, core: &Core) -> bool {
    let for_good = || core.cancels_for_good(header.state.is_local());
    core.abandons_cleanups()
        || header.extras().is_some_and(|extras| extras.given_up().is_some())
        // SAFETY: the caller's promise.
        || unsafe { intercept::drops_main(header, for_good()) }
}

/// Publishes the outcome and gives the task list's reference up.
///
/// # Safety
///
/// As `run`; the task must not be used afterwards.
unsafe fn complete(task: NonNull<Header>, core: &Core) {
    // SAFETY: the list's reference is still there.
    let header = unsafe { task.as_ref() };
    // SAFETY: this thread ran the task to its end.
    unsafe { publish(task) };
    if header.state.is_local() {
        core.on_local_end();
    }
    // SAFETY: the list holds the task until here.
    unsafe { header.core.as_ref() }.remove_task(task);
    if header.drop_ref() {
        // SAFETY: that was the last reference.
        unsafe { free_on(core, task) };
    }
}

/// Publishes the outcome of a task that has ended: to its callbacks, to whoever waits in its handle, to its
/// hook.
///
/// # Safety
///
/// The caller ran the task to its end, and holds a reference.
#[inline]
pub(crate) unsafe fn publish(task: NonNull<Header>) {
    // SAFETY: the caller holds a reference.
    let header = unsafe { task.as_ref() };
    let (interest, has_waker) = header.state.complete();
    let somebody = has_waker || header.extras().is_some() || header.vtable.hook.is_some();
    if !interest || somebody {
        // SAFETY: the caller's promise.
        unsafe { tell(task, interest, has_waker) };
    }
}

/// Tells everybody of a task's end, as far as there is somebody. (A task with a handle that is not awaited yet has
/// nobody.)
///
/// # Safety
///
/// As `publish`, which has marked the task as done.
#[inline(never)]
unsafe fn tell(task: NonNull<Header>, interest: bool, has_waker: bool) {
    // SAFETY: the caller holds a reference.
    let header = unsafe { task.as_ref() };
    if !interest {
        // SAFETY: no handle: the output is this thread's (T2).
        unsafe { end::drop_unawaited(task) };
    }
    if let Some(extras) = header.extras() {
        for callback in extras.take_callbacks() {
            if let Err(payload) = catch(callback) {
                drop_payload(payload);
            }
        }
    }
    // After the callbacks, so that whoever has waited finds what they have done.
    if has_waker {
        // By reference: the handle may be comparing the waker with its own at this moment.
        // SAFETY: DONE was set with JOIN_WAKER set: nobody writes the slot any more (T5).
        let wake = |w: *const Option<Waker>| unsafe { (*w).as_ref() }.map(Waker::wake_by_ref);
        if let Err(payload) = catch(|| header.joiner.with(wake)) {
            drop_payload(payload);
        }
        if header.state.waker_used() {
            // SAFETY: the handle has gone and left the slot to this thread (T5).
            drop_quietly(header.joiner.with_mut(|w| unsafe { (*w).take() }));
        }
    }
    // SAFETY: once, by the completing thread.
    unsafe { end::tell_done(task) };
}
