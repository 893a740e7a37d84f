//! Tasks: spawned, named, awaited, cancelled, on every kind of runtime.

mod common;

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use common::{LONG, Log, OnDrop, multi, on_all};
use corio::task;

#[test]
fn a_task_gives_its_result_also_from_a_plain_thread() {
    on_all(|| async {
        assert_eq!(corio::spawn(async { 6 * 7 }).await.unwrap(), 42);
    });
    let runtime = multi(2);
    let task = runtime.spawn(async { 42 });
    assert_eq!(task.result_blocking(LONG).unwrap().unwrap(), 42);
    let task = runtime.spawn(pending::<()>());
    let task = task.result_blocking(Duration::from_millis(1)).unwrap_err();
    task.cancel();
    assert!(task.result_blocking(LONG).unwrap().unwrap_err().is_cancelled());
}

#[test]
fn a_dropped_handle_detaches() {
    on_all(|| async {
        let (done, is_done) = corio::sync::oneshot::channel();
        drop(corio::spawn(async move {
            corio::yield_now().await;
            done.send(7).unwrap();
        }));
        assert_eq!(is_done.await.unwrap(), 7);
    });
}

#[test]
fn a_guard_cancels_when_it_is_dropped() {
    on_all(|| async {
        let log = Log::default();
        let guard = corio::spawn(log.endless("cleaned")).cancel_on_drop();
        log.entered(1).await;
        drop(guard);
        while log.get().is_empty() {
            corio::yield_now().await;
        }
        let kept = corio::spawn(async { 3 }).cancel_on_drop().detach();
        assert_eq!(kept.await.unwrap(), 3);
    });
}

#[test]
fn cancelling_is_harmless_at_any_time() {
    on_all(|| async {
        let task = corio::spawn(async { 5 });
        let canceller = task.canceller();
        assert_eq!(task.await.unwrap(), 5);
        assert!(canceller.is_finished());
        assert!(!canceller.cancel(), "there is nothing left to cancel");

        let waiting = corio::spawn(pending::<()>());
        assert!(waiting.cancel());
        waiting.cancel();
        waiting.canceller().cancel();
        assert!(waiting.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_cancelled_tasks_future_is_dropped_before_its_handle_resolves() {
    on_all(|| async {
        let log = Log::default();
        let guard = OnDrop(log.clone(), "dropped");
        let task = corio::spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        corio::yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["dropped"]);
    });
}

#[test]
fn a_panic_stays_in_its_task() {
    on_all(|| async {
        let number = String::from("seven");
        let task = corio::spawn(async move { panic!("number {number}") });
        let other = corio::spawn(async { "fine" });
        let error: corio::TaskError = task.await.map(|(): ()| ()).unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        assert!(error.to_string().contains("number seven"), "{error}");
        assert_eq!(error.into_panic().downcast_ref::<String>().unwrap(), "number seven");
        assert_eq!(other.await.unwrap(), "fine");
    });
}

#[test]
fn tasks_know_who_they_are() {
    on_all(|| async {
        let task = task::Builder::new().name("fetch").spawn(async {
            let me = task::current();
            (me.id(), me.name().map(str::to_owned), me.spawned_at().file())
        });
        assert_eq!(task.name(), Some("fetch"));
        let id = task.id();
        let (own_id, name, file) = task.await.unwrap();
        assert_eq!((own_id, name.as_deref(), file), (id, Some("fetch"), file!()));
    });
    assert!(task::try_current().is_none());
}

#[test]
fn local_tasks_need_not_be_send() {
    for runtime in [common::single(), multi(2)] {
        runtime.block_on(async {
            let count = Rc::new(Cell::new(0));
            let tasks: Vec<_> = (0..10)
                .map(|_| {
                    let count = count.clone();
                    corio::spawn_local(async move {
                        corio::yield_now().await;
                        count.set(count.get() + 1);
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(count.get(), 10);
        });
    }
}

#[test]
fn blocking_calls_do_not_block_tasks() {
    on_all(|| async {
        let (release, wait) = std::sync::mpsc::channel();
        let call = corio::spawn_blocking(move || wait.recv().unwrap());
        // A task on the same worker goes on meanwhile.
        corio::spawn(async move { release.send(9).unwrap() }).await.unwrap();
        assert_eq!(call.await.unwrap(), 9);
        let panics = corio::spawn_blocking(|| panic!("as planned"));
        assert!(panics.await.map(|(): ()| ()).unwrap_err().is_panic());
    });
}

#[test]
fn yielding_lets_others_run() {
    for runtime in [common::single(), multi(1)] {
        let log = Log::default();
        runtime.block_on(async {
            let tasks = ["a", "b"].map(|name| {
                let log = log.clone();
                corio::spawn(async move {
                    for _ in 0..3 {
                        log.add(name);
                        corio::yield_now().await;
                    }
                })
            });
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert_eq!(log.get(), ["a", "b", "a", "b", "a", "b"]);
    }
}

#[test]
fn a_hundred_thousand_tasks() {
    on_all(|| async {
        let tasks: Vec<_> = (0..100_000_u64).map(|i| corio::spawn(async move { i })).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, 99_999 * 100_000 / 2);
    });
}

#[test]
fn chains_of_tasks_do_not_use_up_the_stack() {
    fn chain(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            match depth {
                0 => 0,
                _ => corio::spawn(chain(depth - 1)).await.unwrap() + 1,
            }
        })
    }
    on_all(|| async { assert_eq!(chain(10_000).await, 10_000) });
}

#[test]
fn a_large_future_is_no_problem() {
    on_all(|| async {
        let task = corio::spawn(async {
            let bytes = [1_u8; 100_000];
            corio::yield_now().await;
            bytes.iter().map(|b| u32::from(*b)).sum::<u32>()
        });
        assert_eq!(task.await.unwrap(), 100_000);
    });
}
