//! What several test files use.
#![allow(dead_code, reason = "no file uses all of it")]
#![allow(clippy::disallowed_types, reason = "the tests stand outside of the runtime")]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use corio::runtime::{Builder, Runtime};

/// Far longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn single() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

pub(crate) fn multi(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

/// Runs a test on every kind of runtime: as the main future, and inside a task.
pub(crate) fn on_all<F, Fut>(test: F)
where
    F: Fn() -> Fut + Copy,
    Fut: Future<Output = ()> + Send + 'static,
{
    for runtime in [single(), multi(1), multi(2)] {
        runtime.block_on(async { corio::timeout(LONG, test()).await }).unwrap();
        runtime
            .block_on(async { corio::timeout(LONG, corio::spawn(test())).await })
            .unwrap()
            .unwrap();
        drop(runtime);
    }
}

/// What happened, in order; and how many bodies have been entered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>, Arc<AtomicUsize>);

impl Log {
    pub(crate) fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn get(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// A body that never ends by itself, with a cleanup that is then in the log.
    pub(crate) fn endless(&self, what: &'static str) -> impl Future<Output = ()> + Send + 'static {
        let (body, cleanup) = (self.clone(), self.clone());
        let body = async move {
            body.1.fetch_add(1, SeqCst);
            std::future::pending().await
        };
        corio::finally(body, move || cleanup.slowly(what))
    }

    /// Waits until `count` endless bodies run: who is cancelled earlier owes no cleanup.
    pub(crate) async fn entered(&self, count: usize) {
        while self.1.load(SeqCst) < count {
            corio::sleep(Duration::from_micros(100)).await;
        }
    }

    /// A cleanup that waits a few times before it is in the log.
    pub(crate) async fn slowly(self, what: impl Into<String>) {
        for _ in 0..3 {
            corio::yield_now().await;
        }
        corio::sleep(Duration::from_millis(1)).await;
        self.add(what);
    }
}

/// Adds to the log when it is dropped.
pub(crate) struct OnDrop(pub(crate) Log, pub(crate) &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// Lets `future` run once: it is polled, and must not be done.
pub(crate) async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) {
    std::future::poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
}
