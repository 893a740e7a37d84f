//! Requests that a task takes, and what it then came to.

use std::future::pending;
use std::time::Duration;

use corio::{CancelScope, Cancelled, Promise, catch_cancel};

use super::endless;
use crate::common::{LONG, Log};

const SHORT: Duration = Duration::from_secs(1);

/// A task that takes its request ends as it likes, with a value.
#[corio::test]
async fn can_07_a_task_that_takes_its_request_gives_a_value() {
    let log = Log::default();
    let body = endless(&log);
    let task = corio::spawn(async move {
        catch_cancel(body).await.unwrap_err();
        42
    });
    corio::yield_now().await;
    task.cancel();
    assert_eq!(task.await.unwrap(), 42);
    assert_eq!(log.get(), ["begun", "dropped"]);
}

/// After that it waits as before: the request is used up.
#[corio::test(start_paused = true)]
async fn can_08_a_request_that_was_taken_does_not_come_again() {
    let task = corio::spawn(async {
        catch_cancel(pending::<()>()).await.unwrap_err();
        corio::sleep(LONG).await;
        corio::yield_now().await;
        "slept"
    });
    corio::yield_now().await;
    task.cancel();
    assert_eq!(task.await.unwrap(), "slept");
}

/// A later request is a new one.
#[corio::test]
async fn can_09_another_request_after_that_counts() {
    let log = Log::default();
    let (first, second, theirs) = (endless(&log), endless(&log), log.clone());
    let task = corio::spawn(async move {
        catch_cancel(first).await.unwrap_err();
        theirs.add("taken");
        second.await;
    });
    corio::yield_now().await;
    assert!(task.cancel());
    while log.get().len() < 4 {
        corio::yield_now().await;
    }
    assert!(task.cancel(), "it is the first request since");
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["begun", "dropped", "taken", "begun", "dropped"]);
}

/// A task may make an error of its own of a request.
#[corio::test]
async fn can_10_a_request_may_become_an_error() {
    let task = corio::spawn(async {
        let result: Result<(), Cancelled> = catch_cancel(pending()).await;
        result.map_err(|cancelled| format!("gave up: {cancelled}"))
    });
    corio::yield_now().await;
    task.cancel();
    assert_eq!(task.await.unwrap().unwrap_err(), "gave up: the task was cancelled");
}

/// Where there was no request there is nothing to take, and nothing changes.
#[corio::test]
async fn can_24_without_a_request_nothing_is_taken() {
    let task = corio::spawn(async {
        let value = catch_cancel(async { 7 }).await;
        corio::yield_now().await;
        value
    });
    assert_eq!(task.await.unwrap(), Ok(7));
}

/// Requests that come before the task's turn are one, and are taken together.
#[corio::test]
async fn can_25_requests_do_not_add_up() {
    let log = Log::default();
    let (body, theirs) = (endless(&log), log.clone());
    let task = corio::spawn(async move {
        catch_cancel(body).await.unwrap_err();
        corio::yield_now().await;
        theirs.add("went on");
    });
    corio::yield_now().await;
    assert!(task.cancel());
    assert!(!task.cancel() && !task.cancel());
    task.await.unwrap();
    assert_eq!(log.get(), ["begun", "dropped", "went on"]);
}

/// A request cannot be taken back. A task that has begun and is ready to run gets it at its next turn,
/// where what catches it finds it.
#[corio::test]
async fn can_26_a_request_to_a_task_that_is_ready_is_delivered() {
    let promise = Promise::new();
    let theirs = promise.clone();
    let task = corio::spawn(async move { catch_cancel(theirs.wait()).await.is_err() });
    corio::yield_now().await;
    promise.set(7).unwrap();
    task.cancel();
    assert!(task.await.unwrap(), "the request came before the value was seen");
}

/// A block that is cut off by itself takes that for itself, and nothing else: when somebody outside
/// has cancelled the task as well, or a block around it, those win.
#[corio::test(start_paused = true)]
async fn can_30_who_is_outside_wins() {
    // Its own time: it takes that.
    assert!(corio::timeout(SHORT, pending::<()>()).await.is_err());
    // Its own time and the task, in the same moment.
    let log = Log::default();
    let theirs = log.clone();
    let task = corio::spawn(async move {
        let scope = CancelScope::new();
        let handle = scope.handle();
        let inner = scope.run(async {
            handle.cancel();
            corio::task::current().cancel();
            pending::<()>().await;
        });
        let cut = inner.await;
        theirs.add(format!("went on with {cut:?}"));
        corio::yield_now().await;
        theirs.add("went on again");
    });
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(!log.get().contains(&"went on again".to_owned()), "{:?}", log.get());
    // Two blocks, both cut before either has its turn.
    let (outer, inner) = (CancelScope::new(), CancelScope::new());
    let (cut_outer, cut_inner) = (outer.handle(), inner.handle());
    let ended = outer.run(async {
        let ended = inner.run(async {
            cut_inner.cancel();
            cut_outer.cancel();
            pending::<()>().await;
        });
        let ended = ended.await;
        corio::yield_now().await;
        ended
    });
    assert_eq!(ended.await, None, "the outer block was cut, not the inner one alone");
}

/// What handles every error does not handle a request: that is not an error, and not a panic.
#[corio::test]
async fn can_34_a_request_is_no_error() {
    let log = Log::default();
    let theirs = log.clone();
    let task = corio::spawn(async move {
        loop {
            let work = async {
                corio::yield_now().await;
                Err::<(), _>("an ordinary error")
            };
            // It goes on whatever goes wrong.
            if work.await.is_err() {
                theirs.add("an error");
            }
        }
    });
    while log.get().len() < 3 {
        corio::yield_now().await;
    }
    task.cancel();
    let Err(error) = task.await;
    assert!(error.is_cancelled());
    let count = log.get().len();
    corio::yield_now().await;
    assert_eq!(log.get().len(), count);
}
