//! What a task group knows: which children are not done, what failed, who waits (see `waiter`).
//!
//! A child tells its group three times, through its hook: that it is born, what its future came to,
//! and that it is done (cleanups run, result published). Birth and end take the group's lock once
//! each, and nothing else of a child's life does. The group wakes its parent once, when the last
//! child is done.
//!
//! The invariant of the file:
//! - **G1** A child's pointer is put into `children` when its cell is made, and taken out by its hook's
//!   `done`, both under the lock. Until then the reference of the task list (or, before that, of
//!   whoever is spawning the child) keeps the task alive.

use std::any::Any;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Poll;

use corio_sync::prim::{SpinGuard, SpinLock};
use slab::Slab;

use super::group_error::{Failure, FailureKind, PanicPayload};
use super::waiter::Waiters;
use crate::cleanup::GivenUp;
use crate::executor::core::CoreRef;
use crate::task::TaskId;
use crate::task::error::TaskError;
use crate::task::header::{Header, Hook};
use crate::task::join::Canceller;
use crate::wake::wake_all;

/// How many children a group of which nobody has asked `next` remembers.
const REMEMBERED: usize = 1024;

/// What a child of a group may return: `Result<T, E>`, or `()`; or nothing at all, if it is a loop without an
/// end.
#[diagnostic::on_unimplemented(
    message = "a child of a task group returns `()` or a `Result` with the group's error type `{E}`, not `{Self}`",
    label = "neither `()` nor a `Result<_, {E}>`",
    note = "to return a plain value, write `Ok(value)`"
)]
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
    impl<E> Sealed<E> for Never {}

    /// What a function type returns.
    pub trait Returns {
        type Value;
    }

    impl<T> Returns for fn() -> T {
        type Value = T;
    }

    /// The type `!`, which can be written as what a function returns, and not yet as a type of its own.
    pub(super) type Never = <fn() -> ! as Returns>::Value;
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

impl<E> IntoOutcome<E> for sealed::Never {
    type Value = Infallible;
    fn into_outcome(self) -> Result<Infallible, E> {
        self
    }
}

/// How a child of a group ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildEnd {
    /// It returned `Ok` or `()`.
    Returned,
    /// It returned an error, or panicked; the group has the failure.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// A child that is done; see [`TaskGroup::next`](super::TaskGroup::next).
#[derive(Clone, Debug)]
pub struct Finished {
    id: TaskId,
    name: Option<Box<str>>,
    end: ChildEnd,
}

impl Finished {
    /// The child's id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The child's name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How it ended.
    pub fn end(&self) -> ChildEnd {
        self.end
    }

    /// Whether it returned `Ok` or `()`.
    pub fn is_ok(&self) -> bool {
        self.end == ChildEnd::Returned
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.end == ChildEnd::Cancelled
    }
}

/// A task that belongs to a group (G1).
#[derive(Clone, Copy)]
struct ChildPtr(NonNull<Header>);

// SAFETY: it is used only under the group's lock, while the task is alive (G1); what it is used for
// (cancelling) any thread may do.
unsafe impl Send for ChildPtr {}

/// The state of a group.
pub(super) struct Group<E>(SpinLock<Members<E>>);

pub(super) struct Members<E> {
    /// The children that are not done (G1).
    children: Slab<ChildPtr>,
    failures: Vec<Failure<E>>,
    /// New children are cancelled before they run.
    cancelled: bool,
    /// Who waits for the last child, or for the first failure.
    pub(super) waiting: Waiters,
    /// Children that are done and of which `next` has not told, oldest first.
    finished: VecDeque<Finished>,
    /// Somebody asks `next`, so `finished` is emptied.
    asked: bool,
    /// Who waits in `next`.
    pub(super) asking: Waiters,
}

impl<E> Members<E> {
    pub(super) fn are_done(&self) -> bool {
        self.children.is_empty()
    }

    /// Whether every child is done. If so the group has ended: a child that somebody spawns with a
    /// handle that he has kept never runs.
    pub(super) fn close_if_done(&mut self) -> bool {
        self.cancelled |= self.are_done();
        self.are_done()
    }

    pub(super) fn have_failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// The next child that is done, or `None` when there is none any more.
    pub(super) fn next(&mut self) -> Poll<Option<Finished>> {
        self.asked = true;
        match self.finished.pop_front() {
            None if !self.are_done() => Poll::Pending,
            finished => Poll::Ready(finished),
        }
    }
}

