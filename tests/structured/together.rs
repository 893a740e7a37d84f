//! Cleanups, groups, `select!`, `try_join!` and timeouts within one another.

use std::future::pending;

use corio::{TaskGroup, finally, task_group};

use super::SHORT;
use crate::common::{Log, multi, on_all, single};

#[test]
fn nested_cleanups_and_groups_unwind_from_the_inside() {
    on_all(|| async {
        let log = Log::default();
        let ours = log.clone();
        let middle = async move {
            let group_log = ours.clone();
            let group = task_group(|group: TaskGroup<()>| async move {
                drop(group.spawn(group_log.endless("child")));
                group_log.endless("body").await;
                Ok(())
            });
            let _ = finally(group, move || ours.slowly("around the group")).await;
        };
        let theirs = log.clone();
        let task = corio::spawn(finally(middle, move || theirs.slowly("outermost")));
        log.entered(2).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        let mut inner = log.get();
        let outer = inner.split_off(2);
        inner.sort();
        assert_eq!(inner, ["body", "child"]);
        assert_eq!(outer, ["around the group", "outermost"]);
    });
}

#[test]
fn a_select_waits_for_the_losers_before_its_handler() {
    on_all(|| async {
        let log = Log::default();
        let group_log = log.clone();
        let group = task_group(|group: TaskGroup<()>| async move {
            drop(group.spawn(group_log.endless("child")));
            pending::<Result<(), ()>>().await
        });
        corio::select! {
            biased;
            _ = group => unreachable!("it is endless"),
            () = log.endless("loser") => unreachable!("it is endless, too"),
            () = log.entered(2) => log.add("handler"),
        }
        let mut order = log.get();
        assert_eq!(order.pop().unwrap(), "handler");
        order.sort();
        assert_eq!(order, ["child", "loser"]);
    });
}

#[test]
fn a_try_join_waits_for_what_it_drops() {
    on_all(|| async {
        let log = Log::default();
        let failed: Result<((), ()), &str> = corio::try_join!(
            async {
                log.endless("loser").await;
                Ok(())
            },
            async {
                corio::yield_now().await;
                Err("failed")
            },
        );
        assert_eq!(failed, Err("failed"));
        assert_eq!(log.get(), ["loser"]);
    });
}

#[test]
fn nested_timeouts_lose_no_cleanup() {
    on_all(|| async {
        let log = Log::default();
        let ours = log.clone();
        let inner = async move {
            // The inner timeout waits for a cleanup when the outer one elapses.
            let slow = finally(pending::<()>(), move || async move {
                corio::sleep(SHORT * 10).await;
                ours.add("cleaned");
            });
            let _ = corio::timeout(SHORT, slow).await;
        };
        assert!(corio::timeout(SHORT * 3, inner).await.is_err());
        assert_eq!(log.get(), ["cleaned"]);
    });
}

#[test]
fn the_end_of_the_runtime_unwinds_from_the_inside_too() {
    for runtime in [single(), multi(1), multi(2)] {
        let log = Log::default();
        let (ours, theirs) = (log.clone(), log.clone());
        runtime.block_on(async {
            let body = async move {
                let log = ours.clone();
                let _ = task_group(|group: TaskGroup<()>| async move {
                    drop(group.spawn(log.endless("child")));
                    pending::<Result<(), ()>>().await
                })
                .await;
            };
            drop(corio::spawn(finally(body, move || theirs.slowly("outer"))));
            log.entered(1).await;
        });
        drop(runtime);
        assert_eq!(log.get(), ["child", "outer"]);
    }
}
