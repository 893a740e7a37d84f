//! What several test programs need.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corio_runtime::introspect::{TaskState, tasks};
use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::structured::finally;
use corio_runtime::time::sleep;
use corio_runtime::{task, yield_now};
use corio_sync::Event;

/// Runs `f` on the single-threaded executor, and on the work-stealing one with one and two workers.
pub(crate) fn on_all<F: Future<Output = ()>>(f: impl Fn() -> F) {
    let single: Runtime = Builder::new_current_thread().build().unwrap();
    single.block_on(f());
    for workers in [1, 2] {
        let multi = Builder::new_multi_thread().worker_threads(workers).build().unwrap();
        multi.block_on(f());
    }
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[derive(Clone, Default)]
pub(crate) struct Count(pub(crate) Arc<AtomicUsize>);

impl Count {
    pub(crate) fn add(&self) {
        self.add_and_get();
    }

    pub(crate) fn add_and_get(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn sub(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Waits for ever, and tells so ([`settle`] looks), where std's `pending` says nothing.
pub(crate) async fn pending<T>() -> T {
    Event::new().wait().await;
    unreachable!("nobody has the event")
}

/// Waits, and leaves a cleanup that takes a while and then counts.
pub(crate) async fn cleans_up_in(count: Count) {
    cleans_up_as(count).await
}

/// The same, for where a future must give something.
pub(crate) async fn cleans_up_as<T>(count: Count) -> T {
    let cleanup = move || async move {
        for _ in 0..5 {
            yield_now().await;
        }
        count.add();
    };
    finally(pending(), cleanup).await
}

/// Waits until every other task of the runtime waits for something.
pub(crate) async fn settle() {
    let me = task::current().id();
    loop {
        sleep(ms(1)).await;
        let waits = |state| matches!(state, TaskState::Waiting | TaskState::Closing);
        if tasks().iter().all(|task| task.id == me || waits(task.state)) {
            return;
        }
    }
}

/// Waits until it is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(ms(1)).await;
    }
}
