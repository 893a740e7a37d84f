//! The parent is cancelled from outside.

use std::sync::Arc;

use corio::sync::Event;
use corio::time::Instant;
use corio::{CancelScope, catch_cancel, sleep, spawn, task, task_group};

use crate::common::Log;
use crate::kit::{
    Group, cleans_up_for, errors, fails_after, fails_at, forever, goes_on_for, is_left_alone, ms,
};

/// A parent that is cancelled while it waits for its children waits for their cleanups.
#[corio::test(start_paused = true)]
async fn tg_28_a_parent_that_is_cancelled_after_its_body() {
    let log = Log::default();
    let theirs = log.clone();
    let parent = spawn(task_group(|group: Group| async move {
        drop(group.spawn(cleans_up_for::<()>(5, theirs, "child")));
        Ok(())
    }));
    sleep(ms(1)).await;
    assert!(parent.cancel());
    assert!(parent.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["child"]);
}

/// A request that a shield holds up while the group fails is not forgotten: the next wait ends the task.
#[corio::test(start_paused = true)]
async fn tg_29_a_request_and_a_failure_in_a_shield_are_both_seen() {
    let log = Log::default();
    let theirs = log.clone();
    let parent = spawn(async move {
        let shielded = CancelScope::new().shield(true);
        let group = task_group(|group: Group| async move {
            drop(group.spawn(fails_after(5, "child")));
            Ok(())
        });
        let error = shielded.run(group).await.unwrap().unwrap_err();
        theirs.add(errors(&error)[0]);
        sleep(ms(1)).await;
        theirs.add("went on");
    });
    sleep(ms(1)).await;
    parent.cancel();
    assert!(parent.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["child"]);
}

/// Cancelling the parent again and again asks the children once, and ends no wait.
#[corio::test(start_paused = true)]
async fn tg_30_a_parent_that_is_cancelled_many_times() {
    let log = Log::default();
    let theirs = log.clone();
    let parent = spawn(task_group(|group: Group| async move {
        drop(group.spawn(async move {
            goes_on_for(10).await;
            theirs.add("to the end");
        }));
        Ok(())
    }));
    for _ in 0..5 {
        sleep(ms(1)).await;
        parent.cancel();
        assert!(!parent.is_finished());
    }
    assert!(parent.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["to the end"]);
}

/// The end of a cancelled group takes as long as its longest cleanup.
#[corio::test(start_paused = true)]
async fn tg_31_cleanups_of_children_run_side_by_side() {
    let log = Log::default();
    let theirs = log.clone();
    let parent = spawn(task_group(|group: Group| async move {
        for (n, what) in [(30, "long"), (10, "short"), (20, "middle")] {
            drop(group.spawn(cleans_up_for::<()>(n, theirs.clone(), what)));
        }
        Ok(())
    }));
    sleep(ms(1)).await;
    let start = Instant::now();
    parent.cancel();
    assert!(parent.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), ["short", "middle", "long"]);
    assert!((ms(30)..ms(60)).contains(&start.elapsed()), "{:?}", start.elapsed());
}

/// A body that takes the request and makes an error of it fails the group with that error.
#[corio::test(start_paused = true)]
async fn tg_32_a_body_that_makes_an_error_of_the_request() {
    let log = Log::default();
    let theirs = log.clone();
    let parent = spawn(async move {
        let failed = task_group(|group: Group| async move {
            drop(group.spawn(cleans_up_for::<()>(5, theirs, "child")));
            catch_cancel(forever::<()>()).await.map_err(|_| "my own")
        });
        errors(&failed.await.unwrap_err())
    });
    sleep(ms(1)).await;
    parent.cancel();
    assert_eq!(parent.await.unwrap(), ["my own"]);
    assert_eq!(log.get(), ["child"]);
}

/// A request to cancel the parent beats a failure that the parent has not seen yet.
#[corio::test]
async fn tg_33_a_request_and_a_failure_in_the_same_moment() {
    for cancel_first in [false, true] {
        for body_waits in [false, true] {
            let gate = Arc::new(Event::new());
            let theirs = gate.clone();
            let parent = spawn(task_group(|group: Group| async move {
                drop(group.spawn(fails_at(theirs, "child")));
                if body_waits { forever().await } else { Ok(()) }
            }));
            gate_is_waited_for(&gate).await;
            if cancel_first {
                parent.cancel();
            }
            gate.set();
            parent.cancel();
            assert!(parent.await.unwrap_err().is_cancelled());
        }
    }
}

/// Waits until the child waits for the event.
async fn gate_is_waited_for(gate: &Arc<Event>) {
    for _ in 0..10 {
        corio::yield_now().await;
    }
    assert!(!gate.is_set());
}

/// A failure while the parent only waits for its children is no request to the parent.
#[corio::test(start_paused = true)]
async fn tg_34_a_failure_is_not_a_request_to_the_parent() {
    let log = Log::default();
    let theirs = log.clone();
    let ended = catch_cancel(task_group(|group: Group| async move {
        drop(group.spawn(fails_after(1, "child")));
        drop(group.spawn(cleans_up_for::<()>(5, theirs, "sibling")));
        Ok(())
    }))
    .await;
    assert_eq!(errors(&ended.unwrap().unwrap_err()), ["child"]);
    assert_eq!(log.get(), ["sibling"]);
    assert!(is_left_alone().await);
}

/// A request that was there before the group began is neither taken nor forgotten by it.
#[corio::test(start_paused = true)]
async fn tg_35_a_request_that_is_older_than_the_group() {
    for fails in [false, true] {
        let log = Log::default();
        let theirs = log.clone();
        let parent = spawn(async move {
            let work = async {
                task::current().cancel();
                sleep(ms(1)).await;
                task_group(|group: Group| async move {
                    drop(group.spawn(async move {
                        sleep(ms(1)).await;
                        if fails { Err("child") } else { Ok(()) }
                    }));
                    Ok(())
                })
                .await
                .map_err(|error| errors(&error))
            };
            let ended = CancelScope::new().shield(true).run(work).await;
            theirs.add(format!("{ended:?}"));
            sleep(ms(1)).await;
            theirs.add("went on");
        });
        assert!(parent.await.unwrap_err().is_cancelled());
        let expected = if fails { "Some(Err([\"child\"]))" } else { "Some(Ok(()))" };
        assert_eq!(log.get(), [expected]);
    }
}

/// A request without any failure ends the task as cancelled; there is no error of the group.
#[corio::test(start_paused = true)]
async fn tg_36_a_request_alone_gives_no_group_error() {
    let log = Log::default();
    let theirs = log.clone();
    let parent = spawn(async move {
        let ended = task_group(|group: Group| async move {
            drop(group.spawn(forever::<()>()));
            forever::<Result<(), _>>().await
        });
        theirs.add(format!("{:?}", ended.await));
    });
    sleep(ms(1)).await;
    parent.cancel();
    assert!(parent.await.unwrap_err().is_cancelled());
    assert_eq!(log.get(), Vec::<String>::new());
}
