//! A set from futures, each of which becomes a task.

use std::future::Future;

use super::TaskSet;

/// A set of the tasks that are spawned for each future.
///
/// The place where they were spawned, as [`introspect`](crate::introspect) shows it, is std's `collect`; that of
/// a call of `from_iter` or `extend` is the call.
///
/// # Panics
///
/// Outside a runtime.
impl<T, F> FromIterator<F> for TaskSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(iter: I) -> Self {
        let mut set = Self::new();
        set.extend(iter);
        set
    }
}

/// Spawns a task for each future.
///
/// # Panics
///
/// Outside a runtime.
impl<T, F> Extend<F> for TaskSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, iter: I) {
        for future in iter {
            self.spawn(future);
        }
    }
}
