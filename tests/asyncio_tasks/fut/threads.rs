//! One promise, seen from tasks, from plain threads, and from several runtimes.

use std::time::Duration;

use corio::{Handle, Promise};

use crate::common::{Log, multi, single};

/// A promise needs no runtime, neither to be made nor to be set or waited for.
#[test]
fn fut_20_a_promise_needs_no_runtime() {
    assert!(Handle::try_current().is_err());
    let promise = Promise::new();
    promise.set(7).unwrap();
    assert_eq!(promise.blocking_wait().unwrap(), 7);
}

/// A promise belongs to no runtime: tasks of two of them wait for the same one.
#[test]
fn fut_21_a_promise_belongs_to_no_runtime() {
    let (first, second) = (single(), multi(2));
    let promise = Promise::new();
    let (here, there) = (first.spawn(promise.wait()), second.spawn(promise.wait()));
    promise.set(7).unwrap();
    assert_eq!(first.block_on(here).unwrap().unwrap(), 7);
    assert_eq!(second.block_on(there).unwrap().unwrap(), 7);
}

/// A plain thread may set a promise that a task waits for; the runtime wakes up for it.
#[test]
fn fut_25_any_thread_may_set_a_promise() {
    for runtime in [single(), multi(2)] {
        let promise = Promise::new();
        let theirs = promise.clone();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            theirs.set(std::thread::current().id()).unwrap();
        });
        let setter = thread.thread().id();
        assert_eq!(runtime.block_on(promise.wait()).unwrap(), setter);
        thread.join().unwrap();
    }
}

/// There is nothing to wrap: a clone is the same promise, for tasks and for threads.
#[test]
fn fut_26_a_clone_is_the_same_promise() {
    let promise = Promise::<u32>::new();
    let other = promise.clone();
    assert!(promise.same_promise(&other) && !promise.same_promise(&Promise::new()));
    other.set(7).unwrap();
    assert_eq!(promise.try_get().unwrap().unwrap(), 7);
}

/// What a thread sets, fails or cancels is what the waiting task gets.
#[corio::test]
async fn fut_27_the_outcome_of_a_thread_reaches_the_task() {
    let (set, failed, cancelled) = (Promise::new(), Promise::<u32>::new(), Promise::<u32>::new());
    let theirs = (set.clone(), failed.clone(), cancelled.clone());
    let thread = std::thread::spawn(move || {
        theirs.0.set(7).unwrap();
        theirs.1.set_error("broken in a thread").unwrap();
        assert!(theirs.2.cancel());
    });
    assert_eq!(set.await.unwrap(), 7);
    let error = failed.await.unwrap_err();
    assert_eq!(error.to_string(), "the promise failed: broken in a thread");
    assert!(cancelled.await.unwrap_err().is_cancelled());
    thread.join().unwrap();
}

/// A promise that a task cancels is cancelled for the thread that waits for it.
#[corio::test]
async fn fut_28_cancelling_reaches_the_thread() {
    let promise = Promise::<u32>::new();
    let theirs = promise.clone();
    let thread = std::thread::spawn(move || theirs.blocking_wait());
    assert!(promise.cancel());
    assert!(thread.join().unwrap().unwrap_err().is_cancelled());
}

/// When a thread sets a promise while a task cancels it, one of them wins, and the other is told.
#[test]
fn fut_29_of_a_value_and_a_cancel_one_wins() {
    let runtime = multi(2);
    for _ in 0..200 {
        let promise = Promise::new();
        let waiter = runtime.spawn(promise.wait());
        let theirs = promise.clone();
        let canceller = runtime.spawn(async move { theirs.cancel() });
        let set = promise.set(7);
        let cancelled = runtime.block_on(canceller).unwrap();
        assert_ne!(set.is_ok(), cancelled);
        let got = runtime.block_on(waiter).unwrap();
        assert_eq!(got.is_err(), cancelled);
        // Whoever came too late has its value back.
        assert_eq!(set.err().map(|late| late.into_inner()), cancelled.then_some(7));
    }
}

/// Threads and tasks see the same error type, so there is nothing to translate.
#[corio::test]
async fn fut_30_threads_and_tasks_see_the_same_error() {
    let promise = Promise::<u32>::new();
    promise.set_error(std::io::Error::from(std::io::ErrorKind::TimedOut)).unwrap();
    let theirs = promise.clone();
    let in_thread = std::thread::spawn(move || theirs.blocking_wait().unwrap_err());
    let in_task = promise.await.unwrap_err();
    let in_thread: corio::sync::PromiseError = in_thread.join().unwrap();
    for error in [in_task, in_thread] {
        let source = std::error::Error::source(&error).unwrap();
        let error = source.downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }
}

/// Setting a promise whose waiters have gone with their runtime is harmless.
#[test]
fn fut_31_a_promise_outlives_the_runtime_of_its_waiters() {
    let (runtime, log) = (single(), Log::default());
    let promise = Promise::new();
    let (theirs, waiting) = (log.clone(), promise.wait());
    let waiter = runtime.spawn(async move { theirs.add(format!("{:?}", waiting.await)) });
    runtime.block_on(corio::yield_now());
    drop(runtime);
    promise.set(7).unwrap();
    assert!(waiter.is_finished() && log.get().is_empty());
    assert_eq!(promise.try_get().unwrap().unwrap(), 7);
}
