//! Structured concurrency: children that end before their parent, and cleanup that always runs.
//!
//! *What do I want?* [`task_group`] for tasks that belong together, of which one that fails ends all;
//! [`TaskSet`] for tasks that stand alone, and whose results are taken as they come; [`finally`] for cleanup
//! that must run whatever happens, [`using`] if that is to close something; [`gather`], [`race`], [`race_ok`]
//! and [`as_completed`] for futures that run side by side in one task; [`wait`] for tasks whose handles you
//! keep; [`shield`] for work that must not end with its waiter.

pub(crate) mod cancel_node;
mod cancel_scope;
mod cancel_token;
mod catch_cancel;
mod cleanup_stack;
mod finally;
mod first_panic;
mod gather;
mod group;
mod group_builder;
mod group_error;
mod limit;
mod linked;
mod members;
pub(crate) mod pool;
mod race;
mod race_ok;
mod ready;
mod scope;
mod shield;
mod spawning;
mod start;
mod task_set;
mod timeout_scope;
mod using;
mod wait;
mod waiter;

pub use cancel_scope::{CancelScope, RunScope, ScopeHandle, current_deadline};
pub use cancel_token::{CancelGuard, CancelToken, RunUntilCancelled, WaitCancelled};
pub use catch_cancel::{Cancelled, CatchCancel, catch_cancel};
pub use cleanup_stack::{CleanupStack, CloseStack};
pub use finally::{Finally, finally, finally_local};
pub use gather::{Gather, TryGather, gather, try_gather};
pub use group::{
    Child, GroupFuture, Join, Next, OwnedGroup, TaskGroup, task_group, task_group_with_limit,
};
pub use group_builder::GroupBuilder;
pub use group_error::{Failure, FailureKind, GroupError, PanicPayload};
pub use members::{ChildEnd, Finished, IntoOutcome};
pub use race::{AsCompleted, Race, as_completed, race};
pub use race_ok::{AllFailed, RaceOk, race_ok};
pub use scope::{LocalScope, Scope, ScopeBody, ScopedTask, scope, scope_local};
pub use shield::{Shield, shield};
pub use start::{Ready, Start, StartError, TryStart};
pub use task_set::{JoinTasks, NextResult, NextWithId, TaskSet, TaskSetBuilder};
pub use timeout_scope::{TimeoutScope, timeout_scope};
pub use using::using;
pub use wait::{DoneAndPending, Wait, WaitFor, WaitTimeout, wait, wait_results, wait_timeout};
