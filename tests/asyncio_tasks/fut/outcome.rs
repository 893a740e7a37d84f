//! What a promise comes to, and who gets it.

use std::sync::Arc;
use std::time::Duration;

use corio::sync::PromiseError;
use corio::{Handle, Promise};

use crate::common::Log;

/// The error in a promise that has failed.
fn failure(promise: &Promise<u32>) -> Arc<dyn std::error::Error + Send + Sync> {
    match promise.try_get() {
        Some(Err(PromiseError::Failed(error))) => error,
        other => panic!("it has not failed: {other:?}"),
    }
}

/// A new promise is not done, and there is nothing to get.
#[test]
fn fut_01_a_new_promise_has_no_outcome() {
    let promise = Promise::<u32>::new();
    assert!(!promise.is_done() && !promise.is_cancelled());
    assert!(promise.try_get().is_none());
}

/// A value that was set can be had again and again.
#[corio::test]
async fn fut_02_a_value_is_there_for_good() {
    let promise = Promise::new();
    promise.set(42).unwrap();
    assert!(promise.is_done() && !promise.is_cancelled());
    for _ in 0..3 {
        assert_eq!(promise.try_get().unwrap().unwrap(), 42);
        assert_eq!((&promise).await.unwrap(), 42);
    }
}

/// An error that was set is what everybody gets: the same error, not a copy.
#[corio::test]
async fn fut_03_an_error_is_given_to_all_as_it_is() {
    let promise = Promise::<u32>::new();
    promise.set_error(std::io::Error::other("it broke")).unwrap();
    assert!(promise.is_done() && !promise.is_cancelled());
    let PromiseError::Failed(first) = promise.wait().await.unwrap_err() else { panic!() };
    assert_eq!(first.downcast_ref::<std::io::Error>().unwrap().to_string(), "it broke");
    assert!(Arc::ptr_eq(&first, &failure(&promise)));
}

/// What is done cannot be set; the outcome stays, and what was to be set comes back.
#[test]
fn fut_04_a_second_outcome_is_refused() {
    let (set, failed, cancelled) = (Promise::new(), Promise::<u32>::new(), Promise::<u32>::new());
    set.set(1).unwrap();
    failed.set_error("first").unwrap();
    assert!(cancelled.cancel());
    for promise in [&set, &failed, &cancelled] {
        assert_eq!(promise.set(2).unwrap_err().into_inner(), 2);
        let error = promise.set_error("second").unwrap_err();
        assert_eq!(error.into_inner().to_string(), "second");
    }
    assert_eq!(set.try_get().unwrap().unwrap(), 1);
    assert_eq!(failure(&failed).to_string(), "first");
    assert!(cancelled.is_cancelled());
}

/// Cancelling a promise is an outcome, which those who wait see as an error.
#[corio::test]
async fn fut_05_a_cancelled_promise_is_done() {
    let promise = Promise::<u32>::new();
    let waiter = corio::spawn(promise.wait());
    corio::yield_now().await;
    assert!(promise.cancel());
    assert!(promise.is_done() && promise.is_cancelled());
    assert!(promise.try_get().unwrap().unwrap_err().is_cancelled());
    assert!(waiter.await.unwrap().unwrap_err().is_cancelled());
}

/// Cancelling what is done says no and changes nothing.
#[test]
fn fut_06_cancelling_what_is_done_changes_nothing() {
    let (set, failed, cancelled) = (Promise::new(), Promise::<u32>::new(), Promise::<u32>::new());
    set.set(1).unwrap();
    failed.set_error("broken").unwrap();
    assert!(cancelled.cancel());
    assert!(!set.cancel() && !failed.cancel() && !cancelled.cancel());
    assert_eq!(set.try_get().unwrap().unwrap(), 1);
    assert_eq!(failure(&failed).to_string(), "broken");
    assert!(!set.is_cancelled() && !failed.is_cancelled() && cancelled.is_cancelled());
}

/// Awaiting a promise that is done does not let others run first, whatever its outcome is.
#[corio::test]
async fn fut_18_awaiting_what_is_done_does_not_yield() {
    let (set, failed, cancelled) = (Promise::new(), Promise::<u32>::new(), Promise::<u32>::new());
    set.set(1).unwrap();
    failed.set_error("broken").unwrap();
    cancelled.cancel();
    let call = Handle::current().call_soon(|| ());
    assert_eq!(set.await.unwrap(), 1);
    assert!(!failed.await.unwrap_err().is_cancelled());
    assert!(cancelled.await.unwrap_err().is_cancelled());
    assert!(!call.is_finished(), "something else ran meanwhile");
    corio::yield_now().await;
    assert!(call.is_finished());
}

/// All who wait are resumed, in the order in which they began to wait, before anything that is
/// queued after the promise was set.
#[corio::test]
async fn fut_19_all_who_wait_are_resumed_in_order() {
    let (promise, log) = (Promise::new(), Log::default());
    let tasks: Vec<_> = (0..20)
        .map(|i| {
            let (promise, log) = (promise.clone(), log.clone());
            corio::spawn(async move { log.add(format!("{i} got {}", promise.await.unwrap())) })
        })
        .collect();
    corio::yield_now().await;
    promise.set(7).unwrap();
    assert!(log.get().is_empty(), "nobody is resumed by the call itself");
    corio::yield_now().await;
    let expected: Vec<_> = (0..20).map(|i| format!("{i} got 7")).collect();
    assert_eq!(log.get(), expected);
    assert!(tasks.iter().all(corio::Task::is_finished));
}

/// Printed, a promise shows its outcome, and how many wait for it.
#[corio::test]
async fn fut_22_a_promise_as_text() {
    let promise = Promise::<u32>::new();
    let waiter = corio::spawn(promise.wait());
    promise.on_done(|_| ());
    promise.on_done(|_| ());
    corio::yield_now().await;
    assert_eq!(format!("{promise:?}"), "Promise { outcome: None, waiters: 1, callbacks: 2 }");
    promise.set(7).unwrap();
    assert_eq!(
        format!("{promise:?}"),
        "Promise { outcome: Some(Ok(7)), waiters: 0, callbacks: 0 }"
    );
    assert_eq!(waiter.await.unwrap().unwrap(), 7);

    let (failed, cancelled) = (Promise::<u32>::new(), Promise::<u32>::new());
    failed.set_error("broken").unwrap();
    cancelled.cancel();
    assert!(format!("{failed:?}").contains("Err(Failed(\"broken\"))"), "{failed:?}");
    assert!(format!("{cancelled:?}").contains("Err(Cancelled)"), "{cancelled:?}");
}

/// A timer that sets a promise finds it cancelled, and does nothing.
#[corio::test(start_paused = true)]
async fn fut_32_a_timer_that_comes_too_late_does_nothing() {
    let promise = Promise::new();
    let late = promise.clone();
    let call = Handle::current().call_later(Duration::from_secs(1), move || {
        assert_eq!(late.set(1).unwrap_err().into_inner(), 1);
    });
    assert!(promise.cancel());
    corio::sleep(Duration::from_secs(2)).await;
    assert!(call.is_finished() && promise.is_cancelled());
}
