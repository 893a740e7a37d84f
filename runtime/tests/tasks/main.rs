//! Tasks and the runtimes that run them, on both executors.

#![allow(clippy::async_yields_async, reason = "handles that leave their `block_on` are the point")]

#[path = "../kit/mod.rs"]
mod kit;
mod support;

mod blocking;
mod cancelled;
mod order;
mod panics;
mod results;
mod runtimes;
mod shutdown;
mod threads;
mod virtual_time;
