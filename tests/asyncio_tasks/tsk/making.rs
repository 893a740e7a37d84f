//! Making tasks: when they begin, what they are called, what they start with.

use std::future::{IntoFuture, Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio::introspect;
use corio::task::{self, ContextVars};

use crate::common::{LONG, Log, OnDrop, single};

/// Spawning runs nothing of the task; at the next turn it runs to its first wait.
#[corio::test]
async fn tsk_01_a_task_begins_at_the_next_turn() {
    let log = Log::default();
    let theirs = log.clone();
    let task = corio::spawn(async move {
        theirs.add("first");
        corio::yield_now().await;
        theirs.add("second");
    });
    assert!(log.get().is_empty());
    corio::yield_now().await;
    assert_eq!(log.get(), ["first"]);
    task.await.unwrap();
    assert_eq!(log.get(), ["first", "second"]);
}

/// Tasks begin in the order in which they were spawned.
#[corio::test]
async fn tsk_02_tasks_begin_in_order() {
    let log = Log::default();
    let tasks = ["a", "b", "c", "d"].map(|name| {
        let log = log.clone();
        corio::spawn(async move { log.add(name) })
    });
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(log.get(), ["a", "b", "c", "d"]);
}

/// Without a runtime there is nobody to run a task: a panic says so, and the future is dropped.
#[test]
fn tsk_04_spawning_needs_a_runtime() {
    let log = Log::default();
    let guard = OnDrop(log.clone(), "dropped");
    let spawned = catch_unwind(AssertUnwindSafe(|| corio::spawn(async move { drop(guard) })));
    let panic = spawned.map(drop).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.starts_with("no corio runtime on this thread"), "{text}");
    assert_eq!(log.get(), ["dropped"]);
}

/// A task that is spawned on a runtime that has ended is cancelled at once, and its future dropped.
#[test]
fn tsk_05_a_runtime_that_has_ended_refuses_tasks() {
    let log = Log::default();
    let runtime = single();
    let handle = runtime.handle().clone();
    drop(runtime);
    let (guard, theirs) = (OnDrop(log.clone(), "dropped"), log.clone());
    let task = handle.spawn(async move {
        let _guard = guard;
        theirs.add("begun");
    });
    assert!(task.is_finished());
    assert_eq!(log.get(), ["dropped"]);
    assert!(task.result_blocking(LONG).unwrap().unwrap_err().is_cancelled());
}

/// Ids count up in the order in which tasks are made, and none comes twice.
#[corio::test]
async fn tsk_13_ids_count_up() {
    let mut last = task::current().id();
    for _ in 0..3000 {
        let task = corio::spawn(async {});
        let id = task.id();
        assert!(id > last, "{id} after {last}");
        task.await.unwrap();
        last = id;
    }
}

/// A name is text, whatever it was made from; a very long one is cut between two characters.
#[corio::test]
async fn tsk_14_names_are_text() {
    let number = 1_u64 << 60;
    let name = |name: &str| {
        let task = task::Builder::new()
            .name(name)
            .spawn(async { task::current().name().map(str::to_owned) });
        (task.name().map(str::to_owned), task)
    };
    let (outside, task) = name(&number.to_string());
    assert_eq!(outside.as_deref(), Some("1152921504606846976"));
    assert_eq!(task.await.unwrap(), outside, "inside and outside it has the same name");
    let (outside, task) = name(&"ä".repeat(100));
    assert_eq!(outside.unwrap(), "ä".repeat(64));
    task.await.unwrap();
    assert_eq!(corio::spawn(async {}).name(), None);
}

corio::context_var! {
    static USER: &'static str = "nobody";
}

/// A task starts with a copy of its spawner's variables as they are then; what one of them sets
/// later, the other does not see.
#[corio::test]
async fn tsk_20_a_task_starts_with_a_copy_of_the_variables() {
    USER.set("ada");
    let task = corio::spawn(async {
        let at_first = USER.get();
        USER.set("grace");
        (at_first, USER.get())
    });
    USER.set("barbara");
    assert_eq!(task.await.unwrap(), ("ada", "grace"));
    assert_eq!(USER.get(), "barbara");
}

