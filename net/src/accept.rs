//! Accepting connections, for TCP and Unix listeners alike.
//!
//! When the process, or the system, has no descriptor left, a pending connection stays pending and the
//! listener stays readable: whoever tries at once again spins. So does the error not end the server:
//! `accept` pauses, and goes on when there are descriptors.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use corio_runtime::reactor::{Direction, Interest, Registered, Registration, Wait};
use corio_sync::prim::{AtomicU64, Ordering};
use futures_core::Stream;

use crate::rt::{Sleep, sleep};
use crate::say::Seldom;

/// How long an accept waits for descriptors: 25 looks a second.
const PAUSE: Duration = Duration::from_millis(40);

/// After so many failures in a row that each should have used up a connection, they do not: pause.
const FAILURES: u32 = 64;

static PAUSED: Seldom = Seldom::new();

/// A socket that listens; sealed.
pub trait Listen: AsFd + fmt::Debug + Send + Sync + 'static {
    /// The socket of a connection.
    type Raw;
    /// The address of a peer.
    type Addr;
    /// Takes a connection. Its descriptor is non-blocking and closed on exec from its first moment.
    fn accept(&self) -> io::Result<(Self::Raw, Self::Addr)>;
}

pub struct Acceptor<L: Listen> {
    io: Registered<L>,
    /// How often an accept had to pause for want of descriptors or memory.
    pauses: AtomicU64,
}

/// A listener as its user has it; sealed.
pub trait HasAcceptor {
    type Socket: Listen;
    type Stream;
    fn acceptor(&self) -> &Acceptor<Self::Socket>;
    /// Makes a stream of an accepted socket.
    fn stream(&self, raw: <Self::Socket as Listen>::Raw) -> Self::Stream;
}

/// What an accepted connection comes as.
pub(crate) type Accepted<T> =
    (<T as HasAcceptor>::Stream, <<T as HasAcceptor>::Socket as Listen>::Addr);

/// What an error of `accept` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Remedy {
    /// The connection failed, not the listener: go on to the next.
    Skip,
    /// There are no descriptors, or there is no memory: wait.
    Pause,
    /// The listener is broken.
    Fail,
}

fn remedy(error: &io::Error) -> Remedy {
    match os_error(error) {
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => Remedy::Pause,
        Some(
            libc::ECONNABORTED
            | libc::EPROTO
            | libc::EPERM
            | libc::ENETDOWN
            | libc::ENOPROTOOPT
            | libc::EHOSTDOWN
            | libc::EHOSTUNREACH
            | libc::ENETUNREACH,
        ) => Remedy::Skip,
        #[cfg(target_os = "linux")]
        Some(libc::ENONET) => Remedy::Skip,
        _ => Remedy::Fail,
    }
}

/// The system's number of an error, also of one that came with a context: making the reactor needs
/// descriptors, too.
fn os_error(error: &io::Error) -> Option<i32> {
    error.raw_os_error().or_else(|| {
        let source = error.get_ref()?.source()?;
        source.downcast_ref::<io::Error>()?.raw_os_error()
    })
}

impl<L: Listen> Acceptor<L> {
    /// Takes a listening socket that is in non-blocking mode.
    pub(crate) fn new(socket: L) -> Self {
        // A listener waits sooner or later, so nothing is saved by trying first. And under a flood of
        // connections it would not wait until they had taken all descriptors, when none would be left
        // for the reactor itself.
        let registration = Registration::new_unready(Interest::Read);
        Self { io: Registered::with_registration(socket, registration), pauses: AtomicU64::new(0) }
    }

    pub(crate) fn socket(&self) -> &L {
        self.io.get_ref()
    }

    pub(crate) fn into_socket(self) -> L {
        self.io.into_inner()
    }

    pub(crate) fn pauses(&self) -> u64 {
        // Ordering: Relaxed, a figure for people.
        self.pauses.load(Ordering::Relaxed)
    }

    /// One accept, errors and all.
    pub(crate) fn poll_raw(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(L::Raw, L::Addr)>> {
        self.io.poll_io(Direction::Read, wait, cx, L::accept)
    }
}

impl<L: Listen> AsFd for Acceptor<L> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl<L: Listen> fmt::Debug for Acceptor<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

/// Waits for a connection; from `accept` of [`TcpListener`](crate::TcpListener) and
/// [`UnixListener`](crate::UnixListener).
#[must_use = "a future does nothing until it is awaited"]
pub struct Accept<'a, T: HasAcceptor> {
    listener: &'a T,
    wait: Wait,
    /// There while descriptors are wanting.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<'a, T: HasAcceptor> Accept<'a, T> {
    pub(crate) fn new(listener: &'a T, wait: Wait) -> Self {
        Self { listener, wait, pause: None }
    }
}

impl<T: HasAcceptor> Future for Accept<'_, T> {
    type Output = io::Result<Accepted<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let acceptor = this.listener.acceptor();
        let mut failures = 0;
        loop {
            if let Some(pause) = &mut this.pause {
                ready!(pause.as_mut().poll(cx));
                this.pause = None;
            }
            let error = match ready!(acceptor.poll_raw(this.wait, cx)) {
                Ok((raw, addr)) => return Poll::Ready(Ok((this.listener.stream(raw), addr))),
                Err(error) => error,
            };
            failures += 1;
            match remedy(&error) {
                Remedy::Skip if failures < FAILURES => {}
                Remedy::Skip | Remedy::Pause => {
                    // Ordering: Relaxed, a figure for people.
                    acceptor.pauses.fetch_add(1, Ordering::Relaxed);
                    PAUSED.say(format_args!(
                        "a listener pauses for {PAUSE:?}, as no connection can be accepted: {error}"
                    ));
                    this.pause = Some(Box::pin(sleep(PAUSE)));
                }
                Remedy::Fail => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<T: HasAcceptor> fmt::Debug for Accept<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept").field("paused", &self.pause.is_some()).finish_non_exhaustive()
    }
}

/// The connections of a listener as a stream that does not end; from `incoming`.
#[must_use = "a stream does nothing until it is polled"]
pub struct Incoming<'a, T: HasAcceptor>(Accept<'a, T>);

impl<'a, T: HasAcceptor> Incoming<'a, T> {
    pub(crate) fn new(listener: &'a T, wait: Wait) -> Self {
        Self(Accept::new(listener, wait))
    }
}

impl<T: HasAcceptor> Stream for Incoming<'_, T> {
    type Item = io::Result<T::Stream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let accept = Pin::new(&mut self.get_mut().0);
        accept.poll(cx).map(|accepted| Some(accepted.map(|(stream, _)| stream)))
    }
}

impl<T: HasAcceptor> fmt::Debug for Incoming<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n01_n02_each_error_has_its_remedy() {
        for (errno, expected) in [
            (libc::EMFILE, Remedy::Pause),
            (libc::ENFILE, Remedy::Pause),
            (libc::ENOMEM, Remedy::Pause),
            (libc::ECONNABORTED, Remedy::Skip),
            (libc::EPROTO, Remedy::Skip),
            (libc::ENETDOWN, Remedy::Skip),
            (libc::EPERM, Remedy::Skip),
            (libc::EBADF, Remedy::Fail),
            (libc::EINVAL, Remedy::Fail),
        ] {
            assert_eq!(remedy(&io::Error::from_raw_os_error(errno)), expected, "{errno}");
        }
    }
}
