//! Groups that are ended on purpose.

use corio::{sleep, task_group, timeout, yield_now};

use crate::common::Log;
use crate::kit::{Group, cleans_up_for, errors, forever, goes_on_for, is_left_alone, ms};

/// A child may end the group, and with it itself.
#[corio::test(start_paused = true)]
async fn tg_63_a_child_ends_its_group() {
    let log = Log::default();
    let theirs = log.clone();
    let group = Group::new();
    let ends = group.clone();
    drop(group.spawn(cleans_up_for::<()>(5, log.clone(), "sibling")));
    drop(group.spawn(async move {
        sleep(ms(1)).await;
        ends.cancel();
        theirs.add("this poll goes on");
        sleep(ms(1)).await;
        theirs.add("never");
    }));
    group.join().await.unwrap();
    assert_eq!(log.get(), ["this poll goes on", "sibling"]);
    assert!(is_left_alone().await);
}

/// Ending a group twice is ending it once; ending one that has ended does nothing.
#[corio::test(start_paused = true)]
async fn tg_64_a_group_is_ended_once() {
    let group = Group::new();
    let handle = group.clone();
    let child = group.spawn(async {
        goes_on_for(5).await;
        Ok("to the end")
    });
    yield_now().await;
    handle.cancel();
    sleep(ms(1)).await;
    handle.cancel();
    group.join().await.unwrap();
    handle.cancel();
    assert_eq!(child.await.unwrap(), "to the end");
    assert!(is_left_alone().await);
}

/// A group that is ended before it has a child takes none, and is no error.
#[corio::test]
async fn tg_65_a_group_that_is_ended_before_it_begins() {
    let log = Log::default();
    let (first, second) = (log.clone(), log.clone());
    let group = Group::new();
    group.cancel();
    drop(group.spawn(async move { first.add("ran") }));
    group.join().await.unwrap();
    let given = task_group(|group: Group| {
        group.cancel();
        async move {
            drop(group.spawn(async move { second.add("ran") }));
            yield_now().await;
            Ok(7)
        }
    });
    assert_eq!(given.await.unwrap(), 7);
    assert_eq!(log.get(), Vec::<String>::new());
}

/// A child that answers the end of the group with an error has failed.
#[corio::test(start_paused = true)]
async fn tg_66_a_child_fails_because_its_group_is_ended() {
    let group = Group::new();
    drop(group.spawn(async {
        goes_on_for(1).await;
        Err::<(), _>("child")
    }));
    drop(group.spawn(forever::<()>()));
    yield_now().await;
    group.cancel();
    assert_eq!(errors(&group.join().await.unwrap_err()), ["child"]);
}

/// A body that fails after it has ended the group has failed.
#[corio::test]
async fn tg_67_a_body_fails_after_it_has_ended_the_group() {
    let failed = task_group(|group: Group| async move {
        drop(group.spawn(forever::<()>()));
        group.cancel();
        Err::<(), _>("body")
    });
    assert_eq!(errors(&failed.await.unwrap_err()), ["body"]);
}

/// A group that was ended and is then dropped from outside is dropped: a time limit says that it is up.
#[corio::test(start_paused = true)]
async fn tg_69_an_ended_group_does_not_hide_a_time_limit() {
    let log = Log::default();
    let theirs = log.clone();
    let limited = timeout(
        ms(5),
        task_group(|group: Group| async move {
            drop(group.spawn(cleans_up_for::<()>(20, theirs, "child")));
            yield_now().await;
            group.cancel();
            Ok(())
        }),
    );
    assert!(limited.await.is_err());
    assert_eq!(log.get(), ["child"]);
    assert!(is_left_alone().await);
}

/// A body whose last act is to end the group: nothing is left over for the parent's next wait.
#[corio::test(start_paused = true)]
async fn tg_71_a_body_ends_the_group_as_its_last_act() {
    let given = task_group(|group: Group| async move {
        group.cancel();
        Ok(7)
    });
    assert_eq!(given.await.unwrap(), 7);
    assert!(is_left_alone().await);
}
