//! Groups and cleanups: nothing leaks, nothing is cut short.

#![allow(clippy::disallowed_types, reason = "tests look from outside, with what users have")]
#![allow(clippy::async_yields_async, reason = "handles are taken out of the runtime on purpose")]

use corio_sync::prim::Mutex;
use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::structured::{TaskGroup, finally, finally_local, task_group};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{spawn, spawn_blocking, spawn_local, yield_now};

fn single() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn multi(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

fn on_all<F: Future<Output = ()>>(f: impl Fn() -> F) {
    for runtime in [single(), multi(1), multi(2)] {
        runtime.block_on(f());
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn add(&self, what: &'static str) {
        self.0.lock().push(what);
    }
    fn get(&self) -> Vec<&'static str> {
        self.0.lock().clone()
    }
    /// A cleanup that takes a while and is then in the log.
    fn cleanup(
        &self,
        what: &'static str,
    ) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + 'static {
        let log = self.clone();
        move || {
            Box::pin(async move {
                for _ in 0..3 {
                    yield_now().await;
                }
                log.add(what);
            })
        }
    }
}

#[test]
fn cleanup_runs_when_the_body_returns() {
    on_all(|| async {
        let log = Log::default();
        assert_eq!(finally(async { 7 }, log.cleanup("clean")).await, 7);
        assert_eq!(log.get(), ["clean"]);
    });
}

#[test]
fn cleanup_runs_when_the_task_is_cancelled_and_before_it_is_done() {
    on_all(|| async {
        let log = Log::default();
        let task = spawn(finally(pending::<()>(), log.cleanup("clean")));
        yield_now().await;
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["clean"]);
    });
}

#[test]
fn cleanup_runs_when_the_body_panics() {
    on_all(|| async {
        let log = Log::default();
        let task = spawn(finally(async { panic!("as planned") }, log.cleanup("clean")));
        assert!(task.await.map(|(): ()| ()).unwrap_err().is_panic());
        assert_eq!(log.get(), ["clean"]);
    });
}

#[test]
fn a_timeout_waits_for_the_cleanup_of_what_it_drops() {
    on_all(|| async {
        let log = Log::default();
        let work = finally(pending::<()>(), log.cleanup("clean"));
        assert!(timeout(Duration::from_millis(1), work).await.is_err());
        assert_eq!(log.get(), ["clean"]);
    });
}

#[test]
fn cleanups_run_inner_first() {
    on_all(|| async {
        let log = Log::default();
        let (a, b, c) = (log.cleanup("inner"), log.cleanup("middle"), log.cleanup("outer"));
        let task = spawn(finally(finally(finally(pending::<()>(), a), b), c));
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        let _ = task.await;
        assert_eq!(log.get(), ["inner", "middle", "outer"]);
    });
}

#[test]
fn a_group_inside_a_body_ends_before_the_outer_cleanup() {
    on_all(|| async {
        let log = Log::default();
        let inner = log.clone();
        let body = async move {
            let _ = task_group(|group: TaskGroup<()>| async move {
                drop(group.spawn(finally(async { pending::<()>().await }, inner.cleanup("child"))));
                pending::<Result<(), ()>>().await
            })
            .await;
        };
        let task = spawn(finally(body, log.cleanup("outer")));
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        let _ = task.await;
        assert_eq!(log.get(), ["child", "outer"]);
    });
}

#[test]
fn a_cleanup_that_is_itself_dropped_goes_on() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let cleanup = move || async move {
            sleep(Duration::from_millis(400)).await;
            theirs.add("clean");
        };
        // The body is over at once; the timeout drops the cleanup half-way.
        let work = finally(async {}, cleanup);
        assert!(timeout(Duration::from_millis(1), work).await.is_err());
        assert_eq!(log.get(), ["clean"]);
    });
}

#[test]
fn a_body_that_was_never_polled_has_nothing_to_clean_up() {
    on_all(|| async {
        let log = Log::default();
        drop(finally(async {}, log.cleanup("clean")));
        yield_now().await;
        assert!(log.get().is_empty());
    });
}

/// A cleanup that is not `Send`, takes a while, and is then in the log.
fn local_cleanup(
    log: &Log,
    what: &'static str,
) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = ()>>> + 'static {
    let log = std::rc::Rc::new(log.clone());
    let thread = std::thread::current().id();
    move || {
        Box::pin(async move {
            for _ in 0..3 {
                yield_now().await;
            }
            assert_eq!(std::thread::current().id(), thread);
            log.add(what);
        })
    }
}

