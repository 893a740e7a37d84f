//! Several signals in one stream.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::Site;
use futures_core::Stream;

use super::{Listener, SignalKind, poll_listener};

/// Listens for signals of several kinds, until the [`SignalSet`] is dropped.
///
/// When several kinds have come, they are seen in turn: a storm of one does not hide the others. A kind
/// that is named twice counts once.
///
/// # Errors
///
/// Those of [`signal`](super::signal()), for the first kind that is refused; and when no kind is
/// named, since such a set would wait for ever.
///
/// # Examples
///
/// ```
/// use corio_runtime::signal::{self, SignalKind};
///
/// # corio_runtime::run(async {
/// let mut signals = signal::set([SignalKind::hangup(), SignalKind::terminate()])?;
/// # let me = std::process::id();
/// # std::process::Command::new("sh").args(["-c", &format!("kill -TERM {me}")]).status()?;
/// // Meanwhile, in a shell: kill -TERM <pid>
/// match signals.recv().await {
///     kind if kind == SignalKind::hangup() => println!("reading the configuration again"),
///     kind => println!("{kind}: ending"),
/// }
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
#[doc(alias = "open_signal_receiver")]
pub fn set(kinds: impl IntoIterator<Item = SignalKind>) -> io::Result<SignalSet> {
    let set = SignalSet { listener: Listener::new(kinds)?, site: Site::caller() };
    if set.kinds().next().is_none() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a set of no signals would wait for ever: name at least one kind",
        ));
    }
    Ok(set)
}

/// Sees the signals of several kinds; made by [`set`]. A stream that never ends.
#[must_use = "dropping it stops to listen, and the signals do what they did before"]
pub struct SignalSet {
    listener: Listener,
    site: Site,
}

impl SignalSet {
    /// Waits for the next signal and gives its kind.
    ///
    /// # Cancel safety
    ///
    /// Safe: a signal that nobody took is there for the next call.
    #[track_caller]
    pub fn recv(&mut self) -> RecvAny<'_> {
        RecvAny { site: Site::caller(), set: self }
    }

    /// Polls for the next signal.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<SignalKind> {
        poll_listener(&mut self.listener, self.site, cx)
    }

    /// The kinds of signals that it sees.
    pub fn kinds(&self) -> impl Iterator<Item = SignalKind> {
        self.listener.kinds()
    }
}

/// Never ends.
impl Stream for SignalSet {
    type Item = SignalKind;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SignalKind>> {
        self.get_mut().poll_recv(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignalSet")?;
        f.debug_list().entries(self.kinds()).finish()
    }
}

/// The wait for a signal of a set; made by [`SignalSet::recv`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct RecvAny<'a> {
    set: &'a mut SignalSet,
    site: Site,
}

impl Future for RecvAny<'_> {
    type Output = SignalKind;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<SignalKind> {
        let this = self.get_mut();
        poll_listener(&mut this.set.listener, this.site, cx)
    }
}
