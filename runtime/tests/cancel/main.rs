//! Cancelling: catch_cancel, scopes with deadlines and shields, tokens. Ids of the areas CAN, TO, TRIO.

#![allow(clippy::async_yields_async, reason = "handles are taken out of the runtime on purpose")]

#[path = "../kit/mod.rs"]
mod kit;
mod support;

mod catch;
mod cleanups;
mod deadlines;
mod scopes;
mod shields;
mod tokens;
