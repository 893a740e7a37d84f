//! Cancelling a task that awaits something, and cancelling what it awaits.

use std::future::pending;

use corio::{Handle, Promise, TaskGroup, finally, introspect, task_group};

use crate::common::Log;

/// What the task awaits as a part of itself ends with it; a task that it spawned and awaits runs on,
/// unless a guard ties it to its waiter.
#[corio::test]
async fn can_14_a_task_that_is_awaited_runs_on_unless_it_is_tied() {
    let log = Log::default();
    let (free, tied) = (corio::spawn(log.endless("free")), corio::spawn(log.endless("tied")));
    let (free_canceller, tied_canceller) = (free.canceller(), tied.canceller());
    log.entered(2).await;
    let outer = corio::spawn(async move { corio::join!(free, tied.cancel_on_drop()) });
    corio::yield_now().await;
    outer.cancel();
    assert!(outer.await.unwrap_err().is_cancelled());
    while !tied_canceller.is_finished() {
        corio::yield_now().await;
    }
    assert_eq!(log.get(), ["tied"]);
    assert!(!free_canceller.is_finished());
    free_canceller.cancel();
}

/// A waiter is not cancelled in the place of what it awaits, and goes on with the value of an inner
/// task that took its own request.
#[corio::test]
async fn can_14_an_inner_task_that_takes_its_request_gives_its_value() {
    let inner = corio::spawn(async {
        let taken = corio::catch_cancel(pending::<()>()).await;
        if taken.is_err() { "went on" } else { "was not asked" }
    });
    let canceller = inner.canceller();
    let outer = corio::spawn(async move { inner.await.unwrap() });
    corio::yield_now().await;
    canceller.cancel();
    assert_eq!(outer.await.unwrap(), "went on");
}

/// Cancelling reaches everything inside, at any depth: the innermost has cleaned up before what is
/// around it begins to.
#[corio::test]
async fn can_15_the_innermost_cleans_up_first() {
    let log = Log::default();
    let c = finally(log.endless("c"), {
        let log = log.clone();
        move || log.slowly("c is gone")
    });
    let in_b = log.clone();
    let b = async move {
        let group = task_group(|group: TaskGroup<()>| async move {
            drop(group.spawn(c));
            pending::<Result<(), ()>>().await
        });
        let _ = finally(group, move || in_b.slowly("b")).await;
    };
    let in_a = log.clone();
    let a = async move {
        let group = task_group(|group: TaskGroup<()>| async move {
            drop(group.spawn(b));
            Ok(())
        });
        let _ = finally(group, move || in_a.slowly("a")).await;
    };
    let task = corio::spawn(a);
    log.entered(1).await;
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["c", "c is gone", "b", "a"]);
}

/// Cancelling what a task awaits does not cancel the task: it gets an error, which it may pass on.
#[corio::test]
async fn can_16_the_waiter_of_what_is_cancelled_gets_an_error() {
    let (inner, promise) = (corio::spawn(pending::<()>()), Promise::<()>::new());
    let (canceller, theirs) = (inner.canceller(), promise.clone());
    let outer = corio::spawn(async move {
        let from_task = inner.await.unwrap_err();
        let from_promise = theirs.await.unwrap_err();
        let id = corio::task::current().id();
        let asked = introspect::tasks().iter().any(|t| t.id == id && t.cancelled);
        (from_task.is_cancelled(), from_promise.is_cancelled(), asked)
    });
    corio::yield_now().await;
    canceller.cancel();
    promise.cancel();
    assert_eq!(outer.await.unwrap(), (true, true, false));
}

/// When both the task and what it awaits are cancelled, the task is cancelled, once.
#[corio::test]
async fn can_17_cancelled_together_with_what_it_awaits() {
    let (promise, log) = (Promise::<()>::new(), Log::default());
    let (theirs, ours) = (promise.clone(), log.clone());
    let body = async move {
        let seen = theirs.await;
        ours.add(format!("saw {seen:?}"));
    };
    let cleanup = log.clone();
    let task = corio::spawn(finally(body, move || cleanup.slowly("cleaned up")));
    corio::yield_now().await;
    assert!(promise.cancel() && task.cancel());
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["cleaned up"]);
}

/// A task that is cancelled when its result is there, but before its turn, does not see the result;
/// the promise keeps it.
#[corio::test]
async fn can_18_a_result_that_came_just_before_stays_with_the_promise() {
    let (promise, log) = (Promise::new(), Log::default());
    let (theirs, ours) = (promise.clone(), log.clone());
    let task = corio::spawn(async move { ours.add(format!("saw {:?}", theirs.await)) });
    corio::yield_now().await;
    promise.set(7).unwrap();
    task.cancel();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(log.get().is_empty());
    assert_eq!(promise.await.unwrap(), 7);
}

/// Of two tasks that await one promise, cancelling one leaves the promise and the other alone.
#[corio::test]
async fn can_43_cancelling_one_waiter_leaves_the_other() {
    let promise = Promise::new();
    let (first, second) = (corio::spawn(promise.wait()), corio::spawn(promise.wait()));
    corio::yield_now().await;
    first.cancel();
    assert!(first.await.unwrap_err().is_cancelled());
    assert!(!promise.is_done() && !second.is_finished());
    Handle::current().call_soon(move || promise.set(7).unwrap());
    assert_eq!(second.await.unwrap().unwrap(), 7);
}
