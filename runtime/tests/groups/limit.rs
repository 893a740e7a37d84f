//! Groups of which only so many children run at once.

use std::sync::atomic::Ordering;

use corio_runtime::structured::{TaskGroup, task_group_with_limit};
use corio_runtime::yield_now;

use crate::kit::{Count, ms, on_all, pending};

#[test]
fn a_limit_holds_and_everybody_gets_a_turn() {
    on_all(|| async {
        let (running, most, done) = (Count::default(), Count::default(), Count::default());
        let group = TaskGroup::<()>::with_limit(4);
        for i in 0..100 {
            let (running, most, done) = (running.clone(), most.clone(), done.clone());
            let work = move || {
                let now = running.add_and_get();
                most.0.fetch_max(now, Ordering::SeqCst);
                (running, done)
            };
            if i % 10 == 0 {
                drop(group.spawn_blocking(move || {
                    let (running, done) = work();
                    std::thread::yield_now();
                    running.sub();
                    done.add();
                }));
            } else {
                drop(group.spawn(async move {
                    let (running, done) = work();
                    yield_now().await;
                    running.sub();
                    done.add();
                }));
            }
        }
        group.join().await.unwrap();
        assert_eq!(done.get(), 100);
        assert!(most.get() <= 4, "{} at once", most.get());
    });
}

#[test]
fn a_limit_and_failures() {
    on_all(|| async {
        let group = TaskGroup::<String>::with_limit(1);
        let ran = Count::default();
        drop(group.spawn_blocking(|| -> Result<(), String> { panic!("as planned") }));
        for _ in 0..5 {
            let ran = ran.clone();
            drop(group.spawn(async move {
                ran.add();
                pending::<()>().await;
            }));
        }
        let error = group.join().await.unwrap_err();
        assert!(error.to_string().contains("as planned"), "{error}");
        assert!(ran.get() <= 1);
    });
}

#[test]
fn a_call_that_runs_in_a_limited_group_is_waited_for() {
    on_all(|| async {
        let over = Count::default();
        let theirs = over.clone();
        let (started, is_started) = corio_sync::oneshot::channel();
        let group = TaskGroup::<()>::with_limit(1);
        drop(group.spawn_blocking(move || {
            started.send(()).unwrap();
            while corio_runtime::blocking::check_cancelled().is_ok() {
                std::thread::sleep(ms(1));
            }
            theirs.add();
        }));
        is_started.await.unwrap();
        group.cancel();
        group.join().await.unwrap();
        assert_eq!(over.get(), 1);
    });
}

#[test]
#[should_panic(expected = "limit of 0")]
fn a_limit_of_nothing_is_refused() {
    drop(TaskGroup::<()>::with_limit(0));
}

#[test]
fn a_group_with_a_body_may_have_a_limit() {
    on_all(|| async {
        let (running, most) = (Count::default(), Count::default());
        let (all, peak) = (running.clone(), most.clone());
        task_group_with_limit(3, |group: TaskGroup<()>| async move {
            for _ in 0..20 {
                let (running, most) = (running.clone(), most.clone());
                group.spawn(async move {
                    most.0.fetch_max(running.add_and_get(), Ordering::SeqCst);
                    yield_now().await;
                    running.sub();
                });
            }
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!((peak.get(), all.get()), (3, 0));
    });
}
