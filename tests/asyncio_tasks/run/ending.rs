//! The end: tasks that are left, their cleanups, and calls that block.

use std::future::pending;
use std::pin::Pin;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use corio::runtime::Builder;
use corio::{CancelScope, as_completed, finally};

use crate::common::{LONG, Log, OnDrop, multi, single};

/// Tasks that are left when main returns are cancelled, and the end waits for what they have to do.
#[test]
fn run_11_tasks_that_are_left_are_cancelled_and_clean_up() {
    let log = Log::default();
    let value = corio::run(async {
        for name in ["one", "two", "three"] {
            drop(corio::spawn(log.endless(name)));
        }
        log.entered(3).await;
        7
    });
    let mut cleaned = log.get();
    cleaned.sort();
    assert_eq!((value, cleaned.join(" ")), (7, "one three two".to_owned()));
}

/// Panics when it is dropped.
struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("while it was dropped");
    }
}

/// A task that answers its cancellation with a panic is told of, with its name, once; main's value
/// comes out as usual.
#[test]
fn run_12_a_panic_at_the_end_is_told() {
    let (log, told) = (Log::default(), Log::default());
    let theirs = told.clone();
    let builder =
        Builder::new_current_thread().on_panic(move |panic| theirs.add(panic.to_string()));
    let runtime = builder.build().unwrap();
    let value = runtime.block_on(async {
        let begun = log.clone();
        drop(corio::task::Builder::new().name("left over").spawn(async move {
            let _panics = Panics;
            begun.add("begun");
            pending::<()>().await;
        }));
        corio::yield_now().await;
        7
    });
    assert_eq!((value, log.get().len(), told.get().len()), (7, 1, 0));
    drop(runtime);
    assert_eq!(told.get().len(), 1);
    assert!(told.get()[0].contains("\"left over\""), "{:?}", told.get());
}

/// Such a panic keeps nothing else from being ended as it should: other tasks clean up, and blocking
/// calls are waited for.
#[test]
fn run_13_a_panic_at_the_end_holds_nothing_up() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        runtime.block_on(async {
            for i in 0..4 {
                let begun = log.clone();
                drop(corio::spawn(async move {
                    let _panics = (i % 2 == 0).then(|| Panics);
                    begun.endless("cleaned up").await;
                }));
            }
            log.entered(4).await;
            let (enter, entered) = corio::sync::oneshot::channel();
            let theirs = log.clone();
            drop(corio::spawn_blocking(move || {
                enter.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(10));
                theirs.add("call ended");
            }));
            entered.await.unwrap();
        });
        drop(runtime);
        let mut ended = log.get();
        ended.sort();
        assert_eq!(ended, ["call ended", "cleaned up", "cleaned up", "cleaned up", "cleaned up"]);
    }
}

/// A stream of which half was taken is dropped with main; what is under way in it cleans up before
/// the end.
#[test]
fn run_14_what_is_half_consumed_cleans_up() {
    let log = Log::default();
    let first = corio::run(async {
        let waiting = ["one", "two"].map(|name| {
            let body = log.endless(name);
            Box::pin(async {
                body.await;
                0_u32
            }) as Pin<Box<dyn Future<Output = u32>>>
        });
        let mut stream = as_completed(waiting);
        stream.push(Box::pin(async { 1 }));
        stream.next().await
    });
    assert_eq!(first, Some(1));
    let mut cleaned = log.get();
    cleaned.sort();
    assert_eq!(cleaned, ["one", "two"]);
}

/// A cleanup that panics ends itself alone; the others run, and the end comes.
#[test]
fn run_15_a_cleanup_that_panics_holds_nothing_up() {
    let log = Log::default();
    let value = corio::run(async {
        let theirs = log.clone();
        let broken = finally(pending::<()>(), move || async move {
            theirs.add("broken");
            panic!("while it cleaned up");
        });
        let whole = log.endless("whole");
        drop(corio::spawn(async { corio::join!(broken, whole) }));
        log.entered(1).await;
        7
    });
    assert_eq!(value, 7);
    assert_eq!(log.get(), ["broken", "whole"]);
}

/// A task that holds its cancellation up is waited for until it has done what it does, and its value is
/// whole; nothing is told.
#[test]
fn run_16_a_shielded_task_is_waited_for() {
    let (log, told) = (Log::default(), Log::default());
    let theirs = told.clone();
    let builder =
        Builder::new_current_thread().on_panic(move |panic| theirs.add(panic.to_string()));
    let runtime = builder.build().unwrap();
    let theirs = log.clone();
    let task = runtime.spawn(async move {
        let scope = CancelScope::new().shield(true);
        scope.run(theirs.clone().slowly("saved")).await;
        theirs.add("returned");
        7
    });
    runtime.block_on(corio::yield_now());
    assert!(log.get().is_empty());
    drop(runtime);
    assert_eq!(log.get(), ["saved", "returned"]);
    assert_eq!(task.result_blocking(LONG).unwrap().unwrap(), 7);
    assert!(told.get().is_empty());
}

/// The end takes as long as the cleanups take: nobody cancels them again.
#[test]
fn run_17_a_cleanup_has_the_time_that_it_needs() {
    let log = Log::default();
    let start = Instant::now();
    corio::run(async {
        let (enter, entered) = corio::sync::oneshot::channel();
        let theirs = log.clone();
        let body = async move {
            enter.send(()).unwrap();
            pending::<()>().await;
        };
        drop(corio::spawn(finally(body, move || async move {
            corio::sleep(Duration::from_millis(50)).await;
            theirs.add("cleaned up");
        })));
        entered.await.unwrap();
    });
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(log.get(), ["cleaned up"]);
}

/// Blocking calls that are under way are waited for; with a limit, for no longer than that.
#[test]
fn run_42_blocking_calls_are_waited_for_up_to_a_limit() {
    let log = Log::default();
    let start = |runtime: &corio::Runtime, release: mpsc::Receiver<()>| {
        let (enter, entered) = mpsc::channel();
        let ended = OnDrop(log.clone(), "ended");
        drop(runtime.spawn_blocking(move || {
            let _ended = ended;
            enter.send(()).unwrap();
            release.recv_timeout(LONG)
        }));
        entered.recv().unwrap();
    };
    let runtime = multi(1);
    let (go, wait) = mpsc::channel();
    start(&runtime, wait);
    let releaser = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(10));
        go.send(()).unwrap();
    });
    drop(runtime);
    assert_eq!(log.get(), ["ended"]);
    releaser.join().unwrap();

    let runtime = multi(1);
    let (go, wait) = mpsc::channel();
    start(&runtime, wait);
    runtime.shutdown_timeout(Duration::from_millis(10));
    assert_eq!(log.get(), ["ended"], "the second call still runs");
    go.send(()).unwrap();
}
