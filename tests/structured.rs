//! Structured concurrency: cleanups always run, inner first, and nothing outlives its group.

mod common;

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use common::{LONG, Log, OnDrop, multi, on_all, poll_once, single};
use corio::{TaskGroup, finally, task_group};

const SHORT: Duration = Duration::from_millis(2);

#[test]
fn a_body_may_borrow_and_its_cleanup_owns() {
    on_all(|| async {
        let log = Log::default();
        let text = String::from("borrowed");
        let theirs = log.clone();
        let length = finally(async { text.len() }, move || theirs.slowly("cleaned")).await;
        assert_eq!((length, log.get()), (8, vec!["cleaned".to_owned()]));
    });
}

#[test]
fn the_body_is_gone_before_its_cleanup_starts() {
    on_all(|| async {
        let log = Log::default();
        let (guard, theirs) = (OnDrop(log.clone(), "body dropped"), log.clone());
        let body = async move {
            let _guard = guard;
            pending::<()>().await;
        };
        let work = finally(body, move || theirs.slowly("cleaned"));
        assert!(corio::timeout(SHORT, work).await.is_err());
        assert_eq!(log.get(), ["body dropped", "cleaned"]);
    });
}

#[test]
fn a_task_that_cancels_itself_is_cleaned_up() {
    on_all(|| async {
        let log = Log::default();
        let (ours, theirs) = (log.clone(), log.clone());
        let body = async move {
            assert!(corio::task::current().cancel());
            // The rest of this poll still runs; the next wait is the last.
            ours.add("went on");
            corio::sleep(LONG).await;
            ours.add("never");
        };
        let task = corio::spawn(finally(body, move || theirs.slowly("cleaned")));
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["went on", "cleaned"]);
    });
}

#[test]
fn a_second_cancel_does_not_stop_a_cleanup() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let (started, mut is_started) = corio::sync::oneshot::channel();
        let (enter, entered) = corio::sync::oneshot::channel();
        let body = async move {
            let _ = enter.send(());
            pending::<()>().await;
        };
        let task = corio::spawn(finally(body, move || async move {
            let _ = started.send(());
            theirs.slowly("cleaned").await;
        }));
        entered.await.unwrap();
        task.cancel();
        (&mut is_started).await.unwrap();
        task.cancel();
        task.canceller().cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["cleaned"]);
    });
}

#[test]
fn a_task_is_not_done_before_its_cleanups_are() {
    on_all(|| async {
        let log = Log::default();
        let ours = log.clone();
        let (tell, told) = corio::sync::oneshot::channel();
        let task = corio::spawn(log.endless("cleaned"));
        task.on_done(move || {
            ours.add("done");
            let _ = tell.send(());
        });
        log.entered(1).await;
        assert!(!task.is_finished());
        task.cancel();
        assert!(task.await.is_err());
        assert_eq!(log.get()[0], "cleaned");
        told.await.unwrap();
        assert_eq!(log.get(), ["cleaned", "done"]);
    });
}

#[test]
fn what_a_plain_drop_owes_is_left_to_the_task() {
    on_all(|| async {
        let log = Log::default();
        let (ours, theirs) = (log.clone(), log.clone());
        let task = corio::spawn(async move {
            let mut work = Box::pin(ours.endless("cleaned"));
            poll_once(work.as_mut()).await;
            drop(work);
            ours.add("body ended");
            7
        });
        assert_eq!(task.await.unwrap(), 7);
        theirs.add("awaited");
        assert_eq!(log.get(), ["body ended", "cleaned", "awaited"]);
    });
}

#[test]
fn what_a_panic_leaves_behind_is_cleaned_up_first() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let task = corio::spawn(async move {
            let mut work = Box::pin(theirs.endless("cleaned"));
            poll_once(work.as_mut()).await;
            panic!("as planned");
        });
        let error: corio::TaskError = task.await.map(|(): ()| ()).unwrap_err();
        assert!(error.is_panic());
        log.add("awaited");
        assert_eq!(log.get(), ["cleaned", "awaited"]);
    });
}

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
        assert!(shown.contains("first") && shown.contains("tests/structured.rs:"), "{shown}");
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

#[test]
fn a_cleanup_may_use_the_whole_runtime() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let work = finally(pending::<()>(), move || async move {
            let answer = corio::spawn(async { 6 * 7 }).await.unwrap();
            let twice = corio::spawn_blocking(move || answer * 2).await.unwrap();
            let late = corio::timeout(SHORT, pending::<()>()).await;
            let group = task_group(|group: TaskGroup<()>| async move {
                Ok(group.spawn(async { Ok(1) }).await.unwrap())
            });
            theirs.add(format!("{answer} {twice} {} {:?}", late.is_err(), group.await.unwrap()));
        });
        assert!(corio::move_on_after(SHORT, work).await.is_none());
        assert_eq!(log.get(), ["42 84 true 1"]);
    });
}

#[test]
fn cancels_at_any_moment_lose_no_cleanup() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..300_u32)
                .map(|i| {
                    let (entered, cleaned) = (log.clone(), log.clone());
                    let body = async move {
                        entered.add("entered");
                        for _ in 0..i % 7 {
                            corio::yield_now().await;
                        }
                        let _ =
                            corio::timeout(Duration::from_micros(u64::from(i)), pending::<()>())
                                .await;
                    };
                    corio::spawn(finally(body, move || cleaned.slowly("cleaned")))
                })
                .collect();
            for (i, task) in tasks.iter().enumerate() {
                if i % 3 == 0 {
                    corio::yield_now().await;
                }
                if i % 4 != 0 {
                    task.cancel();
                }
            }
            for task in tasks {
                let _ = task.await;
            }
        });
        let (entered, cleaned): (Vec<_>, Vec<_>) =
            log.get().into_iter().partition(|what| what == "entered");
        assert_eq!(entered.len(), cleaned.len());
    }
}

#[test]
fn a_body_that_was_never_polled_owes_nothing() {
    on_all(|| async {
        let log = Log::default();
        drop(log.endless("never"));
        let mut never = pin!(log.endless("never"));
        corio::select! {
            biased;
            () = async {} => {}
            () = &mut never => {}
        }
        let task = corio::spawn(log.endless("never"));
        // On one thread it has not run yet; elsewhere it may have, and then it is cleaned up.
        task.cancel();
        let _ = task.await;
        assert!(log.get().len() <= 1);
    });
}