#[test]
fn a_local_cleanup_runs_on_its_thread_and_is_waited_for() {
    on_all(|| async {
        let log = Log::default();
        // The body returns.
        assert_eq!(finally_local(async { 7 }, local_cleanup(&log, "returned")).await, 7);
        // A timeout drops it, in the main future and in a task.
        let work = finally_local(pending::<()>(), local_cleanup(&log, "elapsed"));
        assert!(timeout(Duration::from_millis(1), work).await.is_err());
        // Its task is cancelled.
        let theirs = log.clone();
        let task = spawn_local(async move {
            finally_local(pending::<()>(), local_cleanup(&theirs, "cancelled")).await
        });
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["returned", "elapsed", "cancelled"]);
    });
}

#[test]
fn local_and_other_cleanups_run_inner_first() {
    on_all(|| async {
        let log = Log::default();
        let (inner, outer) = (log.clone(), log.clone());
        let task = spawn_local(async move {
            let inner = finally_local(pending::<()>(), local_cleanup(&inner, "inner"));
            let middle = finally(inner, outer.cleanup("middle"));
            finally_local(middle, local_cleanup(&outer, "outer")).await
        });
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["inner", "middle", "outer"]);
    });
}

#[test]
fn a_local_cleanup_that_is_under_way_when_block_on_ends_is_waited_for() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let theirs = log.clone();
        runtime.block_on(async move {
            drop(spawn_local(finally_local(pending::<()>(), local_cleanup(&theirs, "clean"))));
            sleep(Duration::from_millis(2)).await;
        });
        assert_eq!(log.get(), ["clean"]);
    }
}

#[test]
fn the_main_futures_cleanups_run_before_block_on_returns() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let mut work = Box::pin(finally(pending::<()>(), log.cleanup("clean")));
        runtime.block_on(async {
            let _ = std::future::poll_fn(|cx| {
                let _ = work.as_mut().poll(cx);
                std::task::Poll::Ready(())
            })
            .await;
            drop(work);
        });
        assert_eq!(log.get(), ["clean"]);
    }
}

#[test]
fn shutdown_waits_for_cleanups() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let theirs = log.clone();
        runtime.block_on(async {
            drop(spawn(finally(pending::<()>(), move || async move {
                sleep(Duration::from_millis(10)).await;
                theirs.add("clean");
            })));
            sleep(Duration::from_millis(2)).await;
        });
        drop(runtime);
        assert_eq!(log.get(), ["clean"]);
    }
}

#[test]
fn c10_a_cleanup_that_hangs_is_dropped_at_the_deadline() {
    for runtime in [single(), multi(2)] {
        let task = runtime.block_on(async {
            let task = spawn(finally(pending::<()>(), pending::<()>));
            sleep(Duration::from_millis(2)).await;
            task
        });
        runtime.shutdown_timeout(Duration::from_millis(30));
        let error = task.result_blocking(Duration::from_secs(20)).unwrap().unwrap_err();
        assert!(error.is_cancelled());
    }
}

#[test]
fn a_cleanup_dropped_outside_any_task_goes_to_the_runtime() {
    let log = Log::default();
    let runtime = multi(2);
    let mut work = Box::pin(finally(pending::<()>(), log.cleanup("clean")));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(work.as_mut().poll(&mut cx).is_pending());
    let guard = runtime.enter();
    drop(work);
    drop(guard);
    drop(runtime);
    assert_eq!(log.get(), ["clean"]);
}

#[test]
fn a_panicking_cleanup_does_not_stop_its_siblings() {
    on_all(|| async {
        let log = Log::default();
        let (a, b) = (log.cleanup("a"), log.cleanup("b"));
        let task = spawn(async move {
            let mut first = Box::pin(finally(pending::<()>(), || async { panic!("as planned") }));
            let mut second = Box::pin(finally(pending::<()>(), a));
            let mut third = Box::pin(finally(pending::<()>(), b));
            std::future::poll_fn(|cx| {
                let _ = first.as_mut().poll(cx);
                let _ = second.as_mut().poll(cx);
                third.as_mut().poll(cx)
            })
            .await;
        });
        sleep(Duration::from_millis(2)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        let mut got = log.get();
        got.sort();
        assert_eq!(got, ["a", "b"]);
    });
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
fn the_first_failure_cancels_the_siblings_and_the_body() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let error = task_group(|group: TaskGroup<String>| async move {
            drop(group.spawn(finally(pending::<()>(), theirs.cleanup("sibling"))));
            drop(group.spawn(async {
                sleep(Duration::from_millis(2)).await;
                Err::<(), _>("broken".to_owned())
            }));
            pending::<Result<(), String>>().await
        })
        .await
        .unwrap_err();
        assert_eq!(error.failures().len(), 1);
        assert_eq!(error.failures()[0].error().unwrap(), "broken");
        assert!(error.to_string().contains("broken"));
        assert_eq!(log.get(), ["sibling"]);
    });
}

