//! A task that is cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corio_runtime::{spawn, task, yield_now};

use crate::kit::{multi, single};
use crate::support::on_all;

#[test]
fn a_cancelled_task_says_so() {
    on_all(|| async {
        let task = spawn(std::future::pending::<()>());
        yield_now().await;
        assert!(task.cancel());
        task.cancel();
        let error = task.await.unwrap_err();
        assert!(error.is_cancelled());
        assert!(error.to_string().contains("cancelled"));
    });
}

#[test]
fn a_cancel_before_the_first_poll_never_runs_the_body() {
    single().block_on(async {
        let ran = Arc::new(AtomicUsize::new(0));
        let theirs = ran.clone();
        let task = spawn(async move { theirs.fetch_add(1, Ordering::SeqCst) });
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn t08_cancelling_after_the_runtime_is_gone_is_harmless() {
    let runtime = multi(2);
    let task = runtime.spawn(std::future::pending::<()>());
    let canceller = task.canceller();
    drop(runtime);
    assert!(!canceller.cancel());
    assert!(task.is_finished());
    assert!(task.result_blocking(Duration::from_secs(5)).unwrap().unwrap_err().is_cancelled());
}

#[test]
fn a_main_future_that_cancels_itself_is_a_clear_panic() {
    let panic = std::panic::catch_unwind(|| {
        single().block_on(async {
            task::current().cancel();
            yield_now().await;
        });
    })
    .unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("was cancelled"));
}
