//! The first poll of a new task at once, within its spawner's.
//!
//! It is a turn as any other (see `harness`), but one inside another. What the thread keeps for the poll
//! around it is put aside meanwhile, so that neither task sees the other's.

use std::cell::Cell;
use std::ptr::NonNull;

use corio_sync::hooks;

use super::harness;
use super::header::Header;
use super::intercept::OtherTask;
use crate::cleanup::SinkGuard;
use crate::executor::context::current_header;
use crate::executor::core::Core;

/// How many first polls there are within one another at most: each needs its piece of the stack.
const DEEPEST: u32 = 16;

thread_local! {
    /// How many first polls this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Gives a new task its first turn, where that can be; `true` if it need not be queued: it waits, or is done.
///
/// # Safety
///
/// This thread has `core`, which is the task's home. The state of the task says that it is queued, but
/// it is on no queue: this turn is instead of the one that the queue would give it.
#[must_use]
#[inline(never)]
pub(super) unsafe fn rests_after_start(task: NonNull<Header>, core: &Core) -> bool {
    // A panic in a poll while the thread unwinds would end the process.
    if DEPTH.get() >= DEEPEST || std::thread::panicking() {
        return false;
    }
    DEPTH.set(DEPTH.get() + 1);
    let budget = hooks::with_tls(|tls| tls.budget.get());
    let spawner = current_header();
    if spawner.is_some() {
        // The watchdog looks at one poll at a time; the spawner's counts anew afterwards.
        core.poll_ends();
    }
    let other = OtherTask::enter();
    let sink = SinkGuard::enter();
    // SAFETY: the caller's promise; the task list's reference is there until the task is done.
    let again = unsafe { harness::run(task, core) };
    // What the new task owes is its own affair: who catches cleanups around this does not wait for it.
    sink.forget();
    drop(other);
    if let Some(spawner) = spawner {
        core.poll_begins(&spawner.head);
    }
    hooks::with_tls(|tls| tls.budget.set(budget));
    // A task that does nothing but start others gives way in the end.
    hooks::spend();
    DEPTH.set(DEPTH.get() - 1);
    !again
}