/// A task can give out the variables that it runs with, for others to look at or to run with.
#[corio::test]
async fn tsk_19_a_task_gives_out_its_variables() {
    USER.set("ada");
    let task = corio::spawn(async {
        USER.set("grace");
        ContextVars::capture()
    });
    let variables = task.await.unwrap();
    assert_eq!((variables.len(), variables.run(|| USER.get()), USER.get()), (1, "grace", "ada"));
    assert_eq!(corio::spawn(variables.wrap(async { USER.get() })).await.unwrap(), "grace");
}

/// A task is a future already: what takes futures takes tasks, and makes no further ones.
#[corio::test]
async fn tsk_21_a_task_needs_no_wrapping() {
    let tasks = [corio::spawn(async { 1 }), corio::spawn(async { 2 })];
    let ids = tasks.each_ref().map(corio::Task::id);
    let before = introspect::tasks().len();
    let (sum, ()) = corio::join!(corio::gather(tasks), async {
        let mut now: Vec<_> = introspect::tasks().iter().map(|t| t.id).collect();
        now.sort();
        assert_eq!(now.len(), before);
        assert!(ids.iter().all(|id| now.contains(id)));
    });
    assert_eq!(sum.into_iter().map(Result::unwrap).sum::<i32>(), 3);
}

/// A future written by hand.
struct Countdown(u32);

impl Future for Countdown {
    type Output = &'static str;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0 == 0 {
            return Poll::Ready("lift-off");
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Not a future, but something that can be awaited.
struct Request;

impl IntoFuture for Request {
    type Output = u32;
    type IntoFuture = Ready<u32>;
    fn into_future(self) -> Ready<u32> {
        ready(200)
    }
}

/// Whatever can be awaited can be made a task.
#[corio::test]
async fn tsk_22_whatever_can_be_awaited_can_be_a_task() {
    assert_eq!(corio::spawn(Countdown(3)).await.unwrap(), "lift-off");
    assert_eq!(corio::spawn(Request.into_future()).await.unwrap(), 200);
}

/// A task that nobody has a handle of runs to its end.
#[corio::test]
async fn tsk_24_a_task_that_nobody_holds_runs_to_its_end() {
    let log = Log::default();
    let theirs = log.clone();
    drop(corio::spawn(async move {
        for _ in 0..10 {
            corio::yield_now().await;
        }
        theirs.add("ended");
    }));
    while log.get().is_empty() {
        corio::yield_now().await;
    }
}

/// `block_on` ends with its future; tasks that are not done then wait, and go on with the next one.
#[test]
fn tsk_33_tasks_go_on_with_the_next_block_on() {
    let (runtime, log) = (single(), Log::default());
    let theirs = log.clone();
    let promise = corio::Promise::new();
    let wait = promise.wait();
    let task = runtime.spawn(async move {
        theirs.add("begun");
        wait.await.unwrap()
    });
    runtime.block_on(corio::yield_now());
    assert_eq!(log.get(), ["begun"]);
    promise.set(7).unwrap();
    assert!(!task.is_finished(), "nobody runs it");
    assert_eq!(runtime.block_on(task).unwrap(), 7);
    assert_eq!(log.get(), ["begun"]);
}

/// A task that never waits takes its turn, too.
#[corio::test]
async fn tsk_37_a_task_that_never_waits_takes_a_turn() {
    let task = corio::spawn(async { 7 });
    assert!(!task.is_finished());
    corio::yield_now().await;
    assert!(task.is_finished());
    assert_eq!(task.await.unwrap(), 7);
}

/// A task may begin within the call that spawns it; that is said for each task, and nobody else's
/// beginning changes.
#[corio::test]
async fn tsk_38_a_task_may_begin_at_once() {
    let log = Log::default();
    let spawn = |eager: bool, name: &'static str| {
        let log = log.clone();
        task::Builder::new().eager(eager).spawn(async move {
            log.add(name);
            corio::yield_now().await;
            log.add(name);
        })
    };
    let (later, sooner) = (spawn(false, "later"), spawn(true, "sooner"));
    assert_eq!(log.get(), ["sooner"]);
    later.await.unwrap();
    sooner.await.unwrap();
    assert_eq!(log.get()[1..], ["later", "sooner", "later"]);
}
