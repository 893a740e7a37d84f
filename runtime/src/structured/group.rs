//! Task groups: children that have all ended when the group has.
//!
//! What a group knows is in `members`; here is what its users hold.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use corio_sync::Semaphore;
use corio_sync::hooks::{self, Site};

use super::group_builder::GroupBuilder;
use super::group_error::{Failure, GroupError};
use super::members::{Finished, Group, IntoOutcome};
use super::spawning::limited_to;
use super::start::{Ready, Start, TryStart, handshake};
use super::waiter::Waiter;
use crate::cleanup::{CleanupWait, SinkGuard, adopt_telling};
use crate::task::header::drop_quietly;
use crate::task::join::{Task, handed_out};

/// A child of a group, as a task.
pub type Child<O, E> = Task<<O as IntoOutcome<E>>::Value>;

/// Tasks that belong together: the group is not done before all of them are. asyncio's `TaskGroup`,
/// trio's nursery.
///
/// The first child that fails (returns `Err`, or panics) cancels its siblings. A clone is another
/// handle to the same group, to be given to helper functions and to children. When the handle that
/// [`new`](Self::new) gave is dropped before `join` has returned, the children are cancelled, and the
/// task that it is in is not done before they are; outside any task, what is around the group is not
/// cleaned up before that.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::TaskGroup;
///
/// # corio_runtime::run(async {
/// let group = TaskGroup::<std::io::Error>::new();
/// let task = group.spawn(async { Ok(6 * 7) });
/// assert_eq!(task.await.unwrap(), 42);
/// group.join().await.unwrap();
/// # });
/// ```
#[doc(alias("Nursery", "open_nursery"))]
pub struct TaskGroup<E = Infallible> {
    pub(super) group: Arc<Group<E>>,
    /// At most so many children run at once.
    pub(super) limit: Option<Arc<Semaphore>>,
    /// A failure of the group drops a body.
    has_body: bool,
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> Self {
        let Self { group, limit, has_body } = self;
        Self { group: group.clone(), limit: limit.clone(), has_body: *has_body }
    }
}

