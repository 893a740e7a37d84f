//! Why a task gave no value.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use corio_sync::prim::Mutex;

use super::header::Header;
use super::id::TaskId;
use super::reason::CancelReason;

/// Why awaiting a [`Task`](super::Task) gave no value: it was cancelled, or it panicked.
///
/// A task that awaits itself gets one, too, since it would wait for ever; its text says so.
///
/// asyncio's `CancelledError`, and the exception of a task.
#[doc(alias = "CancelledError")]
// One pointer: a task's cell holds the future or the outcome, and most futures are small.
pub struct TaskError(Box<Inner>);

struct Inner {
    id: TaskId,
    kind: Kind,
}

enum Kind {
    Cancelled(Option<Arc<CancelReason>>),
    /// There was no thread for a blocking call.
    NotStarted(String),
    /// A group's child returned an error; the group has it.
    Failed,
    /// It was the task itself that awaited its handle.
    AwaitsItself,
    /// In a lock because a payload is `Send` and errors are expected to be `Sync`.
    Panic(Mutex<Box<dyn Any + Send>>),
}

impl TaskError {
    fn new(id: u64, kind: Kind) -> Self {
        Self(Box::new(Inner { id: TaskId(id), kind }))
    }

    pub(crate) fn cancelled(task: &Header) -> Self {
        let reason = task.extras().and_then(|extras| extras.reason());
        Self::new(task.head.id, Kind::Cancelled(reason))
    }

    /// Whether it says that a group's child was cancelled, or that its group has its failure.
    pub(crate) fn is_known_to_the_group(&self) -> bool {
        matches!(self.0.kind, Kind::Cancelled(_) | Kind::Failed)
    }

    pub(crate) fn not_started(why: String, task: &Header) -> Self {
        Self::new(task.head.id, Kind::NotStarted(why))
    }

    /// The same error, of another task.
    pub(crate) fn of(mut self, task: &Header) -> Self {
        self.0.id = TaskId(task.head.id);
        self
    }

    pub(crate) fn failed(task: &Header) -> Self {
        Self::new(task.head.id, Kind::Failed)
    }

    pub(crate) fn awaits_itself(task: &Header) -> Self {
        Self::new(task.head.id, Kind::AwaitsItself)
    }

    pub(crate) fn panic(payload: Box<dyn Any + Send>, task: &Header) -> Self {
        Self::new(task.head.id, Kind::Panic(Mutex::new(payload)))
    }

    /// The task's id.
    pub fn id(&self) -> TaskId {
        self.0.id
    }

    /// Whether the task was cancelled; so is one that is spawned while its runtime shuts down, unless a
    /// cleanup spawns it.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.kind, Kind::Cancelled(_))
    }

    /// Why the task was cancelled, if whoever asked for it has said so with
    /// [`Task::cancel_because`](super::Task::cancel_because).
    pub fn cancel_reason(&self) -> Option<&CancelReason> {
        match &self.0.kind {
            Kind::Cancelled(reason) => reason.as_deref(),
            _ => None,
        }
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.0.kind, Kind::Panic(_))
    }

    /// The panic's payload, to be given to [`std::panic::resume_unwind`].
    ///
    /// # Panics
    ///
    /// When the task did not panic; [`try_into_panic`](Self::try_into_panic) gives the error back
    /// instead.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(error) => panic!("`into_panic` of an error that is not a panic: {error}"),
        }
    }

    /// The panic's payload, or the error itself if it is not a panic.
    ///
    /// # Errors
    ///
    /// The error itself, when the task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        if !self.is_panic() {
            return Err(self);
        }
        match self.0.kind {
            Kind::Panic(payload) => Ok(payload.into_inner()),
            _ => unreachable!("it is a panic"),
        }
    }
}

/// The text of a panic's payload, if it has one.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> Option<&str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0.id;
        match &self.0.kind {
            Kind::Cancelled(None) => write!(f, "task {id} was cancelled"),
            Kind::Cancelled(Some(reason)) => write!(f, "task {id} was cancelled: {reason}"),
            Kind::NotStarted(why) => write!(f, "task {id} was not started: {why}"),
            Kind::Failed => write!(f, "task {} failed; its group has the error", id),
            Kind::AwaitsItself => write!(
                f,
                "task {id} awaits itself, which would never end: give the handle to another task"
            ),
            Kind::Panic(payload) => match panic_text(&**payload.lock()) {
                Some(text) => write!(f, "task {} panicked: {text}", id),
                None => write!(f, "task {} panicked", id),
            },
        }
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskError({self})")
    }
}

impl std::error::Error for TaskError {}

impl From<TaskError> for std::io::Error {
    fn from(error: TaskError) -> Self {
        let kind = match error.0.kind {
            Kind::Cancelled(_) => std::io::ErrorKind::Interrupted,
            Kind::AwaitsItself => std::io::ErrorKind::Deadlock,
            Kind::NotStarted(_) | Kind::Failed | Kind::Panic(_) => std::io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
