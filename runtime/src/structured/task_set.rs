//! Tasks that do not outlive their owner, and whose results are taken as they come.
//!
//! The handles wait in a pool, which polls those that were woken. A group without a voice of its own is
//! what the end of the set waits for.

mod builder;
mod collect;
mod wait;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use corio_sync::Semaphore;
use corio_sync::hooks::{self, Site, WaitKind};
use futures_core::Stream;

use super::group::end_group;
use super::members::Group;
use super::pool::Pool;
use super::spawning::limited_to;
use crate::task::{Canceller, Task, TaskError, TaskId};

pub use builder::TaskSetBuilder;
pub use wait::{JoinTasks, NextResult, NextWithId};

/// Tasks whose results are taken as they come, and none of which outlives the set. tokio's `JoinSet`.
///
/// In a [`TaskGroup`](super::TaskGroup) the first failure ends all. Here each task is on its own: its
/// value, its error or its panic is one of the results, and the others go on. Results are kept until they are
/// asked for.
///
/// When the set is dropped its tasks are cancelled, and the task that it is in is not done before they are;
/// outside any task, what is around the set is not cleaned up before that.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::TaskSet;
///
/// # corio_runtime::run(async {
/// let mut set = TaskSet::new();
/// for text in ["1", "two", "3"] {
///     set.spawn(async move { text.parse::<i32>() });
/// }
/// let (mut sum, mut errors) = (0, 0);
/// while let Some(result) = set.next().await {
///     match result.unwrap() {
///         Ok(number) => sum += number,
///         Err(_) => errors += 1,
///     }
/// }
/// assert_eq!((sum, errors), (4, 1));
/// # });
/// ```
///
/// # Example: a supervisor
///
/// ```
/// use corio_runtime::structured::TaskSet;
///
/// # corio_runtime::run(async {
/// let mut tries = 0;
/// let mut serve = move || {
///     tries += 1;
///     async move { assert!(tries > 2, "crashed") }
/// };
/// let mut set = TaskSet::new();
/// set.spawn(serve());
/// while let Some(result) = set.next().await {
///     if result.is_err_and(|error| error.is_panic()) {
///         set.spawn(serve());
///     }
/// }
/// # });
/// ```
#[doc(alias("JoinSet", "FuturesUnordered"))]
#[must_use = "a set that is dropped cancels its tasks"]
pub struct TaskSet<T> {
    tasks: Pool<Member<T>>,
    group: Arc<Group<Infallible>>,
    /// At most so many tasks run at once.
    limit: Option<Arc<Semaphore>>,
    /// Where it was made.
    site: Site,
}

/// A task that tells which one it was.
struct Member<T>(Task<T>);

impl<T> Future for Member<T> {
    type Output = (TaskId, Result<T, TaskError>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready((self.0.id(), result))
    }
}

impl<T> TaskSet<T> {
    /// An empty set.
    #[expect(clippy::new_without_default, reason = "the caller's place would be lost")]
    #[track_caller]
    pub fn new() -> Self {
        Self::with(None)
    }

    /// An empty set of which at most `limit` tasks run at once; the others wait their turn, in the order in
    /// which they were spawned.
    ///
    /// A turn lasts until the task's future is done or dropped; whether its result has been taken makes no
    /// difference.
    ///
    /// # Panics
    ///
    /// When `limit` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::TaskSet;
    ///
    /// # corio_runtime::run(async {
    /// let mut set = TaskSet::with_limit(2);
    /// for page in 0..10 {
    ///     set.spawn(async move { page * page });
    /// }
    /// let squares = set.join().await;
    /// assert_eq!(squares.into_iter().map(Result::unwrap).sum::<i32>(), 285);
    /// # });
    /// ```
    #[doc(alias("CapacityLimiter", "buffer_unordered"))]
    #[track_caller]
    pub fn with_limit(limit: usize) -> Self {
        Self::with(Some(limited_to(limit)))
    }

    #[track_caller]
    fn with(limit: Option<Arc<Semaphore>>) -> Self {
        Self { tasks: Pool::new(), group: Group::new(), limit, site: Site::caller() }
    }

