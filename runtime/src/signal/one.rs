//! One signal, again and again.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::Site;
use futures_core::Stream;

use super::{Listener, SignalKind, poll_listener};

/// Listens for the signals of one kind, until the [`Signal`] is dropped.
///
/// See the [module](super) for what a listener sees, and for what the signal does afterwards.
///
/// # Errors
///
/// With the signal's name in the message: when nobody can listen for it (SIGKILL, SIGSTOP, the faults
/// SIGSEGV, SIGILL, SIGFPE and SIGBUS, a number that is no signal), or when the system has no thread or
/// no file descriptors left for the first listener of the process.
///
/// # Examples
///
/// ```
/// use corio_runtime::signal::{SignalKind, signal};
///
/// # corio_runtime::run(async {
/// let mut resized = signal(SignalKind::window_change())?;
/// # let me = std::process::id();
/// # std::process::Command::new("sh").args(["-c", &format!("kill -WINCH {me}")]).status()?;
/// resized.recv().await;
///
/// let refused = signal(SignalKind::from_raw(9)).unwrap_err();
/// assert!(refused.to_string().starts_with("cannot listen for SIGKILL"));
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
#[doc(alias("add_signal_handler", "open_signal_receiver"))]
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    Ok(Signal { listener: Listener::new([kind])?, kind, site: Site::caller() })
}

/// Sees the signals of one kind; made by [`signal`](signal()). A stream that never ends.
#[must_use = "dropping it stops to listen, and the signal does what it did before"]
pub struct Signal {
    listener: Listener,
    kind: SignalKind,
    site: Site,
}

impl Signal {
    /// Waits for the next signal. Several that come close together may be seen as one.
    ///
    /// # Cancel safety
    ///
    /// Safe: a signal that nobody took is there for the next call.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::signal::{SignalKind, signal};
    ///
    /// # corio_runtime::run(async {
    /// let mut wishes = signal(SignalKind::user_defined1())?;
    /// # let me = std::process::id();
    /// # std::process::Command::new("sh").args(["-c", &format!("kill -USR1 {me}")]).status()?;
    /// wishes.recv().await;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_> {
        Recv { site: Site::caller(), signal: self }
    }

    /// Polls for the next signal.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_at(self.site, cx)
    }

    fn poll_at(&mut self, site: Site, cx: &mut Context<'_>) -> Poll<()> {
        poll_listener(&mut self.listener, site, cx).map(|_| ())
    }

    /// The kind of signal that it sees.
    #[must_use]
    pub fn kind(&self) -> SignalKind {
        self.kind
    }
}

/// Never ends.
impl Stream for Signal {
    type Item = ();

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        self.get_mut().poll_recv(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").field("kind", &self.kind).field("at", &self.site).finish()
    }
}

/// The wait for a signal; made by [`Signal::recv`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Recv<'a> {
    signal: &'a mut Signal,
    site: Site,
}

impl Future for Recv<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.signal.poll_at(this.site, cx)
    }
}
