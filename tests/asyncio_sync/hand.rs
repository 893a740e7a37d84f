//! What the tests of the primitives need of any executor, made of the few things that `kit` has.
#![allow(dead_code, reason = "no test binary uses all of it")]
#![allow(clippy::disallowed_types, reason = "the tests stand outside of the runtime")]

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use super::{Running, spawn, sync, yield_now};

/// Long enough for a wait that is to run out, and short enough to be waited for.
pub(crate) const SHORT: Duration = Duration::from_millis(2);

/// Polls `future` once, with the waker of the task that calls this.
pub(crate) async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// A future that waits: it was polled once, and stands in its line.
#[allow(clippy::async_yields_async, reason = "what it gives is to be awaited later")]
#[track_caller]
pub(crate) fn waiting<'a, F: Future + Send + 'a>(
    future: F,
) -> impl Future<Output = Pin<Box<dyn Future<Output = F::Output> + Send + 'a>>> + Send {
    let place = std::panic::Location::caller();
    let mut future: Pin<Box<dyn Future<Output = F::Output> + Send + 'a>> = Box::pin(future);
    async move {
        assert!(poll_once(future.as_mut()).await.is_pending(), "{place}: it should wait");
        future
    }
}

/// The output of a future that does not wait.
#[track_caller]
pub(crate) fn now<F: Future + Send>(future: F) -> impl Future<Output = F::Output> + Send {
    let place = std::panic::Location::caller();
    let mut future = Box::pin(future);
    async move {
        match poll_once(future.as_mut()).await {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("{place}: it should not wait"),
        }
    }
}

/// Spawns `future`, and goes on when it has been polled and waits.
pub(crate) async fn blocked<F>(future: F) -> Running<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    struct Noting<F>(Pin<Box<F>>, Arc<AtomicBool>);
    impl<F: Future> Future for Noting<F> {
        type Output = F::Output;
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
            let poll = self.0.as_mut().poll(cx);
            self.1.store(true, SeqCst);
            poll
        }
    }
    let polled = Arc::new(AtomicBool::new(false));
    let task = spawn(Noting(Box::pin(future), polled.clone()));
    while !polled.load(SeqCst) {
        yield_now().await;
    }
    assert!(!task.is_finished(), "it should wait");
    task
}

/// Gives the other tasks some turns.
pub(crate) async fn settle() {
    for _ in 0..10 {
        yield_now().await;
    }
}

/// Waits for what other tasks or threads will make true.
pub(crate) async fn until(fact: impl Fn() -> bool) {
    while !fact() {
        yield_now().await;
    }
}

/// Runs `f` on a thread that belongs to no executor; the future gives what it returns.
pub(crate) fn on_thread<T: Send + 'static>(
    f: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> + Send {
    let (sender, receiver) = sync::oneshot::channel();
    std::thread::spawn(move || sender.send(f()).is_ok());
    async move { receiver.await.expect("the thread panicked") }
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn get(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Numbers that look random, and are the same each time.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }
}
