//! Structured concurrency: children that end before their parent, and cleanup that always runs.
//!
//! *What do I want?* [`task_group`] for tasks that belong together; [`finally`] for cleanup that must
//! run whatever happens.

mod finally;
mod group;
mod group_error;

pub use finally::{Finally, finally};
pub use group::{Child, GroupFuture, IntoOutcome, Join, OwnedGroup, TaskGroup, task_group};
pub use group_error::{Failure, FailureKind, GroupError, PanicPayload};
