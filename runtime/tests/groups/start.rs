//! `start` and `try_start`: the caller goes on when the child is ready.

use std::sync::Arc;

use corio_runtime::structured::{Ready, StartError, TaskGroup, task_group};
use corio_runtime::time::timeout;
use corio_runtime::{spawn, yield_now};
use corio_sync::Event;

use crate::kit::{Count, cleans_up_in, ms, on_all, pending, settle};

#[test]
fn trio_04_start_returns_when_the_child_is_ready_and_the_child_goes_on() {
    on_all(|| async {
        let done = Count::default();
        let theirs = done.clone();
        let gate = Arc::new(Event::new());
        let opened = gate.clone();
        let group = TaskGroup::<()>::new();
        let port = group
            .start(|ready| async move {
                yield_now().await;
                assert!(ready.is_wanted());
                assert!(ready.set(80));
                opened.wait().await;
                theirs.add();
            })
            .await;
        assert_eq!((port, done.get()), (80, 0));
        gate.set();
        group.join().await.unwrap();
        assert_eq!(done.get(), 1);
    });
}

#[test]
fn trio_04_a_child_that_fails_first_harms_only_its_starter() {
    on_all(|| async {
        let group = TaskGroup::<String>::new();
        let failed = group
            .try_start(|_: Ready<u16>| async { Err::<(), _>("in use".to_owned()) })
            .await
            .unwrap_err();
        assert!(matches!(&failed, StartError::Failed(e) if e == "in use"));
        let silent = group.try_start(|_: Ready<()>| async {}).await.unwrap_err();
        assert!(matches!(silent, StartError::NotReady), "{silent}");
        let panicked = group
            .try_start(|_: Ready<()>| async {
                yield_now().await;
                if true {
                    panic!("as planned")
                }
            })
            .await
            .unwrap_err();
        assert!(panicked.to_string().contains("as planned"), "{panicked}");
        // A failure after it was ready is the group's.
        let ready = group
            .try_start(|ready| async move {
                ready.set(1);
                yield_now().await;
                Err::<(), _>("later".to_owned())
            })
            .await;
        assert_eq!(ready.unwrap(), 1);
        let error = group.join().await.unwrap_err();
        assert_eq!(error.failures().len(), 1);
        assert_eq!(error.failures()[0].error().unwrap(), "later");
    });
}

#[test]
fn trio_04_a_start_that_is_given_up_cancels_the_child() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let group = TaskGroup::<()>::new();
        let start = group.start(|ready: Ready<()>| async move {
            let _ready = ready;
            cleans_up_in(theirs).await;
        });
        assert!(timeout(ms(3), start).await.is_err());
        group.join().await.unwrap();
        assert_eq!(cleaned.get(), 1);
        // And the other way round.
        let group = TaskGroup::<()>::new();
        let start = group.try_start(|ready: Ready<()>| async move {
            let _ready = ready;
            pending::<()>().await;
        });
        group.cancel();
        assert!(matches!(start.await.unwrap_err(), StartError::Cancelled));
        group.join().await.unwrap();
    });
}

#[test]
fn trio_04_in_a_body_a_child_that_is_not_ready_fails_the_group() {
    on_all(|| async {
        let error = task_group(|group: TaskGroup<&'static str>| async move {
            let port = group.start(|_: Ready<u16>| async { Err::<(), _>("in use") }).await;
            Ok(port)
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 1);
        assert_eq!(error.failures()[0].error(), Some(&"in use"));
    });
}

#[test]
fn c03_cancelling_the_starter_stays_out_of_the_group_it_started_into() {
    on_all(|| async {
        let (cleaned, done) = (Count::default(), Count::default());
        let outer = TaskGroup::<()>::new();
        let gate = Arc::new(Event::new());
        let (into, theirs, opened, served) =
            (outer.clone(), cleaned.clone(), gate.clone(), done.clone());
        let starter = spawn(async move {
            // One that is ready by the time, and one that is not.
            into.start(|ready| async move {
                ready.set(());
                opened.wait().await;
                served.add();
            })
            .await;
            into.start(|ready: Ready<()>| async move {
                cleans_up_in(theirs).await;
                ready.set(());
            })
            .await;
        });
        settle().await;
        starter.cancel();
        assert!(starter.await.unwrap_err().is_cancelled());
        // The outer group has lost the child that was not ready, and nothing else.
        assert!(outer.next().await.unwrap().is_cancelled());
        assert_eq!((cleaned.get(), done.get(), outer.len()), (1, 0, 1));
        gate.set();
        outer.join().await.unwrap();
        assert_eq!(done.get(), 1);
    });
}
