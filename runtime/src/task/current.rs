//! The task that is running.

use std::fmt;
use std::panic::Location;

use super::id::TaskId;
use super::join::Canceller;
use crate::executor::context::current_task;

/// A reference to a task that may be kept and sent anywhere.
#[derive(Clone)]
#[doc(alias = "current_task")]
pub struct TaskRef {
    id: TaskId,
    name: Option<Box<str>>,
    spawned_at: &'static Location<'static>,
    canceller: Canceller,
}

impl TaskRef {
    /// The task's id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The task's name, if it has one.
    #[doc(alias = "get_name")]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where the task was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// Asks the task to stop; see [`Task::cancel`](super::Task::cancel). A task may cancel itself: it
    /// stops where it next waits.
    pub fn cancel(&self) -> bool {
        self.canceller.cancel()
    }

    /// Asks the task to stop, and says why; see
    /// [`Task::cancel_because`](super::Task::cancel_because).
    #[track_caller]
    pub fn cancel_because(&self, reason: impl fmt::Display) -> bool {
        self.canceller.cancel_because(reason)
    }

    /// A handle that can cancel the task, and nothing else.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRef")
            .field("id", &self.id.as_u64())
            .field("name", &self.name)
            .field("spawned_at", &format_args!("{}", self.spawned_at))
            .finish()
    }
}

/// The task that is running on this thread; the future given to `block_on` counts as one.
///
/// # Panics
///
/// Outside a task; [`try_current`] does not.
#[doc(alias = "current_task")]
#[track_caller]
pub fn current() -> TaskRef {
    match try_current() {
        Some(task) => task,
        None => panic!("no task is running here: call this inside a task"),
    }
}

/// The task that is running on this thread, if one is.
#[doc(alias = "current_task")]
pub fn try_current() -> Option<TaskRef> {
    let task = current_task()?;
    // SAFETY: this thread polls the task, so it is alive for the length of this call.
    let (header, canceller) = unsafe { (task.as_ref(), Canceller::of(task)) };
    Some(TaskRef {
        id: TaskId(header.head.id),
        name: header.extras().and_then(|e| e.name.clone()),
        spawned_at: header.head.spawned_at(),
        canceller,
    })
}
