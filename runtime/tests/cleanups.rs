//! Cleanups: their limits, their context variables, the panics before them, and where those go that are
//! dropped outside any task.

#![allow(clippy::disallowed_types, reason = "tests look from outside, with what users have")]
#![allow(clippy::async_yields_async, reason = "futures are taken out of the runtime on purpose")]

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::process::Command;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{
    CancelScope, CleanupStack, TaskGroup, TaskSet, finally, finally_local, race, task_group, using,
};
use corio_runtime::time::{Instant, sleep, timeout};
use corio_runtime::{Runtime, context_var, spawn, spawn_blocking, yield_now};
use corio_sync::prim::Mutex;

use kit::{ms, on_all, pending, settle};

mod kit;

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, what: impl ToString) {
        self.0.lock().push(what.to_string());
    }
    fn get(&self) -> Vec<String> {
        self.0.lock().clone()
    }
    /// A future that waits for ever, with a cleanup that takes `time` and is then in the log.
    fn guarded(
        &self,
        what: &'static str,
        time: Duration,
    ) -> impl Future<Output = ()> + Send + use<> {
        let log = self.clone();
        finally(pending::<()>(), move || async move {
            sleep(time).await;
            log.add(what);
        })
    }
}

/// Polls once; the future must have to wait.
async fn begin(future: &mut (impl Future + Unpin)) {
    let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await;
    assert!(polled, "it is not ready");
}

/// A scope that is cut at once, and gives its cleanups `limit`.
fn cut(limit: Duration) -> CancelScope {
    CancelScope::new().deadline(Instant::now() + ms(2)).cleanup_limit(limit)
}

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ]
}

// ---- the limit of a scope ----

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

/// Set in the process that says what it drops.
const VARIABLE: &str = "CORIO_TEST_CLEANUPS";

/// What is said on stderr by `test`, run in a process of its own.
fn said_by(test: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

fn in_child_process() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// The line that tells of dropped cleanups counts each of them, also those inside others.
#[test]
fn the_cleanups_that_are_dropped_are_counted() {
    let long = Duration::from_secs(600);
    if !in_child_process() {
        let said = said_by("the_cleanups_that_are_dropped_are_counted");
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

/// A call's closure cannot wait: what it drops is cleaned up by the runtime.
#[test]
fn what_a_blocking_call_drops_is_cleaned_up_by_the_runtime() {
    for runtime in runtimes() {
        let log = Log::default();
        runtime.block_on(async {
            let mut guarded = Box::pin(log.guarded("late", ms(5)));
            begin(&mut guarded).await;
            spawn_blocking(move || drop(guarded)).await.unwrap();
        });
        drop(runtime);
        assert_eq!(log.get(), ["late"]);
    }
}

// ---- context variables ----

context_var! {
    static REQUEST: u64 = 0;
    static OTHER: u64 = 0;
}

/// A cleanup has the variables of the place that its `finally` is in, however the body ends.
#[test]
fn a_cleanup_sees_the_variables_of_its_place_however_its_body_ends() {
    on_all(|| async {
        for how in ["returns", "times out", "panics", "is cancelled", "loses"] {
            let log = Log::default();
            let theirs = log.clone();
            let body = async move {
                match how {
                    "returns" => {}
                    "panics" => panic!("as planned"),
                    _ => pending().await,
                }
            };
            let body = finally(body, move || async move {
                theirs.add(REQUEST.get());
                yield_now().await;
                theirs.add(REQUEST.get());
            });
            let task = spawn(async move {
                REQUEST
                    .scope(42, async move {
                        match how {
                            "times out" => drop(timeout(ms(2), body).await),
                            "loses" => {
                                let end: Pin<Box<dyn Future<Output = ()> + Send>> =
                                    Box::pin(sleep(ms(2)));
                                race([end, Box::pin(body)]).await;
                            }
                            _ => body.await,
                        }
                    })
                    .await;
            });
            if how == "is cancelled" {
                settle().await;
                task.cancel();
            }
            let _ = task.await;
            assert_eq!(log.get(), ["42", "42"], "it {how}");
        }
    });
}

/// What a cleanup sees has been set last, and what it sets is seen by no other.
#[test]
fn a_cleanup_that_is_handed_over_has_variables_of_its_own() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let work = async move {
            let body = async {
                REQUEST.set(1);
                pending::<()>().await
            };
            let cleanup = move || async move {
                theirs.add(REQUEST.get());
                REQUEST.set(2);
                OTHER.set(3);
                yield_now().await;
                theirs.add(REQUEST.get() + OTHER.get());
            };
            assert!(timeout(ms(2), finally(body, cleanup)).await.is_err());
            assert_eq!((REQUEST.get(), OTHER.get()), (1, 0));
        };
        spawn(work).await.unwrap();
        assert_eq!(log.get(), ["1", "5"]);

        // Also where nothing was set before.
        let work = async {
            let cleanup = || async {
                REQUEST.set(2);
            };
            assert!(timeout(ms(2), finally(pending::<()>(), cleanup)).await.is_err());
            assert_eq!(REQUEST.get(), 0);
        };
        spawn(work).await.unwrap();
    });
}

