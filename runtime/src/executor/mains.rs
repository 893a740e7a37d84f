//! The main futures that are under way, for introspection: they are on no task list.

use std::ptr::NonNull;

use corio_sync::prim::Mutex;

use crate::task::header::Header;

#[derive(Default)]
pub(crate) struct Mains(Mutex<Vec<NonNull<Header>>>);

// SAFETY: the pointers are used under the lock, and each is taken out before its header goes.
unsafe impl Send for Mains {}
// SAFETY: as above.
unsafe impl Sync for Mains {}

impl Mains {
    /// A main future begins; its header lives until `leave`.
    pub(crate) fn enter(&self, main: NonNull<Header>) {
        self.0.lock().push(main);
    }

    pub(crate) fn leave(&self, main: NonNull<Header>) {
        self.0.lock().retain(|m| *m != main);
    }

    /// Calls `f` with each.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Header)) {
        for main in self.0.lock().iter() {
            // SAFETY: entered and not left, so alive; `leave` needs the lock.
            f(unsafe { main.as_ref() });
        }
    }
}
