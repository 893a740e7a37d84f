//! The end of a runtime, also from inside.

use std::sync::Arc;
use std::time::Duration;

use corio_runtime::time::sleep;
use corio_runtime::{spawn, yield_now};

use crate::kit::{multi, single};

#[test]
fn t13_tasks_that_spawn_from_drop_end_with_the_runtime() {
    struct Respawn;
    impl Drop for Respawn {
        fn drop(&mut self) {
            let guard = Respawn2;
            drop(spawn(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
        }
    }
    struct Respawn2;
    impl Drop for Respawn2 {
        fn drop(&mut self) {}
    }
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            let guard = Respawn;
            drop(spawn(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
            yield_now().await;
        });
        drop(runtime);
    }
}

#[test]
fn l01_a_runtime_dropped_inside_a_task() {
    let outer = multi(2);
    outer.block_on(async {
        let inner = multi(2);
        let task = inner.spawn(std::future::pending::<()>());
        let other = single();
        let on_other = other.spawn(std::future::pending::<()>());
        drop(inner);
        drop(other);
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(on_other.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn shutdown_in_the_background_drops_everything() {
    for runtime in [single(), multi(2)] {
        let task = runtime.block_on(async {
            let task = spawn(std::future::pending::<()>());
            yield_now().await;
            task
        });
        runtime.shutdown_background();
        let error = task.result_blocking(Duration::from_secs(20)).unwrap().unwrap_err();
        assert!(error.is_cancelled());
    }
}

#[test]
fn l01_a_runtime_dropped_in_its_own_blocking_call() {
    for runtime in [single(), multi(2)] {
        let (done, is_done) = std::sync::mpsc::channel();
        let handle = runtime.handle().clone();
        drop(handle.spawn_blocking(move || {
            drop(runtime);
            done.send(()).unwrap();
        }));
        is_done.recv_timeout(Duration::from_secs(20)).unwrap();
    }
}

#[test]
fn l01_a_runtime_dropped_in_its_own_main_future() {
    for runtime in [single(), multi(2)] {
        let alive = Arc::new(());
        let theirs = alive.clone();
        let handle = runtime.handle().clone();
        handle.block_on(async move {
            drop(spawn(async move {
                let _theirs = theirs;
                std::future::pending::<()>().await;
            }));
            yield_now().await;
            drop(runtime);
        });
        let start = std::time::Instant::now();
        while Arc::strong_count(&alive) > 1 {
            assert!(start.elapsed() < Duration::from_secs(20), "the task was not dropped");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_runtime_dropped_in_a_task_still_runs_its_cleanups() {
    for outer in [single(), multi(2)] {
        for inner in [single(), multi(2)] {
            outer.block_on(async {
                let (clean, is_clean) = std::sync::mpsc::channel();
                let task = inner.spawn(corio_runtime::structured::finally(
                    std::future::pending::<()>(),
                    move || async move {
                        sleep(Duration::from_millis(5)).await;
                        clean.send(()).unwrap();
                    },
                ));
                let started = inner.spawn(async {});
                if inner.metrics().workers > 1 {
                    started.await.unwrap();
                    sleep(Duration::from_millis(20)).await;
                    drop(inner);
                    assert!(task.await.unwrap_err().is_cancelled());
                    assert!(is_clean.try_recv().is_ok());
                } else {
                    // Nobody has run the task: there is nothing to clean up after.
                    drop(inner);
                    assert!(task.await.unwrap_err().is_cancelled());
                }
            });
        }
    }
}

#[test]
fn l01_a_task_that_drops_its_own_runtime_is_cancelled_where_it_next_waits() {
    let runtime = Arc::new(multi(2));
    let handle = runtime.handle().clone();
    let task = handle.spawn(async move {
        drop(runtime);
        sleep(Duration::from_secs(3600)).await;
    });
    let error = task.result_blocking(Duration::from_secs(20)).unwrap().unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}
