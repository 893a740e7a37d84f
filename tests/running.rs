//! Runtimes: made, entered, shared, shut down.

mod common;

use std::rc::Rc;
use std::time::Duration;

use common::{LONG, Log, OnDrop, multi, single};
use corio::runtime::Builder;
use corio::{Handle, Runtime};

#[test]
fn run_takes_a_future_that_is_not_send() {
    let shared = Rc::new(41);
    let answer = corio::run(async {
        let ours = shared.clone();
        corio::yield_now().await;
        *ours + 1
    });
    assert_eq!(answer, 42);
}

#[test]
fn run_cancels_what_is_left_and_waits_for_it() {
    let log = Log::default();
    corio::run(async {
        drop(corio::spawn(log.endless("cleaned")));
        log.entered(1).await;
    });
    assert_eq!(log.get(), ["cleaned"]);
}

#[test]
fn a_panic_of_main_comes_out_after_the_cleanups() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let panicking = std::panic::AssertUnwindSafe(|| {
            runtime.block_on(async {
                let mut work = Box::pin(log.endless("cleaned"));
                common::poll_once(work.as_mut()).await;
                panic!("as planned");
            })
        });
        let payload = std::panic::catch_unwind(panicking).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"as planned"));
        assert_eq!(log.get(), ["cleaned"]);
        assert_eq!(runtime.block_on(async { 7 }), 7, "the runtime goes on");
    }
}

#[test]
fn block_on_may_be_called_again_and_again() {
    for runtime in [single(), multi(1), multi(2)] {
        let task = runtime.spawn(async { 1 });
        let mut sum = runtime.block_on(task).unwrap();
        for i in 0..10 {
            sum += runtime.block_on(async move { corio::spawn(async move { i }).await.unwrap() });
        }
        assert_eq!(sum, 46);
    }
}

#[test]
fn runtimes_in_one_process_do_not_meet() {
    let (first, second) = (single(), multi(2));
    let from_second = first.block_on(async {
        // A task of one runtime awaits a task of the other.
        let task = second.spawn(async {
            corio::sleep(Duration::from_millis(1)).await;
            Handle::current().metrics().workers
        });
        task.await.unwrap()
    });
    assert_eq!(from_second, 2);
    drop(second);
    assert_eq!(first.block_on(async { corio::spawn(async { 3 }).await.unwrap() }), 3);
}

#[test]
fn block_on_inside_a_task_is_a_clear_panic() {
    for runtime in [single(), multi(2)] {
        let handle = runtime.handle().clone();
        let task = runtime.spawn(async move { handle.block_on(async {}) });
        let error = runtime.block_on(task).unwrap_err();
        assert!(error.is_panic(), "{error}");
        assert!(error.to_string().contains("block_on"), "{error}");
    }
}

#[test]
fn a_handle_spawns_from_any_thread() {
    let runtime = multi(2);
    let handle = runtime.handle().clone();
    let thread = std::thread::Builder::new();
    let sum = thread.spawn(move || {
        let entered = handle.enter();
        let task = corio::spawn(async { 20 });
        let other = Handle::current().spawn(async { 22 });
        drop(entered);
        handle.block_on(async { task.await.unwrap() + other.await.unwrap() })
    });
    assert_eq!(sum.unwrap().join().unwrap(), 42);
}

#[test]
fn a_handle_outlives_its_runtime() {
    let runtime = single();
    let handle = runtime.handle().clone();
    drop(runtime);
    let error = handle.spawn(async {}).result_blocking(LONG).unwrap().unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}

#[test]
fn dropping_a_runtime_drops_its_tasks_and_nobody_elses() {
    let log = Log::default();
    let other = single();
    let kept = other.spawn(async { 5 });
    for runtime in [single(), multi(2)] {
        let (waiting, never_run) = (OnDrop(log.clone(), "one"), OnDrop(log.clone(), "two"));
        drop(runtime.spawn(async move {
            let _waiting = waiting;
            corio::sleep(LONG).await;
        }));
        runtime.block_on(corio::yield_now());
        drop(runtime.spawn(async move {
            let _never_run = never_run;
            corio::sleep(LONG).await;
        }));
        drop(runtime);
    }
    assert_eq!(log.get().len(), 4);
    assert_eq!(other.block_on(kept).unwrap(), 5);
}

#[test]
fn threads_are_named_and_hooked() {
    let log = Log::default();
    let (start, stop) = (log.clone(), log.clone());
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("nora")
        .on_thread_start(move || start.add(std::thread::current().name().unwrap_or("none")))
        .on_thread_stop(move || stop.add("stopped"))
        .build()
        .unwrap();
    runtime.block_on(async { corio::spawn_blocking(|| ()).await }).unwrap();
    drop(runtime);
    let (stopped, started): (Vec<_>, Vec<_>) = log.get().into_iter().partition(|s| s == "stopped");
    assert!(!started.is_empty());
    assert!(started.iter().all(|name| name.starts_with("nora")), "{started:?}");
    assert_eq!(stopped.len(), started.len());
}

#[test]
fn a_panic_that_nobody_awaits_is_told() {
    let log = Log::default();
    let ours = log.clone();
    let runtime = Builder::new_current_thread()
        .on_panic(move |panic| ours.add(format!("{panic:?}")))
        .build()
        .unwrap();
    runtime.block_on(async {
        drop(corio::task::Builder::new().name("lone").spawn(async { panic!("as planned") }));
        corio::yield_now().await;
    });
    drop(runtime);
    assert_eq!(log.get().len(), 1);
    assert!(log.get()[0].contains("lone"), "{:?}", log.get());
}

#[test]
fn a_shutdown_does_not_wait_longer_than_it_is_told() {
    for runtime in [single(), multi(2)] {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        runtime.block_on(async {
            let (started, is_started) = corio::sync::oneshot::channel();
            drop(corio::spawn_blocking(move || {
                let _ = started.send(());
                wait.recv()
            }));
            is_started.await.unwrap();
        });
        // The blocking call is under way, and cannot be stopped.
        runtime.shutdown_timeout(Duration::from_millis(10));
        drop(release);
    }
    multi(2).shutdown_background();
}

#[test]
fn metrics_count_what_is_there() {
    let runtime: Runtime = multi(2);
    runtime.block_on(async {
        let (go, wait) = corio::sync::oneshot::channel::<()>();
        let waiting = corio::spawn(wait);
        let timer = corio::spawn(corio::sleep(LONG));
        while Handle::current().metrics().timers == 0 {
            corio::yield_now().await;
        }
        assert_eq!(Handle::current().metrics().tasks, 2);
        go.send(()).unwrap();
        waiting.await.unwrap().unwrap();
        timer.cancel();
        assert!(timer.await.is_err());
        assert_eq!(Handle::current().metrics().tasks, 0);
    });
    assert_eq!((runtime.metrics().tasks, runtime.metrics().timers), (0, 0));
}