impl<E: Send + 'static> TaskGroup<E> {
    /// An empty group; the handle that is returned owns it.
    #[expect(clippy::new_ret_no_self, reason = "the owner derefs to the group that clones are of")]
    #[track_caller]
    pub fn new() -> OwnedGroup<E> {
        OwnedGroup::with(None)
    }

    /// An empty group of which at most `limit` children run at once; the others wait their turn, in
    /// the order in which they were spawned.
    ///
    /// A turn lasts until the child's future is done or dropped; cleanups that it leaves behind run
    /// beside the next child.
    ///
    /// # Panics
    ///
    /// When `limit` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::TaskGroup;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// # corio_runtime::run(async {
    /// static RUNNING: AtomicU32 = AtomicU32::new(0);
    ///
    /// let group = TaskGroup::<()>::with_limit(3);
    /// for _ in 0..20 {
    ///     group.spawn(async {
    ///         assert!(RUNNING.fetch_add(1, Ordering::SeqCst) < 3);
    ///         corio_runtime::yield_now().await;
    ///         RUNNING.fetch_sub(1, Ordering::SeqCst);
    ///     });
    /// }
    /// group.join().await.unwrap();
    /// # });
    /// ```
    #[track_caller]
    #[doc(alias("CapacityLimiter", "buffer_unordered"))]
    pub fn with_limit(limit: usize) -> OwnedGroup<E> {
        OwnedGroup::with(Some(limited_to(limit)))
    }

    /// Spawns a child. Its `Err`, or its panic, ends the group.
    ///
    /// In a group that has been cancelled, has failed or has ended the child is cancelled before it
    /// runs.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    #[doc(alias("create_task", "start_soon"))]
    pub fn spawn<F, O>(&self, future: F) -> Child<O, E>
    where
        F: Future<Output = O> + Send + 'static,
        O: IntoOutcome<E> + Send + 'static,
    {
        self.builder().spawn(future)
    }

    /// Spawns a child that need not be `Send`; it stays on this worker.
    ///
    /// # Panics
    ///
    /// On a thread that runs no tasks.
    #[track_caller]
    pub fn spawn_local<F, O>(&self, future: F) -> Child<O, E>
    where
        F: Future<Output = O> + 'static,
        O: IntoOutcome<E> + 'static,
    {
        self.builder().spawn_local(future)
    }

    /// Runs `f` as a child on a thread for blocking calls.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    #[doc(alias = "to_thread")]
    pub fn spawn_blocking<F, O>(&self, f: F) -> Child<O, E>
    where
        F: FnOnce() -> O + Send + 'static,
        O: IntoOutcome<E> + Send + 'static,
    {
        self.builder().spawn_blocking(f)
    }

    /// A builder for a child with a name.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::TaskGroup;
    ///
    /// # corio_runtime::run(async {
    /// let group = TaskGroup::<String>::new();
    /// group.builder().name("fetch").spawn(async { Err::<(), _>("no route".to_owned()) });
    /// let error = group.join().await.unwrap_err();
    /// assert!(error.to_string().contains("\"fetch\": no route"));
    /// # });
    /// ```
    #[track_caller]
    pub fn builder(&self) -> GroupBuilder<'_, E> {
        GroupBuilder::new(self)
    }

    /// Starts a child and waits until it says that it is ready; gives what it says. trio's
    /// `nursery.start`.
    ///
    /// The child goes on as any other after that. A child that fails before it is ready fails the
    /// group, as any other does; [`try_start`](Self::try_start) gives its error to the caller instead.
    ///
    /// # Panics
    ///
    /// When the child is not ready when it ends, unless its failure ends the group whose body this is
    /// called in; outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a child that is not ready when the wait is dropped is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::{TaskGroup, task_group};
    ///
    /// # corio_runtime::run(async {
    /// let port = task_group(|group: TaskGroup<()>| async move {
    ///     let port = group
    ///         .start(|ready| async move {
    ///             ready.set(8080); // listening
    ///             corio_runtime::yield_now().await; // serving
    ///         })
    ///         .await;
    ///     Ok(port)
    /// })
    /// .await
    /// .unwrap();
    /// assert_eq!(port, 8080);
    /// # });
    /// ```
    #[track_caller]
    pub fn start<V, B, F, O>(&self, body: B) -> Start<V, E>
    where
        V: Send + 'static,
        B: FnOnce(Ready<V>) -> F,
        F: Future<Output = O> + Send + 'static,
        O: IntoOutcome<E> + Send + 'static,
    {
        let (ready, child, mut starter) = handshake();
        starter.watch(self.spawn(child.run(body(ready), false)).canceller());
        Start::new(starter, &self.group, self.has_body)
    }

    /// Starts a child and waits until it says that it is ready, or has failed.
    ///
    /// A child that fails before it is ready does not harm the group: its error is the caller's.
    ///
    /// # Errors
    ///
    /// [`StartError`](super::StartError) when the child is not ready when it ends.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a child that is not ready when the wait is dropped is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::{Ready, TaskGroup};
    ///
    /// # corio_runtime::run(async {
    /// let group = TaskGroup::<&str>::new();
    /// let started = group.try_start(|_: Ready<u16>| async { Err::<(), _>("address in use") }).await;
    /// assert!(started.unwrap_err().to_string().contains("address in use"));
    /// group.join().await.unwrap();
    /// # });
    /// ```
    #[track_caller]
    pub fn try_start<V, B, F, O>(&self, body: B) -> TryStart<V, E>
    where
        V: Send + 'static,
        B: FnOnce(Ready<V>) -> F,
        F: Future<Output = O> + Send + 'static,
        O: IntoOutcome<E> + Send + 'static,
    {
        let (ready, child, mut starter) = handshake();
        starter.watch(self.spawn(child.run(body(ready), true)).canceller());
        TryStart::new(starter)
    }

    /// Waits until one more child is done, and tells which; `None` when there is none left.
    ///
    /// Each child is told of once, in the order in which they end. Await its [`Task`] for its value;
    /// to get values as they come, put the tasks into [`as_completed`](super::as_completed), or use a
    /// [`TaskSet`](super::TaskSet), whose tasks do not end one another. A group of which nobody has ever
    /// asked this remembers the last 1,024 only.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::TaskGroup;
    ///
    /// # corio_runtime::run(async {
    /// let group = TaskGroup::<()>::new();
    /// for _ in 0..3 {
    ///     group.spawn(async {});
    /// }
    /// let mut count = 0;
    /// while let Some(child) = group.next().await {
    ///     assert!(child.is_ok());
    ///     count += 1;
    /// }
    /// assert_eq!(count, 3);
    /// # });
    /// ```
    #[track_caller]
    pub fn next(&self) -> Next<'_, E> {
        let waiter = Waiter::asking(&self.group);
        Next { waiter, site: Site::caller(), _group: PhantomData }
    }

    /// Ends the group without an error: its children, and those that are still spawned, are cancelled.
    ///
    /// The body of a [`task_group`] goes on, since the value of the whole is its to give: it waits for what
    /// it needs, cancels the rest, and returns. To cut the body off as well, run the group in a
    /// [`CancelScope`](super::CancelScope), and cancel the scope. For the first success of several futures
    /// there is [`race_ok`](super::race_ok).
    ///
    /// # Examples
    ///
    /// Children that search, each in its part; the first that finds something ends the search:
    ///
    /// ```
    /// use corio_runtime::structured::{TaskGroup, task_group};
    /// use corio_sync::mpsc;
    ///
    /// # corio_runtime::run(async {
    /// let found = task_group(|group: TaskGroup<std::io::Error>| async move {
    ///     let (tell, mut told) = mpsc::channel(1);
    ///     for part in 0..100 {
    ///         let tell = tell.clone();
    ///         group.spawn(async move {
    ///             if part == 42 {
    ///                 let _ = tell.send(part).await;
    ///             }
    ///         });
    ///     }
    ///     drop(tell);
    ///     let found = told.recv().await; // `None` when all have ended without a word
    ///     group.cancel();
    ///     Ok(found)
    /// })
    /// .await
    /// .unwrap();
    /// assert_eq!(found, Some(42));
    /// # });
    /// ```
    #[doc(alias("abort_all", "cancel_scope"))]
    pub fn cancel(&self) {
        self.group.cancel();
    }
}

