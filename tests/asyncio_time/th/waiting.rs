//! A thread that spawns tasks and waits for them.

use std::future::pending;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use corio::spawn;
use corio::task::ContextVars;
use corio::time::sleep;

use super::WHO;
use crate::common::{LONG, Log, multi};

/// A plain thread has a future run on a runtime, and gets its value or what became of it.
#[test]
fn th_13_a_thread_gets_the_value_of_what_it_spawns() {
    let runtime = multi(1);
    let handle = runtime.handle().clone();
    let (value, error, panic) = thread::spawn(move || {
        let value = handle.spawn(async {
            corio::yield_now().await;
            7
        });
        let error = handle.spawn(async { Err::<(), _>("failed") });
        let panic = handle.spawn(async { panic!("as planned") });
        let wait = |task: corio::Task<()>| task.result_blocking(LONG).unwrap();
        let value = value.result_blocking(LONG).unwrap().unwrap();
        (value, error.result_blocking(LONG).unwrap().unwrap(), wait(panic).unwrap_err())
    })
    .join()
    .unwrap();
    assert_eq!((value, error), (7, Err("failed")));
    assert!(panic.is_panic() && panic.to_string().contains("as planned"));
}

/// A thread that waits no longer leaves the task running, and may then cancel it.
#[test]
fn th_14_a_thread_that_gives_up_leaves_the_task_and_may_cancel_it() {
    let runtime = multi(1);
    let log = Log::default();
    let task = runtime.spawn(log.endless("cleaned"));
    let Err(task) = task.result_blocking(Duration::from_millis(5)) else { panic!("it is endless") };
    assert!(!task.is_finished());
    runtime.block_on(log.entered(1));
    assert!(log.get().is_empty());
    assert!(task.cancel());
    assert!(task.result_blocking(LONG).unwrap().unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["cleaned"]);
    // It is taken off the list just after its result is there.
    while runtime.metrics().tasks > 0 {
        thread::yield_now();
    }
}

/// A thread that waits for a task which somebody cancels is told so.
#[test]
fn th_15_a_thread_is_told_that_its_task_was_cancelled() {
    let runtime = multi(1);
    let task = runtime.spawn(pending::<()>());
    let canceller = task.canceller();
    drop(runtime.spawn(async move {
        sleep(Duration::from_millis(2)).await;
        canceller.cancel_because("by another");
    }));
    let error = task.result_blocking(LONG).unwrap().unwrap_err();
    assert_eq!(error.cancel_reason().unwrap().text(), "by another");
}

/// Waiting like a thread inside a task would block that very task's runtime: a clear panic.
#[corio::test]
async fn th_18_waiting_like_a_thread_inside_a_task_is_a_clear_panic() {
    let task = spawn(async {
        let inner = spawn(async { 7 });
        let _ = inner.result_blocking(LONG);
    });
    let panic = task.await.unwrap_err();
    assert!(panic.to_string().contains("result_blocking"), "{panic}");
}

/// What a thread spawns on a runtime has the context variables of that thread.
#[test]
fn th_26_what_a_thread_spawns_has_the_threads_context() {
    let runtime = multi(1);
    let handle = runtime.handle();
    let (called, is_called) = mpsc::channel();
    let task = ContextVars::empty().run(|| {
        WHO.set("a thread");
        handle.call_soon(move || called.send(WHO.get()).unwrap());
        handle.spawn(async { WHO.get() })
    });
    assert_eq!(task.result_blocking(LONG).unwrap().unwrap(), "a thread");
    assert_eq!(is_called.recv().unwrap(), "a thread");
    assert_eq!(WHO.get(), "nobody");
}
