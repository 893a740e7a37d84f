//! Those who wait for something of a task group.
//!
//! Each waiter has a slot of its own for the waker of its last poll, so that there are never more
//! wakers than waiters. Wakers are foreign code: they are made and dropped without the group's lock.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use corio_sync::hooks::{self, Site, WaitKind};
use slab::Slab;

use super::members::{Finished, Group, Members};

/// The slots of those who wait for the same thing.
#[derive(Default)]
pub(super) struct Waiters(Slab<Option<Waker>>);

impl Waiters {
    /// Takes the wakers out; the slots stay with their waiters.
    pub(super) fn take(&mut self) -> Vec<Waker> {
        self.0.iter_mut().filter_map(|(_, slot)| slot.take()).collect()
    }

    /// Puts a waker into the slot, which is made at the first time; gives what was there.
    fn put(&mut self, slot: &mut Option<usize>, waker: Waker) -> Option<Waker> {
        match *slot {
            Some(key) => self.0[key].replace(waker),
            None => {
                *slot = Some(self.0.insert(Some(waker)));
                None
            }
        }
    }
}

/// Somebody who waits for a group's end, for its first failure, or (one that is `asking`) for the
/// next child.
pub(super) struct Waiter<E> {
    group: Arc<Group<E>>,
    asking: bool,
    /// There once it has had to wait.
    slot: Option<usize>,
}

impl<E> Waiter<E> {
    pub(super) fn new(group: &Arc<Group<E>>) -> Self {
        Self { group: group.clone(), asking: false, slot: None }
    }

    /// One who waits for the next child.
    pub(super) fn asking(group: &Arc<Group<E>>) -> Self {
        Self { group: group.clone(), asking: true, slot: None }
    }

    pub(super) fn group(&self) -> &Arc<Group<E>> {
        &self.group
    }

    /// Ready when every child is done; from then on the group takes none.
    pub(super) fn poll_done(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<()> {
        let polled = self.poll(cx, |members| is(members.close_if_done()));
        note(site, polled)
    }

    /// Ready when something has failed.
    pub(super) fn poll_failed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(cx, |members| is(members.have_failed()))
    }

    /// The next child that is done, or `None` when there is none any more.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<Option<Finished>> {
        let polled = self.poll(cx, Members::next);
        note(site, polled)
    }

    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut look: impl FnMut(&mut Members<E>) -> Poll<R>,
    ) -> Poll<R> {
        let asking = self.asking;
        let mut members = self.group.lock();
        let polled = look(&mut members);
        let known = self.slot.and_then(|key| waiters(&mut members, asking).0[key].as_ref());
        if polled.is_ready() || known.is_some_and(|waker| waker.will_wake(cx.waker())) {
            return polled;
        }
        drop(members);
        let waker = cx.waker().clone();
        let mut members = self.group.lock();
        // It may have come meanwhile.
        let polled = look(&mut members);
        let unused = match polled {
            Poll::Ready(_) => Some(waker),
            Poll::Pending => waiters(&mut members, asking).put(&mut self.slot, waker),
        };
        drop(members);
        drop(unused);
        polled
    }
}

fn waiters<E>(members: &mut Members<E>, asking: bool) -> &mut Waiters {
    if asking { &mut members.asking } else { &mut members.waiting }
}

fn is(so: bool) -> Poll<()> {
    if so { Poll::Ready(()) } else { Poll::Pending }
}

/// Says what the task waits for, if it has to.
fn note<R>(site: Site, polled: Poll<R>) -> Poll<R> {
    if polled.is_pending() {
        hooks::set_wait(site, WaitKind::Group);
    }
    polled
}

impl<E> Drop for Waiter<E> {
    fn drop(&mut self) {
        if let Some(key) = self.slot {
            let waker = waiters(&mut self.group.lock(), self.asking).0.remove(key);
            drop(waker);
        }
    }
}

impl<E> std::fmt::Debug for Waiter<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.group.fmt(f)
    }
}
