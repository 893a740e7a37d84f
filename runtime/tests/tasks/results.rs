//! A task gives its result, has a name, and tells when it is done.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corio_runtime::time::sleep;
use corio_runtime::{spawn, spawn_local, task, yield_now};

use crate::kit::{multi, single};
use crate::support::on_all;

#[test]
fn a_task_gives_its_result() {
    on_all(|| async {
        let task = spawn(async { 6 * 7 });
        assert_eq!(task.await.unwrap(), 42);
    });
}

#[test]
fn many_tasks_give_their_results() {
    on_all(|| async {
        let tasks: Vec<_> = (0..10_000).map(|i| spawn(async move { i })).collect();
        for (i, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), i);
        }
    });
}

#[test]
fn tasks_spawn_tasks() {
    fn tree(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return 1;
            }
            let (a, b) = (spawn(tree(depth - 1)), spawn(tree(depth - 1)));
            a.await.unwrap() + b.await.unwrap()
        })
    }
    on_all(|| async { assert_eq!(tree(12).await, 1 << 12) });
}

#[test]
fn local_tasks_work_on_every_runtime() {
    on_all(|| async {
        let shared = Rc::new(RefCell::new(0));
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let shared = shared.clone();
                spawn_local(async move {
                    yield_now().await;
                    *shared.borrow_mut() += 1;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*shared.borrow(), 100);
    });
}

#[test]
fn t01_a_local_task_that_is_left_ends_on_its_own_thread() {
    struct OnDrop(std::thread::ThreadId, Arc<AtomicUsize>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            assert_eq!(self.0, std::thread::current().id());
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    for runtime in [single(), multi(2)] {
        let dropped = Arc::new(AtomicUsize::new(0));
        let theirs = dropped.clone();
        runtime.block_on(async move {
            let guard = OnDrop(std::thread::current().id(), theirs);
            drop(spawn_local(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
        });
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn names_ids_and_places() {
    single().block_on(async {
        let task = task::Builder::new().name("fetch").spawn(async {
            let me = task::current();
            (me.id(), me.name().map(str::to_owned), me.spawned_at().line())
        });
        let id = task.id();
        assert_eq!(task.name(), Some("fetch"));
        let (their_id, name, line) = task.await.unwrap();
        assert_eq!((their_id, name.as_deref()), (id, Some("fetch")));
        assert_eq!(line, line!() - 8);
        assert!(task::try_current().is_some(), "the main future is a task too");
    });
    assert!(task::try_current().is_none());
}

#[test]
fn d07_a_long_name_is_cut() {
    single().block_on(async {
        let task = task::Builder::new().name("ä".repeat(1 << 19)).spawn(async {});
        assert!(task.name().unwrap().len() <= 128);
        task.await.unwrap();
    });
}

#[test]
fn on_done_is_called_once_before_and_after() {
    on_all(|| async {
        let calls = Arc::new(AtomicUsize::new(0));
        let task = spawn(yield_now());
        let theirs = calls.clone();
        task.on_done(move || {
            theirs.fetch_add(1, Ordering::SeqCst);
        });
        let handle = task.canceller();
        while !handle.is_finished() {
            sleep(Duration::from_millis(1)).await;
        }
        while calls.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        let theirs = calls.clone();
        task.on_done(move || {
            theirs.fetch_add(10, Ordering::SeqCst);
        });
        assert_eq!(calls.load(Ordering::SeqCst), 11);
        task.await.unwrap();
    });
}

#[test]
fn t15_awaiting_twice_is_a_clear_panic() {
    single().block_on(async {
        let mut task = spawn(async {});
        (&mut task).await.unwrap();
        let again = spawn_local(task).await.unwrap_err();
        assert!(again.to_string().contains("awaited again"), "{again}");
    });
}

#[test]
fn a_task_that_is_awaited_and_done_keeps_nothing_of_its_awaiter() {
    single().block_on(async {
        let alive = Arc::new(());
        let inner = spawn(yield_now());
        let canceller = inner.canceller();
        let theirs = alive.clone();
        let outer = spawn(async move {
            let _theirs = theirs;
            inner.await.unwrap();
        });
        outer.await.unwrap();
        assert!(canceller.is_finished());
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}
