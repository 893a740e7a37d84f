//! What sockets need of the runtime besides the reactor, in one place.

use std::io;

pub(crate) use corio_runtime::time::{Sleep, sleep, timeout};

/// Runs `f`, which blocks, on the pool that is there for it.
pub(crate) async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match corio_runtime::spawn_blocking(f).await {
        Ok(result) => result,
        Err(error) => Err(io::Error::other(error)),
    }
}