/// Dropped elsewhere, the values are those of the place where the body was polled.
#[test]
fn a_cleanup_of_what_is_dropped_elsewhere_sees_the_variables_of_its_place() {
    for runtime in runtimes() {
        let log = Log::default();
        let theirs = log.clone();
        let make = || {
            let log = theirs.clone();
            Box::pin(finally(pending::<()>(), move || async move { log.add(REQUEST.get()) }))
        };
        let outside = runtime.block_on(async {
            REQUEST.set(7);
            let mut futures = [make(), make(), make()];
            for future in &mut futures {
                begin(future).await;
            }
            let [in_call, in_task, outside] = futures;
            REQUEST.set(8);
            spawn_blocking(move || drop(in_call)).await.unwrap();
            spawn(async move { drop(in_task) }).await.unwrap();
            outside
        });
        std::thread::spawn(move || drop(outside)).join().unwrap();
        drop(runtime);
        assert_eq!(log.get(), ["7", "7", "7"]);
    }
}

// ---- panics ----

/// A panic of the body comes out of `finally` when the cleanup has run, also for who catches it there.
#[test]
fn a_panic_of_the_body_comes_out_after_the_cleanup() {
    on_all(|| async {
        let log = Log::default();
        let (inner, outer) = (log.clone(), log.clone());
        let body = async move {
            let guarded = finally(async { panic!("the body's") }, move || async move {
                yield_now().await;
                inner.add("inner");
                panic!("the cleanup's, which is the second");
            });
            guarded.await
        };
        let mut work = pin!(finally(body, move || async move { outer.add("outer") }));
        let caught =
            poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
                Ok(polled) => polled.map(|()| None),
                Err(payload) => Poll::Ready(Some(payload)),
            })
            .await;
        log.add("caught");
        assert_eq!(caught.unwrap().downcast_ref(), Some(&"the body's"));
        assert_eq!(log.get(), ["inner", "outer", "caught"]);
    });
}

/// A body that panics when it is dropped at its end has panicked.
#[test]
fn a_panic_of_the_bodys_drop_comes_out_after_the_cleanup() {
    struct Bomb(Log);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.add("dropped");
            panic!("as planned");
        }
    }
    struct Body(#[expect(dead_code, reason = "it is dropped")] Bomb);
    impl Future for Body {
        type Output = u32;
        fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<u32> {
            Poll::Ready(1)
        }
    }
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let work = finally(Body(Bomb(log.clone())), move || async move { theirs.add("cleanup") });
        assert!(spawn(work).await.unwrap_err().is_panic());
        assert_eq!(log.get(), ["dropped", "cleanup"]);
    });
}

/// A panic that waits for its cleanup goes with the `finally` that is dropped then; the cleanup runs.
#[test]
fn a_panic_that_is_held_is_dropped_with_its_finally() {
    struct Loud(Log);
    impl Drop for Loud {
        fn drop(&mut self) {
            self.0.add("payload");
            panic!("as planned");
        }
    }
    on_all(|| async {
        let log = Log::default();
        let (loud, theirs) = (Loud(log.clone()), log.clone());
        let work = finally(async move { std::panic::panic_any(loud) }, move || async move {
            sleep(ms(5)).await;
            theirs.add("cleanup");
        });
        let result: Result<(), _> = timeout(Duration::ZERO, work).await;
        assert!(result.is_err());
        assert_eq!(log.get(), ["payload", "cleanup"]);
    });
}

// ---- outside any task ----

