//! A request: who makes it, when it takes effect, and what the task then came to.

use std::future::pending;
use std::panic::panic_any;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use corio::{Handle, finally, introspect, task};

use super::endless;
use crate::common::{LONG, Log, OnDrop, multi, single};

/// A cancelled task ends where it waits: what it holds is dropped, and awaiting it says why.
#[corio::test]
async fn can_01_a_task_ends_where_it_waits() {
    let log = Log::default();
    let task = corio::spawn(endless(&log));
    corio::yield_now().await;
    assert!(task.cancel());
    let error = task.await.unwrap_err();
    assert!(error.is_cancelled() && !error.is_panic());
    assert_eq!(log.get(), ["begun", "dropped"]);
}

/// The request itself ends nothing: the task is asked to stop, and stops at its next turn.
#[corio::test]
async fn can_02_a_request_takes_effect_at_the_next_turn() {
    let log = Log::default();
    let task = corio::spawn(endless(&log));
    corio::yield_now().await;
    let asked = |task: &corio::Task<()>| {
        introspect::tasks().iter().find(|t| t.id == task.id()).is_some_and(|t| t.cancelled)
    };
    assert!(!asked(&task));
    task.cancel();
    assert!(asked(&task) && !task.is_finished());
    assert_eq!(log.get(), ["begun"]);
    corio::yield_now().await;
    assert!(task.is_finished());
    assert_eq!(log.get(), ["begun", "dropped"]);
}

/// Cancelling a task that is done says no, and leaves its result.
#[corio::test]
async fn can_03_cancelling_a_finished_task_changes_nothing() {
    let task = corio::spawn(async { 42 });
    corio::yield_now().await;
    assert!(task.is_finished() && !task.cancel() && !task.canceller().cancel());
    assert_eq!(task.await.unwrap(), 42);
}

/// A task that is cancelled before its first turn never begins; what it was given is dropped.
#[corio::test]
async fn can_04_a_task_cancelled_at_birth_never_begins() {
    let log = Log::default();
    let guard = OnDrop(log.clone(), "dropped");
    let theirs = log.clone();
    let task = corio::spawn(async move {
        let _guard = guard;
        theirs.add("begun");
    });
    assert!(task.cancel());
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["dropped"]);
}

/// Of two requests the second finds that there is one already; they take effect once.
#[corio::test]
async fn can_05_two_requests_are_one() {
    let log = Log::default();
    let task = corio::spawn(endless(&log));
    corio::yield_now().await;
    assert!(task.cancel());
    assert!(!task.cancel());
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["begun", "dropped"]);
}

/// A task that cancels itself and never waits again keeps its result.
#[corio::test]
async fn can_12_a_task_that_no_longer_waits_keeps_its_result() {
    let task = corio::spawn(async {
        assert!(task::current().cancel());
        42
    });
    assert_eq!(task.await.unwrap(), 42);
}

/// A task that cancels itself runs on to the next wait that would really wait, and ends there, with
/// what it waits for inside.
#[corio::test]
async fn can_13_a_task_that_cancels_itself_ends_at_its_next_wait() {
    let log = Log::default();
    let theirs = log.clone();
    let task = corio::spawn(async move {
        task::current().cancel();
        theirs.add("after the request");
        std::future::ready(()).await;
        theirs.add("after what was ready");
        endless(&theirs).await;
    });
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["after the request", "after what was ready", "begun", "dropped"]);
}

/// A wait for a time ends at once, and its timer goes with it.
#[corio::test]
async fn can_33_a_cancelled_sleep_leaves_no_timer() {
    let task = corio::spawn(corio::sleep(LONG));
    corio::yield_now().await;
    assert_eq!(Handle::current().metrics().timers, 1);
    task.cancel();
    corio::yield_now().await;
    assert!(task.is_finished());
    assert_eq!(Handle::current().metrics().timers, 0);
}

