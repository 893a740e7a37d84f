//! Tasks, executors, reactor, timers and structured concurrency of the corio async runtime.

pub mod blocking;
#[doc(hidden)]
pub mod cleanup;
#[doc(hidden)]
pub mod entry;
mod executor;
pub mod introspect;
#[doc(hidden)]
pub mod macro_support;
pub mod reactor;
mod run;
#[doc(hidden)]
pub mod say;
pub mod signal;
mod sorted;
pub mod stream;
pub mod structured;
#[doc(hidden)]
pub mod sys;
pub mod task;
mod threads;
pub mod time;
mod wake;

pub use executor::{Handle, Runtime};
#[doc(hidden)]
pub use executor::{first_branch, long_call};
pub use run::run;
pub use task::{Task, TaskError, spawn, spawn_blocking, spawn_local, yield_now};

/// Making and holding runtimes.
pub mod runtime {
    pub use crate::executor::{
        Builder, EnterGuard, Handle, LongPoll, NoRuntime, Runtime, RuntimeMetrics, TimerHandle,
        UnawaitedPanic,
    };
}
