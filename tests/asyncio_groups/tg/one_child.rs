//! A single child that is cancelled, or that does not do as it is told.

use corio::{TaskError, TaskGroup, sleep, spawn, task_group};

use crate::common::Log;
use crate::kit::{
    Group, cleans_up_for, errors, fails_after, forever, goes_on_for, is_left_alone, ms,
};

/// A child that cancels itself has not failed.
#[corio::test(start_paused = true)]
async fn tg_22_a_child_that_cancels_itself_is_no_failure() {
    let group = Group::new();
    let child = group.spawn(async {
        corio::task::current().cancel();
        forever::<()>().await;
    });
    let sibling = group.spawn(async {
        sleep(ms(5)).await;
        Ok(5)
    });
    group.join().await.unwrap();
    assert!(child.await.unwrap_err().is_cancelled());
    assert_eq!(sibling.await.unwrap(), 5);
}

/// A body that awaits a cancelled child gets an error value; passing it on fails the group.
#[corio::test(start_paused = true)]
async fn tg_23_a_body_that_passes_a_childs_cancellation_on() {
    let log = Log::default();
    let theirs = log.clone();
    let error = task_group(|group: TaskGroup<TaskError>| async move {
        drop(group.spawn(cleans_up_for::<()>(5, theirs, "sibling")));
        let child = group.spawn(forever::<()>());
        let canceller = child.canceller();
        drop(spawn(async move {
            sleep(ms(1)).await;
            canceller.cancel();
        }));
        child.await?;
        Ok(())
    })
    .await
    .unwrap_err();
    assert_eq!(error.failures().len(), 1);
    assert!(error.failures()[0].error().unwrap().is_cancelled());
    assert_eq!(error.failures()[0].id(), None, "it is the body's");
    assert_eq!(log.get(), ["sibling"]);
    assert!(is_left_alone().await);
}

/// A child that takes the request and returns a value is waited for, and its value kept.
#[corio::test(start_paused = true)]
async fn tg_24_a_child_that_takes_the_request_is_waited_for() {
    let group = Group::new();
    let child = group.spawn(async {
        goes_on_for(10).await;
        Ok(7)
    });
    drop(group.spawn(fails_after(1, "a")));
    let error = group.join().await.unwrap_err();
    assert_eq!((error.failures().len(), errors(&error)), (1, vec!["a"]));
    assert!(child.is_finished());
    assert_eq!(child.await.unwrap(), 7);
}

/// A child that takes the request is not asked a second time, also when something else fails.
#[corio::test(start_paused = true)]
async fn tg_25_a_child_is_asked_to_stop_once() {
    let group = Group::new();
    let child = group.spawn(async {
        goes_on_for(20).await;
        Ok("to the end")
    });
    drop(group.spawn(fails_after(1, "first")));
    drop(group.spawn(async {
        goes_on_for(5).await;
        Err::<(), _>("second")
    }));
    let error = group.join().await.unwrap_err();
    assert_eq!(errors(&error), ["first", "second"]);
    assert_eq!(child.await.unwrap(), "to the end");
}

/// Children that are cancelled before their first poll never run a line.
#[corio::test]
async fn tg_26_children_that_have_not_started_never_run() {
    let log = Log::default();
    let theirs = log.clone();
    let error = task_group(|group: Group| async move {
        let (first, second) = (theirs.clone(), theirs);
        drop(group.spawn(async move {
            first.add("first");
            Err::<(), _>("first")
        }));
        drop(group.spawn(async move { second.add("second") }));
        Ok(())
    })
    .await
    .unwrap_err();
    assert_eq!(errors(&error), ["first"]);
    assert_eq!(log.get(), ["first"]);
}
