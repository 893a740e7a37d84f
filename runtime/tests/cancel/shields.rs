//! A shield holds requests up until it is lifted or its scope has ended.

use std::sync::Arc;
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{CancelScope, catch_cancel};
use corio_runtime::time::{Instant, sleep, timeout};
use corio_runtime::{spawn, yield_now};
use corio_sync::Event;

use crate::kit::{Count, ms, on_all, pending, settle};
use crate::support::{after, in_virtual_time};

#[test]
fn trio_09_a_shield_holds_up_a_request_to_the_task_until_it_has_ended() {
    on_all(|| async {
        let (inside, beyond) = (Count::default(), Count::default());
        let (in_task, also) = (inside.clone(), beyond.clone());
        let gate = Arc::new(Event::new());
        let theirs = gate.clone();
        let task = spawn(async move {
            CancelScope::new()
                .shield(true)
                .run(async {
                    theirs.wait().await;
                    in_task.add();
                })
                .await;
            yield_now().await;
            also.add();
        });
        settle().await;
        task.cancel();
        settle().await;
        gate.set();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!((inside.get(), beyond.get()), (1, 0));
    });
}

#[test]
fn trio_09_a_shield_holds_up_the_scope_around_it() {
    in_virtual_time(async {
        let start = Instant::now();
        let outer = CancelScope::new().deadline(after(10)).run(async {
            let shielded = CancelScope::new().shield(true).run(sleep(ms(50))).await;
            assert!(shielded.is_some());
            pending::<()>().await;
        });
        assert!(outer.await.is_none());
        assert_eq!(start.elapsed(), ms(50));
    });
}

#[test]
fn trio_09_the_shielded_scopes_own_deadline_works() {
    in_virtual_time(async {
        let start = Instant::now();
        let outer = CancelScope::new().deadline(after(10)).run(async {
            let own = CancelScope::new().shield(true).deadline(after(30));
            assert!(own.run(pending::<()>()).await.is_none());
            pending::<()>().await;
        });
        assert!(outer.await.is_none());
        assert_eq!(start.elapsed(), ms(30));
    });
}

#[test]
fn trio_09_c07_lifting_a_shield_lets_the_request_through_at_once() {
    on_all(|| async {
        // To the task.
        let shielded = CancelScope::new().shield(true);
        let handle = shielded.handle();
        let task = spawn(async move { shielded.run(pending::<()>()).await });
        settle().await;
        task.cancel();
        settle().await;
        assert!(!task.is_finished());
        handle.set_shield(false);
        assert!(task.await.unwrap_err().is_cancelled());
        // To the scope around it, which is the one that was cancelled.
        let (outer, inner) = (CancelScope::new(), CancelScope::new().shield(true));
        let (cancel, lift) = (outer.handle(), inner.handle());
        let task = spawn(async move {
            let cut = outer.run(async { inner.run(pending::<()>()).await }).await;
            assert!(cut.is_none());
            assert!(!inner.is_cancelled());
            7
        });
        settle().await;
        cancel.cancel();
        settle().await;
        lift.set_shield(false);
        assert_eq!(task.await.unwrap(), 7);
    });
}

#[test]
fn a_shield_against_the_parent_of_a_child_scope() {
    on_all(|| async {
        let parent = CancelScope::new();
        let child = parent.child().shield(true);
        let below = child.child();
        parent.handle().cancel();
        assert!(!child.is_cancelled() && !below.is_cancelled());
        child.handle().set_shield(false);
        assert!(child.is_cancelled() && below.is_cancelled());
    });
}

#[test]
fn catch_and_shield_in_each_other() {
    on_all(|| async {
        // A catch around a shield gets the request when the shield has ended.
        let gate = Arc::new(Event::new());
        let theirs = gate.clone();
        let task = spawn(async move {
            let shielded = async {
                CancelScope::new().shield(true).run(theirs.wait()).await.unwrap();
                pending::<()>().await;
            };
            catch_cancel(shielded).await.is_err()
        });
        settle().await;
        task.cancel();
        settle().await;
        assert!(!task.is_finished());
        gate.set();
        assert!(task.await.unwrap());
        // A catch inside a shield gets nothing.
        let gate = Arc::new(Event::new());
        let theirs = gate.clone();
        let task = spawn(async move {
            let inside = CancelScope::new().shield(true).run(catch_cancel(theirs.wait())).await;
            assert_eq!(inside, Some(Ok(())));
            yield_now().await;
        });
        settle().await;
        task.cancel();
        settle().await;
        gate.set();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_shield_does_not_outlast_the_deadline_of_shutdown() {
    for runtime in [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ] {
        let task = runtime.block_on(async {
            let task = spawn(async {
                CancelScope::new().shield(true).run(pending::<()>()).await;
            });
            settle().await;
            task
        });
        runtime.shutdown_timeout(ms(30));
        let error = task.result_blocking(Duration::from_secs(20)).unwrap().unwrap_err();
        assert!(error.is_cancelled());
    }
}

#[test]
fn a_request_that_a_shield_held_up_ends_a_task_that_waits_for_nothing_else() {
    on_all(|| async {
        // The shielded scope is cut, not done: the request takes effect at the wait that follows.
        let scope = CancelScope::new().shield(true);
        let handle = scope.handle();
        let task = spawn(async move {
            assert!(scope.run(pending::<()>()).await.is_none());
            std::future::pending::<()>().await;
        });
        settle().await;
        task.cancel();
        settle().await;
        handle.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        // Or it is dropped by what knows of no shields.
        let task = spawn(async move {
            let shielded = CancelScope::new().shield(true);
            let cut = timeout(ms(20), shielded.run(pending::<()>()));
            assert!(cut.await.is_err());
            std::future::pending::<()>().await;
        });
        settle().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}
