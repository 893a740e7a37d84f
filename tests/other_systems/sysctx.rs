//! contextvars and thread-local storage.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;

use corio::task::{Builder, ContextVars};
use corio::time::sleep;
use corio::{Handle, context_var, spawn, spawn_blocking, timeout, yield_now};

use crate::common::{LONG, Log, OnDrop, multi, poll_once};

static DEFAULTS: AtomicUsize = AtomicUsize::new(0);

context_var! {
    static WHO: &'static str = "nobody";
    static NUMBER: u32 = 0;
    static REQUIRED: String;
    static COUNTED: usize = DEFAULTS.fetch_add(1, SeqCst);
    static KEPT: Option<Arc<OnDrop>> = None;
}

/// A child sees its parent's value as of its spawn, and nobody sees what another sets later.
#[corio::test]
async fn sysctx_01_a_child_has_its_parents_values_as_of_its_spawn() {
    NUMBER.set(1);
    let child = spawn(async {
        let seen = NUMBER.get();
        NUMBER.set(10);
        let grandchild = spawn(async { NUMBER.get() });
        (seen, grandchild.await.unwrap())
    });
    NUMBER.set(2);
    let later = spawn(async { NUMBER.get() });
    assert_eq!((child.await.unwrap(), later.await.unwrap(), NUMBER.get()), ((1, 10), 2, 2));
}

/// So does a child that is polled before its spawn returns.
#[corio::test]
async fn sysctx_02_a_child_that_starts_at_once_has_a_copy_too() {
    NUMBER.set(1);
    let child = Builder::new().eager(true).spawn(async {
        let seen = NUMBER.get();
        NUMBER.set(2);
        yield_now().await;
        (seen, NUMBER.get())
    });
    assert_eq!(NUMBER.get(), 1);
    assert_eq!(child.await.unwrap(), (1, 2));
}

/// A value of a scope is there across waits, and gone however the scope ends.
#[corio::test]
async fn sysctx_03_a_scopes_value_ends_with_the_scope() {
    WHO.set("outside");
    let seen = WHO.scope("inside", async {
        yield_now().await;
        WHO.get()
    });
    assert_eq!((seen.await, WHO.get()), ("inside", "outside"));
    let log = Log::default();
    let theirs = log.clone();
    struct Tells(Log);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.add(WHO.get());
        }
    }
    let mut given_up = Box::pin(WHO.scope("inside", async move {
        let _tells = Tells(theirs);
        pending::<()>().await;
    }));
    poll_once(given_up.as_mut()).await;
    drop(given_up);
    assert_eq!((log.get(), WHO.get()), (vec!["inside".to_owned()], "outside"));
    let failed = WHO.scope("inside", async { Err::<(), _>("failed") }).await;
    assert_eq!((failed, WHO.get()), (Err("failed"), "outside"));
    let panics = std::panic::AssertUnwindSafe(|| {
        let mut scope = Box::pin(WHO.scope("inside", async { panic!("as planned") }));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _: std::task::Poll<()> = scope.as_mut().poll(&mut context);
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(WHO.get(), "outside");
}

/// A token puts the old value back, or takes the variable back to unset; in another task it is refused.
#[corio::test]
async fn sysctx_04_a_token_puts_the_old_value_back() {
    let first = NUMBER.set(1);
    let second = NUMBER.set(2);
    second.reset();
    assert_eq!(NUMBER.get(), 1);
    first.reset();
    assert_eq!(NUMBER.get(), 0);
    let token = REQUIRED.set("here".to_owned());
    token.reset();
    assert_eq!(REQUIRED.try_get(), None);

    let token = NUMBER.set(3);
    let elsewhere = spawn(async move { token.try_reset() }).await.unwrap();
    let token = elsewhere.unwrap_err();
    let elsewhere = spawn(async move { token.reset() }).await.unwrap_err();
    assert!(elsewhere.to_string().contains("reset it there"), "{elsewhere}");
    assert_eq!(NUMBER.get(), 3);
}

/// A variable without a default has no value until it is set; a default is computed once, when needed.
#[corio::test]
async fn sysctx_05_a_default_is_computed_once_or_there_is_none() {
    assert_eq!(REQUIRED.try_get(), None);
    let panic = spawn(async { REQUIRED.with(String::len) }).await.unwrap_err();
    assert!(panic.to_string().contains("try_get"), "{panic}");
    REQUIRED.set("set".to_owned());
    assert_eq!((REQUIRED.get(), REQUIRED.try_get().is_some()), ("set".to_owned(), true));
    assert_eq!(DEFAULTS.load(SeqCst), 0);
    let tasks: Vec<_> = (0..10).map(|_| spawn(async { COUNTED.get() })).collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 0);
    }
    assert_eq!((COUNTED.try_get(), DEFAULTS.load(SeqCst)), (Some(0), 1));
}

/// Whatever is to run later runs with the values of the moment when it was asked for.
#[corio::test]
async fn sysctx_06_what_runs_later_has_the_values_of_when_it_was_asked_for() {
    let (send, receive) = mpsc::channel();
    let tell = |what: &'static str| {
        let send = send.clone();
        move || send.send((what, WHO.get())).unwrap()
    };
    let done = spawn(async { WHO.set("the task's") });
    let finished = spawn(async {});
    while !finished.is_finished() {
        yield_now().await;
    }
    WHO.set("asked");
    Handle::current().call_soon(tell("soon"));
    Handle::current().call_later(std::time::Duration::from_millis(1), tell("later"));
    let blocking = spawn_blocking(tell("blocking"));
    done.on_done(tell("done"));
    finished.on_done(tell("done already"));
    let cleanup = tell("cleanup");
    WHO.set("later");
    done.await.map(drop).unwrap();
    blocking.await.unwrap();
    corio::finally(async {}, move || async move { cleanup() }).await;
    sleep(std::time::Duration::from_millis(5)).await;
    while Handle::current().metrics().tasks > 0 {
        yield_now().await;
    }
    let mut seen: Vec<_> = receive.try_iter().collect();
    seen.sort_unstable();
    let asked = ["blocking", "done", "done already", "later", "soon"].map(|what| (what, "asked"));
    assert_eq!(seen, [&[("blocking", "asked"), ("cleanup", "later")][..], &asked[1..]].concat());
}

