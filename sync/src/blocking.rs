//! Waiting on a plain thread, for the primitives and for the handles of the runtime.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::prim::{Linger, Parker};

/// A waker that unparks one thread.
struct Unpark(Parker);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    static LINGER: Linger = const { Linger::new() };
}

/// Drives `future` on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    drive(future, None).expect("there is no deadline")
}

/// Drives `future` on this thread for at most `timeout`, and drops it then. It is always polled once.
pub fn block_on_timeout<F: Future>(future: F, timeout: Duration) -> Option<F::Output> {
    // A sum that overflows is a deadline that never comes.
    drive(future, Instant::now().checked_add(timeout))
}

fn drive<F: Future>(future: F, deadline: Option<Instant>) -> Option<F::Output> {
    let mut future = pin!(future);
    let unpark = Arc::new(Unpark(Parker::new()));
    let waker = Waker::from(unpark.clone());
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        if LINGER.with(|linger| unpark.0.linger(linger)) {
            continue;
        }
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => unpark.0.park(),
            Some(Duration::ZERO) => return None,
            Some(left) => {
                unpark.0.park_timeout(left);
            }
        }
    }
}
