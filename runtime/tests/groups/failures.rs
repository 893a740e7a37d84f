//! What fails in a group ends it, and is told once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use corio_runtime::spawn;
use corio_runtime::structured::{FailureKind, TaskGroup, catch_cancel, finally, task_group};
use corio_runtime::time::sleep;
use corio_sync::Event;

use crate::kit::{Count, Log, cleans_up_in, on_all, pending, settle};

#[test]
fn tg_06_tg_57_failures_are_reported_in_the_order_they_came() {
    on_all(|| async {
        let error = task_group(|group: TaskGroup<u32>| async move {
            drop(group.spawn(async { Err::<(), _>(1) }));
            drop(group.spawn(async {
                // Fails while it is being cancelled: in a drop, which can only panic.
                struct Fails;
                impl Drop for Fails {
                    fn drop(&mut self) {
                        panic!("in the drop");
                    }
                }
                let _fails = Fails;
                sleep(Duration::from_secs(600)).await;
                Ok(())
            }));
            pending::<Result<(), u32>>().await
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures()[0].error(), Some(&1));
        assert!(error.failures().len() <= 2);
    });
}

#[test]
fn tg_07_a_child_that_panics_while_it_is_cancelled_adds_its_failure() {
    on_all(|| async {
        struct Fails;
        impl Drop for Fails {
            fn drop(&mut self) {
                panic!("in the drop");
            }
        }
        let error = task_group(|group: TaskGroup<u32>| async move {
            let (started, is_started) = corio_sync::oneshot::channel();
            drop(group.spawn(async move {
                let _fails = Fails;
                started.send(()).unwrap();
                pending::<Result<(), u32>>().await
            }));
            is_started.await.unwrap();
            Err::<(), _>(1)
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 2, "{error}");
        assert!(matches!(error.failures()[1].kind(), FailureKind::Panic(_)));
    });
}

#[test]
fn tg_13_tg_15_groups_nest_and_so_do_their_errors() {
    on_all(|| async {
        let error = task_group(|outer: TaskGroup<String>| async move {
            let inner = task_group(|inner: TaskGroup<String>| async move {
                drop(inner.spawn(async { Err::<(), _>("inner".to_owned()) }));
                pending::<Result<(), String>>().await
            });
            drop(outer.spawn(async move { inner.await.map_err(|e| format!("[{e}]")) }));
            pending::<Result<(), String>>().await
        })
        .await
        .unwrap_err();
        let text = error.to_string();
        assert!(text.contains('[') && text.contains("inner"), "{text}");
    });
}

#[test]
fn c05_a_failure_and_a_cancel_at_once() {
    on_all(|| async {
        for cancel_first in [false, true] {
            let (cleaned, gate) = (Count::default(), Arc::new(Event::new()));
            let (theirs, opened) = (cleaned.clone(), gate.clone());
            let task = spawn(async move {
                task_group(|group: TaskGroup<&str>| async move {
                    drop(group.spawn(cleans_up_in(theirs)));
                    drop(group.spawn(async move {
                        opened.wait().await;
                        Err::<(), _>("failed")
                    }));
                    pending::<Result<(), &str>>().await
                })
                .await
            });
            settle().await;
            if cancel_first {
                task.cancel();
                gate.set();
            } else {
                gate.set();
                task.cancel();
            }
            // On several workers the failure may have ended the group before the request came.
            match task.await {
                Err(error) => assert!(error.is_cancelled()),
                Ok(result) => assert_eq!(result.unwrap_err().failures().len(), 1),
            }
            assert_eq!(cleaned.get(), 1);
        }
    });
}

/// The body learns of a child's failure from the child's handle, in the very poll in which that came: it is one
/// failure, told once.
#[test]
fn a_failure_that_the_body_passes_on_is_told_once() {
    on_all(|| async {
        let error = task_group(|group: TaskGroup<io::Error>| async move {
            let child = group
                .builder()
                .eager(true)
                .spawn(async { Err::<(), _>(io::Error::new(io::ErrorKind::NotFound, "bad")) });
            child.await?;
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 1, "{error}");
        assert_eq!(error.failures()[0].error().unwrap().to_string(), "bad");
        assert!(!error.is_cancelled());
        let error = io::Error::from(error);
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().ends_with(": bad"), "{error}");
    });
}

/// An error of its own is the body's failure, also in a group that has failed already.
#[test]
fn an_error_of_the_bodys_own_is_told_beside_a_childs() {
    on_all(|| async {
        let error = task_group(|group: TaskGroup<io::Error>| async move {
            drop(
                group.builder().eager(true).spawn(async { Err::<(), _>(io::Error::other("bad")) }),
            );
            Err::<(), _>(io::Error::other("worse"))
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 2, "{error}");
    });
}

/// What a group cancels is no failure, whoever passes it on.
#[test]
fn a_cancellation_that_the_body_passes_on_is_no_failure() {
    on_all(|| async {
        let error = task_group(|group: TaskGroup<io::Error>| async move {
            let child = group.spawn(async { std::future::pending::<io::Result<u8>>().await });
            group.cancel();
            Ok(child.await?)
        })
        .await
        .unwrap_err();
        assert!(error.is_cancelled() && error.failures().is_empty(), "{error}");
        assert_eq!(error.to_string(), "the task group was cancelled");

        // A child that was cancelled alone is the body's affair.
        let error = task_group(|group: TaskGroup<io::Error>| async move {
            let child = group.spawn(async { std::future::pending::<io::Result<u8>>().await });
            child.cancel();
            Ok(child.await?)
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 1, "{error}");
    });
}

#[test]
fn the_first_failure_cancels_the_siblings_and_the_body() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let error = task_group(|group: TaskGroup<String>| async move {
            drop(group.spawn(finally(pending::<()>(), theirs.cleanup("sibling"))));
            drop(group.spawn(async {
                sleep(Duration::from_millis(2)).await;
                Err::<(), _>("broken".to_owned())
            }));
            pending::<Result<(), String>>().await
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 1);
        assert_eq!(error.failures()[0].error().unwrap(), "broken");
        assert!(error.to_string().contains("broken"));
        assert_eq!(log.get(), ["sibling"]);
    });
}

/// The first failure ends the group; those that come while it ends are told beside it, and the panic of a cleanup,
/// which belongs to nobody's result, is not.
#[test]
fn every_failure_is_reported() {
    on_all(|| async {
        let error = task_group(|group: TaskGroup<&'static str>| async move {
            drop(group.spawn(finally(pending::<Result<(), _>>(), || async { panic!("zero") })));
            drop(group.spawn(async {
                let _ = catch_cancel(pending::<()>()).await;
                Err::<(), _>("two")
            }));
            drop(group.spawn(async {
                let taken = catch_cancel(pending::<()>()).await;
                assert!(taken.is_ok(), "three");
            }));
            settle().await;
            drop(group.spawn_blocking(|| Err::<(), _>("one")));
            pending::<Result<(), _>>().await
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 3, "{error}");
        assert_eq!(error.failures()[0].error(), Some(&"one"));
        let text = error.to_string();
        for what in ["one", "two", "panicked: three"] {
            assert!(text.contains(what), "{text}");
        }
        for failure in error.failures() {
            assert!(text.contains(&failure.to_string()), "{text}");
        }
    });
}

#[test]
fn a_panic_in_the_body_comes_out_after_the_children() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let task = spawn(async move {
            let _: Result<(), _> = task_group(|group: TaskGroup<()>| async move {
                drop(group.spawn(finally(pending::<()>(), theirs.cleanup("child"))));
                sleep(Duration::from_millis(2)).await;
                panic!("as planned")
            })
            .await;
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(log.get(), ["child"]);
    });
}
