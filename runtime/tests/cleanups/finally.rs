//! However a body ends, its cleanup runs to its end, and what is inside runs first.

use std::future::{Future, pending};
use std::time::Duration;

use corio_runtime::structured::{TaskGroup, finally, task_group};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, yield_now};

use crate::kit::{Log, multi, on_all, single};

#[test]
fn cleanup_runs_when_the_body_returns() {
    on_all(|| async {
        let log = Log::default();
        assert_eq!(finally(async { 7 }, log.cleanup("clean")).await, 7);
        assert_eq!(log.get(), ["clean"]);
    });
}

#[test]
fn cleanup_runs_when_the_task_is_cancelled_and_before_it_is_done() {
    on_all(|| async {
        let log = Log::default();
        let task = spawn(finally(pending::<()>(), log.cleanup("clean")));
        yield_now().await;
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["clean"]);
    });
}

#[test]
fn cleanup_runs_when_the_body_panics() {
    on_all(|| async {
        let log = Log::default();
        let task = spawn(finally(async { panic!("as planned") }, log.cleanup("clean")));
        assert!(task.await.map(|(): ()| ()).unwrap_err().is_panic());
        assert_eq!(log.get(), ["clean"]);
    });
}

#[test]
fn a_timeout_waits_for_the_cleanup_of_what_it_drops() {
    on_all(|| async {
        let log = Log::default();
        let work = finally(pending::<()>(), log.cleanup("clean"));
        assert!(timeout(Duration::from_millis(1), work).await.is_err());
        assert_eq!(log.get(), ["clean"]);
    });
}

#[test]
fn cleanups_run_inner_first() {
    on_all(|| async {
        let log = Log::default();
        let (a, b, c) = (log.cleanup("inner"), log.cleanup("middle"), log.cleanup("outer"));
        let task = spawn(finally(finally(finally(pending::<()>(), a), b), c));
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        let _ = task.await;
        assert_eq!(log.get(), ["inner", "middle", "outer"]);
    });
}

#[test]
fn a_group_inside_a_body_ends_before_the_outer_cleanup() {
    on_all(|| async {
        let log = Log::default();
        let inner = log.clone();
        let body = async move {
            let _ = task_group(|group: TaskGroup<()>| async move {
                drop(group.spawn(finally(async { pending::<()>().await }, inner.cleanup("child"))));
                pending::<Result<(), ()>>().await
            })
            .await;
        };
        let task = spawn(finally(body, log.cleanup("outer")));
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        let _ = task.await;
        assert_eq!(log.get(), ["child", "outer"]);
    });
}

#[test]
fn a_cleanup_that_is_itself_dropped_goes_on() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let cleanup = move || async move {
            sleep(Duration::from_millis(400)).await;
            theirs.add("clean");
        };
        // The body is over at once; the timeout drops the cleanup half-way.
        let work = finally(async {}, cleanup);
        assert!(timeout(Duration::from_millis(1), work).await.is_err());
        assert_eq!(log.get(), ["clean"]);
    });
}

#[test]
fn a_body_that_was_never_polled_has_nothing_to_clean_up() {
    on_all(|| async {
        let log = Log::default();
        drop(finally(async {}, log.cleanup("clean")));
        yield_now().await;
        assert!(log.get().is_empty());
    });
}

#[test]
fn finallys_nest_in_every_form() {
    let done = spawn_all();
    for runtime in [single(), multi(2)] {
        runtime.block_on(done());
    }
}

/// What must compile in a spawned, `Send` task.
fn spawn_all() -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    || {
        Box::pin(async {
            spawn(async { finally(finally(async {}, || async {}), || async {}).await })
                .await
                .unwrap();
            spawn(async {
                let inner = finally(async {}, || async {});
                finally(inner, || async {}).await;
                finally(Box::pin(finally(async {}, || async {})), || async {}).await;
            })
            .await
            .unwrap();
        })
    }
}
