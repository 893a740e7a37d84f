//! Executors: cores, the threads that run them, and the runtime around them.
//!
//! | file          | what it holds                                                    |
//! |---------------|------------------------------------------------------------------|
//! | `core`        | a core as its thread has it: the run loop, sleeping               |
//! | `core_shared` | a core as others see it: mailboxes, queue, task list, reactor     |
//! | `watcher`     | an idle core looks after the others                              |
//! | `cells`       | memory for task cells                                            |
//! | `ring`        | the queue that others may steal from                             |
//! | `mailbox`     | what other threads send                                          |
//! | `stuck`       | virtual time that stands still for good                          |
//! | `park`        | the word that decides who wakes a sleeping core                  |
//! | `shared`      | the runtime as its threads share it; shutdown                    |
//! | `context`     | which runtime and core a thread belongs to                       |
//! | `block_on`    | the main future                                                  |
//! | `builder`, `runtime`, `metrics` | what users hold                                |

pub(crate) mod abort;
mod affinity;
pub(crate) mod block_on;
mod builder;
mod call;
pub(crate) mod cells;
pub(crate) mod context;
pub(crate) mod core;
pub(crate) mod core_shared;
pub(crate) mod mailbox;
pub(crate) mod mains;
mod metrics;
pub(crate) mod park;
pub(crate) mod ring;
mod runtime;
pub(crate) mod shared;
mod stuck;
mod urgent;
mod watchdog;
mod watcher;

pub(crate) use builder::Config;
pub use builder::{Builder, UnawaitedPanic};
pub use call::TimerHandle;
pub use context::first_branch;
pub use metrics::RuntimeMetrics;
pub use runtime::{EnterGuard, Handle, NoRuntime, Runtime};
pub use watchdog::LongPoll;
pub use watcher::long_call;
