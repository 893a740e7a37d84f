//! `corio::run` and `block_on`: what goes in, what comes out, and where they may be called.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Barrier;
use std::time::Duration;

use corio::runtime::Builder;
use corio::{Handle, Promise, introspect};

use crate::common::{Log, OnDrop, multi, single};

/// What main returns is what `run` returns.
#[test]
fn run_01_mains_value_comes_out() {
    assert_eq!(corio::run(async { 42 }), 42);
    assert_eq!(single().block_on(async { "text".to_owned() }), "text");
}

/// An error of main comes out when everything has ended: tasks have cleaned up, and the runtime is
/// gone.
#[test]
fn run_02_mains_error_comes_out_after_the_end() {
    let log = Log::default();
    let (handle, error) = corio::run(async {
        let task = corio::spawn(log.endless("cleaned up"));
        log.entered(1).await;
        drop(task);
        (Handle::current(), "x".parse::<i32>())
    });
    assert!(error.is_err());
    assert_eq!(log.get(), ["cleaned up"]);
    assert!(handle.spawn(async {}).is_finished(), "it takes no tasks any more");
}

/// Whatever is a future can be run; nothing else compiles.
#[test]
fn run_03_any_future_can_be_run() {
    assert_eq!(corio::run(std::future::ready(1)), 1);
    assert_eq!(corio::run(Box::pin(async { 2 })), 2);
    assert_eq!(corio::run(std::future::poll_fn(|_| std::task::Poll::Ready(3))), 3);
    corio::run(corio::sleep(Duration::from_millis(1)));
}

/// A promise and a task are futures, too. Both are there when `block_on` has given their outcome.
#[test]
fn run_04_promises_and_tasks_can_be_run() {
    let (runtime, promise) = (single(), Promise::new());
    let theirs = promise.clone();
    let task = runtime.spawn(async move { theirs.set(7).is_ok() });
    assert_eq!(runtime.block_on(promise.wait()).unwrap(), 7);
    assert!(runtime.block_on(task).unwrap());
    assert_eq!(promise.try_get().unwrap().unwrap(), 7);
}

/// What says that a future was given up unpolled, with the text of the panic.
fn refused(run: impl FnOnce(OnDrop)) -> String {
    let log = Log::default();
    let guard = OnDrop(log.clone(), "dropped");
    let panic = catch_unwind(AssertUnwindSafe(|| run(guard))).unwrap_err();
    assert_eq!(log.get(), ["dropped"], "the future is dropped, and was never polled");
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or(panic.downcast_ref().copied())
        .unwrap()
        .into()
}

/// A future that must not be polled.
async fn never(guard: OnDrop) {
    guard.0.add("polled");
}

/// `run` inside a task is a clear panic; its future is dropped unpolled, and the runtime that is running
/// is unharmed.
#[test]
fn run_05_run_inside_a_task_is_refused() {
    for runtime in [single(), multi(2)] {
        let sum = runtime.block_on(async {
            let task = corio::spawn(async {
                corio::yield_now().await;
                1
            });
            let text = refused(|guard| corio::run(never(guard)));
            assert!(text.contains("on a thread that is running tasks"), "{text}");
            task.await.unwrap() + corio::spawn(async { 2 }).await.unwrap()
        });
        assert_eq!(sum, 3);
    }
}

/// So is `block_on`, of the same runtime, of another one, and of a handle.
#[test]
fn run_06_block_on_inside_a_task_is_refused() {
    let (runtime, other) = (single(), single());
    let same = runtime.handle().clone();
    runtime.block_on(async {
        for handle in [&same, other.handle()] {
            let text = refused(|guard| handle.block_on(never(guard)));
            assert!(text.contains("`.await` the future instead"), "{text}");
        }
        corio::yield_now().await;
    });
    assert_eq!(other.block_on(async { 7 }), 7);
}

