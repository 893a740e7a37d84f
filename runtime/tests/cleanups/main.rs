//! Cleanups: that they run, inner first; their limits, their context variables, the panics before them, and
//! where those go that are dropped outside any task.

#![allow(clippy::disallowed_types, reason = "tests look from outside, with what users have")]
#![allow(clippy::async_yields_async, reason = "futures are taken out of the runtime on purpose")]

#[path = "../kit/mod.rs"]
mod kit;
mod support;

mod ends;
mod finally;
mod limits;
mod local;
mod outside;
mod panics;
mod variables;
