//! What the tests of several areas use.

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use corio::runtime::{Builder, Runtime};
use corio::sync::Event;
use corio::{GroupError, TaskGroup, catch_cancel, finally, sleep};

use crate::common::Log;

/// The group of most tests: its errors are words.
pub(crate) type Group = TaskGroup<&'static str>;

pub(crate) use crate::common::ms;

/// Never ends by itself.
pub(crate) async fn forever<T>() -> T {
    pending().await
}

/// Fails after a while.
pub(crate) async fn fails_after(n: u64, error: &'static str) -> Result<(), &'static str> {
    sleep(ms(n)).await;
    Err(error)
}

/// Fails when the event is set.
pub(crate) async fn fails_at(gate: Arc<Event>, error: &'static str) -> Result<(), &'static str> {
    gate.wait().await;
    Err(error)
}

/// Takes a cancel request for itself, then goes on for `n` milliseconds.
pub(crate) async fn goes_on_for(n: u64) {
    let caught = catch_cancel(forever::<()>()).await;
    assert!(caught.is_err());
    sleep(ms(n)).await;
}

/// Never ends by itself; its cleanup takes `n` milliseconds, and is then in the log.
pub(crate) async fn cleans_up_for<T>(n: u64, log: Log, what: &'static str) -> T {
    let cleanup = move || async move {
        sleep(ms(n)).await;
        log.add(what);
    };
    finally(pending(), cleanup).await
}

/// Whether the next wait of this task is left alone.
pub(crate) async fn is_left_alone() -> bool {
    catch_cancel(sleep(ms(1))).await.is_ok()
}

/// The errors of a group, in order; a panic is none.
pub(crate) fn errors<E: Clone>(error: &GroupError<E>) -> Vec<E> {
    error.failures().iter().filter_map(|failure| failure.error().cloned()).collect()
}

/// Polls a future once, with a waker that wakes nobody.
pub(crate) fn poll_now<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Panics when it is dropped.
pub(crate) struct PanicsOnDrop(pub(crate) &'static str);

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        std::panic::panic_any(self.0);
    }
}

/// An error that is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Oops(pub(crate) &'static str);

impl fmt::Display for Oops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Oops {}

/// A runtime that counts the panics of tasks that nobody awaits.
pub(crate) fn counting_panics() -> (Runtime, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let theirs = count.clone();
    let told = move |_: &corio::runtime::UnawaitedPanic<'_>| {
        theirs.fetch_add(1, Ordering::SeqCst);
    };
    (Builder::new_current_thread().on_panic(told).build().unwrap(), count)
}
