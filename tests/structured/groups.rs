//! Children that end before their group, and the group before its task.

use std::future::pending;

use corio::{TaskGroup, task_group};

use crate::common::{LONG, Log, on_all, poll_once};

#[test]
fn the_first_failure_ends_the_group_and_all_failures_are_told() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let error = task_group(|group: TaskGroup<String>| async move {
            drop(group.spawn(theirs.endless("sibling")));
            drop(group.spawn(async move {
                theirs.entered(1).await;
                Err::<(), _>("first".to_owned())
            }));
            drop(group.spawn(async {
                // Cancelled by the first failure: a cancelled sibling is no failure.
                corio::sleep(LONG).await;
                Err::<(), _>("never".to_owned())
            }));
            pending::<Result<(), String>>().await
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 1, "{error}");
        assert_eq!(error.failures()[0].error().unwrap(), "first");
        let shown = error.to_string();
        assert!(shown.contains("first") && shown.contains(file!()), "{shown}");
        assert_eq!(log.get(), ["sibling"]);
    });
}

#[test]
fn a_panicking_child_ends_the_group() {
    on_all(|| async {
        let error = task_group(|group: TaskGroup<String>| async move {
            drop(group.spawn_blocking(|| -> Result<(), String> { panic!("as planned") }));
            pending::<Result<(), String>>().await
        })
        .await
        .unwrap_err();
        assert!(error.to_string().contains("as planned"), "{error}");
        assert!(error.failures()[0].error().is_none());
    });
}

#[test]
fn children_may_spawn_siblings_and_the_group_waits_for_them_too() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        task_group(|group: TaskGroup<()>| async move {
            let (siblings, log) = (group.clone(), theirs);
            drop(group.spawn(async move {
                let again = siblings.clone();
                drop(siblings.spawn(async move {
                    drop(again.spawn(log.slowly("grandchild")));
                }));
            }));
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(log.get(), ["grandchild"]);
    });
}

#[test]
fn groups_within_groups_end_together() {
    on_all(|| async {
        let log = Log::default();
        let outer_log = log.clone();
        let error = task_group(|outer: TaskGroup<&'static str>| async move {
            for _ in 0..3 {
                let log = outer_log.clone();
                drop(outer.spawn(async move {
                    let _ = task_group(|inner: TaskGroup<&'static str>| async move {
                        for _ in 0..3 {
                            drop(inner.spawn(log.endless("leaf")));
                        }
                        pending::<Result<(), _>>().await
                    })
                    .await;
                }));
            }
            outer_log.entered(9).await;
            Err::<(), _>("enough")
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 1, "{error:?}");
        assert_eq!(log.get(), ["leaf"; 9]);
    });
}

#[test]
fn a_dropped_group_ends_its_children_before_the_task_is_done() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        corio::spawn(async move {
            let log = theirs.clone();
            let mut group = Box::pin(task_group(|group: TaskGroup<()>| async move {
                drop(group.spawn(log.endless("child")));
                pending::<Result<(), ()>>().await
            }));
            poll_once(group.as_mut()).await;
            theirs.entered(1).await;
            drop(group);
        })
        .await
        .unwrap();
        assert_eq!(log.get(), ["child"]);
    });
}