impl<E> TaskGroup<E> {
    /// How many children are not done.
    pub fn len(&self) -> usize {
        self.group.len()
    }

    /// Whether every child is done.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<E> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.group.fmt(f)
    }
}

/// The future of [`TaskGroup::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Next<'a, E> {
    waiter: Waiter<E>,
    site: Site,
    _group: PhantomData<&'a Group<E>>,
}

impl<E> Future for Next<'_, E> {
    type Output = Option<Finished>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Finished>> {
        std::task::ready!(hooks::poll_budget(cx));
        let site = self.site;
        let polled = self.waiter.poll_next(cx, site);
        if polled.is_ready() {
            hooks::spend();
        }
        polled
    }
}

/// The handle that owns a group made by [`TaskGroup::new`].
#[must_use = "a group that is dropped cancels its children"]
pub struct OwnedGroup<E: Send + 'static> {
    handle: TaskGroup<E>,
    /// Where it was made.
    site: Site,
}

impl<E: Send + 'static> std::ops::Deref for OwnedGroup<E> {
    type Target = TaskGroup<E>;
    fn deref(&self) -> &TaskGroup<E> {
        &self.handle
    }
}

impl<E: Send + 'static> OwnedGroup<E> {
    #[track_caller]
    fn with(limit: Option<Arc<Semaphore>>) -> Self {
        let handle = TaskGroup { group: Group::new(), limit, has_body: false };
        Self { handle, site: Site::caller() }
    }

    /// Waits until every child is done.
    ///
    /// # Errors
    ///
    /// [`GroupError`] with every failure that is not a cancellation.
    ///
    /// # Cancel safety
    ///
    /// Unsafe in the sense that dropping the wait ends the group, as dropping the group does: its
    /// children are cancelled.
    #[track_caller]
    pub fn join(self) -> Join<E> {
        Join { waiter: Waiter::new(&self.handle.group), group: self, site: Site::caller() }
    }
}

impl<E: Send + 'static> Drop for OwnedGroup<E> {
    fn drop(&mut self) {
        end_group(&self.handle.group, self.site);
    }
}

impl<E: Send + 'static> fmt::Debug for OwnedGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

