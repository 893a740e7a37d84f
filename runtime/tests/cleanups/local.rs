//! Cleanups that are not `Send`: they run on their thread.

use std::future::{Future, pending};
use std::time::Duration;

use corio_runtime::structured::{finally, finally_local};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn_local, yield_now};

use crate::kit::{Log, multi, on_all, single};

/// A cleanup that is not `Send`, takes a while, and is then in the log.
fn local_cleanup(
    log: &Log,
    what: &'static str,
) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = ()>>> + 'static {
    let log = std::rc::Rc::new(log.clone());
    let thread = std::thread::current().id();
    move || {
        Box::pin(async move {
            for _ in 0..3 {
                yield_now().await;
            }
            assert_eq!(std::thread::current().id(), thread);
            log.add(what);
        })
    }
}

#[test]
fn a_local_cleanup_runs_on_its_thread_and_is_waited_for() {
    on_all(|| async {
        let log = Log::default();
        // The body returns.
        assert_eq!(finally_local(async { 7 }, local_cleanup(&log, "returned")).await, 7);
        // A timeout drops it, in the main future and in a task.
        let work = finally_local(pending::<()>(), local_cleanup(&log, "elapsed"));
        assert!(timeout(Duration::from_millis(1), work).await.is_err());
        // Its task is cancelled.
        let theirs = log.clone();
        let task = spawn_local(async move {
            finally_local(pending::<()>(), local_cleanup(&theirs, "cancelled")).await
        });
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["returned", "elapsed", "cancelled"]);
    });
}

#[test]
fn local_and_other_cleanups_run_inner_first() {
    on_all(|| async {
        let log = Log::default();
        let (inner, outer) = (log.clone(), log.clone());
        let task = spawn_local(async move {
            let inner = finally_local(pending::<()>(), local_cleanup(&inner, "inner"));
            let middle = finally(inner, outer.cleanup("middle"));
            finally_local(middle, local_cleanup(&outer, "outer")).await
        });
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["inner", "middle", "outer"]);
    });
}

#[test]
fn a_local_cleanup_that_is_under_way_when_block_on_ends_is_waited_for() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let theirs = log.clone();
        runtime.block_on(async move {
            drop(spawn_local(finally_local(pending::<()>(), local_cleanup(&theirs, "clean"))));
            sleep(Duration::from_millis(2)).await;
        });
        assert_eq!(log.get(), ["clean"]);
    }
}
