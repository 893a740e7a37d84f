//! Cleanups at the end of `block_on` and of the runtime.

use std::future::{Future, pending};
use std::time::Duration;

use corio_runtime::structured::{TaskGroup, finally, task_group};
use corio_runtime::time::sleep;
use corio_runtime::{spawn, spawn_blocking, yield_now};

use crate::kit::{Log, multi, single};

#[test]
fn the_main_futures_cleanups_run_before_block_on_returns() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let mut work = Box::pin(finally(pending::<()>(), log.cleanup("clean")));
        runtime.block_on(async {
            let _ = std::future::poll_fn(|cx| {
                let _ = work.as_mut().poll(cx);
                std::task::Poll::Ready(())
            })
            .await;
            drop(work);
        });
        assert_eq!(log.get(), ["clean"]);
    }
}

#[test]
fn shutdown_waits_for_cleanups() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let theirs = log.clone();
        runtime.block_on(async {
            drop(spawn(finally(pending::<()>(), move || async move {
                sleep(Duration::from_millis(10)).await;
                theirs.add("clean");
            })));
            sleep(Duration::from_millis(2)).await;
        });
        drop(runtime);
        assert_eq!(log.get(), ["clean"]);
    }
}

#[test]
fn c10_a_cleanup_that_hangs_is_dropped_at_the_deadline() {
    for runtime in [single(), multi(2)] {
        let task = runtime.block_on(async {
            let task = spawn(finally(pending::<()>(), pending::<()>));
            sleep(Duration::from_millis(2)).await;
            task
        });
        runtime.shutdown_timeout(Duration::from_millis(30));
        let error = task.result_blocking(Duration::from_secs(20)).unwrap().unwrap_err();
        assert!(error.is_cancelled());
    }
}

#[test]
fn a_cleanup_may_spawn_and_block_also_while_the_runtime_ends() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let theirs = log.clone();
        runtime.block_on(async {
            drop(spawn(finally(pending::<()>(), move || async move {
                let blocking = theirs.clone();
                spawn_blocking(move || blocking.add("blocking")).await.unwrap();
                let spawned = theirs.clone();
                spawn(async move {
                    yield_now().await;
                    spawned.add("spawned");
                })
                .await
                .unwrap();
                let grouped = theirs.clone();
                task_group(|group: TaskGroup<()>| async move {
                    drop(group.spawn(async move { grouped.add("grouped") }));
                    Ok(())
                })
                .await
                .unwrap();
            })));
            sleep(Duration::from_millis(5)).await;
        });
        drop(runtime);
        assert_eq!(log.get(), ["blocking", "spawned", "grouped"]);
    }
}
