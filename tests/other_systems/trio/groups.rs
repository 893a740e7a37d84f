//! Nurseries: every failure is told, and nobody comes late.

use std::future::pending;
use std::panic::resume_unwind;

use corio::structured::FailureKind;
use corio::time::{Instant, sleep};
use corio::{Handle, TaskGroup, catch_cancel, spawn, task_group, yield_now};

use super::{fails_when_cancelled, never_runs, panics_with};
use crate::common::secs;
use crate::common::{Log, OnDrop};

/// The first failure cancels all others, the group waits for them, and every failure is told.
#[corio::test(start_paused = true)]
async fn trio_01_every_failure_is_told_when_all_have_ended() {
    let log = Log::default();
    let ours = log.clone();
    let error = task_group(|group: TaskGroup<&str>| async move {
        drop(group.spawn(ours.endless("a sibling was cleaned up")));
        drop(group.spawn(fails_when_cancelled("a child")));
        drop(group.spawn(fails_when_cancelled("another child")));
        sleep(secs(1)).await;
        Err::<(), _>("the body")
    })
    .await
    .unwrap_err();
    let mut errors: Vec<_> = error.failures().iter().filter_map(|f| f.error().copied()).collect();
    assert_eq!(errors.remove(0), "the body");
    errors.sort_unstable();
    assert_eq!(errors, ["a child", "another child"]);
    assert_eq!(log.get(), ["a sibling was cleaned up"]);
}

/// A group waits for the children of its children, also when its body has ended; when it has ended
/// itself, a child is cancelled before it runs.
#[corio::test(start_paused = true)]
async fn trio_02_a_group_waits_for_late_children_and_refuses_later_ones() {
    let (log, start) = (Log::default(), Instant::now());
    let ours = log.clone();
    let closed = task_group(|group: TaskGroup| async move {
        let siblings = group.clone();
        drop(group.spawn(async move {
            sleep(secs(1)).await;
            drop(siblings.spawn(async move {
                sleep(secs(1)).await;
                ours.add("the late child");
            }));
        }));
        Ok(group)
    })
    .await
    .unwrap();
    assert_eq!((log.get(), start.elapsed()), (vec!["the late child".to_owned()], secs(2)));
    assert!(closed.spawn(never_runs()).await.unwrap_err().is_cancelled());
}

/// A child that is spawned into a cancelled group never runs.
#[corio::test(start_paused = true)]
async fn trio_03_a_child_of_a_cancelled_group_never_runs() {
    let log = Log::default();
    let ours = log.clone();
    task_group(|group: TaskGroup| async move {
        group.cancel();
        let guard = OnDrop(ours, "dropped");
        let child = group.spawn(async move {
            let _guard = guard;
            never_runs().await;
        });
        assert!(child.await.unwrap_err().is_cancelled());
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(log.get(), ["dropped"]);
}

/// A child that fails, or panics, while it cleans up is told of, and the others clean up undisturbed.
#[corio::test(start_paused = true)]
async fn trio_12_failures_while_ending_are_told_and_disturb_nobody() {
    let log = Log::default();
    let ours = log.clone();
    let error = task_group(|group: TaskGroup<&str>| async move {
        drop(group.spawn(ours.endless("a sibling was cleaned up")));
        drop(group.spawn(fails_when_cancelled("while ending")));
        drop(group.spawn(async {
            let _ = catch_cancel(pending::<()>()).await;
            panics_with(7).await;
        }));
        ours.entered(1).await;
        Err::<(), _>("the body")
    })
    .await
    .unwrap_err();
    let text = error.to_string();
    assert_eq!(error.failures().len(), 3, "{text}");
    assert!(text.contains("while ending") && text.contains("panicked"), "{text}");
    assert_eq!(log.get(), ["a sibling was cleaned up"]);
}

/// Ten thousand children that all fail: every failure is told, and nothing is left.
#[corio::test]
async fn trio_20_ten_thousand_failures_are_told() {
    let error = task_group(|group: TaskGroup<usize>| async move {
        for i in 0..10_000 {
            drop(group.spawn(async move {
                let _ = catch_cancel(pending::<()>()).await;
                Err::<(), _>(i)
            }));
        }
        yield_now().await;
        Err::<(), _>(10_000)
    })
    .await
    .unwrap_err();
    let mut errors: Vec<_> = error.failures().iter().filter_map(|f| f.error().copied()).collect();
    errors.sort_unstable();
    assert_eq!(errors, (0..=10_000).collect::<Vec<_>>());
    assert_eq!(Handle::current().metrics().tasks, 0);
}

/// A panic in a child is a failure with its payload, which can be raised again.
#[corio::test(start_paused = true)]
async fn trio_23_a_panic_is_a_failure_with_its_payload() {
    let log = Log::default();
    let ours = log.clone();
    let error = task_group(|group: TaskGroup<()>| async move {
        drop(group.spawn(ours.endless("a sibling was cleaned up")));
        ours.entered(1).await;
        drop(group.spawn(panics_with(7)));
        pending::<Result<(), ()>>().await
    })
    .await
    .unwrap_err();
    assert_eq!(log.get(), ["a sibling was cleaned up"]);
    let failure: corio::Failure<()> = error.into_failures().remove(0);
    let FailureKind::Panic(payload) = failure.into_kind() else { panic!("it is a panic") };
    let again = spawn(async { resume_unwind(payload.into_inner()) }).await.map(|(): ()| ());
    assert_eq!(*again.unwrap_err().into_panic().downcast::<i32>().unwrap(), 7);
}

/// A group may be ended without an error, as often as one likes, also when it has ended; what its children
/// raise meanwhile is told.
#[corio::test(start_paused = true)]
async fn trio_24_a_group_may_be_ended_without_an_error() {
    let log = Log::default();
    let ours = log.clone();
    let group = task_group(|group: TaskGroup| async move {
        drop(group.spawn(ours.endless("cleaned up")));
        ours.entered(1).await;
        group.cancel();
        group.cancel();
        Ok(group)
    });
    group.await.unwrap().cancel();
    assert_eq!(log.get(), ["cleaned up"]);
    let error = task_group(|group: TaskGroup<&str>| async move {
        drop(group.spawn(fails_when_cancelled("while ending")));
        yield_now().await;
        group.cancel();
        Ok(())
    });
    assert!(error.await.unwrap_err().to_string().contains("while ending"));
}
