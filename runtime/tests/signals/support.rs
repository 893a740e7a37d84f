//! Turns, the signals themselves, and a handler that counts them while nobody listens.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use corio_runtime::signal::{Signal, SignalKind};
use corio_runtime::time::timeout;
use corio_sync::prim::statics::AtomicU64;
use corio_sync::prim::{Mutex, MutexGuard, Ordering};
use futures_core::Stream;

pub(crate) const USR1: SignalKind = SignalKind::user_defined1();

pub(crate) const USR2: SignalKind = SignalKind::user_defined2();

pub(crate) const HUP: SignalKind = SignalKind::hangup();

pub(crate) const WINCH: SignalKind = SignalKind::window_change();

/// Longer than any test takes, on any machine.
pub(crate) const LONG: Duration = Duration::from_secs(120);

pub(crate) fn my_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock()
}

/// Sends a signal to this process, on this thread: when it returns, the handler has run.
pub(crate) fn raise(kind: SignalKind) {
    // SAFETY: the call takes a number.
    assert_eq!(unsafe { libc::raise(kind.as_raw()) }, 0);
}

/// What a signal did before anybody listened: it counts.
pub(crate) static BASE: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_: libc::c_int) {
    // Ordering: AcqRel, a test that sees the count sees what came before it.
    BASE.fetch_add(1, Ordering::AcqRel);
}

pub(crate) fn base() -> u64 {
    // Ordering: Acquire, see `count`.
    BASE.load(Ordering::Acquire)
}

/// Has a handler of the test's own count the signal while nobody listens.
pub(crate) struct Counted {
    kind: SignalKind,
    before: libc::sighandler_t,
}

impl Counted {
    pub(crate) fn new(kind: SignalKind) -> Self {
        let handler = count as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // SAFETY: the handler adds to a number, which it may do anywhere.
        let before = unsafe { libc::signal(kind.as_raw(), handler) };
        Self { kind, before }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // SAFETY: the system gave it.
        unsafe { libc::signal(self.kind.as_raw(), self.before) };
    }
}

/// The address of what the system would call for `kind`.
pub(crate) fn handler_of(kind: SignalKind) -> libc::sighandler_t {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: there is room for the answer, and it is filled in when the call succeeds.
    unsafe {
        assert_eq!(libc::sigaction(kind.as_raw(), std::ptr::null(), action.as_mut_ptr()), 0);
        action.assume_init().sa_sigaction
    }
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(LONG, future).await.expect("the signal has not come")
}

pub(crate) async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

pub(crate) fn look(signal: &mut Signal) -> bool {
    signal.poll_recv(&mut Context::from_waker(Waker::noop())).is_ready()
}
