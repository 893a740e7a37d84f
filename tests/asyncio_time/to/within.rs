//! Tasks, groups and shielded work in a scope.

use std::future::pending;

use corio::time::{Instant, sleep};
use corio::{TaskGroup, shield, timeout};

use crate::common::{Log, OnDrop};
use crate::kit::{scoped, secs};

/// A deadline is the scope's task's: a task that the body has spawned goes on.
#[corio::test(start_paused = true)]
async fn to_33_a_spawned_task_is_not_in_the_scope() {
    let (send, task) = corio::sync::oneshot::channel();
    let (result, _) = scoped(secs(1), |_| async move {
        let _ = send.send(corio::spawn(async {
            sleep(secs(5)).await;
            "went on"
        }));
        pending::<()>().await;
    })
    .await;
    assert!(result.is_err());
    assert_eq!(task.await.unwrap().await.unwrap(), "went on");
}

/// A task that the body awaits is cancelled with it if the body owns it, and goes on if not.
#[corio::test(start_paused = true)]
async fn to_34_an_awaited_task_is_cancelled_if_it_is_tied_to_the_body() {
    let log = Log::default();
    let (tied, loose) = (log.clone(), log.clone());
    let (result, _) = scoped(secs(1), |_| async move {
        let body = async move {
            let _guard = OnDrop(tied, "the tied one is gone");
            pending::<()>().await;
        };
        corio::spawn(body).cancel_on_drop().await
    })
    .await;
    assert!(result.is_err());
    let shielded = async move {
        sleep(secs(5)).await;
        loose.add("the loose one went on");
    };
    assert!(timeout(secs(1), corio::spawn(shielded)).await.is_err());
    sleep(secs(9)).await;
    assert_eq!(log.get(), ["the tied one is gone", "the loose one went on"]);
}

/// A task group that times out has ended, with its children and their cleanups.
#[corio::test(start_paused = true)]
async fn to_35_a_group_that_times_out_has_ended() {
    let log = Log::default();
    let ours = log.clone();
    let (result, _) = scoped(secs(1), |_| {
        corio::task_group(|group: TaskGroup<()>| async move {
            drop(group.spawn(ours.endless("child")));
            drop(group.spawn(ours.endless("child")));
            pending::<Result<(), ()>>().await
        })
    })
    .await;
    assert!(result.is_err());
    assert_eq!(log.get(), ["child", "child"]);
}

/// A scope around shielded work ends on time, and the work goes on.
#[corio::test(start_paused = true)]
async fn to_38_shielded_work_goes_on_when_its_waiter_times_out() {
    let (log, start) = (Log::default(), Instant::now());
    let ours = log.clone();
    let work = shield(async move {
        sleep(secs(5)).await;
        ours.add("done");
    });
    let (result, _) = scoped(secs(1), |_| work).await;
    assert!(result.is_err());
    assert_eq!((start.elapsed(), log.get().len()), (secs(1), 0));
    sleep(secs(9)).await;
    assert_eq!(log.get(), ["done"]);
}
