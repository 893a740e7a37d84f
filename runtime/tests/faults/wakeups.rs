//! Wakeups and scheduling: nothing is lost, nothing stands in line for ever.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::time::{Instant, sleep};
use corio_runtime::{spawn, spawn_blocking, yield_now};
use corio_sync::prim::{Mutex, thread};

use crate::kit::{multi, single};
use crate::roles::{self, say};
use crate::support::{CHAIN, LONG, SMALL_STACK, Wakes, bounded, until};

#[test]
fn w05_a_task_spawned_on_one_thread_is_found_by_whatever_thread_drives() {
    for runtime in [single(), multi(1), multi(2)] {
        let runtime = Arc::new(runtime);
        let by_a = runtime.clone();
        let tasks =
            bounded(1 << 20, move || {
                let mut tasks = vec![by_a.spawn(async { 0 })];
                let _entered = by_a.enter();
                tasks.push(spawn(async { 1 }));
                // These are left behind in the queue of a thread that drove, and drives no more.
                tasks.extend(by_a.block_on(async {
                    (2..50).map(|i| spawn(async move { i })).collect::<Vec<_>>()
                }));
                tasks
            });
        let sum = bounded(1 << 20, move || {
            runtime.block_on(async {
                let mut sum = 0;
                for task in tasks {
                    sum += task.await.unwrap();
                }
                sum
            })
        });
        assert_eq!(sum, (0..50).sum());
    }
}

#[test]
fn w14_the_counts_equal_a_recount_after_a_storm() {
    let running = Arc::new(AtomicUsize::new(0));
    let (started, stopped) = (running.clone(), running.clone());
    let runtime = Builder::new_multi_thread()
        .worker_threads(3)
        .max_blocking_threads(4)
        .on_thread_start(move || _ = started.fetch_add(1, Ordering::SeqCst))
        .on_thread_stop(move || _ = stopped.fetch_sub(1, Ordering::SeqCst))
        .build()
        .unwrap();
    let runtime = Arc::new(runtime);
    let drivers: Vec<_> = (0..4)
        .map(|_| {
            let runtime = runtime.clone();
            thread::spawn(move || {
                for _ in 0..20 {
                    runtime.block_on(async {
                        let tasks: Vec<_> = (0..20)
                            .map(|i| {
                                spawn(async move {
                                    yield_now().await;
                                    if i % 5 == 0 {
                                        sleep(Duration::from_micros(100)).await;
                                    }
                                    spawn_blocking(move || i).await.unwrap()
                                })
                            })
                            .collect();
                        spawn(sleep(LONG)).cancel();
                        for (i, task) in tasks.into_iter().enumerate() {
                            assert_eq!(task.await.unwrap(), i);
                        }
                    });
                }
            })
        })
        .collect();
    for driver in drivers {
        driver.join().unwrap();
    }
    until(|| {
        let counts = runtime.metrics();
        counts.tasks == 0
            && counts.timers == 0
            && counts.registrations == 0
            && counts.queued_blocking_calls == 0
            && counts.oldest_queued_blocking_call.is_none()
            && counts.idle_blocking_threads == counts.blocking_threads
            && counts.worker_threads + counts.blocking_threads == running.load(Ordering::SeqCst)
    });
    let counts = runtime.metrics();
    assert_eq!(counts.workers, 3);
    // A worker that lent its core to a driver stays, and there were four drivers at most.
    assert!(counts.worker_threads <= 3 + 4 && counts.blocking_threads <= 4, "{counts:?}");
    drop(runtime);
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

/// Is stopped for 300 ms, in which all of its timers become due.
pub(crate) fn is_stopped(runtime: &Runtime) {
    runtime.block_on(async {
        let pid = std::process::id();
        let stops = format!("kill -STOP {pid}; sleep 0.3; kill -CONT {pid}");
        let tasks: Vec<_> = (0..100)
            .map(|i| {
                spawn(async move {
                    let (start, delay) = (Instant::now(), Duration::from_millis(50 + i));
                    sleep(delay).await;
                    assert!(start.elapsed() >= delay);
                    yield_now().await;
                })
            })
            .collect();
        say("ready");
        let mut stops = Command::new("sh").args(["-c", &stops]).spawn().unwrap();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(spawn_blocking(move || stops.wait().unwrap()).await.unwrap().success());
        sleep(Duration::from_millis(1)).await;
    });
    say("went on");
}

#[test]
fn w16_a_process_that_was_stopped_fires_what_is_overdue_and_goes_on() {
    for role in ["is stopped, single", "is stopped, multi"] {
        let mut child = roles::start(role);
        assert!(child.says("went on"), "{role}");
        assert!(child.end().success(), "{role}");
    }
}

/// Polls `future` with one waker, then with another, and waits for its end: only the second is woken.
async fn wakes_the_latest<F: Future + Unpin>(mut future: F, release: impl FnOnce()) -> F::Output {
    let (a, b) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
    for wakes in [&a, &b] {
        let waker = Waker::from(wakes.clone());
        assert!(Pin::new(&mut future).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    release();
    while b.get() == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(a.get(), 0);
    future.await
}

#[test]
fn w17_a_future_that_moved_wakes_the_task_that_polled_it_last() {
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            let (open, gate) = mpsc::channel::<()>();
            let blocking = spawn_blocking(move || gate.recv().is_ok());
            assert!(wakes_the_latest(blocking, move || open.send(()).unwrap()).await.unwrap());

            wakes_the_latest(sleep(Duration::from_millis(50)), || {}).await;
            wakes_the_latest(spawn(sleep(Duration::from_millis(50))), || {}).await.unwrap();

            // From task to task; the first goes on living, and must not be the one that is woken.
            let mut moved = spawn(sleep(Duration::from_millis(30)));
            let first = spawn(async move {
                poll_fn(|cx| Poll::Ready(Pin::new(&mut moved).poll(cx).is_pending())).await;
                moved
            });
            let moved = first.await.unwrap();
            spawn(moved).await.unwrap().unwrap();
        });
    }
}

