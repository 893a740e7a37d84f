//! Groups within other things, and how they end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use corio::sync::{Event, oneshot};
use corio::time::{Elapsed, Instant};
use corio::{TaskGroup, finally, introspect, sleep, spawn, task_group, timeout};

use crate::common::Log;
use crate::kit::{
    Group, cleans_up_for, counting_panics, errors, fails_after, forever, goes_on_for,
    is_left_alone, ms,
};

/// What stands around a group gets the group's error, and its own cleanup runs before it passes it on.
#[corio::test(start_paused = true)]
async fn tg_48_a_cleanup_around_a_group_does_not_lose_its_error() {
    let log = Log::default();
    let (inner, outer) = (log.clone(), log.clone());
    let group = task_group(|group: Group| async move {
        drop(group.spawn(fails_after(1, "child")));
        drop(group.spawn(cleans_up_for::<()>(5, inner, "sibling")));
        forever::<Result<(), _>>().await
    });
    let error = finally(group, move || outer.slowly("around")).await.unwrap_err();
    assert_eq!(errors(&error), ["child"]);
    assert_eq!(log.get(), ["sibling", "around"]);
}

/// A group waits for its own children, not for tasks that those have spawned elsewhere.
#[corio::test(start_paused = true)]
async fn tg_49_a_group_waits_only_for_its_own() {
    struct Hydra;
    impl Drop for Hydra {
        fn drop(&mut self) {
            drop(spawn(sleep(ms(3_600_000))));
        }
    }
    let start = Instant::now();
    let group = Group::new();
    for _ in 0..5 {
        drop(group.spawn(async {
            let _head = Hydra;
            forever::<()>().await;
        }));
    }
    drop(group.spawn(fails_after(1, "sword")));
    assert_eq!(errors(&group.join().await.unwrap_err()), ["sword"]);
    assert!(start.elapsed() < ms(3_600_000));
    assert!(introspect::tasks().len() > 5, "the new heads live on");
}

/// A time limit around a group cancels the children, and waits for their cleanups.
#[corio::test(start_paused = true)]
async fn tg_50_a_time_limit_around_a_group() {
    let log = Log::default();
    let theirs = log.clone();
    let group = task_group(|group: Group| async move {
        drop(group.spawn(cleans_up_for::<()>(5, theirs, "child")));
        Ok(())
    });
    let ended: Result<_, Elapsed> = timeout(ms(10), group).await;
    assert!(ended.is_err());
    assert_eq!(log.get(), ["child"]);
    assert!(is_left_alone().await);
}

/// A time limit in the body and a child's failure come at the same time: the first that is seen counts.
#[corio::test(start_paused = true)]
async fn tg_51_a_time_limit_in_the_body_and_a_failure_at_once() {
    for child_first in [true, false] {
        let error = task_group(|group: Group| async move {
            let at = Instant::now() + ms(5);
            let child = async move {
                corio::sleep_until(at).await;
                Err::<(), _>("child")
            };
            if child_first {
                drop(group.spawn(child));
                corio::yield_now().await;
                corio::timeout_at(at, forever::<()>()).await.map_err(|_| "time limit")
            } else {
                let limited = corio::timeout_at(at, async {
                    corio::yield_now().await;
                    drop(group.spawn(child));
                    forever::<()>().await;
                });
                limited.await.map_err(|_| "time limit")
            }
        })
        .await
        .unwrap_err();
        let first = if child_first { "child" } else { "time limit" };
        assert_eq!(errors(&error), [first]);
        assert!(is_left_alone().await);
    }
}

/// A time limit in the body that is not dealt with is an error of the body.
#[corio::test(start_paused = true)]
async fn tg_52_a_time_limit_in_the_body_is_an_error_of_the_body() {
    let log = Log::default();
    let theirs = log.clone();
    let error = task_group(|group: TaskGroup<Elapsed>| async move {
        drop(group.spawn(cleans_up_for::<()>(5, theirs, "child")));
        timeout(ms(1), forever::<()>()).await
    })
    .await
    .unwrap_err();
    assert_eq!(error.failures().len(), 1);
    assert_eq!(error.failures()[0].id(), None);
    assert_eq!(log.get(), ["child"]);
}

/// A group outlives the task that made it if it is handed on: a later failure is told to its new owner.
#[corio::test(start_paused = true)]
async fn tg_53_a_group_that_its_maker_has_handed_on() {
    let (send, receive) = oneshot::channel();
    let maker = spawn(async move {
        let group = Group::new();
        drop(group.spawn(fails_after(5, "child")));
        let _ = send.send(group);
    });
    maker.await.unwrap();
    let error = receive.await.unwrap().join().await.unwrap_err();
    assert_eq!(errors(&error), ["child"]);
}