/// Cancels what is left of the group that was made at `site`, and leaves the wait for it to the task, or to
/// the runtime of the children: what is around the group is not to be cleaned up before they are.
pub(super) fn end_group<E: Send + 'static>(group: &Arc<Group<E>>, site: Site) {
    group.cancel();
    let Some(home) = group.home() else { return };
    let mut waiter = Waiter::new(group);
    let ending = group.clone();
    let wait = std::future::poll_fn(move |cx| waiter.poll_done(cx, site));
    adopt_telling(&home, wait, move |why| ending.give_up(why));
}

/// The future of [`OwnedGroup::join`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Join<E: Send + 'static> {
    group: OwnedGroup<E>,
    waiter: Waiter<E>,
    site: Site,
}

impl<E: Send + 'static> Future for Join<E> {
    type Output = Result<(), GroupError<E>>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let site = self.site;
        std::task::ready!(self.waiter.poll_done(cx, site));
        let failures = self.group.handle.group.take_failures();
        Poll::Ready(if failures.is_empty() { Ok(()) } else { Err(GroupError::new(failures)) })
    }
}

pin_project_lite::pin_project! {
    /// The future of [`task_group`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct GroupFuture<F, T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Send,
        E: 'static,
    {
        waiter: Waiter<E>,
        // `None` once it has ended, or was dropped because a child failed.
        #[pin]
        body: Option<F>,
        ended: Option<Ended<T>>,
        caught: CleanupWait,
        site: Site,
    }

    impl<F, T, E> PinnedDrop for GroupFuture<F, T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Send,
        E: 'static,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The children first: they stop while the body is being dropped.
            let group = this.waiter.group();
            group.cancel();
            let dropped = catch_unwind(AssertUnwindSafe(|| this.body.set(None)));
            end_group(group, *this.site);
            if let Err(payload) = dropped {
                if !std::thread::panicking() {
                    resume_unwind(payload);
                }
            }
        }
    }
}

/// What a group's body came to.
enum Ended<T> {
    Returned(T),
    /// It returned an error, which is among the failures; or was dropped because of a failure; or passed
    /// on that a child of a cancelled group was cancelled.
    Failed,
    Panicked(Box<dyn Any + Send>),
}

/// Runs `body` with a group of its own, and waits for every task in it. asyncio's
/// `async with TaskGroup()`, trio's `open_nursery`.
///
/// The first failure, of a child or of the body, cancels the rest; the group then waits for every
/// child, cleanups included, and reports every failure. Nothing outlives the group: when this future
/// is dropped its children are cancelled, and the task that it is in is not done before they are.
///
/// # Errors
///
/// [`GroupError`] with every failure that is not a cancellation, in the order they came. An error that the
/// body returns in the moment in which it learns from a child's handle that the child has failed, or was
/// cancelled with the group, is not told a second time; if nothing else has failed there are no failures
/// in the error, and [`GroupError::is_cancelled`] says so.
///
/// To pass a child's [`TaskError`](crate::TaskError) on with `?`, the group's error type needs a
/// `From<TaskError>`; `std::io::Error` has one.
///
/// # Panics
///
/// When the body panics, after every child is done.
///
/// # Cancel safety
///
/// Unsafe: what the body has done so far is lost, the children are cancelled, and their failures are
/// told to nobody.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::{TaskGroup, task_group};
///
/// # corio_runtime::run(async {
/// let sum = task_group(|group: TaskGroup<std::num::ParseIntError>| async move {
///     let one = group.spawn(async { "20".parse::<i32>() });
///     let two = group.spawn(async { "22".parse::<i32>() });
///     Ok(one.await.unwrap() + two.await.unwrap())
/// })
/// .await
/// .unwrap();
/// assert_eq!(sum, 42);
///
/// let error = task_group(|group: TaskGroup<std::num::ParseIntError>| async move {
///     group.spawn(async { "twenty".parse::<i32>() }).await.ok();
///     Ok(())
/// })
/// .await
/// .unwrap_err();
/// assert_eq!(error.failures().len(), 1);
/// # });
/// ```
#[track_caller]
#[doc(alias("TaskGroup", "open_nursery", "gather"))]
pub fn task_group<B, F, T, E>(body: B) -> GroupFuture<F, T, E>
where
    B: FnOnce(TaskGroup<E>) -> F,
    F: Future<Output = Result<T, E>>,
    E: Send + 'static,
{
    GroupFuture::new(body, None)
}

