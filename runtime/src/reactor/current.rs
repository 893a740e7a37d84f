//! Which reactor serves this thread.

use std::io;
use std::sync::Arc;

use super::Reactor;

/// The reactor of this thread's core.
#[cfg(not(test))]
pub(super) fn current() -> io::Result<Arc<Reactor>> {
    Err(io::Error::other(NO_RUNTIME))
}

pub(super) const NO_RUNTIME: &str =
    "no corio runtime on this thread: call this inside `corio::run`, or enter a `Handle` first";

/// The reactor that a test put on this thread, else that of its core.
#[cfg(test)]
pub(super) fn current() -> io::Result<Arc<Reactor>> {
    tests_own().map_or_else(|| Err(io::Error::other(NO_RUNTIME)), Ok)
}

#[cfg(test)]
thread_local! {
    static TESTS_OWN: std::cell::RefCell<Option<Arc<Reactor>>> = const { std::cell::RefCell::new(None) };
}

#[cfg(test)]
fn tests_own() -> Option<Arc<Reactor>> {
    TESTS_OWN.with_borrow(Clone::clone)
}

/// Makes `reactor` the current one of this thread.
#[cfg(test)]
pub(super) fn set_current(reactor: Option<Arc<Reactor>>) {
    TESTS_OWN.set(reactor);
}
