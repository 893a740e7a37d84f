//! Panics of user code at moments in which the group or a starter could be left waiting.

use std::panic::{AssertUnwindSafe, catch_unwind};

use corio_runtime::spawn;
use corio_runtime::structured::{GroupFuture, Ready, StartError, TaskGroup, task_group};
use corio_runtime::time::timeout;

use crate::kit::{Count, cleans_up_in, ms, on_all, settle};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("as planned");
    }
}

/// The closure of a group is called before there is anything to poll, and may have spawned children by the time
/// it panics. They end before the task does.
#[test]
fn a_closure_that_panics_leaves_no_children() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let task = spawn(async move {
            let (entered, is_entered) = std::sync::mpsc::channel();
            let made =
                catch_unwind(AssertUnwindSafe(|| -> GroupFuture<std::future::Ready<_>, (), ()> {
                    task_group(|group: TaskGroup<()>| {
                        group.builder().eager(true).spawn(async move {
                            entered.send(()).unwrap();
                            cleans_up_in(theirs).await;
                        });
                        panic!("as planned");
                    })
                }));
            assert!(made.is_err() && is_entered.try_recv().is_ok());
        });
        task.await.unwrap();
        assert_eq!(cleaned.get(), 1);
    });
}

/// Nobody wants the value of a child that ends before it is ready; its drop is the child's last deed.
#[test]
fn trio_04_a_child_whose_value_panics_answers_its_starter() {
    on_all(|| async {
        let group = TaskGroup::<String>::new();
        let start = group.try_start(|_: Ready<()>| async { Ok(Bomb) });
        match timeout(ms(20_000), start).await.unwrap() {
            Err(StartError::Panicked(payload)) => {
                assert_eq!(payload.to_string(), "panicked: as planned");
            }
            other => panic!("{other:?}"),
        }
        // The starter was told, so the group was not.
        group.join().await.unwrap();
    });
}

/// The body is dropped by the group's failure, and panics in that; the children are waited for first.
#[test]
fn a_body_that_panics_when_a_failure_drops_it_waits_for_the_children() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let task = spawn(async move {
            task_group(|group: TaskGroup<&str>| async move {
                let _bomb = Bomb;
                group.spawn(cleans_up_in(theirs));
                settle().await;
                group.spawn(async { Err::<(), _>("broken") });
                std::future::pending::<Result<(), _>>().await
            })
            .await
        });
        let error = task.await.unwrap_err();
        assert!(error.is_panic() && cleaned.get() == 1, "{error}");
    });
}
