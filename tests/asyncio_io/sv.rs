//! Server.

mod closing;
mod handlers;
mod serving;

/// More than the system's buffers take.
const MUCH: usize = 8 << 20;
