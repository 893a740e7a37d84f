//! What the workloads share that is no runtime's: the type of a workload, and a neutral signal.

use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A workload's code: does `n` operations and returns how many took place, counted by the work.
pub(crate) type Body = fn(u64) -> Pin<Box<dyn Future<Output = u64> + Send>>;

/// Makes the list of a module's workloads: `name => function`, or `name => function(more arguments)`.
macro_rules! bodies {
    ($name:expr, { $($key:literal => $function:ident $(($($arg:expr),*))?),* $(,)? }) => {
        match $name {
            $($key => Some(|n| Box::pin($function(n $($(, $arg)*)?)))),*,
            _ => None,
        }
    };
}
pub(crate) use bodies;

/// Makes the list of the things of a module whose room is measured: `name => a thing`.
macro_rules! holds {
    ($name:expr, { $($key:literal => $thing:expr),* $(,)? }) => {
        match $name {
            $($key => Some(|n| crate::heap::hold(n, || $thing))),*,
            _ => None,
        }
    };
}
pub(crate) use holds;

/// Sends `n` messages, each worth 1, until there is nobody to receive them.
macro_rules! send_all {
    ($sender:ident, $n:expr) => {
        for _ in 0..$n {
            if $sender.send(std::hint::black_box(1)).await.is_err() {
                break;
            }
        }
    };
}
pub(crate) use send_all;

/// Receives until all senders are gone; the sum of what came.
macro_rules! receive_all {
    ($receiver:ident) => {{
        let mut count = 0;
        while let Some(value) = $receiver.recv().await.received() {
            count += value;
        }
        count
    }};
}
pub(crate) use receive_all;

/// What a receive or a wait gives back: one library says `None`, another an error, when there is no more.
///
/// With it the workloads await each library's own futures, without another future around them.
pub(crate) trait Received<T> {
    /// What was received, if anything was.
    fn received(self) -> Option<T>;
}

impl<T> Received<T> for Option<T> {
    fn received(self) -> Option<T> {
        self
    }
}

impl<T, E> Received<T> for Result<T, E> {
    fn received(self) -> Option<T> {
        self.ok()
    }
}

/// Where a workload runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the future that `block_on` drives.
    Main,
    /// In a spawned task.
    Worker,
    /// In the future that `block_on` drives, with a second thread that drives another: the work is
    /// for the single-threaded runtime, of which there are then two.
    Threads,
}

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The time that one sample should take; zero means the smallest run that does the work once.
    pub(crate) target: Duration,
}

impl Plan {
    /// Whether only the working of the workload is of interest and not its speed.
    pub(crate) fn is_smoke(self) -> bool {
        self.target.is_zero()
    }

    /// How many operations to measure, in whole batches, when `n` of them took `took`.
    pub(crate) fn scale(self, n: u64, took: Duration, batch: u64) -> u64 {
        let factor = self.target.as_secs_f64() / took.as_secs_f64().max(1e-9);
        let wanted = (n as f64 * factor.min(32.0)) as u64;
        wanted.div_ceil(batch).max(1) * batch
    }
}

/// Waits for a number of arrivals, each from anywhere.
///
/// It belongs to no runtime, so that "all tasks are done" costs every runtime the same.
#[derive(Debug)]
pub(crate) struct Countdown {
    left: AtomicU64,
    total: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

impl Countdown {
    /// Waits for `arrivals`.
    pub(crate) fn new(arrivals: u64) -> Self {
        Self { left: AtomicU64::new(arrivals), total: AtomicU64::new(0), waker: Mutex::new(None) }
    }

    /// Arrives, bringing `value` along.
    pub(crate) fn arrive(&self, value: u64) {
        // Ordering: Relaxed, since the decrement below publishes it.
        self.total.fetch_add(value, Ordering::Relaxed);
        // Ordering: AcqRel makes one chain of all arrivals; the last one, or the load in `wait`,
        // sees what every one of them brought.
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            if let Some(waker) = self.waker.lock().expect("no panic under the lock").take() {
                waker.wake();
            }
        }
    }

    /// Waits for the last arrival and returns the sum of what was brought.
    pub(crate) async fn wait(&self) -> u64 {
        std::future::poll_fn(|cx| self.poll_wait(cx)).await
    }

    fn poll_wait(&self, cx: &mut Context<'_>) -> Poll<u64> {
        // Ordering: Acquire pairs with the decrement of the last arrival.
        if self.left.load(Ordering::Acquire) > 0 {
            *self.waker.lock().expect("no panic under the lock") = Some(cx.waker().clone());
            // Ordering: as above. The last arrival may have looked for the waker before it was
            // there; the lock orders the two, so then this load sees zero.
            if self.left.load(Ordering::Acquire) > 0 {
                return Poll::Pending;
            }
        }
        // Ordering: Relaxed, published by the decrements.
        Poll::Ready(self.total.load(Ordering::Relaxed))
    }
}

/// A future that is polled once and then stays pending, holding the waker as a leaf future would.
#[derive(Debug)]
pub(crate) struct Parked {
    /// Told of the first poll.
    pub(crate) on_park: Arc<Countdown>,
    /// The waker, once polled.
    pub(crate) waker: Option<Waker>,
}

impl Future for Parked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.waker.is_none() {
            self.waker = Some(cx.waker().clone());
            self.on_park.arrive(1);
        }
        Poll::Pending
    }
}

/// A future that asks to be polled again at once, and is ready then.
///
/// A wait as short as there is, made of the task's own waker alone: no library's `yield_now`, which
/// may do more than that, weighs on what is measured around it.
#[derive(Debug, Default)]
pub(crate) struct PendOnce {
    polled: bool,
}

impl Future for PendOnce {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        if self.polled {
            return Poll::Ready(black_box(1));
        }
        self.polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Waits for `body`, then for what `cleanup` makes: all that can be written without a runtime's help.
///
/// Cancelled in `body`, it never gets to the cleanup.
pub(crate) async fn then<B, C, F>(body: B, cleanup: C) -> B::Output
where
    B: Future,
    C: FnOnce() -> F,
    F: Future<Output = ()>,
{
    let output = body.await;
    cleanup().await;
    output
}

/// Computes for `duration` without giving way.
pub(crate) fn compute(duration: Duration) -> u64 {
    let begin = Instant::now();
    let mut steps = 0_u64;
    while begin.elapsed() < duration {
        steps = black_box(steps + 1);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_ends_with_the_last_arrival() {
        let countdown = Arc::new(Countdown::new(3));
        let threads: Vec<_> = (1..=3)
            .map(|value| {
                let countdown = countdown.clone();
                std::thread::spawn(move || countdown.arrive(value))
            })
            .collect();
        assert_eq!(smol::block_on(countdown.wait()), 6);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn a_short_wait_is_pending_once() {
        let mut wait = std::pin::pin!(PendOnce::default());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        assert_eq!(wait.as_mut().poll(&mut cx), Poll::Ready(1));
    }

    #[test]
    fn a_plan_asks_for_whole_batches() {
        let plan = Plan { target: Duration::from_millis(200) };
        assert_eq!(plan.scale(1000, Duration::from_millis(20), 1000), 10_000);
        assert_eq!(plan.scale(1000, Duration::from_millis(30), 1000), 7000);
        assert_eq!(plan.scale(1000, Duration::from_secs(20), 1000), 1000);
        assert_eq!(plan.scale(8, Duration::ZERO, 8), 256, "growth is limited");
        assert!(Plan { target: Duration::ZERO }.is_smoke());
    }
}
