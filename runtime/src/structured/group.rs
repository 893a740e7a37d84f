//! Task groups: children that have all ended when the group has.
//!
//! A group is one shared state: how many children are not done, who they are, what failed. A child
//! tells it twice, through its hook: what its future came to, and that it is done (cleanups run,
//! result published). The group wakes its parent once, when the last child is done.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use corio_sync::hooks::{self, Site, WaitKind};
use corio_sync::prim::Mutex;
use slab::Slab;

use super::group_error::{Failure, FailureKind, GroupError, PanicPayload};
use crate::blocking;
use crate::cleanup::{CleanupWait, SinkGuard, adopt};
use crate::executor::context::{NO_RUNTIME, current_shared, with_core};
use crate::task::error::TaskError;
use crate::task::header::{Header, Hook};
use crate::task::join::{Canceller, Task};
use crate::task::spawn::{Options, spawn, spawn_here};
use crate::task::state::Kind;

/// What a child of a group may return: `Result<T, E>`, or `()`.
pub trait IntoOutcome<E>: sealed::Sealed<E> {
    /// What awaiting the child gives.
    type Value;
    /// The outcome as a `Result`.
    #[doc(hidden)]
    fn into_outcome(self) -> Result<Self::Value, E>;
}

mod sealed {
    pub trait Sealed<E> {}
    impl<T, E> Sealed<E> for Result<T, E> {}
    impl<E> Sealed<E> for () {}
}

impl<T, E> IntoOutcome<E> for Result<T, E> {
    type Value = T;
    fn into_outcome(self) -> Result<T, E> {
        self
    }
}

impl<E> IntoOutcome<E> for () {
    type Value = ();
    fn into_outcome(self) -> Result<(), E> {
        Ok(())
    }
}

/// The state of a group.
struct Group<E> {
    members: Mutex<Members<E>>,
}

struct Members<E> {
    /// The children that are not done; `None` between a spawn and its return.
    children: Slab<Option<Canceller>>,
    failures: Vec<Failure<E>>,
    /// New children are cancelled before they run.
    cancelled: bool,
    /// Who waits for the last child, or for the first failure.
    waiting: Vec<Waker>,
}

impl<E> Group<E> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            members: Mutex::new(Members {
                children: Slab::new(),
                failures: Vec::new(),
                cancelled: false,
                waiting: Vec::new(),
            }),
        })
    }

    /// Cancels all children, now and to come.
    fn cancel(&self) {
        let children: Vec<_> = {
            let mut members = self.members.lock();
            members.cancelled = true;
            members.children.iter().filter_map(|(_, child)| child.clone()).collect()
        };
        for child in children {
            child.cancel();
        }
    }

    /// Takes note of a failure, and ends the group.
    fn fail(&self, failure: Failure<E>) {
        let waiting = {
            let mut members = self.members.lock();
            members.failures.push(failure);
            std::mem::take(&mut members.waiting)
        };
        self.cancel();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// A child is done.
    fn child_done(&self, key: usize) {
        let (canceller, waiting) = {
            let mut members = self.members.lock();
            let canceller = members.children.remove(key);
            let last = members.children.is_empty();
            (canceller, if last { std::mem::take(&mut members.waiting) } else { Vec::new() })
        };
        drop(canceller);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Spawns a child by `make`, which is given the child's hook.
    fn add<O: IntoOutcome<E>>(
        self: &Arc<Self>,
        make: impl FnOnce(ChildHook<E>) -> Task<O::Value>,
    ) -> Child<O, E> {
        let (key, cancelled) = {
            let mut members = self.members.lock();
            (members.children.insert(None), members.cancelled)
        };
        let task = make(ChildHook { group: Some(self.clone()), key });
        if cancelled {
            task.cancel();
        }
        let canceller = task.canceller();
        let late = {
            let mut members = self.members.lock();
            // The child may be done already, and its place taken by another.
            match members.children.get_mut(key) {
                Some(place @ None) if !task.is_finished() => *place = Some(canceller.clone()),
                _ => {}
            }
            members.cancelled
        };
        if late && !cancelled {
            task.cancel();
        }
        task
    }

    /// Ready when every child is done.
    fn poll_done(&self, cx: &mut Context<'_>, site: Site) -> Poll<()> {
        let mut members = self.members.lock();
        if members.children.is_empty() {
            return Poll::Ready(());
        }
        members.wait(cx);
        drop(members);
        hooks::set_wait(site, WaitKind::Group);
        Poll::Pending
    }
}

impl<E> Members<E> {
    fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|w| w.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }
}

