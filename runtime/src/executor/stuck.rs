//! Noticing that virtual time stands still for good.
//!
//! A test in virtual time whose tasks all wait for what never comes would hang without a word. That
//! nothing can come is known for certain when nobody else has the runtime, and every reference to every
//! task is accounted for: a task list's, a handle's, and the wakers that hang in timers which are never
//! due. Whatever else could wake a task (a channel's waker, a descriptor's, a canceller) would hold one
//! more. Then the main future fails, and says why; where something else could still come, from another
//! thread for one, it is told on stderr after a while.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::context::with_context;
use super::core_shared::CoreShared;
use super::shared::Shared;
use crate::introspect;
use crate::say::say;
use crate::task::waker::is_of_a_task;

/// After this time of nothing at all it is told.
const SILENCE: Duration = Duration::from_secs(2);

/// What a core knows of it.
#[derive(Debug, Default)]
pub(super) struct Stuck {
    /// The core drives a main future.
    has_main: Cell<bool>,
    /// The main future is to fail, for this reason.
    report: RefCell<Option<String>>,
    /// It has been told.
    told: Cell<bool>,
}

impl Stuck {
    pub(super) fn set_main(&self, has_main: bool) {
        self.has_main.set(has_main);
        if has_main {
            self.told.set(false);
        }
    }

    /// Whether the main future is to fail.
    pub(super) fn has_report(&self) -> bool {
        self.report.borrow().is_some()
    }

    /// Why the main future is to fail, if it is.
    #[inline]
    pub(super) fn take_report(&self) -> Option<String> {
        if self.has_report() { self.report.take() } else { None }
    }

    /// The core is idle, its clock is paused, and no timer will be due: tells whether the main future
    /// is to be polled, because it fails.
    pub(super) fn fails_main(&self, runtime: &Shared, core: &CoreShared) -> bool {
        if !self.has_main.get() || self.told.get() || !is_certain(runtime, core) {
            return false;
        }
        self.told.set(true);
        *self.report.borrow_mut() = Some(format!(
            "virtual time stands still for good: all tasks wait, no timer is ever due, and there is \
             nothing that could wake one of them. {}",
            introspect::dump()
        ));
        true
    }

    /// Sleeps as `sleep` does, for as long as it is told; what is not over for a long time is told.
    pub(super) fn sleep(&self, nap: Option<Duration>, sleep: impl Fn(Option<Duration>)) {
        if !self.has_main.get() || self.told.get() {
            return sleep(nap);
        }
        let start = Instant::now();
        sleep(Some(nap.map_or(SILENCE, |nap| nap.min(SILENCE))));
        if start.elapsed() >= SILENCE {
            self.told.set(true);
            say(format_args!(
                "virtual time stands still: no timer is ever due, and for {SILENCE:?} nothing has woken \
                 one of {}",
                introspect::dump()
            ));
        }
    }
}

/// Whether nothing can wake a task of a runtime with one core, which is idle.
fn is_certain(runtime: &Shared, core: &CoreShared) -> bool {
    // The owner's, and that of the context in which its thread runs the core. Another could spawn.
    let alone = with_context(|context| context.is_some_and(|c| Arc::strong_count(&c.shared) == 2));
    if !runtime.config.is_private || !alone || runtime.has_blocking_work() || runtime.is_closing() {
        return false;
    }
    let (mut held, mut known, mut mains) = (0_u64, 0_u64, 0);
    runtime.mains.for_each(|main, _| {
        mains += 1;
        held += u64::from(main.refs());
        known += 1;
    });
    core.for_each_task(|task| {
        held += u64::from(task.refs());
        // The list's, and the handle's.
        known += 1 + u64::from(task.state.has_handle());
    });
    core.timers.for_each_never(|waker| known += u64::from(is_of_a_task(waker)));
    mains == 1 && held == known
}