#[test]
fn every_failure_is_reported() {
    on_all(|| async {
        let error =
            task_group(|group: TaskGroup<&'static str>| async move {
                drop(group.spawn(finally(
                    async { pending::<Result<(), &'static str>>().await },
                    || async { panic!("a cleanup's panic is reported, not counted") },
                )));
                drop(group.spawn(async { Err::<(), _>("one") }));
                drop(group.spawn_blocking(|| Err::<(), _>("two")));
                let panics = group.spawn(async {
                    if true {
                        panic!("three")
                    }
                });
                let _ = panics.await;
                Err::<(), _>("body")
            })
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("one") || text.contains("two") || text.contains("three"), "{text}");
        for failure in error.failures() {
            assert!(text.contains(&failure.to_string()));
        }
    });
}

#[test]
fn a_panic_in_the_body_comes_out_after_the_children() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let task = spawn(async move {
            let _: Result<(), _> = task_group(|group: TaskGroup<()>| async move {
                drop(group.spawn(finally(pending::<()>(), theirs.cleanup("child"))));
                sleep(Duration::from_millis(2)).await;
                panic!("as planned")
            })
            .await;
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(log.get(), ["child"]);
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

#[test]
fn finallys_nest_in_every_form() {
    let done = spawn_all();
    for runtime in [single(), multi(2)] {
        runtime.block_on(done());
    }
}

/// What must compile in a spawned, `Send` task.
fn spawn_all() -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    || {
        Box::pin(async {
            spawn(async { finally(finally(async {}, || async {}), || async {}).await })
                .await
                .unwrap();
            spawn(async {
                let inner = finally(async {}, || async {});
                finally(inner, || async {}).await;
                finally(Box::pin(finally(async {}, || async {})), || async {}).await;
            })
            .await
            .unwrap();
        })
    }
}

#[test]
fn a_cleanup_that_panics_while_it_is_awaited_is_not_polled_again() {
    on_all(|| async {
        let polls = Arc::new(AtomicUsize::new(0));
        let theirs = polls.clone();
        let task = spawn(finally(async { 5 }, move || async move {
            theirs.fetch_add(1, Ordering::SeqCst);
            panic!("as planned");
        }));
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(polls.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_cleanup_may_spawn_and_block_also_while_the_runtime_ends() {
    for runtime in [single(), multi(2)] {
        let log = Log::default();
        let theirs = log.clone();
        runtime.block_on(async {
            drop(spawn(finally(pending::<()>(), move || async move {
                let blocking = theirs.clone();
                spawn_blocking(move || blocking.add("blocking")).await.unwrap();
                let spawned = theirs.clone();
                spawn(async move {
                    yield_now().await;
                    spawned.add("spawned");
                })
                .await
                .unwrap();
                let grouped = theirs.clone();
                task_group(|group: TaskGroup<()>| async move {
                    drop(group.spawn(async move { grouped.add("grouped") }));
                    Ok(())
                })
                .await
                .unwrap();
            })));
            sleep(Duration::from_millis(5)).await;
        });
        drop(runtime);
        assert_eq!(log.get(), ["blocking", "spawned", "grouped"]);
    }
}

/// Outside any task a cleanup goes to the runtime on which its body ran, at the latest before that ends.
#[test]
fn a_body_that_is_dropped_on_a_thread_without_a_runtime_is_cleaned_up_by_its_own() {
    for runtime in [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).build().unwrap(),
    ] {
        let (cleaned, is_cleaned) = std::sync::mpsc::channel();
        let mut work = Box::pin(finally(std::future::pending::<()>(), move || async move {
            yield_now().await;
            cleaned.send(()).unwrap();
        }));
        runtime.block_on(std::future::poll_fn(|cx| {
            assert!(work.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        }));
        std::thread::spawn(move || drop(work)).join().unwrap();
        drop(runtime);
        assert!(is_cleaned.try_recv().is_ok(), "it ran before the runtime had ended");
    }
}
