//! Streams: what becomes of items and of work when somebody stops asking, and how they share a task and its time.

#[path = "../kit/mod.rs"]
mod kit;
mod support;

mod combinators;
mod generators;
mod hints;
mod parallel;
mod stopping;
mod timed;
