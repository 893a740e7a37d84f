//! Waiting for tasks without taking their results.

use std::sync::Arc;
use std::time::Duration;

use corio_runtime::structured::{WaitFor, wait, wait_results, wait_timeout};
use corio_runtime::time::sleep;
use corio_runtime::{Task, spawn, yield_now};
use corio_sync::{Event, oneshot};

use crate::kit::{Count, ms, on_all, pending, settle, until};

#[test]
fn wt_01_wt_20_all() {
    on_all(|| async {
        let tasks = [20u64, 1, 5].map(|n| {
            spawn(async move {
                sleep(ms(n)).await;
                n
            })
        });
        let (done, pending) = wait(tasks, WaitFor::All).await;
        assert!(pending.is_empty());
        let mut values = Vec::new();
        for task in done {
            values.push(task.await.unwrap());
        }
        assert_eq!(values, [20, 1, 5]);
    });
}

#[test]
fn wt_02_wt_03_a_wait_with_a_limit_gives_the_handles_back() {
    on_all(|| async {
        for limit in [Duration::ZERO, ms(3)] {
            let done = Count::default();
            let theirs = done.clone();
            let gate = Arc::new(Event::new());
            let opened = gate.clone();
            let late = spawn(async move {
                opened.wait().await;
                theirs.add();
            });
            let (done_now, mut pending) = wait_timeout([late], WaitFor::All, limit).await;
            assert_eq!((done_now.len(), pending.len()), (0, 1));
            gate.set();
            pending.pop().unwrap().await.unwrap();
            assert_eq!(done.get(), 1);
        }
    });
}

#[test]
fn wt_04_wt_15_first_completed_gives_all_that_are_done() {
    on_all(|| async {
        let tasks: Vec<_> = (0..3).map(|_| spawn(async {})).collect();
        while !tasks.iter().all(|t| t.is_finished()) {
            yield_now().await;
        }
        let tasks = tasks.into_iter().chain([spawn(pending())]);
        let (done, pending) = wait(tasks, WaitFor::FirstCompleted).await;
        assert_eq!((done.len(), pending.len()), (3, 1));
        let (done, pending) = wait_timeout(pending, WaitFor::FirstCompleted, ms(1)).await;
        assert_eq!((done.len(), pending.len()), (0, 1));
    });
}

#[test]
fn wt_05_wt_06_wt_07_wt_08_first_error() {
    on_all(|| async {
        // None fails.
        let (done, _) = wait([spawn(async {}), spawn(yield_now())], WaitFor::FirstError).await;
        assert_eq!(done.len(), 2);
        // A panic is an error, a cancelled task is none.
        let cancelled = spawn(pending());
        cancelled.cancel();
        let panics = spawn(async {
            sleep(ms(2)).await;
            panic!("as planned")
        });
        let (mut done, rest) =
            wait([cancelled, panics, spawn(pending())], WaitFor::FirstError).await;
        assert_eq!((done.len(), rest.len()), (2, 1));
        assert!(done.pop().unwrap().await.unwrap_err().is_panic());
        assert!(done.pop().unwrap().await.unwrap_err().is_cancelled());
        // So is an `Err`, to the wait that can look into it, also one from before the call.
        let failed = spawn(async { Err::<(), _>("no") });
        while !failed.is_finished() {
            yield_now().await;
        }
        let (done, pending) = wait_results([failed, spawn(pending())], WaitFor::FirstError).await;
        assert_eq!((done.len(), pending.len()), (1, 1));
    });
}

#[test]
fn wt_09_no_tasks_are_all_done() {
    on_all(|| async {
        let (done, pending) = wait(Vec::<corio_runtime::Task<()>>::new(), WaitFor::All).await;
        assert!(done.is_empty() && pending.is_empty());
    });
}

/// A task that gives `wait` its own handle, with others or alone, would wait for ever.
#[test]
fn a_task_that_waits_for_itself_is_told() {
    for when in [WaitFor::All, WaitFor::FirstCompleted, WaitFor::FirstError] {
        for (count, results) in [(0, false), (0, true), (2, false), (2, true)] {
            on_all(move || async move {
                let (send, receive) = oneshot::channel::<Task<Result<(), ()>>>();
                let (done, end) = oneshot::channel();
                let task = spawn(async move {
                    let own = receive.await.unwrap();
                    let others = (0..count).map(|_| spawn(async { Ok(()) }));
                    let all: Vec<_> = std::iter::once(own).chain(others).collect();
                    let wait = if results { wait_results(all, when) } else { wait(all, when) };
                    let _ = done.send(wait.await.1.len());
                    Ok(())
                });
                send.send(task).unwrap();
                let ended = end.await;
                let others_end_it = when == WaitFor::FirstCompleted && count > 0;
                assert_eq!(ended.is_ok(), others_end_it, "{when:?} of {count}: {ended:?}");
            });
        }
    }
    on_all(|| async {
        let (send, receive) = oneshot::channel::<Task<()>>();
        let (done, end) = oneshot::channel();
        let task = spawn(async move {
            let own = receive.await.unwrap();
            let (_, left) = wait_timeout([own], WaitFor::All, ms(1)).await;
            done.send(left.len()).unwrap();
        });
        send.send(task).unwrap();
        assert_eq!(end.await, Ok(1));
    });
}

#[test]
fn wt_16_cancelling_the_waiter_leaves_the_tasks_running() {
    on_all(|| async {
        let done = Count::default();
        let theirs = done.clone();
        let gate = Arc::new(Event::new());
        let opened = gate.clone();
        let waiter = spawn(async move {
            let task = spawn(async move {
                opened.wait().await;
                theirs.add();
            });
            wait([task], WaitFor::All).await;
        });
        settle().await;
        waiter.cancel();
        assert!(waiter.await.unwrap_err().is_cancelled());
        gate.set();
        until(|| done.get() == 1).await;
    });
}
