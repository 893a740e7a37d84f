//! Spawning, awaiting, cancelling, on both executors.
#![allow(clippy::async_yields_async, reason = "handles that leave their `block_on` are the point")]

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::time::sleep;
use corio_runtime::{Handle, spawn, spawn_blocking, spawn_local, task, yield_now};

fn single() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn multi(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

/// Runs a test on both flavours, with one worker, with two, and with more than there are processors.
fn on_all<F: Future<Output = ()>>(f: impl Fn() -> F) {
    for runtime in [single(), multi(1), multi(2), multi(8)] {
        runtime.block_on(f());
    }
}

#[test]
fn a_task_gives_its_result() {
    on_all(|| async {
        let task = spawn(async { 6 * 7 });
        assert_eq!(task.await.unwrap(), 42);
    });
}

#[test]
fn many_tasks_give_their_results() {
    on_all(|| async {
        let tasks: Vec<_> = (0..10_000).map(|i| spawn(async move { i })).collect();
        for (i, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), i);
        }
    });
}

#[test]
fn tasks_spawn_tasks() {
    fn tree(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return 1;
            }
            let (a, b) = (spawn(tree(depth - 1)), spawn(tree(depth - 1)));
            a.await.unwrap() + b.await.unwrap()
        })
    }
    on_all(|| async { assert_eq!(tree(12).await, 1 << 12) });
}

#[test]
fn a_spawned_task_never_runs_before_its_spawner_yields() {
    single().block_on(async {
        let order = Rc::new(RefCell::new(Vec::new()));
        let theirs = order.clone();
        let task = spawn_local(async move { theirs.borrow_mut().push("child") });
        order.borrow_mut().push("parent");
        task.await.unwrap();
        assert_eq!(*order.borrow(), ["parent", "child"]);
    });
}

