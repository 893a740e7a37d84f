//! Adding children.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use corio::{sleep, task_group, yield_now};

use crate::common::{Log, OnDrop, single};
use crate::kit::{Group, errors, fails_after, forever, goes_on_for, ms};

/// A child that spawns another as the last thing it does: the group waits for that, too.
#[corio::test(start_paused = true)]
async fn tg_38_the_last_child_spawns_another_at_its_very_end() {
    let log = Log::default();
    let theirs = log.clone();
    task_group(|group: Group| async move {
        let again = group.clone();
        drop(group.spawn(async move {
            sleep(ms(1)).await;
            drop(again.spawn(async move {
                sleep(ms(5)).await;
                theirs.add("the last");
            }));
        }));
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(log.get(), ["the last"]);
}

/// A group may be made and filled outside any task, where a runtime is entered.
#[test]
fn tg_39_43_a_group_needs_no_task_around_it() {
    let runtime = single();
    let entered = runtime.enter();
    let group = Group::new();
    let child = group.spawn(async { Ok(1) });
    assert_eq!(group.len(), 1);
    drop(entered);
    runtime.block_on(group.join()).unwrap();
    assert!(child.is_finished());
}

/// Without a runtime `spawn` says so, and drops the future unpolled.
#[test]
fn tg_39_43_without_a_runtime_a_child_is_refused() {
    let log = Log::default();
    let (guard, theirs) = (OnDrop(log.clone(), "dropped"), log.clone());
    let group = Group::new();
    let spawned = catch_unwind(AssertUnwindSafe(|| {
        drop(group.spawn(async move {
            let _guard = guard;
            theirs.add("ran");
        }));
    }));
    let payload = spawned.unwrap_err();
    let text = payload.downcast_ref::<String>().unwrap();
    assert!(text.contains("no corio runtime on this thread"), "{text}");
    assert_eq!(log.get(), ["dropped"]);
    assert!(group.is_empty());
}

/// A child that is spawned into a group that has ended is cancelled before it runs.
#[corio::test]
async fn tg_40_a_group_that_has_ended_takes_no_children() {
    let owned = Group::new();
    let joined = owned.clone();
    owned.join().await.unwrap();
    let returned = task_group(|group: Group| async move { Ok(group) }).await.unwrap();
    let dropped = {
        let owned = Group::new();
        owned.clone()
    };
    for group in [joined, returned, dropped] {
        let log = Log::default();
        let (guard, theirs) = (OnDrop(log.clone(), "dropped"), log.clone());
        let late = group.spawn(async move {
            let _guard = guard;
            theirs.add("ran");
        });
        assert!(late.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["dropped"]);
    }
}

/// A child that is spawned into a group that is ending, by failure or on purpose, never runs.
#[corio::test(start_paused = true)]
async fn tg_41_68_a_group_that_is_ending_takes_no_children() {
    for fails in [true, false] {
        let log = Log::default();
        let theirs = log.clone();
        let group = Group::new();
        let again = group.clone();
        drop(group.spawn(async move {
            goes_on_for(1).await;
            let late = again.spawn(async move { theirs.add("ran") });
            assert!(late.await.unwrap_err().is_cancelled());
            Err::<(), _>("the late one did not run")
        }));
        if fails {
            drop(group.spawn(fails_after(1, "first")));
        } else {
            // The child has to be there to take the request.
            yield_now().await;
            group.cancel();
        }
        let error = group.join().await.unwrap_err();
        assert_eq!(errors(&error).last(), Some(&"the late one did not run"));
        assert_eq!(log.get(), Vec::<String>::new());
    }
}

/// What `spawn` gives is a task as any other.
#[corio::test]
async fn tg_45_a_child_is_a_task() {
    let log = Log::default();
    let theirs = log.clone();
    let group = Group::new();
    let child = group.spawn(async { Ok(corio::task::current().id()) });
    child.on_done(move || theirs.add("done"));
    let id = child.id();
    assert_eq!(child.await.unwrap(), id);
    assert_eq!(log.get(), ["done"]);
    let other = group.spawn(forever::<()>());
    assert!(other.cancel() && !other.cancel());
    assert!(other.await.unwrap_err().is_cancelled());
    group.join().await.unwrap();
}

/// What a child held is gone when the child is, not when the group is.
#[corio::test]
async fn tg_46_a_group_does_not_keep_finished_children() {
    let (held, output) = (Arc::new(()), Arc::new(()));
    let group = Group::new();
    for _ in 0..100 {
        let (held, output) = (held.clone(), output.clone());
        drop(group.spawn(async move {
            yield_now().await;
            drop(held);
            Ok(output)
        }));
    }
    let last = group.spawn(forever::<()>());
    assert_eq!(Arc::strong_count(&output), 101);
    while group.len() > 1 {
        yield_now().await;
    }
    assert_eq!((Arc::strong_count(&held), Arc::strong_count(&output)), (1, 1));
    last.cancel();
    group.join().await.unwrap();
}

/// A group as text: how many children, how many failures, whether it is ending.
#[corio::test]
async fn tg_47_a_group_as_text() {
    let group = Group::new();
    for _ in 0..2 {
        drop(group.spawn(goes_on_for(1)));
    }
    let text = || format!("{group:?}");
    assert_eq!(text(), "TaskGroup { children: 2, failures: 0, cancelled: false }");
    drop(group.spawn(async { Err::<(), _>("a") }));
    while group.len() > 2 {
        yield_now().await;
    }
    assert_eq!(text(), "TaskGroup { children: 2, failures: 1, cancelled: true }");
    group.join().await.unwrap_err();
}

/// A child may be a loop without an end, without a word about what it would return.
#[corio::test(start_paused = true)]
async fn an_endless_child_ends_with_its_group() {
    let log = Log::default();
    let theirs = log.clone();
    let value = task_group(|group: Group| async move {
        group.spawn(async move {
            loop {
                sleep(ms(10)).await;
                theirs.add("beat");
            }
        });
        sleep(ms(25)).await;
        group.cancel();
        Ok(7)
    });
    assert_eq!(value.await.unwrap(), 7);
    assert_eq!(log.get(), ["beat", "beat"]);
}