/// A foreign thread has no values, unless it is given some; what it spawns neither.
#[test]
fn sysctx_07_a_foreign_thread_has_what_it_is_given() {
    let runtime = multi(1);
    let given = runtime.block_on(async {
        WHO.set("a task");
        ContextVars::capture()
    });
    let handle = runtime.handle().clone();
    let other = std::thread::spawn(move || {
        let spawned = || handle.spawn(async { WHO.get() }).result_blocking(LONG).unwrap().unwrap();
        let bare = (WHO.get(), spawned());
        (bare, given.run(|| (WHO.get(), spawned())), WHO.get())
    });
    let (bare, run, after) = other.join().unwrap();
    assert_eq!((bare, run, after), (("nobody", "nobody"), ("a task", "a task"), "nobody"));
    let outside = std::panic::catch_unwind(|| drop(WHO.set("no place"))).unwrap_err();
    let text = outside.downcast_ref::<String>().cloned();
    let text = text.or_else(|| outside.downcast_ref::<&str>().map(|t| (*t).to_owned())).unwrap();
    assert!(text.contains("inside a task only"), "{text}");
}

/// A task that goes from worker to worker has its values with it.
#[test]
fn sysctx_08_values_follow_their_task_from_worker_to_worker() {
    let runtime = multi(4);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..100)
            .map(|i| {
                spawn(async move {
                    NUMBER.set(i);
                    for _ in 0..1000 {
                        yield_now().await;
                        assert_eq!(NUMBER.get(), i);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// Futures that are polled by turns in one task, each in its scope, do not see each other's values.
#[corio::test]
async fn sysctx_09_scopes_side_by_side_do_not_mix() {
    async fn counts() -> u32 {
        for _ in 0..10 {
            NUMBER.set(NUMBER.get() + 1);
            yield_now().await;
        }
        NUMBER.get()
    }
    let both = corio::join!(NUMBER.scope(100, counts()), NUMBER.scope(200, counts()));
    assert_eq!((both, NUMBER.get()), ((110, 210), 0));
    let copies = ContextVars::capture();
    let both = corio::join!(copies.wrap(counts()), copies.wrap(counts()));
    assert_eq!((both, NUMBER.get()), ((10, 10), 0));
}

/// A value goes with the last task that has it.
#[corio::test]
async fn sysctx_10_a_value_goes_with_the_last_that_has_it() {
    let log = Log::default();
    let value = OnDrop(log.clone(), "gone");
    let parent = spawn(async move {
        KEPT.set(Some(Arc::new(value)));
        // A child has it, too.
        (spawn(sleep(std::time::Duration::from_millis(2))),)
    });
    let (child,) = parent.await.unwrap();
    assert!(log.get().is_empty());
    timeout(LONG, child).await.unwrap().unwrap();
    while log.get().is_empty() {
        yield_now().await;
    }
    assert_eq!(log.get(), ["gone"]);
}

/// Spawning copies no value, however many there are: a child has its parent's list until one of the two
/// changes it.
#[corio::test]
async fn sysctx_11_spawning_copies_no_value() {
    struct Counts(Arc<AtomicUsize>);
    impl Clone for Counts {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, SeqCst);
            Self(self.0.clone())
        }
    }
    context_var! {
        static ONE: Counts;
        static TWO: Counts;
    }
    let copies = Arc::new(AtomicUsize::new(0));
    ONE.set(Counts(copies.clone()));
    TWO.set(Counts(copies.clone()));
    for _ in 0..100 {
        let child = spawn(async {
            NUMBER.set(1);
            ONE.with(|one| one.0.load(SeqCst)) + TWO.with(|two| two.0.load(SeqCst))
        });
        assert_eq!(child.await.unwrap(), 0);
    }
    assert_eq!((copies.load(SeqCst), Arc::strong_count(&copies)), (0, 3));
}

/// A copy may be used within itself: it has values, not places.
#[corio::test]
async fn sysctx_12_a_copy_may_be_used_within_itself() {
    NUMBER.set(1);
    let copy = ContextVars::capture();
    let seen = copy.run(|| {
        NUMBER.set(2);
        let inner = copy.run(|| {
            let seen = NUMBER.get();
            NUMBER.set(3);
            seen
        });
        (inner, NUMBER.get())
    });
    assert_eq!((seen, NUMBER.get()), ((1, 2), 1));
    // The same outside of any task.
    let outside = std::thread::spawn(move || copy.run(|| copy.run(|| NUMBER.get())));
    assert_eq!(outside.join().unwrap(), 1);
}

/// While a value is looked at, others may be set, and it too: who looks keeps what he sees.
#[corio::test]
async fn sysctx_15_variables_may_be_set_while_one_is_looked_at() {
    WHO.set("before");
    let seen = WHO.with(|who| {
        NUMBER.set(7);
        WHO.set("after");
        *who
    });
    assert_eq!((seen, WHO.get(), NUMBER.get()), ("before", "after", 7));
}
