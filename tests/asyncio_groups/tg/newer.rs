//! Children that are started at once.

use corio::{sleep, task_group, yield_now};

use crate::common::Log;
use crate::kit::{Group, errors, forever, is_left_alone, ms};

/// A child that fails before the body does: the failures are in the order they came.
#[corio::test(start_paused = true)]
async fn tg_09_the_failure_of_a_child_comes_before_that_of_the_body() {
    let error = task_group(|group: Group| async move {
        drop(group.builder().eager(true).spawn(async { Err::<(), _>("child") }));
        Err::<(), _>("body")
    })
    .await
    .unwrap_err();
    assert_eq!(errors(&error), ["child", "body"]);
    assert!(error.failures()[0].id().is_some() && error.failures()[1].id().is_none());
    assert!(is_left_alone().await);
}

/// A child that fails in its first poll, within the body: the body gets the finished task, and is
/// dropped where it next waits.
#[corio::test(start_paused = true)]
async fn tg_59_a_child_fails_while_it_is_started() {
    let log = Log::default();
    let theirs = log.clone();
    let error = task_group(|group: Group| async move {
        let child = group.builder().eager(true).spawn(async { Err::<(), _>("child") });
        assert!(child.is_finished());
        theirs.add("went on");
        sleep(ms(1)).await;
        theirs.add("never");
        Ok(())
    })
    .await
    .unwrap_err();
    assert_eq!(errors(&error), ["child"]);
    assert_eq!(log.get(), ["went on"]);
    assert!(is_left_alone().await);
}

/// A child that fails while it is started by a body that then returns: the group has failed.
#[corio::test(start_paused = true)]
async fn tg_60_a_child_fails_while_it_is_started_at_the_bodys_end() {
    let error = task_group(|group: Group| async move {
        drop(group.builder().eager(true).spawn(async { Err::<(), _>("child") }));
        Ok(())
    })
    .await
    .unwrap_err();
    assert_eq!(errors(&error), ["child"]);
    assert!(is_left_alone().await);
}

/// A child that ends its group in its first poll is cancelled itself, where it waits.
#[corio::test(start_paused = true)]
async fn tg_70_a_child_ends_its_group_while_it_is_started() {
    let log = Log::default();
    let theirs = log.clone();
    let group = Group::new();
    let ends = group.clone();
    drop(group.spawn(forever::<()>()));
    let child = group.builder().eager(true).spawn(async move {
        ends.cancel();
        theirs.add("to the next wait");
        yield_now().await;
        theirs.add("never");
    });
    assert!(!child.is_finished());
    group.join().await.unwrap();
    assert!(child.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["to the next wait"]);
}
