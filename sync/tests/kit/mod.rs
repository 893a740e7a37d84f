//! What the tests share: polling by hand, and wakers that count, panic or call back.
#![allow(dead_code, reason = "each test file uses its part")]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use corio_sync::prim::{AtomicUsize, Ordering, Parker};
use futures_core::Stream;

/// A future that a test polls by hand, with a waker that counts.
pub(crate) struct Spawned<F> {
    future: Option<Pin<Box<F>>>,
    count: Arc<Count>,
    waker: Waker,
}

pub(crate) struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Makes a task of a future; it is not polled yet.
pub(crate) fn spawn<F: Future>(future: F) -> Spawned<F> {
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(count.clone());
    Spawned { future: Some(Box::pin(future)), count, waker }
}

/// Makes a task of a future that must wait at its first poll.
pub(crate) fn waiting<F: Future>(future: F) -> Spawned<F> {
    let mut task = spawn(future);
    assert!(task.poll().is_pending(), "it should wait");
    task
}

impl<F: Future> Spawned<F> {
    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        self.poll_with(&self.waker.clone())
    }

    pub(crate) fn poll_with(&mut self, waker: &Waker) -> Poll<F::Output> {
        let future = self.future.as_mut().expect("cancelled");
        future.as_mut().poll(&mut Context::from_waker(waker))
    }

    /// The output of a task that was woken and is ready now.
    pub(crate) fn output(&mut self) -> F::Output {
        assert!(self.is_woken(), "it was not woken");
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("woken, and still pending"),
        }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.count.0.load(Ordering::SeqCst) > 0
    }

    /// Drops the future, as a cancellation does.
    pub(crate) fn cancel(&mut self) {
        self.future = None;
    }
}

/// The output of a future that is ready at once.
#[track_caller]
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match spawn(future).poll() {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it should not wait"),
    }
}

/// One item of a stream, or nothing yet.
pub(crate) fn next<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

struct Unpark(Parker);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives a future on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    let unpark = Arc::new(Unpark(Parker::new()));
    let waker = Waker::from(unpark.clone());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        unpark.0.park();
    }
}

/// A waker that runs `f` when it is woken.
pub(crate) fn waker_that(f: impl Fn() + Send + Sync + 'static) -> Waker {
    struct Call<F>(F);
    impl<F: Fn() + Send + Sync + 'static> Wake for Call<F> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }
    Waker::from(Arc::new(Call(f)))
}

/// A waker that panics when it is woken.
pub(crate) fn panicking() -> Waker {
    waker_that(|| panic!("a waker panics"))
}

/// Whether `f` panics.
pub(crate) fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}
