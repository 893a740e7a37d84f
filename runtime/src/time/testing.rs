//! Runtimes for the tests of this module.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::executor::context;
use crate::runtime::{Builder, Runtime};

/// A runtime whose time may be paused.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// How many timers the thread's core has.
pub(crate) fn timers_len() -> usize {
    context::current_timers().unwrap().len()
}

/// Fires what is due on the thread's core, as the core would do between two polls.
pub(crate) fn fire_due() -> usize {
    let now = context::current_clock().unwrap().now_ns();
    context::current_timers().unwrap().fire(now, usize::MAX).count
}

/// Runs `future` on a runtime of its own; it must leave no timer behind.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    runtime().block_on(async {
        let before = timers_len();
        let output = future.await;
        assert_eq!(timers_len(), before, "a timer was left behind");
        output
    })
}

/// Runs `future` in virtual time.
pub(crate) fn block_on_paused<F: Future>(future: F) -> F::Output {
    block_on(async {
        super::pause();
        future.await
    })
}

/// Polls once.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
