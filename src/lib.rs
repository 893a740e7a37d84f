//! An async runtime with asyncio's way of structuring concurrent programs, asynchronous cleanup that
//! always runs, and a scheduler built for speed.
//!
//! # Where to start
//!
//! | You want to | Look at |
//! |---|---|
//! | run an async `main` or test | [`main`], [`test`], [`run`] |
//! | run things side by side | [`spawn`], [`task_group`], [`join!`], [`select!`] |
//! | make sure that cleanup runs | [`finally`], [`using`] |
//! | wait, or limit a wait | [`sleep`], [`timeout`], [`time`] |
//! | serve and connect | [`start_server`], [`open_connection`] |
//! | talk over sockets | [`net`], [`io`] |
//! | share and pass on data | [`sync`] |
//! | work on items as they come, write a generator | [`stream`] |
//! | start programs and talk to them | [`process`] |
//! | hear signals and Ctrl-C | [`signal`] |
//! | call something that blocks | [`spawn_blocking`] |
//! | choose the executor | [`runtime::Builder`] |
//!
//! ```
//! use std::time::Duration;
//!
//! #[corio::main]
//! async fn main() {
//!     let task = corio::spawn(async {
//!         corio::sleep(Duration::from_millis(1)).await;
//!         6 * 7
//!     });
//!     assert_eq!(task.await.unwrap(), 42);
//! }
//! ```
//!
//! # Features
//!
//! All but `tls` are on by default. A program that needs less builds faster with `default-features = false` and
//! those that it names; tasks, structured concurrency, time, signals, [`sync`] and the adaptors of [`io`] are
//! always there.
//!
//! | feature | brings |
//! |---|---|
//! | `macros` | [`main`], [`test`], [`select!`], [`join!`], [`try_join!`] |
//! | `net` | sockets: [`net`], [`open_datagram`] |
//! | `streams` | readers, writers and servers over sockets: [`open_connection`], [`start_server`]; `net`, too |
//! | `fs` | files, and the standard streams: [`fs`], [`io::stdin`], [`io::stdout`], [`io::stderr`] |
//! | `process` | child processes: [`process`] |
//! | `tls` | encrypted connections, by rustls with ring; `streams`, too |
#![forbid(unsafe_code)]

#[cfg(feature = "macros")]
mod macros;

pub use corio_runtime::context_var;
pub use corio_runtime::signal;
pub use corio_runtime::stream;
pub use corio_runtime::structured::{
    self, CancelScope, CancelToken, Cancelled, CleanupStack, Failure, GroupError, TaskGroup,
    TaskSet, WaitFor, as_completed, catch_cancel, finally, finally_local, gather, race, race_ok,
    scope, scope_local, shield, task_group, task_group_with_limit, timeout_scope, try_gather,
    using, wait, wait_results, wait_timeout,
};
pub use corio_runtime::task::{
    self, Task, TaskError, spawn, spawn_blocking, spawn_local, yield_now,
};
pub use corio_runtime::time::{self, move_on_after, sleep, sleep_until, timeout, timeout_at};
pub use corio_runtime::{Handle, Runtime, blocking, introspect, run, runtime};

pub use corio_io as io;
#[cfg(feature = "fs")]
pub use corio_io::fs;
#[cfg(all(unix, feature = "process"))]
pub use corio_io::process;
#[cfg(feature = "net")]
pub use corio_net as net;
#[cfg(feature = "net")]
pub use corio_net::open_datagram;
#[cfg(feature = "streams")]
pub use corio_net::{
    StreamReader, StreamWriter, open_connection, open_unix_connection, start_server,
    start_unix_server,
};
pub use corio_sync as sync;
pub use corio_sync::queue::{self, LifoQueue, PriorityQueue, Queue};
pub use corio_sync::{Promise, channel};

/// What most programs import: `use corio::prelude::*`.
pub mod prelude {
    pub use corio_io::prelude::*;

    pub use crate::{Task, TaskGroup, finally, sleep, spawn, task_group, timeout};
}

#[cfg(feature = "macros")]
#[doc(inline)]
pub use macros::{main, test};

/// Readiness of descriptors at poll level, for crates that bring their own sockets.
pub mod reactor {
    pub use corio_runtime::reactor::{
        Direction, Interest, Io, Readiness, Ready, Registered, Registration, StreamIo, Wait,
    };
}

/// The programs in the README and in the guide are tests.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/cancellation.md")]
    struct Cancellation;
    #[doc = include_str!("../docs/testing.md")]
    struct Testing;
    #[doc = include_str!("../docs/coming-from-asyncio.md")]
    struct ComingFromAsyncio;
    #[doc = include_str!("../docs/coming-from-tokio.md")]
    struct ComingFromTokio;
}

/// What the macros expand to.
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private {
    pub use corio_macros::{join_impl, select_impl, try_join_impl};
    pub use corio_runtime::cleanup::empty_catching;
    pub use corio_runtime::entry::{Config, run_cancellable_main, run_main, run_test};
    pub use corio_runtime::first_branch;
    pub use corio_runtime::macro_support::*;
    pub use corio_sync::hooks::poll_budget;
}
