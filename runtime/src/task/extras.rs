//! What few tasks need, made when the first of it is needed.

use std::fmt;
use std::sync::{Arc, Weak};

use corio_sync::prim::{Mutex, UnsafeCell};

use super::context_vars::Variables;
use super::intercept::Frames;
use super::reason::CancelReason;
use crate::cleanup::{CleanupSet, GivenUp};

/// The invariant of the file:
/// - **X1** `variables`, `cleanups` and `frames` are touched only by the thread that polls the task (or, before
///   the task is queued, by the one that makes it).
#[derive(Default)]
pub(crate) struct Extras {
    /// Set before the task is queued, never changed.
    pub(crate) name: Option<Box<str>>,
    variables: UnsafeCell<Variables>,
    cleanups: UnsafeCell<CleanupSet>,
    frames: UnsafeCell<Frames>,
    callbacks: Mutex<Callbacks>,
    /// Why the task was asked to stop, if whoever asked has said so.
    reason: Mutex<Option<Arc<CancelReason>>>,
    /// The time of its cleanups is over, and that of a part that holds requests up. Those who wait for the
    /// task keep it alive.
    given_up: Mutex<Option<Weak<GivenUp>>>,
}

/// Called when the task is done; `None` once it is.
type Callback = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Callbacks {
    waiting: Vec<Callback>,
    called: bool,
}

impl Extras {
    pub(crate) fn new(name: Option<Box<str>>, variables: Variables) -> Self {
        Self { name, variables: UnsafeCell::new(variables), ..Self::default() }
    }

    /// Calls `f` with the task's variables.
    ///
    /// # Safety
    ///
    /// The caller polls the task (X1), and `f` does not come back here.
    pub(crate) unsafe fn with_variables<R>(&self, f: impl FnOnce(&mut Variables) -> R) -> R {
        // SAFETY: the caller's promise.
        self.variables.with_mut(|v| f(unsafe { &mut *v }))
    }

    /// Calls `f` with the task's cleanups.
    ///
    /// # Safety
    ///
    /// The caller polls the task (X1), and `f` does not come back here.
    pub(crate) unsafe fn with_cleanups<R>(&self, f: impl FnOnce(&mut CleanupSet) -> R) -> R {
        // SAFETY: the caller's promise.
        self.cleanups.with_mut(|c| f(unsafe { &mut *c }))
    }

    /// Calls `f` with the frames that catch or hold up a cancel request.
    ///
    /// # Safety
    ///
    /// The caller polls the task (X1), and `f` does not come back here.
    pub(crate) unsafe fn with_frames<R>(&self, f: impl FnOnce(&mut Frames) -> R) -> R {
        // SAFETY: the caller's promise.
        self.frames.with_mut(|frames| f(unsafe { &mut *frames }))
    }

    /// Notes a reason if `set` marks the task as cancelled, which it tells.
    ///
    /// Who sees the mark and then asks for the reason finds it: `set` is called with the lock held.
    pub(crate) fn cancel_because(
        &self,
        reason: Arc<CancelReason>,
        set: impl FnOnce() -> bool,
    ) -> bool {
        let mut slot = self.reason.lock();
        let first = set();
        if first {
            *slot = Some(reason);
        }
        first
    }

    /// Why the task was asked to stop.
    pub(crate) fn reason(&self) -> Option<Arc<CancelReason>> {
        self.reason.lock().clone()
    }

    /// Takes the reason, of a request that is absorbed.
    pub(crate) fn take_reason(&self) -> Option<Arc<CancelReason>> {
        self.reason.lock().take()
    }

    /// The time of the task's cleanups is over.
    pub(crate) fn give_up(&self, why: &Arc<GivenUp>) {
        self.given_up.lock().get_or_insert_with(|| Arc::downgrade(why));
    }

    /// Why the task's cleanups are to end, if their time is over.
    pub(crate) fn given_up(&self) -> Option<Arc<GivenUp>> {
        self.given_up.lock().as_ref()?.upgrade()
    }

    /// Adds a callback; gives it back if the task is done.
    pub(crate) fn on_done(&self, callback: Callback) -> Result<(), Callback> {
        let mut callbacks = self.callbacks.lock();
        if callbacks.called {
            return Err(callback);
        }
        callbacks.waiting.push(callback);
        Ok(())
    }

    /// Takes the callbacks, for the completing thread to call.
    pub(crate) fn take_callbacks(&self) -> Vec<Callback> {
        let mut callbacks = self.callbacks.lock();
        callbacks.called = true;
        std::mem::take(&mut callbacks.waiting)
    }
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extras").field("name", &self.name).finish_non_exhaustive()
    }
}
