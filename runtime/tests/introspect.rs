//! Seeing what tasks do.

use std::task::{Poll, Waker};
use std::time::Duration;

use corio_runtime::Runtime;
use corio_runtime::introspect::{TaskInfo, TaskState, Wait, dump, tasks, tree};
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

/// The task of this name, once it waits for a `kind`.
async fn waiting(name: &str, kind: &str) -> TaskInfo {
    loop {
        let all = tasks();
        let found = all.into_iter().find(|t| t.name.as_deref() == Some(name));
        if let Some(task) = found.filter(|t| t.waiting_on.is_some_and(|w| w.kind == kind)) {
            return task;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

fn named(name: &str, future: impl Future<Output = ()> + Send + 'static) -> corio_runtime::Task<()> {
    task::Builder::new().name(name).spawn(future)
}

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ]
}

#[test]
fn a_task_in_a_foreign_future_waits() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let task = task::Builder::new().name("lost").spawn(std::future::pending::<()>());
            let line = line!() - 1;
            // One that has waited for something of ours before.
            let after = named("after", async {
                sleep(Duration::from_millis(1)).await;
                std::future::pending::<()>().await;
            });
            for name in ["lost", "after"] {
                let found = waiting(name, Wait::FOREIGN).await;
                assert_eq!(found.state, TaskState::Waiting);
                let wait = found.waiting_on.unwrap();
                assert_eq!((wait.at, wait.who), (found.spawned_at, None));
                let pause = Duration::from_millis(20);
                sleep(pause).await;
                let later = waiting(name, Wait::FOREIGN).await.waiting_on.unwrap();
                // Both are whole milliseconds.
                assert!(later.since + Duration::from_millis(1) >= wait.since + pause, "{later:?}");
            }
            let text = tree();
            let place = format!("\"lost\" spawned at {}:{line}:", file!());
            let shown = text.lines().find(|l| l.contains(&place)).expect(&text);
            assert!(shown.contains(", waiting on a future that is not corio's for "), "{shown}");
            assert!(!dump().contains("deadlock"));
            for task in [task, after] {
                task.cancel();
                assert!(task.await.unwrap_err().is_cancelled());
            }
        });
    }
}

