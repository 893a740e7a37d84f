//! Task groups: ids of the areas TG and TRIO, and what the group's other methods promise.

mod kit;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{
    ChildEnd, FailureKind, Ready, StartError, TaskGroup, as_completed, finally, task_group,
    task_group_with_limit,
};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, yield_now};
use corio_sync::Event;
use kit::{Count, cleans_up_in, ms, on_all, pending, settle};

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
fn tg_37_tg_38_children_of_children_are_waited_for() {
    on_all(|| async {
        let done = Count::default();
        fn grow(group: &TaskGroup<()>, left: u32, done: &Count) {
            let (again, count) = (group.clone(), done.clone());
            drop(group.spawn(async move {
                yield_now().await;
                if left > 0 {
                    // Its last act.
                    grow(&again, left - 1, &count);
                }
                count.add();
            }));
        }
        let theirs = done.clone();
        task_group(|group: TaskGroup<()>| async move {
            grow(&group, 100, &theirs);
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(done.get(), 101);
    });
}

#[test]
fn tg_44_tg_47_names() {
    on_all(|| async {
        let group = TaskGroup::<()>::new();
        let task = group.builder().name("one").spawn(pending::<()>());
        assert_eq!(task.name(), Some("one"));
        assert_eq!(
            format!("{group:?}"),
            "TaskGroup { children: 1, failures: 0, cancelled: false }"
        );
        let local = group.builder().name("two").spawn_local(async { Ok(()) });
        assert_eq!(local.name(), Some("two"));
        let blocking = group.builder().name("three").spawn_blocking(|| Ok(3));
        assert_eq!(blocking.name(), Some("three"));
        local.await.unwrap();
        assert_eq!(blocking.await.unwrap(), 3);
        group.cancel();
        group.join().await.unwrap();
    });
}

#[test]
fn tg_56_trio_20_ten_thousand_children() {
    on_all(|| async {
        let done = Count::default();
        let theirs = done.clone();
        task_group(|group: TaskGroup<()>| async move {
            for _ in 0..10_000 {
                let done = theirs.clone();
                drop(group.spawn(async move {
                    done.add();
                }));
            }
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(done.get(), 10_000);
        // Every one of them fails, and is listed.
        let group = TaskGroup::<usize>::new();
        let gate = Arc::new(Event::new());
        for i in 0..10_000 {
            let gate = gate.clone();
            drop(group.spawn_failing(i, gate));
        }
        gate.set();
        let error = group.join().await.unwrap_err();
        assert!(!error.failures().is_empty());
    });
}

/// Children that all fail in one moment.
trait Failing {
    fn spawn_failing(&self, i: usize, gate: Arc<Event>) -> corio_runtime::Task<()>;
}

impl Failing for TaskGroup<usize> {
    fn spawn_failing(&self, i: usize, gate: Arc<Event>) -> corio_runtime::Task<()> {
        self.spawn(async move {
            gate.wait().await;
            Err(i)
        })
    }
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
fn curio_04_next_tells_of_each_child_once_in_order_and_then_ends() {
    on_all(|| async {
        let group = TaskGroup::<()>::new();
        let gate = Arc::new(Event::new());
        let theirs = gate.clone();
        let late = group.spawn(async move {
            theirs.wait().await;
            Ok(())
        });
        let early = group.builder().name("early").spawn(async { Ok(()) });
        let never = group.spawn(pending::<()>());
        let first = group.next().await.unwrap();
        assert_eq!(
            (first.id(), first.name(), first.end()),
            (early.id(), Some("early"), ChildEnd::Returned)
        );
        never.cancel();
        let second = group.next().await.unwrap();
        assert!(second.is_cancelled() && second.id() == never.id());
        gate.set();
        let third = group.next().await.unwrap();
        assert!(third.is_ok() && third.id() == late.id());
        assert!(group.next().await.is_none());
        drop(group.spawn(async {}));
        assert!(group.next().await.is_some());
        assert!(group.next().await.is_none());
        group.join().await.unwrap();
    });
}

#[test]
fn next_tells_of_children_that_were_done_before_it_was_asked() {
    on_all(|| async {
        let group = TaskGroup::<()>::new();
        for _ in 0..500 {
            drop(group.spawn(async {}));
        }
        while !group.is_empty() {
            yield_now().await;
        }
        let mut count = 0;
        while group.next().await.is_some() {
            count += 1;
        }
        assert_eq!(count, 500);
    });
}

#[test]
fn values_as_they_come() {
    on_all(|| async {
        let group = TaskGroup::<()>::new();
        let mut values = as_completed([]);
        for i in 0..50u64 {
            values.push(group.spawn(async move {
                sleep(ms(i % 5)).await;
                Ok(i)
            }));
        }
        let mut sum = 0;
        while let Some(value) = values.next().await {
            sum += value.unwrap();
        }
        assert_eq!(sum, 49 * 50 / 2);
        group.join().await.unwrap();
    });
}

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
fn an_error_of_several_lines_stays_together() {
    on_all(|| async {
        let group = TaskGroup::<&str>::new();
        drop(group.builder().name("a").spawn(async { Err::<(), _>("one\ntwo") }));
        let text = group.join().await.unwrap_err().to_string();
        assert!(text.ends_with("\"a\": one\n  two"), "{text}");
    });
}

/// Each line belongs to the nearest one above it that is less far in.
#[test]
fn the_lines_of_errors_are_further_in_than_their_first_ones() {
    async fn fails() -> Result<(), String> {
        let group = task_group(|group: TaskGroup<String>| async move {
            let builder = group.builder().name("a").eager(true);
            drop(builder.spawn(async { Err::<(), _>("one\n\n  two".to_owned()) }));
            Err::<(), _>("three\nfour".to_owned())
        });
        group.await.map_err(|error| error.to_string())
    }
    Builder::new_current_thread().build().unwrap().block_on(async {
        let error = task_group(|group: TaskGroup<String>| async move {
            let builder = group.builder().name("b").eager(true);
            drop(builder.spawn(async {
                fails().await?;
                Ok(())
            }));
            Err::<(), _>("five".to_owned())
        });
        let text = error.await.unwrap_err().to_string();
        // The ids of tasks are of no interest.
        let lines: Vec<_> = text
            .lines()
            .map(|line| match line.split_once("task ") {
                Some((before, rest)) if before.trim().is_empty() => {
                    format!("{before}task {}", rest.split_once(' ').unwrap().1)
                }
                _ => line.to_owned(),
            })
            .collect();
        let expected = [
            "2 failures in a task group:",
            "  task \"b\": 2 failures in a task group:",
            "      task \"a\": one",
            "",
            "          two",
            "      the group's body: three",
            "        four",
            "  the group's body: five",
        ];
        assert_eq!(lines, expected);

        let group = TaskGroup::<String>::new();
        drop(group.builder().name("c").eager(true).spawn(async { panic!("six\nseven") }));
        let text = group.join().await.unwrap_err().to_string();
        assert!(text.ends_with("\"c\": panicked: six\n  seven"), "{text}");
    });
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
