//! eager tasks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use corio::sync::oneshot;
use corio::task::{Builder, TaskId, current};
use corio::{Task, TaskGroup, finally, gather, introspect, spawn, task_group, timeout, yield_now};

use crate::common::{LONG, Log, multi, single};
use crate::kit::{counting_panics, forever};

/// Spawns a task whose first poll is over when this returns.
fn eager<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    Builder::new().eager(true).spawn(future)
}

/// Runs a test in a task, on either kind of runtime.
fn on_both<F: Future<Output = ()> + Send + 'static>(test: impl Fn() -> F) {
    for runtime in [single(), multi(2)] {
        runtime.block_on(async { timeout(LONG, spawn(test())).await }).unwrap().unwrap();
    }
}

fn is_known(id: TaskId) -> bool {
    introspect::tasks().iter().any(|task| task.id == id)
}

/// A body that need not wait is over when it is spawned, and its result is there.
#[test]
fn eg_01_a_body_that_does_not_wait_is_done_at_once() {
    on_both(|| async {
        let task = eager(async { 6 * 7 });
        assert!(task.is_finished());
        assert_eq!(task.await.unwrap(), 42);
    });
}

/// A body that waits has run up to there, and goes on as any task does.
#[test]
fn eg_02_a_body_that_waits_has_begun() {
    on_both(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let (go, wait_for_it) = oneshot::channel::<()>();
        let task = eager(async move {
            theirs.add("begun");
            wait_for_it.await.unwrap();
            theirs.add("gone on");
        });
        assert!(!task.is_finished());
        assert_eq!(log.get(), ["begun"]);
        go.send(()).unwrap();
        task.await.unwrap();
        assert_eq!(log.get(), ["begun", "gone on"]);
    });
}

/// A panic in the first poll is the task's, whatever it is: `spawn` returns.
#[test]
fn eg_03_21_a_panic_reaches_only_the_handle() {
    on_both(|| async {
        let me = current().id();
        let task = eager(async {
            if true {
                std::panic::panic_any("as planned");
            }
        });
        assert!(task.is_finished());
        assert_eq!(current().id(), me);
        let payload = task.await.unwrap_err().into_panic();
        assert_eq!(payload.downcast_ref(), Some(&"as planned"));
    });
}

/// In its first poll the new task is the current one, and after it the spawner is again.
#[test]
fn eg_04_the_current_task_is_the_new_one_meanwhile() {
    on_both(|| async {
        let me = current().id();
        let task = eager(async {
            let outer = current().id();
            let inner = eager(async { current().id() });
            assert_eq!(current().id(), outer);
            let id = inner.id();
            assert_eq!(inner.await.unwrap(), id);
            assert_eq!(current().id(), outer);
            outer
        });
        assert_eq!(current().id(), me);
        let id = task.id();
        assert_ne!(id, me);
        assert_eq!(task.await.unwrap(), id);
    });
}

/// The new task is among all tasks during its first poll, and not when it ends with it.
#[test]
fn eg_05_the_new_task_is_among_all_tasks() {
    on_both(|| async {
        let task = eager(async { is_known(current().id()) });
        assert!(!is_known(task.id()));
        assert!(task.await.unwrap());
    });
}

corio::context_var! {
    static WHO: &'static str = "nobody";
}

/// The first poll sees a copy of the spawner's context variables, and what it sets stays its own.
#[test]
fn eg_06_the_first_poll_has_variables_of_its_own() {
    on_both(|| async {
        WHO.set("spawner");
        let task = eager(async {
            let inherited = WHO.get();
            WHO.set("child");
            yield_now().await;
            (inherited, WHO.get())
        });
        assert_eq!(WHO.get(), "spawner");
        assert_eq!(task.await.unwrap(), ("spawner", "child"));
    });
}

/// A task that is over cannot be cancelled.
#[test]
fn eg_07_cancelling_what_is_over_does_nothing() {
    on_both(|| async {
        let task = eager(async { 1 });
        assert!(!task.cancel());
        assert_eq!(task.await.unwrap(), 1);
    });
}

/// A task that has begun to wait is cancelled there, with its cleanups, and for the reason given.
#[test]
fn eg_08_cancelling_what_has_begun() {
    on_both(|| async {
        let log = Log::default();
        let task = eager(log.endless("cleaned"));
        log.entered(1).await;
        assert!(task.cancel_because("no longer wanted"));
        let error = task.await.unwrap_err();
        assert_eq!(error.cancel_reason().unwrap().text(), "no longer wanted");
        assert_eq!(log.get(), ["cleaned"]);
    });
}

