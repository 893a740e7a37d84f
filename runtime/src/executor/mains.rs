//! The main futures that are under way, for introspection: they are on no task list.

use std::ptr::NonNull;

use corio_sync::prim::Mutex;

use crate::task::header::Header;

#[derive(Default)]
pub(crate) struct Mains(Mutex<Vec<(NonNull<Header>, Place)>>);

/// Where a main future is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// By a core, as a task in its queue.
    OnCore,
    /// By its thread, beside the runtime: its state never says that it is idle.
    Beside,
}

// SAFETY: the pointers are used under the lock, and each is taken out before its header goes.
unsafe impl Send for Mains {}
// SAFETY: as above.
unsafe impl Sync for Mains {}

impl Mains {
    /// A main future begins; its header lives until `leave`.
    pub(crate) fn enter(&self, main: NonNull<Header>, place: Place) {
        self.0.lock().push((main, place));
    }

    pub(crate) fn leave(&self, main: NonNull<Header>) {
        self.0.lock().retain(|(m, _)| *m != main);
    }

    /// Calls `f` with each.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Header, Place)) {
        for (main, place) in self.0.lock().iter() {
            // SAFETY: entered and not left, so alive; `leave` needs the lock.
            f(unsafe { main.as_ref() }, *place);
        }
    }
}
