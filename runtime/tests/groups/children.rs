//! The children of a group, and their children: how many, what they are called, what kind they are.

use std::sync::Arc;
use std::time::Duration;

use corio_runtime::structured::{TaskGroup, task_group};
use corio_runtime::{spawn_blocking, yield_now};
use corio_sync::Event;

use crate::kit::{Count, on_all, pending};

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
        // They all fail in one moment: some before they can be cancelled, the first of them for sure.
        let group = TaskGroup::<usize>::new();
        let gate = Arc::new(Event::new());
        for i in 0..10_000 {
            let gate = gate.clone();
            drop(group.spawn(async move {
                gate.wait().await;
                Err::<(), _>(i)
            }));
        }
        gate.set();
        let error = group.join().await.unwrap_err();
        assert!((1..=10_000).contains(&error.failures().len()), "{}", error.failures().len());
    });
}

#[test]
fn local_and_blocking_children() {
    on_all(|| async {
        let shared = std::rc::Rc::new(4);
        let sum = task_group(|group: TaskGroup<()>| async move {
            let local = group.spawn_local(async move { Ok(*shared) });
            let blocking = group.spawn_blocking(|| Ok(5));
            Ok(local.await.unwrap() + blocking.await.unwrap())
        })
        .await
        .unwrap();
        assert_eq!(sum, 9);
    });
}

#[test]
fn a_cancelled_call_that_runs_is_waited_for() {
    on_all(|| async {
        let (started, begun) = std::sync::mpsc::channel();
        let task = spawn_blocking(move || {
            started.send(()).unwrap();
            while corio_runtime::blocking::check_cancelled().is_ok() {
                std::thread::sleep(Duration::from_millis(1));
            }
            7
        });
        spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        task.cancel();
        assert_eq!(task.await.unwrap(), 7);
    });
}