impl<E> Group<E> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(SpinLock::new(Members {
            children: Slab::new(),
            failures: Vec::new(),
            cancelled: false,
            waiting: Waiters::default(),
            finished: VecDeque::new(),
            asked: false,
            asking: Waiters::default(),
        })))
    }

    pub(super) fn lock(&self) -> SpinGuard<'_, Members<E>> {
        self.0.lock()
    }

    /// How many children are not done.
    pub(super) fn len(&self) -> usize {
        self.0.lock().children.len()
    }

    /// The core where one of the children that are not done is at home; `None` when all are done.
    pub(super) fn home(&self) -> Option<CoreRef> {
        let members = self.0.lock();
        let (_, child) = members.children.iter().next()?;
        // SAFETY: under the lock the children are alive (G1).
        Some(unsafe { child.0.as_ref() }.home())
    }

    pub(super) fn has_failed(&self) -> bool {
        self.0.lock().have_failed()
    }

    /// Whether it has failed or was cancelled.
    pub(super) fn is_ending(&self) -> bool {
        self.0.lock().cancelled
    }

    /// Cancels all children, now and to come.
    pub(super) fn cancel(&self) {
        let children: Vec<_> = {
            let mut members = self.0.lock();
            if std::mem::replace(&mut members.cancelled, true) {
                return;
            }
            // SAFETY: under the lock the children are alive (G1).
            members.children.iter().map(|(_, child)| unsafe { Canceller::of(child.0) }).collect()
        };
        for child in children {
            child.cancel();
        }
    }

    /// The time of the children's cleanups is over.
    pub(super) fn give_up(&self, why: &Arc<GivenUp>) {
        let children: Vec<_> = {
            let members = self.0.lock();
            // SAFETY: under the lock the children are alive (G1).
            members.children.iter().map(|(_, child)| unsafe { Canceller::of(child.0) }).collect()
        };
        for child in children {
            child.give_up(why);
        }
    }

    /// Takes note of a failure, and ends the group.
    pub(super) fn fail(&self, failure: Failure<E>) {
        let waiting = {
            let mut members = self.0.lock();
            members.failures.push(failure);
            members.waiting.take()
        };
        self.cancel();
        wake_all(waiting);
    }

    /// What has failed so far, for the group's result.
    pub(super) fn take_failures(&self) -> Vec<Failure<E>> {
        std::mem::take(&mut self.0.lock().failures)
    }

    /// A child is in memory and about to be queued; gives its place.
    fn child_born(&self, task: &Header) -> usize {
        let mut members = self.0.lock();
        if members.cancelled {
            // The queue finds it cancelled: it never runs.
            task.state.set_cancel();
        }
        members.children.insert(ChildPtr(NonNull::from(task)))
    }

    /// A child is done; with `finished`, `next` is to tell of it.
    fn child_done(&self, key: usize, finished: Option<Finished>) {
        let (waiting, asking, forgotten) = {
            let mut members = self.0.lock();
            members.children.remove(key);
            if let Some(finished) = finished {
                members.finished.push_back(finished);
            }
            let forget = !members.asked && members.finished.len() > REMEMBERED;
            let forgotten = if forget { members.finished.pop_front() } else { None };
            let last = members.children.is_empty();
            let waiting = if last { members.waiting.take() } else { Vec::new() };
            (waiting, members.asking.take(), forgotten)
        };
        drop(forgotten);
        wake_all(waiting);
        wake_all(asking);
    }
}

impl<E> fmt::Debug for Group<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.0.lock();
        let (children, failures) = (members.children.len(), members.failures.len());
        let cancelled = members.cancelled;
        drop(members);
        f.debug_struct("TaskGroup")
            .field("children", &children)
            .field("failures", &failures)
            .field("cancelled", &cancelled)
            .finish()
    }
}

/// Tells the group what its child came to.
pub(super) struct ChildHook<E> {
    group: Arc<Group<E>>,
    /// The child's place among `children`.
    key: u32,
    end: ChildEnd,
}

impl<E> ChildHook<E> {
    pub(super) fn new(group: &Arc<Group<E>>) -> Self {
        Self { group: group.clone(), key: 0, end: ChildEnd::Cancelled }
    }
}

impl<E, O> Hook<O> for ChildHook<E>
where
    E: 'static,
    O: IntoOutcome<E>,
{
    type Value = O::Value;

    fn born(&mut self, task: &Header) {
        self.key = self.group.child_born(task) as u32;
    }

    fn returned(&mut self, output: O, task: &Header) -> Result<O::Value, TaskError> {
        self.end = ChildEnd::Returned;
        output.into_outcome().map_err(|error| {
            self.end = ChildEnd::Failed;
            self.group.fail(Failure::of_task(FailureKind::Error(error), task));
            TaskError::failed(task)
        })
    }

    fn panicked(&mut self, payload: Box<dyn Any + Send>, task: &Header) -> TaskError {
        self.end = ChildEnd::Failed;
        let kind = FailureKind::Panic(PanicPayload::new(payload));
        self.group.fail(Failure::of_task(kind, task));
        TaskError::failed(task)
    }

    fn done(self, task: &Header) {
        let name = task.extras().and_then(|extras| extras.name.clone());
        let finished = Finished { id: TaskId(task.head.id), name, end: self.end };
        self.group.child_done(self.key as usize, Some(finished));
    }
}

/// Has a group wait for a task that is none of its children: what that comes to is its handle's alone.
pub(super) struct MemberHook {
    group: Arc<Group<Infallible>>,
    /// The task's place among `children`.
    key: u32,
}

impl MemberHook {
    pub(super) fn new(group: &Arc<Group<Infallible>>) -> Self {
        Self { group: group.clone(), key: 0 }
    }
}

impl<O> Hook<O> for MemberHook {
    type Value = O;

    fn born(&mut self, task: &Header) {
        self.key = self.group.child_born(task) as u32;
    }

    fn returned(&mut self, output: O, _: &Header) -> Result<O, TaskError> {
        Ok(output)
    }

    fn done(self, _: &Header) {
        self.group.child_done(self.key as usize, None);
    }
}
