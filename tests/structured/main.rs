//! Structured concurrency: cleanups always run, inner first, and nothing outlives its group.

#[path = "../common/mod.rs"]
mod common;

mod cleanups;
mod groups;
mod together;

use std::time::Duration;

const SHORT: Duration = Duration::from_millis(2);