#[test]
fn local_tasks_work_on_every_runtime() {
    on_all(|| async {
        let shared = Rc::new(RefCell::new(0));
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let shared = shared.clone();
                spawn_local(async move {
                    yield_now().await;
                    *shared.borrow_mut() += 1;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*shared.borrow(), 100);
    });
}

#[test]
fn t01_a_local_task_that_is_left_ends_on_its_own_thread() {
    struct OnDrop(std::thread::ThreadId, Arc<AtomicUsize>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            assert_eq!(self.0, std::thread::current().id());
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    for runtime in [single(), multi(2)] {
        let dropped = Arc::new(AtomicUsize::new(0));
        let theirs = dropped.clone();
        runtime.block_on(async move {
            let guard = OnDrop(std::thread::current().id(), theirs);
            drop(spawn_local(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
        });
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_panic_reaches_whoever_awaits() {
    on_all(|| async {
        let task = spawn(async {
            if true {
                panic!("as planned");
            }
        });
        let error = task.await.unwrap_err();
        assert!(error.is_panic());
        assert!(error.to_string().contains("as planned"), "{error}");
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "as planned");
    });
}

#[test]
fn a_cancelled_task_says_so() {
    on_all(|| async {
        let task = spawn(std::future::pending::<()>());
        yield_now().await;
        assert!(task.cancel());
        task.cancel();
        let error = task.await.unwrap_err();
        assert!(error.is_cancelled());
        assert!(error.to_string().contains("cancelled"));
    });
}

#[test]
fn a_cancel_before_the_first_poll_never_runs_the_body() {
    single().block_on(async {
        let ran = Arc::new(AtomicUsize::new(0));
        let theirs = ran.clone();
        let task = spawn(async move { theirs.fetch_add(1, Ordering::SeqCst) });
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn t08_cancelling_after_the_runtime_is_gone_is_harmless() {
    let runtime = multi(2);
    let task = runtime.spawn(std::future::pending::<()>());
    let canceller = task.canceller();
    drop(runtime);
    assert!(!canceller.cancel());
    assert!(task.is_finished());
    assert!(task.result_blocking(Duration::from_secs(5)).unwrap().unwrap_err().is_cancelled());
}

#[test]
fn names_ids_and_places() {
    single().block_on(async {
        let task = task::Builder::new().name("fetch").spawn(async {
            let me = task::current();
            (me.id(), me.name().map(str::to_owned), me.spawned_at().line())
        });
        let id = task.id();
        assert_eq!(task.name(), Some("fetch"));
        let (their_id, name, line) = task.await.unwrap();
        assert_eq!((their_id, name.as_deref()), (id, Some("fetch")));
        assert_eq!(line, line!() - 8);
        assert!(task::try_current().is_some(), "the main future is a task too");
    });
    assert!(task::try_current().is_none());
}

#[test]
fn d07_a_long_name_is_cut() {
    single().block_on(async {
        let task = task::Builder::new().name("ä".repeat(1 << 19)).spawn(async {});
        assert!(task.name().unwrap().len() <= 128);
        task.await.unwrap();
    });
}

#[test]
fn on_done_is_called_once_before_and_after() {
    on_all(|| async {
        let calls = Arc::new(AtomicUsize::new(0));
        let task = spawn(yield_now());
        let theirs = calls.clone();
        task.on_done(move || {
            theirs.fetch_add(1, Ordering::SeqCst);
        });
        let handle = task.canceller();
        while !handle.is_finished() {
            sleep(Duration::from_millis(1)).await;
        }
        while calls.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        let theirs = calls.clone();
        task.on_done(move || {
            theirs.fetch_add(10, Ordering::SeqCst);
        });
        assert_eq!(calls.load(Ordering::SeqCst), 11);
        task.await.unwrap();
    });
}

#[test]
fn blocking_calls_give_their_results() {
    on_all(|| async {
        let tasks: Vec<_> = (0..100).map(|i| spawn_blocking(move || i * 2)).collect();
        for (i, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), i * 2);
        }
        assert!(spawn_blocking(|| panic!("as planned")).await.unwrap_err().is_panic());
    });
}

#[test]
fn blocking_calls_know_their_runtime() {
    multi(2).block_on(async {
        let inner =
            spawn_blocking(|| Handle::current().block_on(async { spawn(async { 5 }).await }));
        assert_eq!(inner.await.unwrap().unwrap(), 5);
    });
}

#[test]
fn s17_a_nested_block_on_is_a_clear_panic() {
    on_all(|| async {
        let task = spawn(async { Handle::current().block_on(async {}) });
        let error = task.await.unwrap_err();
        assert!(error.to_string().contains("`.await` the future instead"), "{error}");
    });
}

#[test]
fn foreign_threads_spawn() {
    for runtime in [single(), multi(1), multi(2)] {
        let handle = runtime.handle().clone();
        let threads: Vec<_> = (0..4)
            .map(|t| {
                let handle = handle.clone();
                std::thread::spawn(move || {
                    (0..500).map(|i| handle.spawn(async move { t * 1000 + i })).collect::<Vec<_>>()
                })
            })
            .collect();
        runtime.block_on(async {
            for (t, thread) in threads.into_iter().enumerate() {
                let tasks = spawn_blocking(move || thread.join().unwrap()).await.unwrap();
                for (i, task) in tasks.into_iter().enumerate() {
                    assert_eq!(task.await.unwrap(), t * 1000 + i);
                }
            }
        });
    }
}

#[test]
fn block_on_from_several_threads() {
    for runtime in [single(), multi(2)] {
        let runtime = Arc::new(runtime);
        let threads: Vec<_> = (0..6)
            .map(|i| {
                let runtime = runtime.clone();
                std::thread::spawn(move || {
                    for _ in 0..50 {
                        let got = runtime.block_on(async move {
                            sleep(Duration::from_micros(50)).await;
                            spawn(async move { i }).await.unwrap()
                        });
                        assert_eq!(got, i);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

#[test]
fn tasks_go_on_after_block_on_where_there_are_workers() {
    let runtime = multi(2);
    let task = runtime.block_on(async {
        spawn(async {
            sleep(Duration::from_millis(5)).await;
            9
        })
    });
    assert_eq!(task.result_blocking(Duration::from_secs(20)).unwrap().unwrap(), 9);
}

#[test]
fn t13_tasks_that_spawn_from_drop_end_with_the_runtime() {
    struct Respawn;
    impl Drop for Respawn {
        fn drop(&mut self) {
            let guard = Respawn2;
            drop(spawn(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
        }
    }
    struct Respawn2;
    impl Drop for Respawn2 {
        fn drop(&mut self) {}
    }
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            let guard = Respawn;
            drop(spawn(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
            yield_now().await;
        });
        drop(runtime);
    }
}

#[test]
fn t02_a_future_that_panics_when_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop, as planned");
        }
    }
    for runtime in [single(), multi(2)] {
        let task = runtime.block_on(async {
            let bomb = Bomb;
            let task = spawn(async move {
                let _bomb = bomb;
                std::future::pending::<()>().await;
            });
            yield_now().await;
            task
        });
        drop(runtime);
        let error = task.result_blocking(Duration::from_secs(5)).unwrap().unwrap_err();
        assert!(error.is_panic(), "{error}");
    }
}

#[test]
fn t15_awaiting_twice_is_a_clear_panic() {
    single().block_on(async {
        let mut task = spawn(async {});
        (&mut task).await.unwrap();
        let again = spawn_local(task).await.unwrap_err();
        assert!(again.to_string().contains("awaited again"), "{again}");
    });
}

#[test]
fn w07_w08_timers_fire_beside_tasks_that_are_always_ready() {
    for runtime in [single(), multi(1), multi(2)] {
        runtime.block_on(async {
            let hog = spawn(async {
                loop {
                    yield_now().await;
                }
            });
            for _ in 0..5 {
                sleep(Duration::from_millis(2)).await;
            }
            hog.cancel();
            assert!(hog.await.unwrap_err().is_cancelled());
        });
    }
}

#[test]
fn w06_tasks_behind_a_long_poll_run_on_another_worker() {
    let runtime = multi(2);
    runtime.block_on(async {
        let done = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let done = done.clone();
                spawn(async move {
                    done.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        // A poll that ends only when the others have run elsewhere.
        let start = std::time::Instant::now();
        while done.load(Ordering::SeqCst) < 10 {
            assert!(start.elapsed() < Duration::from_secs(20), "nobody took the tasks");
            std::thread::yield_now();
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn w11_timers_of_a_hogged_core_are_served() {
    let runtime = multi(2);
    runtime.block_on(async {
        let fired = Arc::new(AtomicUsize::new(0));
        let theirs = fired.clone();
        let task = spawn(async move {
            sleep(Duration::from_millis(5)).await;
            theirs.store(1, Ordering::SeqCst);
        });
        let other = spawn(async {});
        yield_now().await;
        let start = std::time::Instant::now();
        while fired.load(Ordering::SeqCst) == 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "nobody fired the timer");
            std::thread::yield_now();
        }
        other.await.unwrap();
        task.await.unwrap();
    });
}

#[test]
fn l06_runtimes_come_and_go() {
    for i in 0..300 {
        let runtime = if i % 2 == 0 { single() } else { multi(2) };
        runtime.block_on(async {
            let task = spawn(async { sleep(Duration::from_micros(10)).await });
            drop(spawn(std::future::pending::<()>()));
            task.await.unwrap();
        });
    }
}

#[test]
fn l08_absurd_settings_are_errors_that_name_the_value() {
    let error = |b: Builder| b.build().unwrap_err().to_string();
    assert!(error(Builder::new_multi_thread().worker_threads(0)).contains("worker_threads(0)"));
    assert!(error(Builder::new_multi_thread().worker_threads(1 << 20)).contains("1048576"));
    assert!(error(Builder::new_current_thread().worker_threads(2)).contains("worker_threads(2)"));
    assert!(error(Builder::new_multi_thread().max_blocking_threads(0)).contains("(0)"));
    assert!(error(Builder::new_multi_thread().thread_name("x".repeat(100))).contains("100 bytes"));
    assert!(error(Builder::new_multi_thread().thread_name("a\0b")).contains("NUL"));
    assert!(error(Builder::new_multi_thread().start_paused(true)).contains("start_paused"));
    assert!(error(Builder::new_multi_thread().seed(1)).contains("seed"));
}

#[test]
fn l01_a_runtime_dropped_inside_a_task() {
    let outer = multi(2);
    outer.block_on(async {
        let inner = multi(2);
        let task = inner.spawn(std::future::pending::<()>());
        let other = single();
        let on_other = other.spawn(std::future::pending::<()>());
        drop(inner);
        drop(other);
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(on_other.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn l03_guards_may_be_dropped_in_any_order() {
    let (a, b) = (multi(1), single());
    let first = a.enter();
    let second = b.enter();
    drop(first);
    assert!(Handle::try_current().is_ok());
    drop(second);
    assert!(Handle::try_current().is_err());
}

#[test]
fn b06_shutdown_does_not_wait_for_ever() {
    let runtime = multi(2);
    let (send, receive) = std::sync::mpsc::channel::<()>();
    let (started, begun) = std::sync::mpsc::channel();
    let task = runtime.spawn_blocking(move || {
        started.send(()).unwrap();
        let _ = receive.recv();
    });
    begun.recv().unwrap();
    runtime.shutdown_timeout(Duration::from_millis(50));
    assert!(!task.is_finished());
    drop(send);
    assert!(task.result_blocking(Duration::from_secs(20)).unwrap().is_ok());
}

#[test]
fn shutdown_in_the_background_drops_everything() {
    for runtime in [single(), multi(2)] {
        let task = runtime.block_on(async {
            let task = spawn(std::future::pending::<()>());
            yield_now().await;
            task
        });
        runtime.shutdown_background();
        let error = task.result_blocking(Duration::from_secs(20)).unwrap().unwrap_err();
        assert!(error.is_cancelled());
    }
}

#[test]
fn virtual_time_jumps() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    let start = std::time::Instant::now();
    runtime.block_on(async {
        let before = corio_runtime::time::Instant::now();
        let tasks: Vec<_> = (1..100)
            .map(|i| spawn(async move { sleep(Duration::from_secs(i * 60)).await }))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(before.elapsed(), Duration::from_secs(99 * 60));
    });
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn m13_virtual_time_waits_for_blocking_calls() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let before = corio_runtime::time::Instant::now();
        let call = spawn_blocking(|| std::thread::sleep(Duration::from_millis(20)));
        let hour = spawn(async { sleep(Duration::from_secs(3600)).await });
        call.await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
        hour.await.unwrap();
        assert_eq!(before.elapsed(), Duration::from_secs(3600));
    });
}

#[test]
fn a_seed_decides_the_order() {
    let order = |seed| {
        let runtime = Builder::new_current_thread().seed(seed).build().unwrap();
        runtime.block_on(async {
            let order = Rc::new(RefCell::new(Vec::new()));
            let tasks: Vec<_> = (0..20)
                .map(|i| {
                    let order = order.clone();
                    spawn_local(async move {
                        for _ in 0..3 {
                            order.borrow_mut().push(i);
                            yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            order.take()
        })
    };
    assert_eq!(order(7), order(7));
    assert!((0..10).any(|seed| order(seed) != order(7)));
}

/// A waker that panics when it is woken.
struct PanicsWhenWoken;

impl std::task::Wake for PanicsWhenWoken {
    fn wake(self: Arc<Self>) {
        panic!("in wake, as planned");
    }
}

#[test]
fn t04_a_waker_that_panics_stays_with_its_task() {
    on_all(|| async {
        let mut task = spawn(yield_now());
        let waker = std::task::Waker::from(Arc::new(PanicsWhenWoken));
        let mut cx = std::task::Context::from_waker(&waker);
        let _ = std::pin::Pin::new(&mut task).poll(&mut cx);
        while !task.is_finished() {
            yield_now().await;
        }
        spawn(async {}).await.unwrap();
    });
}

#[test]
fn l01_a_runtime_dropped_in_its_own_blocking_call() {
    for runtime in [single(), multi(2)] {
        let (done, is_done) = std::sync::mpsc::channel();
        let handle = runtime.handle().clone();
        drop(handle.spawn_blocking(move || {
            drop(runtime);
            done.send(()).unwrap();
        }));
        is_done.recv_timeout(Duration::from_secs(20)).unwrap();
    }
}

#[test]
fn l01_a_runtime_dropped_in_its_own_main_future() {
    for runtime in [single(), multi(2)] {
        let alive = Arc::new(());
        let theirs = alive.clone();
        let handle = runtime.handle().clone();
        handle.block_on(async move {
            drop(spawn(async move {
                let _theirs = theirs;
                std::future::pending::<()>().await;
            }));
            yield_now().await;
            drop(runtime);
        });
        let start = std::time::Instant::now();
        while Arc::strong_count(&alive) > 1 {
            assert!(start.elapsed() < Duration::from_secs(20), "the task was not dropped");
            std::thread::yield_now();
        }
    }
}

#[test]
fn l11_a_runtime_ended_while_another_thread_is_in_block_on() {
    for runtime in [single(), multi(2)] {
        let handle = runtime.handle().clone();
        let (started, has_started) = std::sync::mpsc::channel();
        let (end, to_end) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            handle.block_on(async move {
                drop(spawn(std::future::pending::<()>()));
                yield_now().await;
                started.send(()).unwrap();
                // Blocks its thread: the drop below finds no core, and waits until this one ends.
                let _ = to_end.recv_timeout(Duration::from_secs(20));
            });
        });
        has_started.recv().unwrap();
        let ender = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            end.send(()).unwrap();
        });
        drop(runtime);
        thread.join().unwrap();
        ender.join().unwrap();
    }
}

#[test]
fn a_main_future_that_cancels_itself_is_a_clear_panic() {
    let panic = std::panic::catch_unwind(|| {
        single().block_on(async {
            task::current().cancel();
            yield_now().await;
        });
    })
    .unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("was cancelled"));
}

#[test]
fn virtual_time_and_a_shutdown_with_a_deadline() {
    let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    runtime.block_on(async {
        drop(spawn(corio_runtime::structured::finally(std::future::pending::<()>(), || {
            std::future::pending::<()>()
        })));
        yield_now().await;
    });
    runtime.shutdown_timeout(Duration::from_millis(20));
}

#[test]
fn a_task_that_is_awaited_and_done_keeps_nothing_of_its_awaiter() {
    single().block_on(async {
        let alive = Arc::new(());
        let inner = spawn(yield_now());
        let canceller = inner.canceller();
        let theirs = alive.clone();
        let outer = spawn(async move {
            let _theirs = theirs;
            inner.await.unwrap();
        });
        outer.await.unwrap();
        assert!(canceller.is_finished());
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

#[test]
fn a_cancelled_call_that_waits_for_a_thread_is_done_at_once() {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (end, to_end) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        let (started, begun) = std::sync::mpsc::channel();
        let first = spawn_blocking(move || {
            started.send(()).unwrap();
            let _ = to_end.recv_timeout(Duration::from_secs(20));
        });
        begun.recv().unwrap();
        let queued = spawn_blocking(|| unreachable!("it is cancelled before it runs"));
        queued.cancel();
        assert!(queued.await.map(|(): ()| ()).unwrap_err().is_cancelled());
        assert!(!first.is_finished());
        end.send(()).unwrap();
        first.await.unwrap();
    });
}

#[test]
fn a_runtime_dropped_in_a_task_still_runs_its_cleanups() {
    for outer in [single(), multi(2)] {
        for inner in [single(), multi(2)] {
            outer.block_on(async {
                let (clean, is_clean) = std::sync::mpsc::channel();
                let task = inner.spawn(corio_runtime::structured::finally(
                    std::future::pending::<()>(),
                    move || async move {
                        sleep(Duration::from_millis(5)).await;
                        clean.send(()).unwrap();
                    },
                ));
                let started = inner.spawn(async {});
                if inner.metrics().workers > 1 {
                    started.await.unwrap();
                    sleep(Duration::from_millis(20)).await;
                    drop(inner);
                    assert!(task.await.unwrap_err().is_cancelled());
                    assert!(is_clean.try_recv().is_ok());
                } else {
                    // Nobody has run the task: there is nothing to clean up after.
                    drop(inner);
                    assert!(task.await.unwrap_err().is_cancelled());
                }
            });
        }
    }
}

#[test]
fn l01_a_task_that_drops_its_own_runtime_is_cancelled_where_it_next_waits() {
    let runtime = Arc::new(multi(2));
    let handle = runtime.handle().clone();
    let task = handle.spawn(async move {
        drop(runtime);
        sleep(Duration::from_secs(3600)).await;
    });
    let error = task.result_blocking(Duration::from_secs(20)).unwrap().unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}

#[test]
fn different_seeds_give_different_orders() {
    let order = |seed| {
        let runtime = Builder::new_current_thread().seed(seed).build().unwrap();
        runtime.block_on(async {
            let order = Rc::new(RefCell::new(Vec::new()));
            let tasks: Vec<_> = (0..20)
                .map(|i| {
                    let order = order.clone();
                    spawn_local(async move { order.borrow_mut().push(i) })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            order.take()
        })
    };
    let all: std::collections::HashSet<_> = (0..200).map(order).collect();
    assert_eq!(all.len(), 200);
}
