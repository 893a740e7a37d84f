//! Spawning a task of a set, with a name.

use std::fmt;
use std::future::Future;

use super::TaskSet;
use crate::structured::members::MemberHook;
use crate::structured::spawning;
use crate::task::{Builder, Canceller};

/// Spawns a task of a [`TaskSet`] with a name; made by [`TaskSet::builder`].
#[must_use = "a builder spawns nothing until one of its `spawn` methods is called"]
pub struct TaskSetBuilder<'a, T> {
    set: &'a mut TaskSet<T>,
    builder: Builder,
}

impl<'a, T> TaskSetBuilder<'a, T> {
    #[track_caller]
    pub(super) fn new(set: &'a mut TaskSet<T>) -> Self {
        Self { set, builder: Builder::new() }
    }

    /// Gives the task a name; what is beyond 128 bytes is cut off.
    #[doc(alias = "set_name")]
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.builder = self.builder.name(name);
        self
    }

    /// Has the task polled once before `spawn` or `spawn_local` returns; see [`Builder::eager`].
    #[doc(alias = "eager_start")]
    pub fn eager(mut self, on: bool) -> Self {
        self.builder = self.builder.eager(on);
        self
    }

    /// Spawns a task; see [`TaskSet::spawn`].
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Canceller
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let hook = MemberHook::new(&self.set.group);
        self.set.add(spawning::spawn(future, self.set.limit.as_ref(), hook, self.builder))
    }

    /// Spawns a task that stays on this worker; see [`TaskSet::spawn_local`].
    ///
    /// # Panics
    ///
    /// On a thread that runs no tasks.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> Canceller
    where
        F: Future<Output = T> + 'static,
        T: 'static,
    {
        let hook = MemberHook::new(&self.set.group);
        self.set.add(spawning::spawn_local(future, self.set.limit.as_ref(), hook, self.builder))
    }

    /// Runs `f` on a thread for blocking calls; see [`TaskSet::spawn_blocking`].
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(self, f: F) -> Canceller
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let hook = MemberHook::new(&self.set.group);
        self.set.add(spawning::spawn_blocking(f, self.set.limit.as_ref(), hook, self.builder))
    }
}

impl<T> fmt::Debug for TaskSetBuilder<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSetBuilder").field("builder", &self.builder).finish_non_exhaustive()
    }
}
