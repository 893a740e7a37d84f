//! Waiting for a set: for the next of its results, or for all.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::Site;

use super::TaskSet;
use crate::task::{TaskError, TaskId};

/// The future of [`TaskSet::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct NextResult<'a, T>(NextWithId<'a, T>);

impl<'a, T> NextResult<'a, T> {
    pub(super) fn new(next: NextWithId<'a, T>) -> Self {
        Self(next)
    }
}

impl<T> Future for NextResult<'_, T> {
    type Output = Option<Result<T, TaskError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|next| next.map(|(_, result)| result))
    }
}

/// The future of [`TaskSet::next_with_id`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct NextWithId<'a, T> {
    set: &'a mut TaskSet<T>,
    site: Site,
}

impl<'a, T> NextWithId<'a, T> {
    #[track_caller]
    pub(super) fn new(set: &'a mut TaskSet<T>) -> Self {
        Self { set, site: Site::caller() }
    }
}

impl<T> Future for NextWithId<'_, T> {
    type Output = Option<(TaskId, Result<T, TaskError>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let site = self.site;
        self.set.poll_at(site, cx)
    }
}

/// The future of [`TaskSet::join`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct JoinTasks<T> {
    set: TaskSet<T>,
    results: Vec<Result<T, TaskError>>,
    site: Site,
}

impl<T> JoinTasks<T> {
    #[track_caller]
    pub(super) fn new(set: TaskSet<T>) -> Self {
        Self { set, results: Vec::new(), site: Site::caller() }
    }
}

// The results are not pinned at all.
impl<T> Unpin for JoinTasks<T> {}

impl<T> Future for JoinTasks<T> {
    type Output = Vec<Result<T, TaskError>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { set, results, site } = self.get_mut();
        while let Some((_, result)) = ready!(set.poll_at(*site, cx)) {
            results.push(result);
        }
        Poll::Ready(std::mem::take(results))
    }
}

impl<T> fmt::Debug for JoinTasks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinTasks").field("set", &self.set).finish_non_exhaustive()
    }
}
