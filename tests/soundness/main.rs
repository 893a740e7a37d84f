//! What safe code must not be able to break: values of every shape, wakers that outlive their threads,
//! futures and guards that are forgotten, waits that are given up in any order. The ids in the names
//! are those of the catalogue of faults.
//!
//! These files link what others own into lists, where broken aliasing (U14) would lie:
//!
//! - `sync/src/waitlist.rs`, which is under every lock and channel: waits, in futures that may be
//!   dropped at any time
//! - `runtime/src/executor/mailbox.rs`, with the link in `task/header.rs`: tasks sent to a core
//! - `runtime/src/time/wheel.rs`, under `timers.rs`: timers
//! - `runtime/src/structured/ready.rs`: the futures of one task that were woken
//! - `runtime/src/executor/cells.rs`: memory that is free
//!
//! `ci/valgrind.sh` runs memcheck over the tests of both crates, and `ci/valgrind.sh -p corio` over these
//! files; `ci/loom.sh` runs the models of all of these lists but the last, which never leaves its thread.

#[path = "../common/mod.rs"]
mod common;

mod forgotten;
mod shapes;
mod threads;
mod waits;
mod wakers;
