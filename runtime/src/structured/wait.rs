//! Waiting for tasks without taking their results.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use corio_sync::hooks::{self, Site, WaitKind};

use super::pool::Pool;
use crate::task::{Task, TaskError};
use crate::time::{Instant, Sleep};

/// What [`wait`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "return_when")]
pub enum WaitFor {
    /// One task that is done.
    #[doc(alias = "FIRST_COMPLETED")]
    FirstCompleted,
    /// One task that has failed, or all that are done. Cancelled is not failed.
    #[doc(alias = "FIRST_EXCEPTION")]
    FirstError,
    /// All tasks.
    #[doc(alias = "ALL_COMPLETED")]
    All,
}

/// Tasks that are done, and tasks that are not, each in the order in which they were given.
pub type DoneAndPending<T> = (Vec<Task<T>>, Vec<Task<T>>);

/// Waits for some of `tasks`, and gives back those that are done and those that are not. asyncio's
/// `wait`.
///
/// Nothing is cancelled, and no result is taken: await the tasks that are done for theirs. With
/// [`WaitFor::FirstError`] a task has failed if it panicked, or if it is a group's child that returned
/// an error; [`wait_results`] also looks into the `Result`s of ordinary tasks. No tasks at all are
/// all done.
///
/// # Panics
///
/// When it would never end, as the task that waits is one of `tasks`, and the others alone cannot end it.
///
/// # Cancel safety
///
/// Unsafe: a dropped wait drops its handles, and so detaches the tasks, which run on. To give up
/// after a while, use [`wait_timeout`], which gives the handles back.
///
/// # Examples
///
/// ```
/// use corio_runtime::spawn;
/// use corio_runtime::structured::{WaitFor, wait};
///
/// # corio_runtime::run(async {
/// let tasks = [spawn(std::future::pending()), spawn(async { 7 })];
/// let (done, pending) = wait(tasks, WaitFor::FirstCompleted).await;
/// assert_eq!((done.len(), pending.len()), (1, 1));
/// for task in done {
///     assert_eq!(task.await.unwrap(), 7);
/// }
/// # });
/// ```
#[track_caller]
pub fn wait<T>(tasks: impl IntoIterator<Item = Task<T>>, when: WaitFor) -> Wait<T> {
    Wait::new(tasks, when, |result| matches!(result, Err(error) if !error.is_cancelled()))
}

/// [`wait`] for tasks that return a `Result`: to [`WaitFor::FirstError`] an `Err` is a failure, too.
///
/// # Cancel safety
///
/// Unsafe, as [`wait`].
///
/// # Panics
///
/// As [`wait`].
///
/// # Examples
///
/// ```
/// use corio_runtime::spawn;
/// use corio_runtime::structured::{WaitFor, wait_results};
///
/// # corio_runtime::run(async {
/// let tasks = [spawn(std::future::pending()), spawn(async { "seven".parse::<i32>() })];
/// let (done, pending) = wait_results(tasks, WaitFor::FirstError).await;
/// assert_eq!((done.len(), pending.len()), (1, 1));
/// # });
/// ```
#[track_caller]
pub fn wait_results<T, E>(
    tasks: impl IntoIterator<Item = Task<Result<T, E>>>,
    when: WaitFor,
) -> Wait<Result<T, E>> {
    Wait::new(tasks, when, |result| match result {
        Ok(value) => value.is_err(),
        Err(error) => !error.is_cancelled(),
    })
}

/// [`wait`], for at most `limit`: when the time is up it gives what is done by then. A task may wait for
/// itself by it: it is among those that are not done.
///
/// # Cancel safety
///
/// Unsafe, as [`wait`].
///
/// # Panics
///
/// When it has to wait and the thread is in no runtime.
///
/// # Examples
///
/// ```
/// use corio_runtime::spawn;
/// use corio_runtime::structured::{WaitFor, wait_timeout};
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let tasks = [spawn(std::future::pending::<()>())];
/// let (done, pending) = wait_timeout(tasks, WaitFor::All, Duration::from_millis(1)).await;
/// assert_eq!((done.len(), pending.len()), (0, 1));
/// # });
/// ```
#[track_caller]
pub fn wait_timeout<T>(
    tasks: impl IntoIterator<Item = Task<T>>,
    when: WaitFor,
    limit: Duration,
) -> WaitTimeout<T> {
    WaitTimeout { wait: wait(tasks, when), limit, sleep: None, site: Site::caller() }
}

