//! What sockets need of the runtime besides the reactor, in one place.

use std::io;

use corio_io::background::BlockingCall;
use corio_runtime::Handle;

pub(crate) use corio_runtime::time::{Sleep, sleep, timeout};

/// Runs `f`, which blocks, on the pool that is there for it.
pub(crate) async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    match BlockingCall::new(f).start(&runtime).await {
        Ok(result) => result,
        Err(error) => Err(io::Error::other(error)),
    }
}