    /// Spawns a task; what is returned can cancel it.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[doc(alias("create_task", "start_soon"))]
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> Canceller
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.builder().spawn(future)
    }

    /// Spawns a task that need not be `Send`; it stays on this worker.
    ///
    /// # Panics
    ///
    /// On a thread that runs no tasks.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, future: F) -> Canceller
    where
        F: Future<Output = T> + 'static,
        T: 'static,
    {
        self.builder().spawn_local(future)
    }

    /// Runs `f` on a thread for blocking calls.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[doc(alias = "to_thread")]
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, f: F) -> Canceller
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.builder().spawn_blocking(f)
    }

    /// A builder for a task with a name.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::TaskSet;
    ///
    /// # corio_runtime::run(async {
    /// let mut set = TaskSet::new();
    /// set.builder().name("fetch").spawn(async { 7 });
    /// assert_eq!(set.next().await.unwrap().unwrap(), 7);
    /// # });
    /// ```
    #[doc(alias = "build_task")]
    #[track_caller]
    pub fn builder(&mut self) -> TaskSetBuilder<'_, T> {
        TaskSetBuilder::new(self)
    }

    fn add(&mut self, task: Task<T>) -> Canceller {
        let canceller = task.canceller();
        self.tasks.push(Member(task));
        canceller
    }

    /// Waits until one more task is done, and gives its result; `None` when there is none left.
    ///
    /// # Cancel safety
    ///
    /// Safe: the tasks stay, and no result is lost.
    #[doc(alias = "join_next")]
    #[expect(clippy::should_implement_trait, reason = "it waits, which an iterator does not")]
    #[track_caller]
    pub fn next(&mut self) -> NextResult<'_, T> {
        NextResult::new(self.next_with_id())
    }

    /// Waits until one more task is done, and gives its id and its result; `None` when there is none left.
    ///
    /// # Cancel safety
    ///
    /// Safe: the tasks stay, and no result is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::TaskSet;
    /// use std::collections::HashMap;
    ///
    /// # corio_runtime::run(async {
    /// let mut set = TaskSet::new();
    /// let mut hosts = HashMap::new();
    /// for host in ["a.example", "b.example"] {
    ///     hosts.insert(set.spawn(async move { host.len() }).id(), host);
    /// }
    /// while let Some((id, result)) = set.next_with_id().await {
    ///     assert_eq!(result.unwrap(), hosts[&id].len());
    /// }
    /// # });
    /// ```
    #[doc(alias = "join_next_with_id")]
    #[track_caller]
    pub fn next_with_id(&mut self) -> NextWithId<'_, T> {
        NextWithId::new(self)
    }

    /// The result of a task that is done; `None` if no task is.
    #[doc(alias = "try_join_next")]
    pub fn try_next(&mut self) -> Option<Result<T, TaskError>> {
        /// Puts the budget back.
        struct Unlimited(u32);
        impl Drop for Unlimited {
            fn drop(&mut self) {
                hooks::with_tls(|tls| tls.budget.set(self.0));
            }
        }
        // A loop of this call ends by itself, and is not to be told that there is nothing when there is.
        let _unlimited = Unlimited(hooks::with_tls(|tls| tls.budget.replace(0)));
        match self.poll_one(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some((_, result))) => Some(result),
            Poll::Ready(None) | Poll::Pending => None,
        }
    }

    /// Waits until every task is done, and gives the results that have not been taken, in the order in which
    /// the tasks ended.
    ///
    /// # Cancel safety
    ///
    /// Unsafe: dropping the wait drops the set, which cancels the tasks, and the results.
    #[doc(alias("join_all", "shutdown"))]
    #[track_caller]
    pub fn join(self) -> JoinTasks<T> {
        JoinTasks::new(self)
    }

    /// Cancels every task that is in the set. Their results are still to be taken; what is spawned later is
    /// not cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::TaskSet;
    ///
    /// # corio_runtime::run(async {
    /// let mut set = TaskSet::new();
    /// set.spawn(std::future::pending::<()>());
    /// set.cancel();
    /// assert!(set.join().await[0].as_ref().is_err_and(|error| error.is_cancelled()));
    /// # });
    /// ```
    #[doc(alias("abort_all", "shutdown"))]
    pub fn cancel(&self) {
        for Member(task) in self.tasks.iter() {
            task.cancel();
        }
    }

    /// How many results have not been taken, of tasks that are done or not.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether every result has been taken.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    fn poll_one(&mut self, cx: &mut Context<'_>) -> Poll<Option<(TaskId, Result<T, TaskError>)>> {
        if self.tasks.is_empty() {
            return Poll::Ready(None);
        }
        self.tasks.poll(cx, |_, output| ControlFlow::Break(output)).map(Some)
    }

    /// [`poll_one`](Self::poll_one) for one who waits at `site`.
    fn poll_at(
        &mut self,
        site: Site,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(TaskId, Result<T, TaskError>)>> {
        let polled = self.poll_one(cx);
        if polled.is_pending() {
            hooks::set_wait(site, WaitKind::Group);
        }
        polled
    }
}

impl<T> Drop for TaskSet<T> {
    fn drop(&mut self) {
        // A task whose result was taken is done.
        if !self.tasks.is_empty() {
            end_group(&self.group, self.site);
        }
    }
}

/// The results, as they come.
impl<T> Stream for TaskSet<T> {
    type Item = Result<T, TaskError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.poll_at(this.site, cx).map(|next| next.map(|(_, result)| result))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl<T> Unpin for TaskSet<T> {}

impl<T> fmt::Debug for TaskSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSet")
            .field("tasks", &self.len())
            .field("running", &self.group.len())
            .finish()
    }
}
