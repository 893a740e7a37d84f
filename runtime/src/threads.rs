//! Starting threads.

use std::io;

use corio_sync::prim::thread::{Builder, JoinHandle};

/// Starts a thread that runs `body`. It takes a box, for std's own part to be compiled once and not for each
/// closure.
pub(crate) fn start(
    builder: Builder,
    body: Box<dyn FnOnce() + Send>,
) -> io::Result<JoinHandle<()>> {
    builder.spawn(body)
}