/// Tasks that await tasks, all of them without a wait, are over at once.
#[test]
fn eg_09_a_chain_that_never_waits_is_done_at_once() {
    on_both(|| async {
        let chain = eager(async {
            let inner = eager(async { eager(async { 40 }).await.unwrap() + 1 });
            inner.await.unwrap() + 1
        });
        assert!(chain.is_finished());
        assert_eq!(chain.await.unwrap(), 42);
    });
}

/// What the first poll waits for wakes the task later, from wherever that happens.
#[test]
fn eg_10_a_wait_of_the_first_poll_ends_later() {
    on_both(|| async {
        let (send, receive) = oneshot::channel();
        let task = eager(receive);
        let sender = corio::spawn_blocking(move || send.send(7).unwrap());
        assert_eq!(task.await.unwrap(), Ok(7));
        sender.await.unwrap();
    });
}

type Tree = Pin<Box<dyn Future<Output = u64> + Send>>;

fn gathered_tree(depth: u32) -> Tree {
    Box::pin(async move {
        if depth == 0 {
            return 1;
        }
        let children = [eager(gathered_tree(depth - 1)), eager(gathered_tree(depth - 1))];
        gather(children).await.into_iter().map(Result::unwrap).sum()
    })
}

/// A tree of ten levels that gathers its branches is counted within the first poll, and leaves no task.
#[test]
fn eg_11_a_tree_of_gathered_tasks() {
    on_both(|| async {
        let before = introspect::tasks().len();
        let tree = eager(gathered_tree(10));
        assert!(tree.is_finished());
        assert_eq!(introspect::tasks().len(), before);
        assert_eq!(tree.await.unwrap(), 1024);
    });
}

fn grouped_tree(depth: u32) -> Tree {
    Box::pin(async move {
        if depth == 0 {
            return 1;
        }
        let sum = task_group(|group: TaskGroup<()>| async move {
            let branch = || async move { Ok(grouped_tree(depth - 1).await) };
            let [a, b] = [(); 2].map(|()| group.builder().eager(true).spawn(branch()));
            Ok(a.await.unwrap() + b.await.unwrap())
        });
        sum.await.unwrap()
    })
}

/// The same with a group at each level.
#[test]
fn eg_12_a_tree_of_groups() {
    on_both(|| async {
        let tree = eager(grouped_tree(10));
        assert!(tree.is_finished());
        assert_eq!(tree.await.unwrap(), 1024);
    });
}

/// A callback for a task that is over is called on the spot, as it is for any such task.
#[test]
fn eg_13_a_callback_for_what_is_over() {
    on_both(|| async {
        let log = Log::default();
        let theirs = log.clone();
        eager(async {}).on_done(move || theirs.add("called"));
        assert_eq!(log.get(), ["called"]);
    });
}

/// The task has its name, in its first poll and when it is over.
#[test]
fn eg_14_the_task_has_its_name() {
    on_both(|| async {
        let named = Builder::new().name("at once").eager(true);
        let task = named.spawn(async { current().name().map(str::to_owned) });
        assert!(task.is_finished());
        assert_eq!(task.name(), Some("at once"));
        assert_eq!(task.await.unwrap().as_deref(), Some("at once"));
    });
}

/// Before the runtime runs nothing is polled; the task starts with it.
#[test]
fn eg_15_nothing_is_polled_before_the_runtime_runs() {
    let log = Log::default();
    let theirs = log.clone();
    let runtime = single();
    let entered = runtime.enter();
    let task = eager(async move { theirs.add("ran") });
    assert!(!task.is_finished());
    assert_eq!(log.get(), Vec::<String>::new());
    drop(entered);
    runtime.block_on(task).unwrap();
    assert_eq!(log.get(), ["ran"]);
}

/// On another thread than those that run the tasks nothing is polled.
#[test]
fn eg_16_on_a_foreign_thread_nothing_is_polled() {
    on_both(|| async {
        let handle = corio::Handle::current();
        let spawner = corio::spawn_blocking(move || {
            let _entered = handle.enter();
            let here = std::thread::current().id();
            (here, eager(async { std::thread::current().id() }))
        });
        let (there, task) = spawner.await.unwrap();
        assert_ne!(task.await.unwrap(), there);
    });
}

