//! Spawning on the current runtime.

use std::future::Future;

use corio_sync::hooks::Site;

use super::cell::Plain;
use super::join::Task;
use super::large::is_large;
use super::spawn::{Options, spawn_current, spawn_local_current};
use crate::blocking;
use crate::executor::context::{NO_RUNTIME, current_shared};

/// Spawns a future as a task that runs beside its spawner. asyncio's `create_task`.
///
/// It starts when its spawner next waits, on this worker or another. Dropping the [`Task`] lets it
/// run on its own. While the runtime shuts down it is cancelled before it runs.
///
/// # Panics
///
/// Outside a runtime.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// let task = corio_runtime::spawn(async { 6 * 7 });
/// assert_eq!(task.await.unwrap(), 42);
/// # });
/// ```
#[doc(alias("create_task", "ensure_future"))]
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Builder::at(Site::caller()).spawn(future)
}

/// Spawns a future that need not be `Send`: it stays on the worker that calls this.
///
/// It works on every runtime, at the price of an ordinary task. On the thread of a `block_on` it is
/// cancelled (and its cleanups are run) when that `block_on` ends, since another thread may then run
/// the worker.
///
/// # Panics
///
/// On a thread that runs no tasks. So is one in `block_on` while every worker of the runtime is busy on
/// another thread: its future is then polled beside the runtime.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// let shared = std::rc::Rc::new(7);
/// let task = corio_runtime::spawn_local(async move { *shared });
/// assert_eq!(task.await.unwrap(), 7);
/// # });
/// ```
#[track_caller]
pub fn spawn_local<F>(future: F) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    Builder::at(Site::caller()).spawn_local(future)
}

/// Runs `f` on a thread for blocking calls. asyncio's `to_thread`.
///
/// A call that is cancelled before it starts never runs; one that has started is waited for.
///
/// # Panics
///
/// Outside a runtime.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// let task = corio_runtime::spawn_blocking(|| std::fs::metadata("."));
/// assert!(task.await.unwrap().unwrap().is_dir());
/// # });
/// ```
#[doc(alias("to_thread", "run_in_executor"))]
#[track_caller]
pub fn spawn_blocking<F, T>(f: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Builder::at(Site::caller()).spawn_blocking(f)
}

/// Names of tasks are cut to this many bytes.
const MAX_NAME: usize = 128;

/// Spawns a task with a name.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// let task = corio_runtime::task::Builder::new().name("fetch").spawn(async {});
/// assert_eq!(task.name(), Some("fetch"));
/// # task.await.unwrap();
/// # });
/// ```
#[derive(Debug)]
#[must_use = "a builder spawns nothing until one of its `spawn` methods is called"]
pub struct Builder {
    options: Options,
}

impl Builder {
    /// A builder for a task without a name.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "the caller's place would be lost")]
    pub fn new() -> Self {
        Self::at(Site::caller())
    }

    /// [`new`](Self::new) for a task that is shown as spawned at `site`.
    #[doc(hidden)]
    pub fn at(site: Site) -> Self {
        Self { options: Options::at(site) }
    }

    pub(crate) fn site(&self) -> Site {
        self.options.site
    }

    pub(crate) fn into_options(self) -> Options {
        self.options
    }

    /// Gives the task a name; what is beyond 128 bytes is cut off.
    #[doc(alias = "set_name")]
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let end = (0..=name.len().min(MAX_NAME)).rev().find(|i| name.is_char_boundary(*i));
        self.options.name = Some(name[..end.unwrap_or(0)].into());
        self
    }

    /// Has the future polled once before `spawn` or `spawn_local` returns. asyncio's eager tasks.
    ///
    /// A future that ends in that poll is never queued, and its handle is finished when the call returns;
    /// that is worth while for futures that mostly need not wait. One that has to wait goes on as any
    /// other task. The first poll belongs to the new task, too: [`current`](super::current), name, context
    /// variables, cleanups and budget are the task's own, and a panic reaches only the handle. The
    /// spawner goes on when the poll is over, and should hold no lock that the future takes.
    ///
    /// The task is queued as usual on a thread that is not running tasks of its runtime, while the thread
    /// unwinds, and where sixteen such polls are within one another already. A task that would be
    /// cancelled before it runs is cancelled. With `spawn_blocking` it changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::task::Builder;
    ///
    /// # corio_runtime::run(async {
    /// let cached = Some(42);
    /// let task = Builder::new().eager(true).spawn(async move {
    ///     match cached {
    ///         Some(value) => value,
    ///         None => corio_runtime::spawn_blocking(|| 6 * 7).await.unwrap(),
    ///     }
    /// });
    /// assert!(task.is_finished());
    /// assert_eq!(task.await.unwrap(), 42);
    /// # });
    /// ```
    #[doc(alias("eager_start", "eager_task_factory", "create_eager_task_factory"))]
    pub fn eager(mut self, on: bool) -> Self {
        self.options.eager = on;
        self
    }

    /// Spawns a future that any worker may run; see [`spawn`].
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if const { is_large::<F>() } {
            self.spawn_sized(Box::pin(future))
        } else {
            self.spawn_sized(future)
        }
    }

    #[inline]
    #[track_caller]
    fn spawn_sized<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match spawn_current(future, Plain, self.options) {
            Some(task) => task,
            None => no_runtime(),
        }
    }

    /// Spawns a future that stays on this worker; see [`spawn_local`].
    ///
    /// # Panics
    ///
    /// On a thread that runs no tasks.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        if const { is_large::<F>() } {
            self.spawn_local_sized(Box::pin(future))
        } else {
            self.spawn_local_sized(future)
        }
    }

    #[inline]
    #[track_caller]
    fn spawn_local_sized<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        match spawn_local_current(future, Plain, self.options) {
            Some(task) => task,
            None => no_core(),
        }
    }

    /// Runs `f` on a thread for blocking calls; see [`spawn_blocking`].
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, f: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let Some(shared) = current_shared() else { no_runtime() };
        blocking::spawn_on(&shared, f, Plain, self.options)
    }
}

#[cold]
#[track_caller]
fn no_runtime() -> ! {
    panic!("{NO_RUNTIME}")
}

#[cold]
#[track_caller]
fn no_core() -> ! {
    panic!(
        "`spawn_local` needs a thread that runs tasks: call it inside a task, or in the future \
         given to `block_on` while a worker is free for that thread (raise `worker_threads` \
         if they are all busy)"
    )
}
