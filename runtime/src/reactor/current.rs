//! Which reactor serves this thread.

use std::io;
use std::sync::Arc;

use super::Reactor;

use crate::executor::context::current_reactor;

/// The reactor of this thread's core.
#[cfg(not(test))]
pub(super) fn current() -> io::Result<Arc<Reactor>> {
    current_reactor()
}

/// The reactor that a test put on this thread, else that of its core.
#[cfg(test)]
pub(super) fn current() -> io::Result<Arc<Reactor>> {
    tests_own().map_or_else(current_reactor, Ok)
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
