//! Work that its waiter's end does not end.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::task::{Canceller, Task, TaskError, TaskId, spawn};

/// Runs `future` as a task of its own, at once, and waits for it; cancelling or dropping the waiter
/// leaves the task running to its end. asyncio's `shield`.
///
/// Only the end of the runtime cancels the task. A [`Task`] is shielded in itself: dropping its
/// handle detaches it.
///
/// # Errors
///
/// [`TaskError`] when the future panics, or is cancelled by the shutdown of the runtime.
///
/// # Cancel safety
///
/// Safe, but the output of the future is lost with the waiter.
///
/// # Panics
///
/// Outside a runtime.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::shield;
/// use corio_runtime::time::{sleep, timeout};
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let (saved, is_saved) = std::sync::mpsc::channel();
/// let save = async move {
///     sleep(Duration::from_millis(5)).await;
///     saved.send(()).unwrap();
/// };
/// assert!(timeout(Duration::from_millis(1), shield(save)).await.is_err());
/// while is_saved.try_recv().is_err() {
///     sleep(Duration::from_millis(1)).await;
/// }
/// # });
/// ```
#[track_caller]
pub fn shield<F>(future: F) -> Shield<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Shield { task: spawn(future) }
}

/// The future of [`shield`].
#[derive(Debug)]
#[must_use = "the task runs on its own if its shield is not awaited; `let _ = ...` says so"]
pub struct Shield<T> {
    task: Task<T>,
}

impl<T> Shield<T> {
    /// The id of the task behind the shield.
    pub fn id(&self) -> TaskId {
        self.task.id()
    }

    /// What cancels the task behind the shield after all.
    pub fn canceller(&self) -> Canceller {
        self.task.canceller()
    }

    /// The task behind the shield.
    pub fn into_task(self) -> Task<T> {
        self.task
    }
}

impl<T> Future for Shield<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}
