//! The executor under the tests: one of two, whichever runs the task that asks.
#![allow(dead_code, reason = "the tests of corio's own runtime share it")]

#[path = "../../../../tests/asyncio_sync/hand.rs"]
mod hand;

use std::time::Duration;

use tokio::runtime::{Builder, Handle};

pub(crate) use corio_sync as sync;
pub(crate) use corio_sync::queue;
pub(crate) use hand::*;

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// Runs a test on each executor: as the main future, and inside a task.
pub(crate) fn on_all<F, Fut>(test: F)
where
    F: Fn() -> Fut + Copy,
    Fut: Future<Output = ()> + Send + 'static,
{
    let both = async || {
        timeout(LONG, test()).await.expect("the test should end");
        timeout(LONG, spawn(test()).output()).await.expect("the test should end in a task");
    };
    let on_tokio = |mut builder: Builder| {
        let runtime = builder.enable_time().build().unwrap();
        runtime.block_on(both());
    };
    let mut two_threads = Builder::new_multi_thread();
    two_threads.worker_threads(2);
    on_tokio(Builder::new_current_thread());
    on_tokio(two_threads);
    // smol's executor is one for the whole process, with a thread of its own.
    smol::block_on(both());
}

/// A task that a test has spawned.
pub(crate) enum Running<T> {
    Tokio(tokio::task::JoinHandle<T>),
    Smol(smol::Task<T>),
}

pub(crate) fn spawn<F>(future: F) -> Running<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    match Handle::try_current() {
        Ok(tokio) => Running::Tokio(tokio.spawn(future)),
        Err(_) => Running::Smol(smol::spawn(future)),
    }
}

impl<T: Send + 'static> Running<T> {
    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Self::Tokio(task) => task.is_finished(),
            Self::Smol(task) => task.is_finished(),
        }
    }

    pub(crate) async fn output(self) -> T {
        match self {
            Self::Tokio(task) => task.await.expect("the task should end by itself"),
            Self::Smol(task) => task.await,
        }
    }

    /// Cancels the task and waits for its end; `None` if it came to no result.
    pub(crate) async fn cancel(self) -> Option<T> {
        match self {
            Self::Tokio(task) => {
                task.abort();
                match task.await {
                    Ok(output) => Some(output),
                    Err(error) if error.is_cancelled() => None,
                    Err(error) => panic!("{error}"),
                }
            }
            Self::Smol(task) => task.cancel().await,
        }
    }
}

pub(crate) async fn yield_now() {
    match Handle::try_current() {
        Ok(_) => tokio::task::yield_now().await,
        Err(_) => smol::future::yield_now().await,
    }
}

/// The output of `future`, unless the time is over before.
pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    match Handle::try_current() {
        Ok(_) => tokio::time::timeout(limit, future).await.ok(),
        Err(_) => {
            let late = async {
                smol::Timer::after(limit).await;
                None
            };
            smol::future::or(async { Some(future.await) }, late).await
        }
    }
}