/// A child of a group, as a task.
pub type Child<O, E> = Task<<O as IntoOutcome<E>>::Value>;

/// Tells the group what its child came to.
struct ChildHook<E> {
    /// `None` once the group knows that the child is done.
    group: Option<Arc<Group<E>>>,
    key: usize,
}

impl<E> ChildHook<E> {
    fn group(&self) -> &Group<E> {
        self.group.as_ref().expect("the group is there until the child is done")
    }
}

impl<E, O> Hook<O> for ChildHook<E>
where
    E: 'static,
    O: IntoOutcome<E>,
{
    type Value = O::Value;

    fn returned(&mut self, output: O, task: &Header) -> Result<O::Value, TaskError> {
        output.into_outcome().map_err(|error| {
            self.group().fail(Failure::of_task(FailureKind::Error(error), task));
            TaskError::failed(task)
        })
    }

    fn panicked(&mut self, payload: Box<dyn Any + Send>, task: &Header) -> TaskError {
        let kind = FailureKind::Panic(PanicPayload::new(payload));
        self.group().fail(Failure::of_task(kind, task));
        TaskError::failed(task)
    }

    fn done(mut self) {
        if let Some(group) = self.group.take() {
            group.child_done(self.key);
        }
    }
}

/// Tasks that belong together: the group is not done before all of them are. asyncio's `TaskGroup`,
/// trio's nursery.
///
/// The first child that fails (returns `Err`, or panics) cancels its siblings. A clone is another
/// handle to the same group, to be given to helper functions and to children. When the handle that
/// [`new`](Self::new) gave is dropped before `join` has returned, the children are cancelled, and the
/// task that it is in is not done before they are.
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
#[doc(alias("Nursery", "open_nursery", "JoinSet"))]
pub struct TaskGroup<E = Infallible> {
    group: Arc<Group<E>>,
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> Self {
        Self { group: self.group.clone() }
    }
}

impl<E: Send + 'static> TaskGroup<E> {
    /// An empty group; the handle that is returned owns it.
    #[expect(clippy::new_ret_no_self, reason = "the owner derefs to the group that clones are of")]
    pub fn new() -> OwnedGroup<E> {
        OwnedGroup { handle: Self { group: Group::new() } }
    }

    /// Spawns a child. Its `Err`, or its panic, ends the group.
    ///
    /// In a group that has been cancelled or has failed the child is cancelled before it runs.
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
        let Some(shared) = current_shared() else { panic!("{NO_RUNTIME}") };
        let options = Options::at(Site::caller());
        self.group.add::<O>(|hook| spawn(&shared, future, hook, options))
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
        let options = Options::at(Site::caller());
        with_core(|core| match core {
            Some(core) => {
                self.group.add::<O>(|hook| spawn_here(core, future, hook, options, Kind::Local))
            }
            None => panic!("`spawn_local` needs a thread that runs tasks: call it inside a task"),
        })
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
        let Some(shared) = current_shared() else { panic!("{NO_RUNTIME}") };
        let options = Options::at(Site::caller());
        self.group.add::<O>(|hook| blocking::spawn_on(&shared, f, hook, options))
    }

    /// Ends the group without an error: its children, and those that are still spawned, are cancelled.
    pub fn cancel(&self) {
        self.group.cancel();
    }
}

impl<E> TaskGroup<E> {
    /// How many children are not done.
    pub fn len(&self) -> usize {
        self.group.members.lock().children.len()
    }

