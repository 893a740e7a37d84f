//! The time that a scope gives to the cleanups of what it cuts off.

use std::sync::Arc;
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::spawn;
use corio_runtime::structured::{
    CancelScope, CleanupStack, TaskGroup, finally, finally_local, task_group,
};
use corio_runtime::time::{Instant, sleep};

use crate::kit::{Log, ms, on_all, pending, settle};
use crate::support::{begin, cut, in_child_process, said_by};

/// A limit on cleanups does not let the children of a group outlive the scope that the group is in.
#[test]
fn nothing_of_a_group_outlives_a_scope_that_limits_its_cleanups() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let task = spawn(async move {
            let child = theirs.clone();
            let held = Arc::new(());
            let kept = held.clone();
            let group = task_group(|group: TaskGroup| async move {
                group.spawn(async move {
                    let _kept = kept;
                    child.guarded("child", ms(50)).await;
                });
                pending::<Result<(), _>>().await
            });
            assert!(cut(ms(5)).run(group).await.is_none());
            assert_eq!(Arc::strong_count(&held), 1, "the child is gone");
            theirs.add("scope");
        });
        task.await.unwrap();
        let at_the_end = log.get();
        assert_eq!(at_the_end.last().unwrap(), "scope");
        sleep(ms(80)).await;
        assert_eq!(log.get(), at_the_end, "nothing runs on");
    });
}

/// A cleanup that is bound to its thread is a task of its own, and is dropped at the limit as any other.
#[test]
fn a_local_cleanup_over_its_limit_is_dropped() {
    on_all(|| async {
        let (log, outer) = (Log::default(), Log::default());
        let (theirs, outers) = (log.clone(), outer.clone());
        let held = std::rc::Rc::new(());
        let kept = held.clone();
        let body = finally_local(
            finally_local(log.guarded("innermost", Duration::from_secs(600)), move || async move {
                let _kept = kept;
                theirs.add("inner");
            }),
            move || async move { outers.add("outer") },
        );
        assert!(cut(ms(5)).run(body).await.is_none());
        assert_eq!(std::rc::Rc::strong_count(&held), 1);
        assert!(log.get().is_empty() && outer.get().is_empty());
    });
}

/// The limit counts where the future has been moved to another task since it was cut.
#[test]
fn the_limit_drops_a_cleanup_that_another_task_has() {
    on_all(|| async {
        let log = Log::default();
        let mut run = Box::pin({
            let guarded = log.guarded("late", Duration::from_secs(600));
            async move { cut(ms(20)).run(guarded).await }
        });
        let (send, receive) = corio_sync::oneshot::channel();
        let first = spawn(async move {
            begin(&mut run).await;
            sleep(ms(5)).await;
            begin(&mut run).await; // it is cut, and the cleanup is this task's
            assert!(send.send(run).is_ok());
        });
        let run = receive.await.unwrap();
        assert!(run.await.is_none());
        first.await.unwrap();
        assert!(log.get().is_empty());
    });
}

/// The line that tells of dropped cleanups counts each of them, also those inside others.
#[test]
fn the_cleanups_that_are_dropped_are_counted() {
    let long = Duration::from_secs(600);
    if !in_child_process() {
        let said = said_by("limits::the_cleanups_that_are_dropped_are_counted");
        let counts: Vec<_> = said.lines().filter_map(|l| l.strip_prefix("corio: ")).collect();
        assert_eq!(counts.len(), 5, "{said}");
        for (line, count) in counts.iter().zip(["2 cleanup(s)", "3", "2", "1", "1"]) {
            assert!(line.starts_with(count), "{said}");
        }
        assert!(counts[3].contains("of task") && counts[4].contains("of task"), "{said}");
        return;
    }
    corio_runtime::run(async move {
        let log = Log::default();
        // One in another.
        let nested = finally(log.guarded("inner", long), || async {});
        assert!(cut(ms(5)).run(nested).await.is_none());
        // A stack, whose last one runs.
        let stack = CleanupStack::with(|stack| async move {
            for _ in 0..3 {
                stack.push(move || sleep(long));
            }
            pending::<()>().await
        });
        assert!(cut(ms(5)).run(stack).await.is_none());
        // One that is bound to its thread, around another.
        let local = finally_local(log.guarded("inner", long), || async {});
        assert!(cut(ms(5)).run(local).await.is_none());
        // What only waits is not counted.
        let group = task_group(|group: TaskGroup| async move {
            group.spawn(finally(pending::<()>(), || sleep(ms(30))));
            pending::<Result<(), _>>().await
        });
        let quick = CancelScope::new().deadline(Instant::now() + ms(2)).cleanup_limit(long);
        assert!(quick.run(group).await.is_none());
    });
    for in_background in [false, true] {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            drop(spawn(finally(pending::<()>(), move || sleep(long))));
            settle().await;
        });
        if in_background {
            runtime.shutdown_background();
        } else {
            runtime.shutdown_timeout(ms(10));
        }
    }
}

/// The limit is also that of the children of a group: their cleanups are dropped, however they hold on.
#[test]
fn the_limit_drops_the_cleanups_of_a_groups_children() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let held = Arc::new(());
        let kept = held.clone();
        let long = Duration::from_secs(600);
        let group = task_group(|group: TaskGroup| async move {
            let child = theirs.clone();
            let (one, two, three) = (kept.clone(), kept.clone(), kept);
            group.spawn(async move {
                let _kept = one;
                child.guarded("child", long).await;
            });
            // One that takes the request, one that holds it up, and a group within.
            group.spawn(async move {
                let _kept = two;
                let _ = corio_runtime::structured::catch_cancel(pending::<()>()).await;
                CancelScope::new().shield(true).run(pending::<()>()).await;
            });
            let inner = theirs.clone();
            group.spawn(async move {
                let _ = task_group(|group: TaskGroup| async move {
                    group.spawn(async move {
                        let _kept = three;
                        inner.guarded("grandchild", long).await;
                    });
                    pending::<Result<(), _>>().await
                })
                .await;
            });
            pending::<Result<(), _>>().await
        });
        assert!(cut(ms(5)).run(group).await.is_none());
        assert_eq!(Arc::strong_count(&held), 1, "all are gone");
        assert!(log.get().is_empty());
    });
}