/// Waits for ever, and knows nothing of being cancelled.
struct Stubborn(#[expect(dead_code, reason = "it is there to be dropped")] OnDrop);

impl Future for Stubborn {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// A future that knows nothing of cancelling cannot refuse it: it is dropped all the same.
#[corio::test]
async fn can_37_no_future_can_refuse() {
    let log = Log::default();
    let task = corio::spawn(Stubborn(OnDrop(log.clone(), "dropped")));
    corio::yield_now().await;
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["dropped"]);
}

/// Whoever makes the request, it has the same effect: another task, a timer, a callback of a task or
/// of a promise, a plain thread.
#[corio::test(start_paused = true)]
async fn can_39_anybody_may_cancel() {
    let by_task = corio::spawn(pending::<()>());
    let canceller = by_task.canceller();
    assert!(corio::spawn(async move { canceller.cancel() }).await.unwrap());

    let by_timer = corio::spawn(pending::<()>());
    let canceller = by_timer.canceller();
    Handle::current().call_later(Duration::from_secs(1), move || assert!(canceller.cancel()));

    let by_callback = corio::spawn(pending::<()>());
    let canceller = by_callback.canceller();
    let short = corio::spawn(async {});
    short.on_done(move || assert!(canceller.cancel()));

    let by_promise = corio::spawn(pending::<()>());
    let canceller = by_promise.canceller();
    let promise = corio::Promise::new();
    promise.on_done(move |_| assert!(canceller.cancel()));
    promise.set(()).unwrap();

    let by_thread = corio::spawn(pending::<()>());
    let canceller = by_thread.canceller();
    assert!(std::thread::spawn(move || canceller.cancel()).join().unwrap());

    for task in [by_task, by_timer, by_callback, by_promise, by_thread] {
        assert!(task.await.unwrap_err().is_cancelled());
    }
}

/// A request from another thread does not interrupt a task in the middle of its turn: it ends at its
/// next wait, and if there is none, it keeps its result.
#[test]
fn can_40_a_turn_is_not_interrupted() {
    let runtime = multi(1);
    for waits_again in [true, false] {
        let (enter, entered) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel();
        let log = Log::default();
        let theirs = log.clone();
        let task = runtime.spawn(async move {
            enter.send(()).unwrap();
            may_go.recv().unwrap();
            theirs.add("end of the turn");
            if waits_again {
                pending::<()>().await;
            }
            7
        });
        entered.recv().unwrap();
        assert!(task.cancel());
        go.send(()).unwrap();
        let result = task.result_blocking(LONG).unwrap();
        assert_eq!(log.get(), ["end of the turn"]);
        assert_eq!(result.ok(), (!waits_again).then_some(7));
    }
}

/// While nobody runs the runtime, a request waits; it takes effect when somebody does.
#[test]
fn can_41_a_request_waits_until_the_runtime_runs_again() {
    let (runtime, log) = (single(), Log::default());
    let task = runtime.spawn(endless(&log));
    runtime.block_on(corio::yield_now());
    assert!(task.cancel());
    assert!(!task.is_finished());
    assert_eq!(log.get(), ["begun"]);
    assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["begun", "dropped"]);
}

/// Callbacks of a cancelled task are called once, when it has cleaned up, not when it is asked.
#[corio::test]
async fn can_42_callbacks_come_after_the_cleanup() {
    let log = Log::default();
    let task = corio::spawn(log.endless("cleaned up"));
    let theirs = log.clone();
    task.on_done(move || theirs.add("done"));
    log.entered(1).await;
    task.cancel();
    assert!(log.get().is_empty());
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["cleaned up", "done"]);
}

/// A task that cancels itself and then panics, or returns an error, without waiting again, ends with
/// that.
#[corio::test]
async fn can_44_an_error_after_the_request_is_the_outcome() {
    let panicking = corio::spawn(async {
        task::current().cancel();
        panic_any("no such key");
    });
    let error = panicking.await.map(|(): ()| ()).unwrap_err();
    assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"no such key"));

    let failing = corio::spawn(async {
        task::current().cancel();
        "seven".parse::<u32>()
    });
    assert!(failing.await.unwrap().is_err());
}

