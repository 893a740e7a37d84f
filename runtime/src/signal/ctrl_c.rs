//! The next Ctrl-C.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::Site;

use super::{Listener, SignalKind, poll_listener};

/// Waits for Ctrl-C (SIGINT).
///
/// It listens from this call on, and stops when it is ready: the next Ctrl-C then does what it did
/// before, which normally is to end the program. A program that takes long to end after the first
/// Ctrl-C can thus be ended by a second one. To see each Ctrl-C, use
/// [`signal`](super::signal())`(SignalKind::interrupt())`.
///
/// # Errors
///
/// When the first listener of the process cannot be made: the system has no thread or no file
/// descriptors left.
///
/// # Cancel safety
///
/// Safe: if a Ctrl-C has come by the time this is dropped, and nobody has seen it, it has the effect
/// that it would have had without this (see the [module](super)).
///
/// # Panics
///
/// When it is polled again after it was ready.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::signal::ctrl_c;
/// use corio_runtime::time::timeout;
///
/// # corio_runtime::run(async {
/// match timeout(Duration::from_millis(1), ctrl_c()).await {
///     Ok(pressed) => pressed?,
///     Err(_) => println!("nobody pressed Ctrl-C"),
/// }
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
#[doc(alias("add_signal_handler", "KeyboardInterrupt"))]
pub fn ctrl_c() -> CtrlC {
    CtrlC { listener: Some(Listener::new([SignalKind::interrupt()])), site: Site::caller() }
}

/// Waits for Ctrl-C; made by [`ctrl_c`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct CtrlC {
    /// `None` once it was ready.
    listener: Option<io::Result<Listener>>,
    site: Site,
}

impl Future for CtrlC {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(Ok(listener)) = &mut this.listener {
            std::task::ready!(poll_listener(listener, this.site, cx));
        }
        match this.listener.take() {
            Some(listener) => Poll::Ready(listener.map(drop)),
            None => panic!(
                "the `ctrl_c` made at {} was polled again after it was ready",
                this.site.location()
            ),
        }
    }
}
