//! What several test programs need.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corio_runtime::introspect::{TaskState, tasks};
use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::structured::finally;
use corio_runtime::time::sleep;
use corio_runtime::{task, yield_now};
use corio_sync::Event;
use corio_sync::prim::Mutex;

pub(crate) fn single() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

pub(crate) fn multi(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

/// Runs `f` on the single-threaded executor, and on the work-stealing one with one and two workers.
pub(crate) fn on_all<F: Future<Output = ()>>(f: impl Fn() -> F) {
    for runtime in [single(), multi(1), multi(2)] {
        runtime.block_on(f());
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

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, what: impl ToString) {
        self.0.lock().push(what.to_string());
    }

    pub(crate) fn get(&self) -> Vec<String> {
        self.0.lock().clone()
    }

    /// A cleanup that gives way a few times and is then in the log.
    pub(crate) fn cleanup(&self, what: &'static str) -> impl FnOnce() -> Cleanup + Send + 'static {
        let log = self.clone();
        move || {
            Box::pin(async move {
                for _ in 0..3 {
                    yield_now().await;
                }
                log.add(what);
            })
        }
    }

    /// A future that waits for ever, with a cleanup that takes `time` and is then in the log.
    pub(crate) fn guarded(
        &self,
        what: &'static str,
        time: Duration,
    ) -> impl Future<Output = ()> + Send + use<> {
        let log = self.clone();
        finally(pending::<()>(), move || async move {
            sleep(time).await;
            log.add(what);
        })
    }
}

type Cleanup = Pin<Box<dyn Future<Output = ()> + Send>>;

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
