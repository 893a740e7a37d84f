//! What is called when a promise is done.

use std::fmt;
use std::sync::{Arc, Weak};

use super::{Promise, Shared};

type Callback<T> = Box<dyn FnOnce(&Promise<T>) + Send>;

/// Callbacks that wait, in the order in which they came.
pub(super) struct Callbacks<T> {
    waiting: Vec<(u64, Callback<T>)>,
    /// How many have come.
    count: u64,
}

impl<T> Callbacks<T> {
    pub(super) fn new() -> Self {
        Self { waiting: Vec::new(), count: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds a callback; gives its number.
    pub(super) fn add(&mut self, callback: Callback<T>) -> u64 {
        self.count += 1;
        self.waiting.push((self.count, callback));
        self.count
    }

    fn remove(&mut self, id: u64) -> Option<Callback<T>> {
        let at = self.waiting.iter().position(|(waiting, _)| *waiting == id)?;
        Some(self.waiting.remove(at).1)
    }

    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Callback<T>> + use<T> {
        std::mem::take(&mut self.waiting).into_iter().map(|(_, callback)| callback)
    }
}

/// Takes a callback back before it is called; made by [`Promise::on_done`]. Dropping it changes nothing.
///
/// # Examples
///
/// ```
/// use corio_sync::Promise;
///
/// let promise = Promise::new();
/// let callback = promise.on_done(|_| unreachable!("it was taken back"));
/// assert!(callback.remove());
/// promise.set(7).unwrap();
/// assert!(!callback.remove());
/// ```
pub struct DoneCallback<T> {
    promise: Weak<Shared<T>>,
    id: u64,
}

impl<T> DoneCallback<T> {
    pub(super) fn new(promise: &Promise<T>, id: u64) -> Self {
        Self { promise: Arc::downgrade(&promise.shared), id }
    }

    /// For a callback that has been called.
    pub(super) fn called() -> Self {
        Self { promise: Weak::new(), id: 0 }
    }

    /// Takes the callback back and drops it; `false` if it was taken back before, has been called, or is
    /// about to be: once the promise is done, every callback that it had is called.
    #[doc(alias = "remove_done_callback")]
    pub fn remove(&self) -> bool {
        let Some(promise) = self.promise.upgrade() else { return false };
        let callback = promise.state.lock().callbacks.remove(self.id);
        // What it holds is dropped without the lock.
        callback.is_some()
    }
}

impl<T> fmt::Debug for DoneCallback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoneCallback").field("id", &self.id).finish_non_exhaustive()
    }
}
