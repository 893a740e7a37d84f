//! Why a task was asked to stop, and by whom.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::context_copy::current;
use super::id::TaskId;

/// Why a task was asked to stop, and by whom: what was given to
/// [`Task::cancel_because`](super::Task::cancel_because).
///
/// asyncio has the `msg` of `Task.cancel`, trio the reason of a cancelled scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelReason {
    text: Box<str>,
    by: Option<TaskId>,
    at: &'static Location<'static>,
}

impl CancelReason {
    #[track_caller]
    pub(crate) fn new(text: &dyn fmt::Display) -> Arc<Self> {
        let by = current().map(|task| TaskId(task.head.id));
        Arc::new(Self { text: text.to_string().into(), by, at: Location::caller() })
    }

    /// The reason, as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The task that asked; `None` if it was a plain thread.
    pub fn by(&self) -> Option<TaskId> {
        self.by
    }

    /// Where it was asked.
    pub fn at(&self) -> &'static Location<'static> {
        self.at
    }
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (asked ", self.text)?;
        if let Some(by) = self.by {
            write!(f, "by task {by} ")?;
        }
        write!(f, "at {})", self.at)
    }
}