/// [`task_group`], of whose children at most `limit` run at once; the others wait their turn, as those of
/// [`TaskGroup::with_limit`] do.
///
/// # Errors
///
/// As [`task_group`].
///
/// # Panics
///
/// When `limit` is zero, or when the body panics, after every child is done.
///
/// # Cancel safety
///
/// Unsafe, as [`task_group`].
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::{TaskGroup, task_group_with_limit};
///
/// # corio_runtime::run(async {
/// let sum = task_group_with_limit(2, |group: TaskGroup<std::io::Error>| async move {
///     let children: Vec<_> = (0..10).map(|n| group.spawn(async move { Ok(n) })).collect();
///     let mut sum = 0;
///     for child in children {
///         sum += child.await?;
///     }
///     Ok(sum)
/// })
/// .await
/// .unwrap();
/// assert_eq!(sum, 45);
/// # });
/// ```
#[track_caller]
#[doc(alias("CapacityLimiter", "buffer_unordered"))]
pub fn task_group_with_limit<B, F, T, E>(limit: usize, body: B) -> GroupFuture<F, T, E>
where
    B: FnOnce(TaskGroup<E>) -> F,
    F: Future<Output = Result<T, E>>,
    E: Send + 'static,
{
    GroupFuture::new(body, Some(limited_to(limit)))
}

impl<F, T, E> GroupFuture<F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Send + 'static,
{
    #[track_caller]
    fn new<B>(body: B, limit: Option<Arc<Semaphore>>) -> Self
    where
        B: FnOnce(TaskGroup<E>) -> F,
    {
        let group = Group::new();
        let body = body(TaskGroup { group: group.clone(), limit, has_body: true });
        Self {
            waiter: Waiter::new(&group),
            body: Some(body),
            ended: None,
            caught: CleanupWait::nothing(),
            site: Site::caller(),
        }
    }
}

impl<F, T, E> Future for GroupFuture<F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Send + 'static,
{
    type Output = Result<T, GroupError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(body) = this.body.as_mut().as_pin_mut() {
            let group = this.waiter.group();
            let known = handed_out();
            let ended = if group.has_failed() {
                Some(Ended::Failed)
            } else {
                match catch_unwind(AssertUnwindSafe(|| body.poll(cx))) {
                    Ok(Poll::Pending) => None,
                    Ok(Poll::Ready(Ok(value))) => Some(Ended::Returned(value)),
                    Ok(Poll::Ready(Err(error))) => {
                        if handed_out() != known && group.is_ending() {
                            // The body passes on what a child came to: a failure that the group has
                            // already, or a cancellation of the group's own making.
                            drop_quietly(error);
                        } else {
                            group.fail(Failure::of_body(error));
                        }
                        Some(Ended::Failed)
                    }
                    Err(payload) => {
                        group.cancel();
                        Some(Ended::Panicked(payload))
                    }
                }
            };
            let Some(ended) = ended else {
                // A child's failure must wake the group although it is the body that waits.
                if this.waiter.poll_failed(cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            };
            *this.ended = Some(ended);
            let sink = SinkGuard::enter();
            let dropped = catch_unwind(AssertUnwindSafe(|| this.body.set(None)));
            sink.finish_into(this.caught);
            if let Err(payload) = dropped {
                this.waiter.group().cancel();
                *this.ended = Some(Ended::Panicked(payload));
            }
        }
        std::task::ready!(Pin::new(this.caught).poll(cx));
        std::task::ready!(this.waiter.poll_done(cx, *this.site));
        let failures = this.waiter.group().take_failures();
        match this.ended.take() {
            Some(Ended::Panicked(payload)) => resume_unwind(payload),
            Some(Ended::Returned(value)) if failures.is_empty() => Poll::Ready(Ok(value)),
            Some(_) => Poll::Ready(Err(GroupError::new(failures))),
            None => panic!("a task group was polled again after it had ended"),
        }
    }
}

impl<F, T, E> fmt::Debug for GroupFuture<F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Send + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupFuture")
            .field("children", &self.waiter.group().len())
            .field("body_ended", &self.body.is_none())
            .finish_non_exhaustive()
    }
}