/// A group gives what its body gives; the children's values are with their handles.
#[corio::test]
async fn tg_54_a_group_gives_what_its_body_gives() {
    let given = task_group(|group: Group| async move {
        drop(group.spawn(async { Ok(1) }));
        drop(group.spawn(async { Ok("two") }));
        Ok('3')
    });
    assert_eq!(given.await.unwrap(), '3');
}

/// The first failure ends the group; those that come while it ends follow in the order they come.
#[corio::test(start_paused = true)]
async fn tg_57_later_failures_follow_in_order() {
    let group = Group::new();
    drop(group.spawn(async {
        goes_on_for(3).await;
        Err::<(), _>("third")
    }));
    drop(group.spawn(async {
        goes_on_for(2).await;
        Err::<(), _>("second")
    }));
    drop(group.spawn(fails_after(1, "first")));
    assert_eq!(errors(&group.join().await.unwrap_err()), ["first", "second", "third"]);
}

/// A child's panic belongs to its group: it is not told as one that nobody awaits.
#[test]
fn tg_58_the_group_has_seen_its_childrens_panics() {
    let (runtime, told) = counting_panics();
    runtime.block_on(async {
        let group = Group::new();
        drop(group.spawn(async {
            if true {
                panic!("as planned");
            }
        }));
        assert_eq!(group.join().await.unwrap_err().failures().len(), 1);
        assert_eq!(told.load(Ordering::SeqCst), 0);
        drop(spawn(async { panic!("as planned, too") }));
        sleep(ms(1)).await;
    });
    assert_eq!(told.load(Ordering::SeqCst), 1, "the other one is");
}

/// What is seen from outside: a child's parent, and that the parent waits for its group.
#[corio::test(start_paused = true)]
async fn tg_72_the_parent_of_a_child_waits_for_the_group() {
    let parent = spawn(task_group(|group: Group| async move {
        drop(group.builder().name("child").spawn(forever::<()>()));
        Ok(())
    }));
    sleep(ms(1)).await;
    let tasks = introspect::tasks();
    let child = tasks.iter().find(|task| task.name.as_deref() == Some("child")).unwrap();
    assert_eq!(child.parent, Some(parent.id()));
    let waits = tasks.iter().find(|task| task.id == parent.id()).unwrap();
    assert_eq!(waits.waiting_on.as_ref().unwrap().kind, "group");
}

/// A time limit around a group that fails while it is being dropped: the time is up, and that is all.
#[corio::test(start_paused = true)]
async fn tg_74_75_a_child_that_fails_after_the_time_is_up() {
    for caught_inside in [true, false] {
        let log = Log::default();
        let theirs = log.clone();
        let start = Instant::now();
        let limited = timeout(ms(5), async move {
            let group = task_group(|group: Group| async move {
                drop(group.spawn(async {
                    goes_on_for(10).await;
                    Err::<(), _>("child")
                }));
                Ok(())
            });
            let ended = group.await;
            if caught_inside {
                theirs.add(format!("{ended:?}"));
                sleep(ms(1)).await;
                return Ok(());
            }
            ended
        });
        assert!(limited.await.is_err());
        assert!(start.elapsed() >= ms(15), "the child is waited for");
        assert_eq!(log.get(), Vec::<String>::new());
        assert!(is_left_alone().await);
    }
}

/// A child wakes the body and then fails, in one poll: the body does not go on, and nothing is left over.
#[corio::test(start_paused = true)]
async fn tg_76_a_child_wakes_the_body_and_fails() {
    let log = Log::default();
    let (theirs, event) = (log.clone(), Arc::new(Event::new()));
    let error = task_group(|group: Group| async move {
        let set = event.clone();
        drop(group.spawn(async move {
            set.set();
            Err::<(), _>("child")
        }));
        event.wait().await;
        theirs.add("went on");
        Ok(())
    })
    .await
    .unwrap_err();
    assert_eq!(errors(&error), ["child"]);
    assert_eq!(log.get(), Vec::<String>::new());
    assert!(is_left_alone().await);
}

/// However a group fails, its parent's next waits are its own.
#[corio::test(start_paused = true)]
async fn tg_77_a_failed_group_leaves_no_request_behind() {
    for (child, body) in [(0, 1), (1, 0), (1, 1), (2, 1), (1, 2)] {
        let error = task_group(|group: Group| async move {
            drop(group.spawn(fails_after(child, "child")));
            fails_after(body, "body").await
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 1);
        let start = Instant::now();
        assert!(is_left_alone().await && is_left_alone().await);
        assert!(start.elapsed() >= ms(2));
    }
}