/// A panic in what is dropped for a request becomes the task's outcome.
#[corio::test]
async fn can_31_a_panic_of_a_drop_is_the_outcome() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("while it was dropped");
        }
    }
    let task = corio::spawn(async {
        let _panics = Panics;
        pending::<()>().await;
    });
    corio::yield_now().await;
    task.cancel();
    let error = task.await.unwrap_err();
    assert!(error.is_panic(), "{error}");
    assert!(error.to_string().ends_with("while it was dropped"), "{error}");
}

/// A panic in an asynchronous cleanup ends that cleanup only: the others run, and the task is still
/// one that was cancelled.
#[corio::test]
async fn can_31_a_panic_of_a_cleanup_ends_that_cleanup_only() {
    let log = Log::default();
    let inner = finally(pending::<()>(), || async { panic!("while it cleaned up") });
    let theirs = log.clone();
    let task = corio::spawn(finally(inner, move || theirs.slowly("outer")));
    corio::yield_now().await;
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["outer"]);
}

/// Of two requests the first one's reason counts, before the task's first turn and while it waits.
#[corio::test]
async fn can_06_the_first_reason_counts() {
    for begun in [false, true] {
        let task = corio::spawn(pending::<()>());
        if begun {
            corio::yield_now().await;
        }
        assert!(task.cancel_because("first") && !task.cancel_because("second"));
        assert_eq!(task.await.unwrap_err().cancel_reason().unwrap().text(), "first");
    }
}

/// The reason arrives where the request is taken; without one there is none. Whatever can be displayed is one.
#[corio::test]
async fn can_19_the_reason_arrives_in_the_body() {
    for reason in [None, Some(7)] {
        let task = corio::spawn(async {
            let cancelled = corio::catch_cancel(pending::<()>()).await.unwrap_err();
            cancelled.reason().map(|reason| reason.text().to_owned())
        });
        corio::yield_now().await;
        match reason {
            Some(number) => task.cancel_because(number),
            None => task.cancel(),
        };
        assert_eq!(task.await.unwrap(), reason.map(|number: i32| number.to_string()));
    }
}

/// The reason is in the error that the waiter gets, and in what that error prints.
#[corio::test]
async fn can_20_the_reason_is_in_the_error() {
    let task = corio::spawn(pending::<()>());
    corio::yield_now().await;
    task.canceller().cancel_because("the client has left");
    let error = task.await.unwrap_err();
    assert_eq!(error.cancel_reason().unwrap().text(), "the client has left");
    assert!(error.to_string().contains("the client has left"), "{error}");
}

/// Those who await a task that was cancelled before its first turn learn the reason, too.
#[corio::test]
async fn can_21_a_task_that_never_began_has_a_reason() {
    let log = Log::default();
    let task = corio::spawn(endless(&log));
    task.cancel_because("too late");
    assert_eq!(task.await.unwrap_err().cancel_reason().unwrap().text(), "too late");
    assert_eq!(log.get(), ["dropped"]);
}

/// A reason goes through `gather` and `timeout`, and not through `shield`, whose task is not cancelled.
#[corio::test]
async fn can_38_a_reason_goes_through_what_wraps() {
    let taken = async || corio::catch_cancel(pending::<()>()).await.unwrap_err();
    let task = corio::spawn(async move {
        let inner = corio::gather([corio::timeout(LONG, Box::pin(taken()))]).await;
        inner[0].clone().unwrap().reason().unwrap().text().to_owned()
    });
    corio::yield_now().await;
    task.cancel_because("enough");
    assert_eq!(task.await.unwrap(), "enough");

    let (done, is_done) = corio::sync::oneshot::channel();
    let task = corio::spawn(corio::shield(async move {
        corio::yield_now().await;
        done.send(()).unwrap();
    }));
    corio::yield_now().await;
    task.cancel_because("enough");
    assert_eq!(task.await.unwrap_err().cancel_reason().unwrap().text(), "enough");
    is_done.await.unwrap();
}