/// The last word of the builder counts, and without one a task is queued.
#[corio::test]
async fn eg_17_each_task_says_for_itself() {
    let begun = Arc::new(AtomicUsize::new(0));
    let body = || {
        let begun = begun.clone();
        async move { begun.fetch_add(1, Ordering::SeqCst) }
    };
    let queued = [
        spawn(body()),
        Builder::new().spawn(body()),
        Builder::new().eager(true).eager(false).spawn(body()),
    ];
    assert_eq!(begun.load(Ordering::SeqCst), 0);
    drop(Builder::new().eager(false).eager(true).spawn(body()));
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    gather(queued).await;
    assert_eq!(begun.load(Ordering::SeqCst), 4);
}

/// A panic that nobody asks for is told of once.
#[test]
fn eg_18_a_panic_that_nobody_awaits_is_told_of_once() {
    let (runtime, told) = counting_panics();
    runtime.block_on(async {
        let task = eager(async {
            if true {
                panic!("as planned");
            }
        });
        assert_eq!(told.load(Ordering::SeqCst), 0);
        drop(task);
        assert_eq!(told.load(Ordering::SeqCst), 1);
        yield_now().await;
    });
    drop(runtime);
    assert_eq!(told.load(Ordering::SeqCst), 1);
}

/// A lock, or a permit, that is free is taken within the first poll.
#[test]
fn eg_19_what_is_free_is_taken_at_once() {
    on_both(|| async {
        let lock = Arc::new(corio::sync::Mutex::new(1));
        let permits = Arc::new(corio::sync::Semaphore::new(1));
        let task = eager(async move {
            let _permit = permits.acquire().await.unwrap();
            *lock.lock().await += 1;
            *lock.lock().await
        });
        assert!(task.is_finished());
        assert_eq!(task.await.unwrap(), 2);
    });
}

fn nested(depth: usize, entered: Arc<AtomicUsize>) -> Tree {
    Box::pin(async move {
        entered.fetch_add(1, Ordering::SeqCst);
        if depth == 1 {
            return 1;
        }
        let me = current().id();
        let inner = eager(nested(depth - 1, entered));
        assert_eq!(current().id(), me);
        let count = inner.await.unwrap();
        assert_eq!(current().id(), me);
        count + 1
    })
}

/// A hundred tasks that each start the next: each is the current one in its poll. So deep a stack is
/// nobody's: beyond sixteen they are queued.
#[test]
fn eg_20_a_hundred_within_one_another() {
    on_both(|| async {
        let entered = Arc::default();
        assert_eq!(eager(nested(100, entered)).await.unwrap(), 100);
    });
    single().block_on(async {
        let entered = Arc::new(AtomicUsize::new(0));
        let task = eager(nested(100, entered.clone()));
        assert_eq!(entered.load(Ordering::SeqCst), 16);
        assert_eq!(task.await.unwrap(), 100);
    });
}

/// The lines of the child come before those after the call.
#[test]
fn eg_22_the_child_comes_before_the_next_line() {
    on_both(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let task = eager(async move {
            theirs.add("child");
            yield_now().await;
        });
        log.add("spawner");
        task.await.unwrap();
        assert_eq!(log.get(), ["child", "spawner"]);
    });
}

/// A call that fails to spawn leaves the current task as it is.
#[test]
fn eg_23_a_spawn_that_fails_changes_nothing() {
    let other = single();
    single().block_on(async {
        let me = current().id();
        let entered = other.enter();
        let failed = catch_unwind(AssertUnwindSafe(|| {
            drop(Builder::new().eager(true).spawn_local(async {}));
        }));
        assert!(failed.is_err(), "this thread runs no tasks of the runtime that was entered");
        drop(entered);
        assert_eq!(current().id(), me);
        assert!(eager(async {}).is_finished());
    });
}

/// A request to cancel the spawner is not one to the child that it starts.
#[test]
fn eg_24_a_request_to_the_spawner_is_not_the_childs() {
    on_both(|| async {
        let (hand, handed) = oneshot::channel();
        let (go, wait_for_it) = oneshot::channel();
        let spawner = spawn(async move {
            assert!(current().cancel());
            let child = eager(async move {
                yield_now().await;
                wait_for_it.await.unwrap()
            });
            assert!(!child.is_finished());
            assert!(hand.send(child).is_ok());
            finally(forever::<()>(), || async {}).await;
        });
        assert!(spawner.await.unwrap_err().is_cancelled());
        go.send(7).unwrap();
        assert_eq!(handed.await.unwrap().await.unwrap(), 7);
    });
}
