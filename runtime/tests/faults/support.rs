//! What several of these tests need.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Wake;
use std::time::Duration;

use corio_runtime::time::Instant;
use corio_sync::prim::thread;

/// Longer than any of the tests takes, on any machine.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// Runs `f` on a thread with that much stack, and fails if it has not ended after a long time.
pub(crate) fn bounded<T: Send + 'static>(
    stack: usize,
    f: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (result, results) = mpsc::channel();
    let thread = thread::Builder::new()
        .stack_size(stack)
        .spawn(move || {
            let _ = result.send(f());
        })
        .unwrap();
    let result = results.recv_timeout(LONG);
    assert!(!matches!(result, Err(mpsc::RecvTimeoutError::Timeout)), "it hangs");
    thread.join().unwrap();
    result.unwrap()
}

/// Waits, on a plain thread, until `is_so`.
pub(crate) fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "it does not come to pass");
        thread::sleep(Duration::from_millis(1));
    }
}

#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future that owns the handle of another task, of whatever result.
pub(crate) type Link = Option<Box<dyn Any + Send>>;

pub(crate) const CHAIN: usize = 100_000;

pub(crate) const SMALL_STACK: usize = 128 << 10;
