//! A task that its waiter does not outlive.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::cleanup::adopt_telling;
use crate::task::{Task, TaskError};

/// Waits for a task; dropped before its end, it cancels the task, and the task that it is in is not
/// done before that one is.
#[derive(Debug)]
pub(super) struct Linked<T: Send + 'static> {
    /// `None` once it has ended.
    task: Option<Task<T>>,
}

impl<T: Send + 'static> Linked<T> {
    pub(super) fn new(task: Task<T>) -> Self {
        Self { task: Some(task) }
    }
}

impl<T: Send + 'static> Future for Linked<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(task) = &mut self.task else { unreachable!("the task has given its result") };
        let result = std::task::ready!(Pin::new(task).poll(cx));
        self.task = None;
        Poll::Ready(result)
    }
}

impl<T: Send + 'static> Drop for Linked<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.cancel();
            let canceller = task.canceller();
            let home = task.header().home();
            adopt_telling(&home, async move { drop(task.await) }, move |why| {
                canceller.give_up(why);
            });
        }
    }
}