/// The runtime that a builder has made is the one that runs main, and the one that is ended.
#[test]
fn run_08_the_runtime_that_was_made_is_the_one_that_runs() {
    let runtime = Builder::new_multi_thread().worker_threads(3).build().unwrap();
    let from_inside = runtime.block_on(async {
        assert_eq!(Handle::current().metrics().workers, 3);
        Handle::current()
    });
    let task = from_inside.spawn(std::future::pending::<()>());
    assert_eq!(runtime.metrics().tasks, 1);
    drop(runtime);
    assert!(task.is_finished());
}

/// Running leaves the thread as it was: in no runtime, or in the one that was entered before.
#[test]
fn run_09_the_threads_own_runtime_stays_what_it_was() {
    let workers = || Handle::try_current().map(|handle| handle.metrics().workers).ok();
    let (entered, running) = (multi(5), multi(3));
    assert_eq!(workers(), None);
    assert_eq!(running.block_on(async { workers() }), Some(3));
    assert_eq!(workers(), None);
    let guard = entered.enter();
    assert_eq!(running.block_on(async { workers() }), Some(3));
    assert_eq!(workers(), Some(5));
    drop(guard);
    assert_eq!(workers(), None);
}

/// Inside a task, what would be a second main is refused, and the first goes on as it was.
#[test]
fn run_26_a_main_inside_main_is_refused() {
    let runtime = single();
    let value = runtime.block_on(async {
        refused(|guard| runtime.block_on(never(guard)));
        let before = introspect::tasks().len();
        corio::yield_now().await;
        assert_eq!(
            (before, introspect::tasks().len()),
            (1, 1),
            "there is one main, and nothing else"
        );
        7
    });
    assert_eq!(value, 7);
}

/// A main that panics, with whatever it likes, is seen outside as it is; the end comes all the same.
#[test]
fn run_40_a_panic_of_main_comes_out_after_the_end() {
    #[derive(Debug, PartialEq)]
    struct Exit(u8);
    let log = Log::default();
    let panicking = AssertUnwindSafe(|| {
        corio::run(async {
            drop(corio::spawn(log.endless("cleaned up")));
            log.entered(1).await;
            panic_any(Exit(3));
        });
    });
    let panic = catch_unwind(panicking).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&Exit(3)));
    assert_eq!(log.get(), ["cleaned up"]);
}

/// A main that cancels itself ends at its next wait, with its cleanups; `run` has no value then, and
/// says so by a panic.
#[test]
fn run_41_a_main_that_cancels_itself_has_no_value() {
    let log = Log::default();
    let theirs = log.clone();
    let main = async {
        corio::task::current().cancel();
        log.endless("cleaned up").await;
        unreachable!("it was cancelled");
    };
    let panic = catch_unwind(AssertUnwindSafe(|| corio::run(main))).map(|(): ()| ()).unwrap_err();
    let text = panic.downcast_ref::<&str>().unwrap();
    assert!(text.contains("was cancelled: somebody called `cancel`"), "{text}");
    assert_eq!(theirs.get(), ["cleaned up"]);
}

/// Two threads run at the same time, each a runtime of its own.
#[test]
fn run_44_two_threads_run_at_the_same_time() {
    let barrier = Barrier::new(2);
    let run = |value: usize| {
        single().block_on(async {
            // Both are in the middle of it here.
            barrier.wait();
            let tasks = (0..value).map(|_| corio::spawn(std::future::pending::<()>()));
            let tasks: Vec<_> = tasks.collect();
            barrier.wait();
            let mine = introspect::tasks().len();
            barrier.wait();
            drop(tasks);
            (value, mine)
        })
    };
    let (first, second) = std::thread::scope(|s| {
        let (first, second) = (s.spawn(|| run(1)), s.spawn(|| run(2)));
        (first.join().unwrap(), second.join().unwrap())
    });
    assert_eq!((first, second), ((1, 2), (2, 3)), "each sees its own tasks");
}
