//! Spawning a child of a group, with a name.

use std::fmt;
use std::future::{Future, pending};
use std::panic::resume_unwind;

use super::group::{Child, TaskGroup};
use super::limit::Gate;
use super::linked::Linked;
use super::members::{ChildHook, IntoOutcome};
use crate::blocking;
use crate::executor::context::{NO_RUNTIME, current_shared};
use crate::task::Builder;
use crate::task::header::Plain;
use crate::task::large::is_large;
use crate::task::spawn::{Options, spawn_current, spawn_local_current};

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
        if is_large::<F>() { self.spawn_sized(Box::pin(future)) } else { self.spawn_sized(future) }
    }

    #[inline]
    #[track_caller]
    fn spawn_sized<F, O>(self, future: F) -> Child<O, E>
    where
        F: Future<Output = O> + Send + 'static,
        O: IntoOutcome<E> + Send + 'static,
    {
        let hook = self.hook();
        let future = Gate::new(future, self.group.limit.as_ref());
        match spawn_current(future, hook, self.builder.into_options()) {
            Some(task) => task,
            None => panic!("{NO_RUNTIME}"),
        }
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
        if is_large::<F>() {
            self.spawn_local_sized(Box::pin(future))
        } else {
            self.spawn_local_sized(future)
        }
    }

    #[inline]
    #[track_caller]
    fn spawn_local_sized<F, O>(self, future: F) -> Child<O, E>
    where
        F: Future<Output = O> + 'static,
        O: IntoOutcome<E> + 'static,
    {
        let hook = self.hook();
        let future = Gate::new(future, self.group.limit.as_ref());
        match spawn_local_current(future, hook, self.builder.into_options()) {
            Some(task) => task,
            None => panic!("`spawn_local` needs a thread that runs tasks: call it inside a task"),
        }
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
        let Some(shared) = current_shared() else { panic!("{NO_RUNTIME}") };
        if self.group.limit.is_none() {
            let hook = self.hook();
            return blocking::spawn_on(&shared, f, hook, self.builder.into_options());
        }
        // The call must not hold a thread while it waits for its turn.
        let site = self.builder.site();
        self.spawn(async move {
            let call = Linked::new(blocking::spawn_on(&shared, f, Plain, Options::at(site)));
            drop(shared);
            match call.await {
                Ok(output) => output,
                // Only this child's own end cancels it.
                Err(error) if error.is_cancelled() => pending().await,
                Err(error) => match error.try_into_panic() {
                    Ok(payload) => resume_unwind(payload),
                    Err(error) => panic!("{error}"),
                },
            }
        })
    }
}

impl<E> fmt::Debug for GroupBuilder<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupBuilder").field("builder", &self.builder).finish_non_exhaustive()
    }
}
