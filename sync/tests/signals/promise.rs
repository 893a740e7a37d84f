//! A result for everybody who waits for it.

use std::sync::Arc;

use corio_sync::prim::Mutex as StdMutex;
use corio_sync::*;

use crate::kit::*;

#[test]
fn fut_02_fut_04_a_promise_is_set_once() {
    let promise = Promise::new();
    assert!(promise.try_get().is_none() && !promise.is_done());
    promise.set(42).unwrap();
    assert_eq!(promise.set(43).unwrap_err().into_inner(), 43);
    assert!(promise.set_error("late").is_err());
    assert!(!promise.cancel() && !promise.is_cancelled());
    assert_eq!(promise.try_get().unwrap().unwrap(), 42);
    assert_eq!(now(promise.wait()).unwrap(), 42);
}

#[test]
fn fut_03_fut_05_errors_and_cancellation_reach_the_waiters() {
    let promise = Promise::<u8>::new();
    let mut task = waiting(promise.wait());
    promise.set_error("it broke").unwrap();
    assert_eq!(task.output().unwrap_err().to_string(), "the promise failed: it broke");
    let promise = Promise::<u8>::new();
    let mut task = waiting(promise.wait());
    assert!(promise.cancel() && !promise.cancel());
    assert!(task.output().unwrap_err().is_cancelled());
}

#[test]
fn fut_09_fut_13_callbacks_run_in_order_also_past_a_panic() {
    let promise = Promise::new();
    let calls = Arc::new(StdMutex::new(Vec::new()));
    for i in 0..4 {
        let calls = calls.clone();
        promise.on_done(move |p| {
            calls.lock().push((i, p.try_get().unwrap().unwrap()));
            assert!(i != 1, "a callback panics");
        });
    }
    assert!(panics(|| promise.set(7).unwrap()));
    assert_eq!(*calls.lock(), [(0, 7), (1, 7), (2, 7), (3, 7)]);
    let late = calls.clone();
    promise.on_done(move |_| late.lock().clear());
    assert!(calls.lock().is_empty());
}

#[test]
fn fut_19_thr_19_many_wait_for_one_promise() {
    let promise = Promise::new();
    let mut tasks: Vec<_> = (0..10).map(|_| waiting(promise.wait())).collect();
    tasks[4].cancel();
    promise.set("all").unwrap();
    for (i, task) in tasks.iter_mut().enumerate().filter(|(i, _)| *i != 4) {
        assert_eq!(task.output().unwrap(), "all", "task {i}");
    }
}
