//! Task groups: children that have all ended when the group has.
//!
//! What a group knows is in `members`; here is the handle that the children are spawned with. Who waits
//! for them owns the group: a value in `owned`, or the future of a body in `body`.

mod body;
mod owned;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use corio_sync::Semaphore;
use corio_sync::hooks::{self, Site};

use super::group_builder::GroupBuilder;
use super::members::{Finished, Group, IntoOutcome};
use super::spawning::limited_to;
use super::start::{Ready, Start, TryStart, handshake};
use super::waiter::Waiter;
use crate::task::join::Task;

pub use body::{GroupFuture, task_group, task_group_with_limit};
pub(super) use owned::end_group;
pub use owned::{Join, OwnedGroup};

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
