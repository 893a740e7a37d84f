//! A group that the future of its body owns: it ends with the body, or drops the body at the first failure.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use corio_sync::Semaphore;
use corio_sync::hooks::Site;

use super::{TaskGroup, end_group};
use crate::cleanup::{CleanupWait, SinkGuard};
use crate::structured::first_panic::let_out;
use crate::structured::group_error::{Failure, GroupError};
use crate::structured::members::Group;
use crate::structured::spawning::limited_to;
use crate::structured::waiter::Waiter;
use crate::task::header::{drop_payload, drop_quietly};
use crate::task::join::handed_out;

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
                let_out(payload);
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
        // The future is there before `body` is called: children that a closure has spawned and then
        // panicked over are cancelled with it.
        let mut this = Self {
            waiter: Waiter::new(&group),
            body: None,
            ended: None,
            caught: CleanupWait::nothing(),
            site: Site::caller(),
        };
        this.body = Some(body(TaskGroup { group, limit, has_body: true }));
        this
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
                match &mut *this.ended {
                    // Of several panics the first is the outcome.
                    Some(Ended::Panicked(_)) => drop_payload(payload),
                    ended => drop_quietly(ended.replace(Ended::Panicked(payload))),
                }
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
