//! A deadline beside a request to cancel.

use std::future::pending;
use std::pin::pin;

use corio::time::sleep;
use corio::{catch_cancel, finally, timeout_scope};

use crate::common::{Log, poll_once};
use crate::kit::{scoped, secs};

/// A cancel request from outside before the deadline passes through the scope.
#[corio::test(start_paused = true)]
async fn to_18_a_request_from_outside_passes_through() {
    let (send, handle) = corio::sync::oneshot::channel();
    let task = corio::spawn(timeout_scope(secs(5), |scope| async move {
        let _ = send.send(scope);
        pending::<()>().await;
    }));
    let scope = handle.await.unwrap();
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(!scope.is_cancelled());
}

/// A request in the moment of the deadline: the request wins, whether the deadline is seen or not.
#[corio::test(start_paused = true)]
async fn to_19_a_request_in_the_moment_of_the_deadline_wins() {
    let (result, scopes) = corio::sync::oneshot::channel();
    // Main's timer is armed first, so main cancels before the scope looks at its deadline.
    let mut moment = pin!(sleep(secs(5)));
    poll_once(moment.as_mut()).await;
    let task = corio::spawn(async move {
        let _ = timeout_scope(secs(5), |scope| {
            let _ = result.send(scope);
            pending::<()>()
        })
        .await;
        pending::<()>().await;
    });
    moment.await;
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(!scopes.await.unwrap().is_cancelled());
}

/// A request after the deadline, while the body's cleanup runs: the task is cancelled, the scope has
/// expired, and the cleanup is not disturbed.
#[corio::test(start_paused = true)]
async fn to_20_a_request_during_the_cleanup_wins_and_leaves_it_alone() {
    let log = Log::default();
    let ours = log.clone();
    let (send, handle) = corio::sync::oneshot::channel();
    let task = corio::spawn(async move {
        let late = timeout_scope(secs(5), |scope| {
            let _ = send.send(scope);
            finally(pending::<()>(), move || async move {
                sleep(secs(10)).await;
                ours.add("cleaned");
            })
        });
        let _ = late.await;
        unreachable!("the task is cancelled before the timeout returns");
    });
    sleep(secs(7)).await;
    task.cancel();
    let result: Result<(), _> = task.await;
    assert!(result.unwrap_err().is_cancelled());
    assert!(handle.await.unwrap().is_cancelled());
    assert_eq!(log.get(), ["cleaned"]);
}

/// A request that was taken before the scope began has nothing to do with the scope.
#[corio::test(start_paused = true)]
async fn to_21_a_request_taken_earlier_does_not_matter() {
    let task = corio::spawn(async {
        assert!(catch_cancel(pending::<()>()).await.is_err());
        let (result, scope) = scoped(secs(5), |_| pending::<()>()).await;
        result.is_err() && scope.is_cancelled()
    });
    corio::yield_now().await;
    task.cancel();
    assert!(task.await.unwrap());
}

/// A request was taken earlier, and a new one comes inside: the new one counts.
#[corio::test(start_paused = true)]
async fn to_22_a_new_request_inside_counts() {
    let task = corio::spawn(async {
        assert!(catch_cancel(pending::<()>()).await.is_err());
        let _ = scoped(secs(5), |_| pending::<()>()).await;
    });
    corio::yield_now().await;
    task.cancel();
    sleep(secs(1)).await;
    assert!(task.cancel());
    assert!(task.await.unwrap_err().is_cancelled());
}
