//! Cleanups get their share of a task's turn, whatever the main future and their siblings do.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use corio_runtime::cleanup::adopt;
use corio_runtime::structured::finally;
use corio_runtime::{run, spawn};
use corio_sync::Semaphore;

/// Completes operations, more than a turn's budget, until `stop`; tells whether it was stopped.
async fn work_until(stop: &AtomicBool) -> bool {
    let semaphore = Semaphore::new(1);
    for _ in 0..100_000 {
        if stop.load(Ordering::SeqCst) {
            return true;
        }
        drop(semaphore.acquire().await.unwrap());
    }
    false
}

#[test]
fn a_main_future_that_never_waits_does_not_starve_its_cleanups() {
    run(async {
        let task = spawn(async {
            let ran = Arc::new(AtomicBool::new(false));
            let theirs = ran.clone();
            let mut work = Box::pin(finally(pending::<()>(), move || async move {
                drop(Semaphore::new(1).acquire().await.unwrap());
                theirs.store(true, Ordering::SeqCst);
            }));
            assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            drop(work);
            work_until(&ran).await
        });
        assert!(task.await.unwrap(), "the cleanup never ran beside the main future");
    });
}

#[test]
fn a_cleanup_that_never_waits_does_not_starve_its_siblings() {
    run(async {
        let (ran, stopped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let task = {
            let (ran, stopped) = (ran.clone(), stopped.clone());
            spawn(async move {
                let theirs = ran.clone();
                adopt(async move { stopped.store(work_until(&ran).await, Ordering::SeqCst) });
                adopt(async move {
                    drop(Semaphore::new(1).acquire().await.unwrap());
                    theirs.store(true, Ordering::SeqCst);
                });
            })
        };
        task.await.unwrap();
        assert!(stopped.load(Ordering::SeqCst), "the second cleanup never ran beside the first");
    });
}