    /// Whether every child is done.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<E> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.group.members.lock();
        f.debug_struct("TaskGroup")
            .field("children", &members.children.len())
            .field("failures", &members.failures.len())
            .field("cancelled", &members.cancelled)
            .finish()
    }
}

/// The handle that owns a group made by [`TaskGroup::new`].
#[must_use = "a group that is dropped cancels its children"]
pub struct OwnedGroup<E: Send + 'static> {
    handle: TaskGroup<E>,
}

impl<E: Send + 'static> std::ops::Deref for OwnedGroup<E> {
    type Target = TaskGroup<E>;
    fn deref(&self) -> &TaskGroup<E> {
        &self.handle
    }
}

impl<E: Send + 'static> OwnedGroup<E> {
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
        Join { group: self, site: Site::caller() }
    }
}

impl<E: Send + 'static> Drop for OwnedGroup<E> {
    fn drop(&mut self) {
        end_group(&self.handle.group);
    }
}

impl<E: Send + 'static> fmt::Debug for OwnedGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

/// Cancels what is left of a group, and leaves the wait for it to the task.
fn end_group<E: Send + 'static>(group: &Arc<Group<E>>) {
    if group.members.lock().children.is_empty() {
        return;
    }
    group.cancel();
    let group = group.clone();
    let site = Site::caller();
    adopt(std::future::poll_fn(move |cx| group.poll_done(cx, site)));
}

/// The future of [`OwnedGroup::join`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Join<E: Send + 'static> {
    group: OwnedGroup<E>,
    site: Site,
}

impl<E: Send + 'static> Future for Join<E> {
    type Output = Result<(), GroupError<E>>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        std::task::ready!(self.group.handle.group.poll_done(cx, self.site));
        let failures = std::mem::take(&mut self.group.handle.group.members.lock().failures);
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
        group: Arc<Group<E>>,
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
            this.group.cancel();
            let dropped = catch_unwind(AssertUnwindSafe(|| this.body.set(None)));
            end_group(this.group);
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
    /// It returned an error, which is among the failures, or was dropped because of a failure.
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
/// [`GroupError`] with every failure that is not a cancellation, in the order they came.
///
/// # Panics
///
/// When the body panics, after every child is done.
///
/// # Cancel safety
///
/// Unsafe: what the body has done so far is lost, the children are cancelled.
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
    let group = Group::new();
    let body = body(TaskGroup { group: group.clone() });
    GroupFuture {
        group,
        body: Some(body),
        ended: None,
        caught: CleanupWait::nothing(),
        site: Site::caller(),
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
            let failed = !this.group.members.lock().failures.is_empty();
            let ended = if failed {
                Some(Ended::Failed)
            } else {
                match catch_unwind(AssertUnwindSafe(|| body.poll(cx))) {
                    Ok(Poll::Pending) => None,
                    Ok(Poll::Ready(Ok(value))) => Some(Ended::Returned(value)),
                    Ok(Poll::Ready(Err(error))) => {
                        this.group.fail(Failure::of_body(error));
                        Some(Ended::Failed)
                    }
                    Err(payload) => {
                        this.group.cancel();
                        Some(Ended::Panicked(payload))
                    }
                }
            };
            let Some(ended) = ended else {
                // A child's failure must wake the group although it is the body that waits.
                let mut members = this.group.members.lock();
                if members.failures.is_empty() {
                    members.wait(cx);
                    return Poll::Pending;
                }
                drop(members);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            };
            *this.ended = Some(ended);
            let sink = SinkGuard::enter();
            let dropped = catch_unwind(AssertUnwindSafe(|| this.body.set(None)));
            sink.finish_into(this.caught);
            if let Err(payload) = dropped {
                this.group.cancel();
                *this.ended = Some(Ended::Panicked(payload));
            }
        }
        std::task::ready!(Pin::new(this.caught).poll(cx));
        std::task::ready!(this.group.poll_done(cx, *this.site));
        let failures = std::mem::take(&mut this.group.members.lock().failures);
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
            .field("children", &self.group.members.lock().children.len())
            .field("body_ended", &self.body.is_none())
            .finish_non_exhaustive()
    }
}
