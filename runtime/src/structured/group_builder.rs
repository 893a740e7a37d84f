//! Spawning a child of a group, with a name.

use std::fmt;
use std::future::Future;

use super::group::{Child, TaskGroup};
use super::members::{ChildHook, IntoOutcome};
use super::spawning;
use crate::task::Builder;

/// Spawns a child with a name; made by [`TaskGroup::builder`].
#[must_use = "a builder spawns nothing until one of its `spawn` methods is called"]
pub struct GroupBuilder<'a, E> {
    group: &'a TaskGroup<E>,
    builder: Builder,
}

impl<'a, E: Send + 'static> GroupBuilder<'a, E> {
    #[track_caller]
    pub(super) fn new(group: &'a TaskGroup<E>) -> Self {
        Self { group, builder: Builder::new() }
    }

    /// Gives the child a name; what is beyond 128 bytes is cut off.
    #[doc(alias = "set_name")]
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.builder = self.builder.name(name);
        self
    }

    /// Has the child polled once before `spawn` or `spawn_local` returns; see [`Builder::eager`].
    ///
    /// A child that fails in that poll ends the group as any other: its handle is finished, and the body
    /// is dropped where it next waits. In a group with a limit the first poll may be one that waits for
    /// its turn.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::TaskGroup;
    ///
    /// # corio_runtime::run(async {
    /// let group = TaskGroup::<()>::new();
    /// let child = group.builder().eager(true).spawn(async { Ok(6 * 7) });
    /// assert!(child.is_finished() && group.is_empty());
    /// assert_eq!(child.await.unwrap(), 42);
    /// group.join().await.unwrap();
    /// # });
    /// ```
    #[doc(alias("eager_start", "eager_task_factory"))]
    pub fn eager(mut self, on: bool) -> Self {
        self.builder = self.builder.eager(on);
        self
    }

    fn hook(&self) -> ChildHook<E> {
        ChildHook::new(&self.group.group)
    }

    /// Spawns a child; see [`TaskGroup::spawn`].
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F, O>(self, future: F) -> Child<O, E>
    where
        F: Future<Output = O> + Send + 'static,
        O: IntoOutcome<E> + Send + 'static,
    {
        let hook = self.hook();
        spawning::spawn(future, self.group.limit.as_ref(), hook, self.builder)
    }

    /// Spawns a child that stays on this worker; see [`TaskGroup::spawn_local`].
    ///
    /// # Panics
    ///
    /// On a thread that runs no tasks.
    #[track_caller]
    pub fn spawn_local<F, O>(self, future: F) -> Child<O, E>
    where
        F: Future<Output = O> + 'static,
        O: IntoOutcome<E> + 'static,
    {
        let hook = self.hook();
        spawning::spawn_local(future, self.group.limit.as_ref(), hook, self.builder)
    }

    /// Runs `f` as a child on a thread for blocking calls; see [`TaskGroup::spawn_blocking`].
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, O>(self, f: F) -> Child<O, E>
    where
        F: FnOnce() -> O + Send + 'static,
        O: IntoOutcome<E> + Send + 'static,
    {
        let hook = self.hook();
        spawning::spawn_blocking(f, self.group.limit.as_ref(), hook, self.builder)
    }
}

impl<E> fmt::Debug for GroupBuilder<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupBuilder").field("builder", &self.builder).finish_non_exhaustive()
    }
}