/// A task whose end is waited for, not its result.
struct Watch<T>(Option<Task<T>>);

impl<T> Future for Watch<T> {
    type Output = Task<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Task<T>> {
        match self.0.take() {
            Some(mut task) => match task.poll_done(cx) {
                Poll::Ready(()) => Poll::Ready(task),
                Poll::Pending => {
                    self.0 = Some(task);
                    Poll::Pending
                }
            },
            None => unreachable!("a task that is done is not watched"),
        }
    }
}

/// The future of [`wait`] and [`wait_results`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Wait<T> {
    watched: Pool<Watch<T>>,
    /// The tasks that are done, each in its place.
    done: Vec<Option<Task<T>>>,
    when: WaitFor,
    failed: fn(&Result<T, TaskError>) -> bool,
    site: Site,
    /// The task that waits is not one of them, or that has been asked.
    is_of_others: bool,
}

impl<T> Unpin for Wait<T> {}

impl<T> Wait<T> {
    #[track_caller]
    fn new(
        tasks: impl IntoIterator<Item = Task<T>>,
        when: WaitFor,
        failed: fn(&Result<T, TaskError>) -> bool,
    ) -> Self {
        let watched = Pool::from_iter(tasks.into_iter().map(|task| Watch(Some(task))));
        let done = (0..watched.len()).map(|_| None).collect();
        Self { watched, done, when, failed, site: Site::caller(), is_of_others: false }
    }

    /// Whether the others cannot end it, and the task that waits is among those that would have to.
    fn is_hopeless(&mut self) -> bool {
        if self.is_of_others {
            return false;
        }
        let own = hooks::current_task_id();
        let is_own = |watch: &Watch<T>| watch.0.as_ref().is_some_and(|task| task.id().0 == own);
        // There are many tasks, perhaps, and many polls.
        self.is_of_others = !self.watched.iter().any(is_own);
        !self.is_of_others && (self.when == WaitFor::All || self.watched.len() == 1)
    }

    fn poll_tasks(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { watched, done, when, .. } = self;
        let failed = self.failed;
        let stopped = watched.poll(cx, |key, mut task| {
            let enough = match when {
                WaitFor::FirstCompleted => true,
                WaitFor::FirstError => task.peek().is_some_and(failed),
                WaitFor::All => false,
            };
            done[key as usize] = Some(task);
            if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if stopped.is_ready() || watched.is_empty() {
            return Poll::Ready(());
        }
        hooks::set_wait(self.site, WaitKind::Task);
        Poll::Pending
    }

    /// Who is done at this moment, and who is not.
    fn partition(&mut self) -> DoneAndPending<T> {
        let mut tasks = std::mem::take(&mut self.done);
        for (key, watch) in self.watched.drain() {
            tasks[key as usize] = watch.0;
        }
        tasks.into_iter().flatten().partition(Task::is_finished)
    }
}

impl<T> Future for Wait<T> {
    type Output = DoneAndPending<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<DoneAndPending<T>> {
        let this = self.get_mut();
        if this.poll_tasks(cx).is_pending() {
            if this.is_hopeless() {
                panic!(
                    "task {} waits for itself, which would never end: give its handle to another task, or use \
                     `wait_timeout`",
                    hooks::current_task_id()
                );
            }
            return Poll::Pending;
        }
        Poll::Ready(this.partition())
    }
}

impl<T> fmt::Debug for Wait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("when", &self.when)
            .field("pending", &self.watched.len())
            .finish_non_exhaustive()
    }
}

/// The future of [`wait_timeout`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct WaitTimeout<T> {
    wait: Wait<T>,
    limit: Duration,
    /// There once it has had to wait.
    sleep: Option<Sleep>,
    site: Site,
}

impl<T> Future for WaitTimeout<T> {
    type Output = DoneAndPending<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<DoneAndPending<T>> {
        let this = self.get_mut();
        if this.wait.poll_tasks(cx).is_pending() {
            let time_is_up = this.limit.is_zero() || {
                let (limit, site) = (this.limit, this.site);
                let sleep =
                    this.sleep.get_or_insert_with(|| Sleep::at(Instant::now() + limit, site));
                sleep.poll_deadline(cx).is_ready()
            };
            if !time_is_up {
                return Poll::Pending;
            }
        }
        Poll::Ready(this.wait.partition())
    }
}
