//! The executor under the tests of the primitives: here it is corio. `sync/foreign` runs the same tests
//! with a kit of its own, under others.
#![allow(dead_code, reason = "no test binary uses all of it")]

#[path = "hand.rs"]
mod hand;

use std::time::Duration;

use corio::runtime::{Builder, Runtime};

pub(crate) use corio::{queue, sync, yield_now};
pub(crate) use hand::*;

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// Runs a test on every kind of runtime: as the main future, and inside a task.
pub(crate) fn on_all<F, Fut>(test: F)
where
    F: Fn() -> Fut + Copy,
    Fut: Future<Output = ()> + Send + 'static,
{
    let multi = |workers| Builder::new_multi_thread().worker_threads(workers).build().unwrap();
    let run = |runtime: Runtime| {
        runtime.block_on(async { corio::timeout(LONG, test()).await }).unwrap();
        let inside = async { corio::timeout(LONG, corio::spawn(test())).await };
        runtime.block_on(inside).unwrap().unwrap();
    };
    run(Builder::new_current_thread().build().unwrap());
    run(multi(1));
    run(multi(2));
}

/// A task that a test has spawned.
pub(crate) struct Running<T>(corio::Task<T>);

#[track_caller]
pub(crate) fn spawn<F>(future: F) -> Running<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    Running(corio::spawn(future))
}

impl<T: Send + 'static> Running<T> {
    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    pub(crate) async fn output(self) -> T {
        self.0.await.expect("the task should end by itself")
    }

    /// Cancels the task and waits for its end; `None` if it came to no result.
    pub(crate) async fn cancel(self) -> Option<T> {
        self.0.cancel();
        match self.0.await {
            Ok(output) => Some(output),
            Err(error) if error.is_cancelled() => None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The output of `future`, unless the time is over before.
pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    corio::timeout(limit, future).await.ok()
}