/// A stack that was filled in a runtime is closed there, wherever it is dropped.
#[test]
fn a_stack_that_is_dropped_outside_any_task_is_closed_in_its_runtime() {
    for how in ["stack", "popped", "closing"] {
        for runtime in runtimes() {
            let log = Log::default();
            let theirs = log.clone();
            let stack = runtime.block_on(async move {
                let stack = CleanupStack::new();
                REQUEST.set(5);
                for name in ["first", "second"] {
                    let log = theirs.clone();
                    stack.push(move || async move {
                        sleep(ms(2)).await;
                        log.add(format!("{name} {}", REQUEST.get()));
                    });
                }
                stack
            });
            match how {
                "stack" => drop(stack),
                "popped" => drop(stack.pop_all()),
                _ => drop(stack.close()),
            }
            drop(runtime);
            assert_eq!(log.get(), ["second 5", "first 5"], "{how}");
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

/// Something that ends when its children have, with a cleanup of its own around it.
fn around_children(what: &str, log: &Log) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let (child, outer) = (log.guarded("child", ms(20)), log.clone());
    let cleanup = move || async move { outer.add("outer") };
    match what {
        "task_group" => {
            let group = task_group(|group: TaskGroup| async move {
                group.spawn(child);
                pending::<Result<(), _>>().await
            });
            Box::pin(finally(async { drop(group.await) }, cleanup))
        }
        "owned group" => {
            let body = async {
                let group = TaskGroup::<()>::with_limit(1);
                group.spawn(child);
                pending::<()>().await;
                drop(group);
            };
            Box::pin(finally(body, cleanup))
        }
        "set" => {
            let body = async |_: &mut Log| {
                let mut set = TaskSet::new();
                set.spawn(child);
                pending::<()>().await;
            };
            Box::pin(using(log.clone(), body, |outer| async move { outer.add("outer") }))
        }
        _ => unreachable!("there is no {what}"),
    }
}

const WITH_CHILDREN: [&str; 3] = ["task_group", "owned group", "set"];

/// Children are waited for by what is around them also where no task drops it, and no runtime is entered.
#[test]
fn outside_any_task_children_are_cleaned_up_before_what_is_around_them() {
    for what in WITH_CHILDREN {
        for on_plain_thread in [false, true] {
            for runtime in runtimes() {
                let log = Log::default();
                let work = runtime.block_on(async {
                    let mut work = around_children(what, &log);
                    begin(&mut work).await;
                    settle().await;
                    work
                });
                if on_plain_thread {
                    std::thread::spawn(move || drop(work)).join().unwrap();
                } else {
                    drop(work);
                }
                drop(runtime);
                assert_eq!(log.get(), ["child", "outer"], "{what}");
            }
        }
    }
}

/// A line tells of cleanups that are lost, and of nothing else.
#[test]
fn only_of_cleanups_that_are_lost_it_is_said_so() {
    const NAME: &str = "only_of_cleanups_that_are_lost_it_is_said_so";
    if !in_child_process() {
        let said = said_by(NAME);
        let lines: Vec<_> = said.lines().filter_map(|l| l.strip_prefix("corio: ")).collect();
        assert_eq!(lines.len(), 3, "{said}");
        for (line, count) in lines.iter().zip(["1", "2", "1"]) {
            let text = format!("{count} cleanup(s) were dropped without running: their runtime is");
            assert!(line.starts_with(&text), "{said}");
        }
        return;
    }
    // Nothing is lost while there is a runtime.
    for what in WITH_CHILDREN {
        for runtime in runtimes() {
            let mut work = around_children(what, &Log::default());
            runtime.block_on(async {
                begin(&mut work).await;
                settle().await;
            });
            drop(work);
        }
    }
    // Without one a cleanup is lost; the end of children, which have ended with the runtime, is not.
    let [runtime, _] = runtimes();
    let log = Log::default();
    let mut guarded = Box::pin(log.guarded("late", ms(1)));
    let mut around = around_children("task_group", &log);
    let (group, stack) = runtime.block_on(async {
        begin(&mut guarded).await;
        begin(&mut around).await;
        let group = TaskGroup::<()>::new();
        group.spawn(log.guarded("child", ms(1)));
        let stack = CleanupStack::new();
        stack.push(|| async {});
        stack.push(|| async {});
        settle().await;
        (group, stack)
    });
    drop(runtime);
    drop(group);
    drop(guarded);
    drop(stack);
    drop(around);
}