#[test]
fn w19_a_wake_only_enqueues_so_locks_may_be_held() {
    /// Wakes a task from its Drop, with the lock held that the task needs.
    struct WakesInDrop(Arc<Mutex<u32>>, Waker);
    impl Drop for WakesInDrop {
        fn drop(&mut self) {
            let mut count = self.0.lock();
            self.1.wake_by_ref();
            *count += 1;
        }
    }

    for runtime in [single(), multi(1), multi(2)] {
        bounded(1 << 20, move || {
            runtime.block_on(async {
                let count = Arc::new(Mutex::new(0));
                let (tell, told) = mpsc::channel();
                let seen = count.clone();
                let task = spawn(poll_fn(move |cx| {
                    tell.send(cx.waker().clone()).unwrap();
                    if *seen.lock() == 0 { Poll::Pending } else { Poll::Ready(()) }
                }));
                let waker = loop {
                    match told.try_recv() {
                        Ok(waker) => break waker,
                        Err(_) => yield_now().await,
                    }
                };
                drop(WakesInDrop(count, waker));
                task.await.unwrap();
            });
        });
    }
}

#[test]
fn w19_a_chain_of_wakes_needs_no_stack() {
    let small = Builder::new_multi_thread().worker_threads(2).thread_stack_size(SMALL_STACK);
    for runtime in [single(), multi(1), small.build().unwrap()] {
        let count = bounded(SMALL_STACK, move || {
            runtime.block_on(async {
                let (open, gate) = mpsc::channel::<()>();
                let mut last = spawn_blocking(move || gate.recv().map_or(0, |()| 0));
                for _ in 0..CHAIN {
                    last = spawn(async move { last.await.unwrap() + 1 });
                }
                yield_now().await;
                open.send(()).unwrap();
                last.await.unwrap()
            })
        });
        assert_eq!(count, CHAIN);
    }
}

/// What is due or ready does not wait behind all of a thousand tasks that are always ready.
#[test]
fn w08_a_ticker_among_a_thousand_busy_tasks_waits_for_few_of_them() {
    const BUSY: usize = 1000;
    for runtime in [single(), multi(1)] {
        let late = runtime.block_on(async {
            let polls = Arc::new(AtomicUsize::new(0));
            let busy: Vec<_> = (0..BUSY)
                .map(|_| {
                    let polls = polls.clone();
                    spawn(async move {
                        loop {
                            polls.fetch_add(1, Ordering::Relaxed);
                            let start = std::time::Instant::now();
                            while start.elapsed() < Duration::from_micros(2) {}
                            yield_now().await;
                        }
                    })
                })
                .collect();
            yield_now().await;
            let mut late = Vec::new();
            for _ in 0..41 {
                let before = polls.load(Ordering::Relaxed);
                sleep(Duration::from_micros(1)).await;
                late.push(polls.load(Ordering::Relaxed) - before);
            }
            for task in &busy {
                task.cancel();
            }
            late.sort_unstable();
            late[late.len() / 2]
        });
        assert!(late < BUSY / 2, "the median tick came after {late} polls of others");
    }
}
