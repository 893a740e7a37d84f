//! A body and its cleanup, however the body ends.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use corio::{TaskGroup, finally, task_group};

use super::SHORT;
use crate::common::{LONG, Log, OnDrop, multi, on_all, poll_once, single};

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
