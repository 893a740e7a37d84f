//! TCP connections as their users see them.

mod bytes;
#[path = "../common/mod.rs"]
mod common;
mod connecting;
mod ends;
mod sockets;