#[test]
fn a_task_in_a_long_poll_runs() {
    use corio_sync::prim::thread;
    use std::sync::mpsc::channel;

    for runtime in runtimes() {
        let handle = runtime.handle().clone();
        let ((begun, begins), (end, ends)) = (channel(), channel());
        let observer = thread::spawn(move || {
            begins.recv().unwrap();
            let _entered = handle.enter();
            end.send(tasks()).unwrap();
        });
        runtime.block_on(async {
            let own = task::current().id();
            // It has said that it waits, and goes on.
            let mut nap = std::pin::pin!(sleep(Duration::from_secs(3600)));
            let polled = std::future::poll_fn(|cx| Poll::Ready(nap.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            begun.send(()).unwrap();
            for all in [ends.recv().unwrap(), tasks()] {
                let found = all.iter().find(|t| t.id == own).unwrap();
                assert_eq!((found.state, found.waiting_on), (TaskState::Running, None));
            }
        });
        observer.join().unwrap();
    }
}

/// An event of another crate's.
#[derive(Default)]
struct Foreign(corio_sync::prim::Mutex<(bool, Option<Waker>)>);

impl Foreign {
    fn set(&self) {
        let mut state = self.0.lock();
        state.0 = true;
        let waker = state.1.take();
        drop(state);
        waker.expect("somebody waits").wake();
    }

    async fn wait(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.0.lock();
            state.1 = Some(cx.waker().clone());
            if state.0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// A main future that is polled beside the runtime, as another has the only core.
#[test]
fn a_main_future_beside_the_runtime_waits_and_runs_as_any() {
    use corio_sync::prim::{Arc, thread};
    use corio_sync::{Event, oneshot};

    for multi_thread in [false, true] {
        let builder =
            if multi_thread { Builder::new_multi_thread() } else { Builder::new_current_thread() };
        let runtime = Arc::new(builder.worker_threads(1).build().unwrap());
        let theirs = runtime.clone();
        runtime.block_on(async move {
            let (here, id) = oneshot::channel();
            let (ours, end) = (Arc::new(Event::new()), Arc::new(Foreign::default()));
            let (go, wait_for_it) = (ours.clone(), end.clone());
            let main = thread::spawn(move || {
                theirs.block_on(async {
                    let id = task::current().id();
                    let own = tasks().into_iter().find(|t| t.id == id).unwrap();
                    assert_eq!((own.state, own.waiting_on), (TaskState::Running, None));
                    here.send(id).unwrap();
                    ours.wait().await;
                    wait_for_it.wait().await;
                });
            });
            let id = id.await.unwrap();
            let kind = async |kind: &str| loop {
                let all = tasks();
                let main = all.iter().find(|t| t.id == id).unwrap();
                if main.waiting_on.is_some_and(|wait| wait.kind == kind) {
                    assert_eq!(main.state, TaskState::Waiting);
                    break;
                }
                sleep(Duration::from_millis(1)).await;
            };
            kind("event").await;
            go.set();
            kind(Wait::FOREIGN).await;
            end.set();
            while !main.is_finished() {
                sleep(Duration::from_millis(1)).await;
            }
            main.join().unwrap();
        });
    }
}

/// What is corio's says so, also where several futures share a task and only some are polled.
#[test]
fn what_is_of_corio_says_so() {
    use corio_runtime::stream::{StreamExt, generate, iter};
    use corio_runtime::structured::{
        CancelToken, TaskSet, WaitFor, gather, race, scope, shield, task_group, wait,
    };
    use corio_runtime::time::{interval, timeout};
    use corio_sync::{mpsc, oneshot};
    use std::pin::pin;

    const LONG: Duration = Duration::from_secs(3600);

    /// One of these ends soon, the other never.
    async fn nap(index: usize) {
        sleep(if index == 0 { Duration::from_millis(1) } else { LONG }).await;
    }
    let both = || (0..2).map(nap);

    for runtime in runtimes() {
        runtime.block_on(async {
            let several = "several futures";
            let mut all = vec![
                (named("gather", async move { drop(gather(both()).await) }), several),
                (
                    named(
                        "buffered",
                        iter(0..2).map(nap).buffer_unordered(2).for_each(|()| async {}),
                    ),
                    several,
                ),
                (named("concurrent", iter(0..2).for_each_concurrent(None, nap)), several),
                (named("race", async move { race((1..3).map(nap)).await }), "sleep"),
                (named("shield", async { drop(shield(sleep(LONG)).await) }), "task"),
                (
                    named("timeout", async {
                        let _ = timeout(LONG, std::future::pending::<()>()).await;
                    }),
                    Wait::FOREIGN,
                ),
                (named("token", async { CancelToken::new().cancelled().await }), "event"),
                (
                    named("interval", async {
                        let mut ticks = interval(LONG);
                        ticks.tick().await;
                        ticks.tick().await;
                    }),
                    "sleep",
                ),
                (
                    named("group", async {
                        let _ = task_group(|group| async move {
                            drop(group.spawn(sleep(LONG)));
                            Ok::<_, ()>(())
                        })
                        .await;
                    }),
                    "group",
                ),
                (
                    named("set", async {
                        let mut set = TaskSet::new();
                        set.spawn(sleep(LONG));
                        set.next().await;
                    }),
                    "group",
                ),
                (
                    named("scope", async {
                        scope(async |s| drop(s.spawn(sleep(LONG)))).await;
                    }),
                    "sleep",
                ),
                (
                    named("wait", async { drop(wait([spawn(sleep(LONG))], WaitFor::All).await) }),
                    "task",
                ),
            ];
            let (yielder, yielders) = oneshot::channel();
            let (more, mut ended) = mpsc::unbounded::<()>();
            all.push((
                named("consumer", async move {
                    let mut stream = pin!(generate(move |y| async move {
                        let _ = yielder.send(y);
                        let _ = ended.recv().await;
                    }));
                    let _ = stream.next().await;
                    std::future::pending::<()>().await;
                }),
                Wait::FOREIGN,
            ));
            all.push((
                named("emitter", async move {
                    let y = yielders.await.unwrap();
                    y.emit(1).await;
                    y.emit(2).await;
                }),
                "channel",
            ));
            for (task, kind) in &all {
                let mut tries = 0;
                loop {
                    let found = tasks().into_iter().find(|t| t.id == task.id()).unwrap();
                    match found.waiting_on {
                        Some(wait) if wait.kind == *kind => break,
                        _ => {}
                    }
                    tries += 1;
                    assert!(tries < 5_000, "{found:?}");
                    sleep(Duration::from_millis(3)).await;
                }
            }
            drop(more);
            for (task, _) in all {
                task.cancel();
                let _ = task.await;
            }
        });
    }
}
