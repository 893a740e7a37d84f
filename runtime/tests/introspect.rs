//! Seeing what tasks do.

use std::time::Duration;

use corio_runtime::introspect::{TaskState, dump, tasks, tree};
use corio_runtime::runtime::Builder;
use corio_runtime::time::sleep;
use corio_runtime::{spawn, task};

#[test]
fn a_task_shows_where_it_was_spawned_and_what_it_waits_for() {
    for runtime in [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ] {
        runtime.block_on(async {
            let inner = task::Builder::new().name("outer").spawn(async {
                let sleeper =
                    task::Builder::new().name("sleeper").spawn(sleep(Duration::from_secs(3600)));
                sleeper.await.unwrap();
            });
            let all = loop {
                let all = tasks();
                let waiting = all.iter().filter(|t| t.state == TaskState::Waiting).count();
                if waiting >= 2 {
                    break all;
                }
                sleep(Duration::from_millis(1)).await;
            };
            let find = |name| all.iter().find(|t| t.name.as_deref() == Some(name)).unwrap();
            let (outer, sleeper) = (find("outer"), find("sleeper"));
            assert_eq!(sleeper.parent, Some(outer.id));
            assert_eq!(outer.parent, Some(task::current().id()));
            assert_eq!(outer.spawned_at.file(), file!());
            let wait = sleeper.waiting_on.unwrap();
            assert_eq!((wait.kind, wait.at.file()), ("sleep", file!()));
            let wait = outer.waiting_on.unwrap();
            assert_eq!((wait.kind, wait.who), ("task", Some(sleeper.id)));
            let text = tree();
            assert!(text.contains("\"sleeper\" spawned at"), "{text}");
            assert!(text.contains("waiting on sleep at"), "{text}");
            inner.cancel();
            let _ = inner.await;
        });
    }
}

#[test]
fn a_ring_of_waiters_is_named() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        use corio_sync::prim::{Arc, Mutex};
        // Two tasks that await each other's handle.
        let slot: Arc<Mutex<Option<corio_runtime::Task<()>>>> = Arc::default();
        let theirs = slot.clone();
        let first = spawn(async move {
            sleep(Duration::from_millis(1)).await;
            let second = theirs.lock().take().unwrap();
            let _ = second.await;
        });
        let canceller = first.canceller();
        *slot.lock() = Some(spawn(async move { drop(first.await) }));
        let text = loop {
            sleep(Duration::from_millis(2)).await;
            let text = dump();
            if text.contains("deadlock") {
                break text;
            }
        };
        assert!(text.contains("wait for each other"), "{text}");
        canceller.cancel();
    });
}

#[test]
fn a_task_that_waits_for_a_dropped_group_shows_where_the_group_was_made() {
    use corio_runtime::structured::{TaskGroup, finally};
    use corio_sync::{Event, prim::Arc};

    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let may_end = Arc::new(Event::new());
        let cleanup = may_end.clone();
        let parent = task::Builder::new().name("parent").spawn(async {
            let group = TaskGroup::<()>::new();
            let made = line!() - 1;
            let wait = move || async move { cleanup.wait().await };
            drop(group.spawn(finally(std::future::pending::<()>(), wait)));
            sleep(Duration::from_millis(1)).await;
            made
        });
        let wait = loop {
            let all = tasks();
            let parent = all.iter().find(|t| t.name.as_deref() == Some("parent")).unwrap();
            match parent.waiting_on {
                Some(wait) if wait.kind == "group" => break wait,
                _ => sleep(Duration::from_millis(1)).await,
            }
        };
        may_end.set();
        assert_eq!((wait.at.file(), wait.at.line()), (file!(), parent.await.unwrap()));
    });
}

#[test]
fn outside_a_runtime_there_are_no_tasks() {
    assert!(tasks().is_empty());
    assert_eq!(tree(), "");
}

/// Where the task of this name waits, and for what, once it does.
async fn wait_of(name: &str) -> (u32, &'static str) {
    loop {
        sleep(Duration::from_millis(1)).await;
        let all = tasks();
        let found = all.iter().find(|t| t.name.as_deref() == Some(name));
        if let Some(wait) = found.and_then(|task| task.waiting_on) {
            assert_eq!(wait.at.file(), file!());
            return (wait.at.line(), wait.kind);
        }
    }
}

#[test]
fn a_task_that_waits_for_its_turn_shows_where_it_was_spawned() {
    use corio_runtime::structured::{TaskGroup, TaskSet};

    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let group = TaskGroup::<()>::with_limit(1);
        drop(group.spawn(std::future::pending::<()>()));
        drop(group.builder().name("child").spawn(std::future::pending::<()>()));
        assert_eq!(wait_of("child").await, (line!() - 1, "semaphore"));
        let mut set = TaskSet::with_limit(1);
        set.spawn(std::future::pending::<()>());
        set.builder().name("task").spawn(std::future::pending::<()>());
        assert_eq!(wait_of("task").await, (line!() - 1, "semaphore"));
        set.builder().name("call").spawn_blocking(|| ());
        assert_eq!(wait_of("call").await, (line!() - 1, "semaphore"));
    });
}

#[test]
fn a_task_that_closes_what_it_has_used_shows_where_that_is() {
    use corio_runtime::structured::using;

    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let user = task::Builder::new().name("user").spawn(async {
            let close = |()| sleep(Duration::from_millis(50));
            using((), async |()| (), close).await;
            line!() - 1
        });
        let wait = wait_of("user").await;
        assert_eq!(wait, (user.await.unwrap(), "cleanup"));
    });
}

#[test]
fn tasks_that_a_set_is_extended_by_show_where_that_is() {
    use corio_runtime::structured::TaskSet;

    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut set = TaskSet::from_iter([std::future::ready(1)]);
        set.extend([2, 3].map(std::future::ready));
        let line = line!() - 1;
        let mut lines: Vec<_> = tasks().iter().map(|task| task.spawned_at.line()).collect();
        lines.retain(|at| (line - 1..=line).contains(at));
        lines.sort_unstable();
        assert_eq!(lines, [line - 1, line, line]);
        let mut results: Vec<_> = set.join().await.into_iter().map(Result::unwrap).collect();
        results.sort_unstable();
        assert_eq!(results, [1, 2, 3]);
    });
}
