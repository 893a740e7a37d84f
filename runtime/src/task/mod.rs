//! Tasks: spawning, awaiting, cancelling, and asking about them.
//!
//! *Which spawn do I want?* [`spawn`] for a future that any worker may run; [`spawn_local`] for one
//! that is not `Send`; [`spawn_blocking`] for code that blocks; [`Builder`] to give any of them a name.

mod builder;
pub(crate) mod cell;
pub(crate) mod context_copy;
pub(crate) mod context_vars;
mod current;
mod eager;
pub(crate) mod end;
pub(crate) mod error;
pub(crate) mod extras;
pub(crate) mod harness;
pub(crate) mod header;
pub(crate) mod id;
pub(crate) mod intercept;
pub(crate) mod join;
pub(crate) mod large;
pub(crate) mod quiet;
pub(crate) mod reason;
mod refs;
pub(crate) mod spawn;
pub(crate) mod state;
pub(crate) mod waker;
mod yield_now;

pub use builder::{Builder, spawn, spawn_blocking, spawn_local};
pub use context_copy::{ContextVars, WithContext};
pub use context_vars::{ContextVar, Token, WithValue};
pub use current::{TaskRef, current, try_current};
pub use error::TaskError;
pub use id::TaskId;
pub use join::{CancelOnDrop, Canceller, Task};
pub use reason::CancelReason;
pub use yield_now::{YieldNow, yield_now};

pub use crate::introspect::{TaskInfo, tasks as all};
