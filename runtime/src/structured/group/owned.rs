//! A group that a value owns: it is joined, or cancelled when the value is dropped.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use corio_sync::Semaphore;
use corio_sync::hooks::Site;

use super::TaskGroup;
use crate::cleanup::adopt_telling;
use crate::structured::group_error::GroupError;
use crate::structured::members::Group;
use crate::structured::waiter::Waiter;

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
    pub(super) fn with(limit: Option<Arc<Semaphore>>) -> Self {
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
pub(in crate::structured) fn end_group<E: Send + 'static>(group: &Arc<Group<E>>, site: Site) {
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
