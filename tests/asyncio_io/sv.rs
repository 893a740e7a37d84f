//! Server.

mod closing;
mod handlers;
mod serving;
