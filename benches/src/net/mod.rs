//! The network workloads' two programs without a runtime: the load generator, the same for every
//! server, and the echo server that stands beside them as the limit; and the one that sends lines.

pub(crate) mod client;
pub(crate) mod feed;
pub(crate) mod limit;

use std::io;

/// Whether an operation on a nonblocking socket has to be tried again later.
pub(crate) fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
