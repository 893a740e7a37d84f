//! How a group ends: by itself, by `cancel`, with its parent, with its runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{TaskGroup, finally, task_group};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, yield_now};

use crate::kit::{Count, Log, cleans_up_in, multi, on_all, pending, settle, single};

#[test]
fn tg_08_tg_26_children_that_have_not_started_never_run() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let ran = Count::default();
        let theirs = ran.clone();
        let error = task_group(|group: TaskGroup<&str>| async move {
            drop(group.spawn(async move {
                theirs.add();
            }));
            Err::<(), _>("at once")
        })
        .await
        .unwrap_err();
        assert_eq!((error.failures().len(), ran.get()), (1, 0));
    });
}

#[test]
fn tg_21_cancelling_one_child_harms_nobody() {
    on_all(|| async {
        let value = task_group(|group: TaskGroup<()>| async move {
            let one = group.spawn(pending::<()>());
            let two = group.spawn(async { Ok(2) });
            one.cancel();
            assert!(one.await.unwrap_err().is_cancelled());
            Ok(two.await.unwrap())
        })
        .await;
        assert_eq!(value.unwrap(), 2);
    });
}

#[test]
fn tg_27_tg_31_cancelling_the_parent_waits_for_the_childrens_cleanups() {
    on_all(|| async {
        let cleaned = Count::default();
        let theirs = cleaned.clone();
        let parent = spawn(async move {
            task_group(|group: TaskGroup<()>| async move {
                for _ in 0..20 {
                    drop(group.spawn(cleans_up_in(theirs.clone())));
                }
                Ok(())
            })
            .await
        });
        settle().await;
        parent.cancel();
        parent.cancel();
        assert!(parent.await.unwrap_err().is_cancelled());
        assert_eq!(cleaned.get(), 20);
    });
}

#[test]
fn tg_62_tg_64_cancel_ends_a_group_without_an_error_and_twice_is_once() {
    on_all(|| async {
        let cleaned = Count::default();
        let group = TaskGroup::<()>::new();
        for _ in 0..3 {
            drop(group.spawn(cleans_up_in(cleaned.clone())));
        }
        settle().await;
        group.cancel();
        group.cancel();
        let handle = group.clone();
        group.join().await.unwrap();
        assert_eq!(cleaned.get(), 3);
        handle.cancel();
    });
}

#[test]
fn c12_what_a_cancelled_child_held_is_gone_when_the_group_returns() {
    on_all(|| async {
        let held = Arc::new(());
        let theirs = held.clone();
        let group = task_group(|group: TaskGroup<()>| async move {
            for _ in 0..50 {
                let held = theirs.clone();
                drop(group.spawn(async move {
                    pending::<()>().await;
                    drop(held);
                }));
            }
            yield_now().await;
            Err::<(), _>(())
        });
        group.await.unwrap_err();
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn c11_groups_while_the_runtime_shuts_down() {
    for workers in [0, 2] {
        let runtime = match workers {
            0 => Builder::new_current_thread().build().unwrap(),
            n => Builder::new_multi_thread().worker_threads(n).build().unwrap(),
        };
        let done = Count::default();
        let theirs = done.clone();
        runtime.block_on(async move {
            drop(spawn(finally(pending::<()>(), move || async move {
                // Cleanups may spawn, and their groups end as any do.
                let group = TaskGroup::<()>::new();
                for _ in 0..10 {
                    let done = theirs.clone();
                    drop(group.spawn(async move { done.add() }));
                }
                group.join().await.unwrap();
                theirs.add();
            })));
            settle().await;
        });
        drop(runtime);
        assert_eq!(done.get(), 11);
    }
}

#[test]
fn a_group_returns_when_all_children_are_done() {
    on_all(|| async {
        let done = Arc::new(AtomicUsize::new(0));
        let theirs = done.clone();
        let value = task_group(|group: TaskGroup<()>| async move {
            for i in 0..100 {
                let done = theirs.clone();
                drop(group.spawn(async move {
                    if i % 3 == 0 {
                        sleep(Duration::from_millis(1)).await;
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                }));
            }
            Ok(5)
        })
        .await
        .unwrap();
        assert_eq!((value, done.load(Ordering::SeqCst)), (5, 100));
    });
}

#[test]
fn c04_a_dropped_group_is_waited_for() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let group = task_group(|group: TaskGroup<()>| async move {
            drop(group.spawn(finally(pending::<()>(), theirs.cleanup("child"))));
            pending::<Result<(), ()>>().await
        });
        assert!(timeout(Duration::from_millis(2), group).await.is_err());
        assert_eq!(log.get(), ["child"]);
    });
}

#[test]
fn an_owned_group_joins_or_ends_its_children() {
    on_all(|| async {
        let group = TaskGroup::<()>::new();
        let helper = group.clone();
        drop(group.spawn(async move {
            drop(helper.spawn(async {}));
        }));
        group.join().await.unwrap();

        let log = Log::default();
        let theirs = log.clone();
        let task = spawn(async move {
            let group = TaskGroup::<()>::new();
            drop(group.spawn(finally(pending::<()>(), theirs.cleanup("child"))));
            sleep(Duration::from_millis(2)).await;
            drop(group);
        });
        task.await.unwrap();
        assert_eq!(log.get(), ["child"]);
    });
}

#[test]
fn cancelling_a_group_is_no_error() {
    on_all(|| async {
        let result = task_group(|group: TaskGroup<()>| async move {
            let child = group.spawn(pending::<()>());
            group.cancel();
            let ran = Arc::new(AtomicUsize::new(0));
            let theirs = ran.clone();
            let late = group.spawn(async move {
                theirs.fetch_add(1, Ordering::SeqCst);
            });
            assert!(child.await.unwrap_err().is_cancelled());
            assert!(late.await.unwrap_err().is_cancelled());
            assert_eq!(ran.load(Ordering::SeqCst), 0, "it is cancelled before it runs");
            Ok(3)
        })
        .await;
        assert_eq!(result.unwrap(), 3);
    });
}

/// Another thread may cancel a child from the moment the group knows it, while its spawner still puts it in its
/// place: it has one end all the same, and nothing is left of it.
#[test]
fn children_that_are_spawned_while_their_group_is_cancelled_have_one_end() {
    for runtime in [single(), multi(1), multi(2)] {
        for _ in 0..300 {
            let handle = runtime.handle().clone();
            runtime.block_on(async move {
                let group = TaskGroup::<&str>::new();
                let theirs = group.clone();
                let spawner = std::thread::spawn(move || {
                    let _entered = handle.enter();
                    for _ in 0..8 {
                        drop(theirs.spawn_blocking(|| ()));
                        drop(theirs.spawn(async {}));
                    }
                });
                while group.is_empty() && !spawner.is_finished() {
                    std::hint::spin_loop();
                }
                group.cancel();
                // Tasks of the single-threaded runtime are posted to this thread.
                while !spawner.is_finished() {
                    yield_now().await;
                }
                spawner.join().unwrap();
                drop(group.join().await);
            });
        }
        let begun = Instant::now();
        runtime.shutdown_timeout(Duration::from_secs(120));
        assert!(begun.elapsed() < Duration::from_secs(60), "something is left");
    }
}
