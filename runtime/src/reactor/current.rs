//! Which reactor serves this thread.

use std::io;
use std::sync::Arc;

use super::Reactor;

/// The reactor of this thread's core.
pub(super) fn current() -> io::Result<Arc<Reactor>> {
    #[cfg(test)]
    if let Some(reactor) = tests_own() {
        return Ok(reactor);
    }
    crate::executor::context::current_reactor()
}

#[cfg(test)]
thread_local! {
    static TESTS_OWN: std::cell::RefCell<Option<Arc<Reactor>>> =
        const { std::cell::RefCell::new(None) };
}

/// The reactor that a test put on this thread.
#[cfg(test)]
fn tests_own() -> Option<Arc<Reactor>> {
    TESTS_OWN.with_borrow(Clone::clone)
}

/// Makes `reactor` the current one of this thread.
#[cfg(all(test, not(corio_loom)))]
pub(super) fn set_current(reactor: Option<Arc<Reactor>>) {
    TESTS_OWN.set(reactor);
}
