//! What goes wrong in other runtimes, tried on this one. The ids in the names are those of the table
//! in `docs/faults.md`.

#![allow(clippy::async_yields_async, reason = "handles that leave their task are the point")]

mod roles;

use std::any::Any;
use std::cell::RefCell;
use std::fs::File;
use std::future::{Future, pending, poll_fn};
use std::io::{Read, Seek};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::structured::gather;
use corio_runtime::time::{Instant, sleep};
use corio_runtime::{
    Handle, Task, introspect, spawn, spawn_blocking, spawn_local, task, yield_now,
};
use corio_sync::prim::{Mutex, thread};

use roles::{Role, say};

/// Longer than any of the tests takes, on any machine.
const LONG: Duration = Duration::from_secs(120);

fn single() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn multi(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

/// Runs `f` on a thread with that much stack, and fails if it has not ended after a long time.
fn bounded<T: Send + 'static>(stack: usize, f: impl FnOnce() -> T + Send + 'static) -> T {
    let (result, results) = mpsc::channel();
    let thread = thread::Builder::new()
        .stack_size(stack)
        .spawn(move || {
            let _ = result.send(f());
        })
        .unwrap();
    let result = results.recv_timeout(LONG);
    assert!(!matches!(result, Err(mpsc::RecvTimeoutError::Timeout)), "it hangs");
    thread.join().unwrap();
    result.unwrap()
}

/// Waits, on a plain thread, until `is_so`.
fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "it does not come to pass");
        thread::sleep(Duration::from_millis(1));
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wakes {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future that owns the handle of another task, of whatever result.
type Link = Option<Box<dyn Any + Send>>;

const CHAIN: usize = 100_000;
const SMALL_STACK: usize = 128 << 10;

// ---- wakeups and scheduling --------------------------------------------------------------------

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
fn is_stopped(runtime: &Runtime) {
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

// ---- tasks: drop and panic ---------------------------------------------------------------------

struct PanicsInDrop(Arc<AtomicUsize>);

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("as planned, in Drop");
    }
}

#[test]
fn t03_an_output_whose_drop_panics_harms_nobody() {
    for runtime in [single(), multi(1), multi(2)] {
        let dropped = Arc::new(AtomicUsize::new(0));
        runtime.block_on(async {
            for _ in 0..10 {
                // The handle goes first: the output is dropped where the task completes.
                let output = PanicsInDrop(dropped.clone());
                let before = spawn(async move {
                    yield_now().await;
                    output
                });
                drop(before);
                // The handle goes last, and the output with it.
                let output = PanicsInDrop(dropped.clone());
                let after = spawn(async move { output });
                while !after.is_finished() {
                    yield_now().await;
                }
                catch_unwind(AssertUnwindSafe(|| drop(after))).expect("it is contained");
            }
            while dropped.load(Ordering::SeqCst) < 20 {
                sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(spawn(async { 7 }).await.unwrap(), 7);
        });
        drop(runtime);
        assert_eq!(dropped.load(Ordering::SeqCst), 20);
    }
}

#[test]
fn t06_l07_hooks_that_panic_cost_no_thread() {
    let calls = Arc::new(AtomicUsize::new(0));
    let panics = || {
        let calls = calls.clone();
        move || {
            calls.fetch_add(1, Ordering::SeqCst);
            panic!("as planned, in a hook");
        }
    };
    let (at_start, at_stop, at_panic) = (panics(), panics(), panics());
    let runtime = Builder::new_multi_thread()
        .worker_threads(3)
        .on_thread_start(at_start)
        .on_thread_stop(at_stop)
        .on_panic(move |_| at_panic())
        .build()
        .unwrap();
    let work = async || {
        let tasks: Vec<_> = (0..200)
            .map(|i| {
                spawn(async move {
                    yield_now().await;
                    spawn_blocking(move || i).await.unwrap()
                })
            })
            .collect();
        for (i, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), i);
        }
    };
    runtime.block_on(work());
    let before = runtime.metrics().worker_threads;
    runtime.block_on(async {
        for _ in 0..20 {
            drop(spawn(async { panic!("as planned, unawaited") }));
        }
        work().await;
    });
    until(|| runtime.metrics().tasks == 0);
    assert!(runtime.metrics().worker_threads >= before);
    let before_the_end = calls.load(Ordering::SeqCst);
    assert!(before_the_end >= 20 + before, "{before_the_end} calls");
    drop(runtime);
    assert!(calls.load(Ordering::SeqCst) > before_the_end);
}

#[test]
fn t05_t06_an_iterator_that_panics_in_gather_leaves_nothing_behind() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    for runtime in [single(), multi(2)] {
        let dropped = Arc::new(AtomicUsize::new(0));
        runtime.block_on(async {
            for n in 0..10 {
                let futures = (0..20).map(|i| {
                    assert!(i != n, "as planned, in an iterator");
                    let counted = Counted(dropped.clone());
                    async move {
                        let _counted = counted;
                        pending::<()>().await;
                    }
                });
                assert!(catch_unwind(AssertUnwindSafe(|| drop(gather(futures)))).is_err());
            }
            while dropped.load(Ordering::SeqCst) < (0..10).sum() {
                sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(gather([1, 2].map(|i| async move { i })).await, [1, 2]);
        });
        until(|| runtime.metrics().tasks == 0);
        assert_eq!(dropped.load(Ordering::SeqCst), (0..10).sum());
    }
}

#[test]
fn t09_a_waker_that_is_kept_does_not_keep_the_future() {
    for runtime in [single(), multi(2)] {
        // Kept here, not forgotten, so that a leak checker finds nothing.
        let kept: Arc<Mutex<Vec<Waker>>> = Arc::default();
        let weak: Vec<Weak<[u8; 4096]>> = runtime.block_on(async {
            let mut weak = Vec::new();
            for cancelled in [false, true] {
                let memory = Arc::new([0; 4096]);
                weak.push(Arc::downgrade(&memory));
                let kept = kept.clone();
                let task = spawn(async move {
                    let _memory = memory;
                    poll_fn(|cx| {
                        kept.lock().push(cx.waker().clone());
                        Poll::Ready(())
                    })
                    .await;
                    if cancelled {
                        pending::<()>().await;
                    }
                });
                yield_now().await;
                sleep(Duration::from_millis(5)).await;
                if cancelled {
                    task.cancel();
                }
                assert_eq!(task.await.is_err(), cancelled);
            }
            weak
        });
        assert!(!kept.lock().is_empty());
        assert!(weak.iter().all(|memory| memory.upgrade().is_none()));
        drop(runtime);
        for waker in kept.lock().drain(..) {
            waker.wake();
        }
    }
}

#[test]
fn t11_a_chain_of_tasks_that_own_one_another_is_dropped_without_recursion() {
    for runtime in [single(), multi(2)] {
        bounded(SMALL_STACK, move || {
            let (tell, told) = mpsc::channel();
            runtime.block_on(async {
                let mut last: Link = None;
                for _ in 0..CHAIN {
                    // The handle of the one before, and its waker.
                    let waker = told.try_recv().ok();
                    let (owned, tell) = (last.take(), tell.clone());
                    let task: Task<()> = spawn(async move {
                        let _owned: (Link, Option<Waker>) = (owned, waker);
                        poll_fn(|cx| {
                            let _ = tell.send(cx.waker().clone());
                            Poll::<()>::Pending
                        })
                        .await;
                    });
                    yield_now().await;
                    last = Some(Box::new(task));
                }
            });
            // Cancels and drops them all, on this thread for the one flavour.
            drop(runtime);
        });
    }
}

#[test]
fn t11_a_chain_of_guards_that_cancel_one_another_is_dropped_without_recursion() {
    for runtime in [single(), multi(2)] {
        bounded(SMALL_STACK, move || {
            runtime.block_on(async {
                let ended = Arc::new(AtomicUsize::new(0));
                struct Ends(Arc<AtomicUsize>);
                impl Drop for Ends {
                    fn drop(&mut self) {
                        self.0.fetch_add(1, Ordering::SeqCst);
                    }
                }
                let mut last: Link = None;
                for _ in 0..CHAIN {
                    let (owned, ends) = (last.take(), Ends(ended.clone()));
                    let task: Task<()> = spawn(async move {
                        let _owned = (ends, owned);
                        pending::<()>().await;
                    });
                    last = Some(Box::new(task.cancel_on_drop()));
                }
                yield_now().await;
                drop(last);
                while ended.load(Ordering::SeqCst) < CHAIN {
                    sleep(Duration::from_millis(1)).await;
                }
            });
        });
    }
}

#[test]
fn t14_futures_lie_where_their_alignment_wants_them() {
    #[repr(align(4096))]
    struct Page(u8);
    #[repr(align(64))]
    struct Line(u8);
    struct Nothing;

    fn check<T>(at: &T) {
        assert_eq!((&raw const *at).addr() % align_of::<T>(), 0);
    }

    struct Checks<T>(T, bool);
    impl<T: Unpin + Default> Future for Checks<T> {
        type Output = T;
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
            check(&*self);
            check(&self.0);
            if !std::mem::replace(&mut self.1, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(T::default())
        }
    }
    impl Default for Page {
        fn default() -> Self {
            Self(7)
        }
    }
    impl Default for Line {
        fn default() -> Self {
            Self(7)
        }
    }
    impl Future for Nothing {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            for _ in 0..20 {
                assert_eq!(spawn(Checks(Page(1), false)).await.unwrap().0, 7);
                assert_eq!(spawn_local(Checks(Page(1), false)).await.unwrap().0, 7);
                assert_eq!(spawn(Checks(Line(1), false)).await.unwrap().0, 7);
                assert_eq!(spawn_local(Checks(Line(1), false)).await.unwrap().0, 7);
                spawn(Nothing).await.unwrap();
                spawn_local(Nothing).await.unwrap();
                let page = Page(1);
                let page = spawn_blocking(move || {
                    check(&page);
                    page
                });
                check(&page.await.unwrap());
            }
        });
        assert_eq!(runtime.block_on(Checks(Page(1), false)).0, 7);
        runtime.block_on(Nothing);
    }
}

// ---- timers and clocks -------------------------------------------------------------------------

fn cpu_time_of_this_thread() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes the struct that it is given.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn m05_short_sleeps_are_never_early_and_never_spin() {
    const SHORT: Duration = Duration::from_micros(300);
    single().block_on(async {
        let (start, cpu) = (Instant::now(), cpu_time_of_this_thread());
        for _ in 0..200 {
            let start = Instant::now();
            sleep(SHORT).await;
            assert!(start.elapsed() >= SHORT);
        }
        let (wall, cpu) = (start.elapsed(), cpu_time_of_this_thread() - cpu);
        assert!(cpu < wall / 2, "{cpu:?} of {wall:?}");
    });
}

/// The system's monotonic clock, as it is without std.
fn uptime() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes the struct that it is given.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Sleeps for a while where the monotonic clock shows more than a century.
fn sleeps_late() {
    assert!(uptime() > Duration::from_secs(4_000_000_000), "{:?}", uptime());
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..50)
                .map(|i| {
                    let delay = Duration::from_millis(i);
                    spawn(async move {
                        let start = Instant::now();
                        sleep(delay).await;
                        assert!(start.elapsed() >= delay);
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert!(!sleep(Duration::MAX).is_elapsed());
        });
    }
}

#[test]
fn m08_a_clock_that_has_run_for_a_century_works() {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["-r", "-T", "--fork", "--monotonic", "4000000000", "--"]);
        command
    };
    if !unshare().arg("true").output().is_ok_and(|output| output.status.success()) {
        eprintln!("not tested: this system makes no time namespaces");
        return;
    }
    let output = unshare()
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "role", "--nocapture", "--test-threads=1"])
        .env("CORIO_TEST_ROLE", "sleeps late")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Nobody may set the wall clock for a test. What can be seen is that corio's instants are std's, which
/// come from the monotonic clock: it knows neither the wall clock nor, on Linux, the time in suspend.
#[test]
fn m09_instants_come_from_the_monotonic_clock() {
    single().block_on(async {
        let (before, start) = (uptime(), Instant::now());
        sleep(Duration::from_millis(20)).await;
        let (after, end) = (uptime(), Instant::now());
        assert!(end.duration_since(start) >= Duration::from_millis(20));
        assert!(after - before >= Duration::from_millis(20));
        assert!(start.into_std() < end.into_std() && end.into_std() <= std::time::Instant::now());
    });
}

// ---- the blocking pool, and threads that cannot be ---------------------------------------------

/// Puts stderr into a file until it is told to give it back. (A pipe might fill up.)
struct Stderr(File, i32);

impl Stderr {
    fn catch() -> Self {
        let path = std::env::temp_dir().join(format!("corio-faults-{}", std::process::id()));
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        // SAFETY: the calls take numbers, of descriptors that are open.
        let kept = unsafe { libc::dup(2) };
        assert!(kept >= 0);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 2) }, 2);
        Self(file, kept)
    }

    fn give_back(mut self) -> String {
        // SAFETY: as above.
        assert_eq!(unsafe { libc::dup2(self.1, 2) }, 2);
        let mut said = String::new();
        self.0.rewind().unwrap();
        self.0.read_to_string(&mut said).unwrap();
        said
    }
}

/// Runs where no stack is to be had for a thread.
fn has_no_threads() {
    let stderr = Stderr::catch();
    let runtime =
        Builder::new_multi_thread().worker_threads(4).thread_stack_size(1 << 46).build().unwrap();
    let sum = runtime.block_on(async {
        let mut sum = 0;
        for round in 0..10 {
            let tasks: Vec<_> = (0..100)
                .map(|i| {
                    spawn(async move {
                        yield_now().await;
                        sleep(Duration::from_micros(100)).await;
                        i + round
                    })
                })
                .collect();
            for task in tasks {
                sum += task.await.unwrap();
            }
        }
        sum
    });
    drop(runtime);
    let said = stderr.give_back();
    assert_eq!(sum, 10 * 4950 + 100 * 45);
    assert!(said.contains("cannot start worker thread"), "{:?}", said.lines().next());
    say("all done");
}

#[test]
fn b02_without_worker_threads_the_thread_in_block_on_does_everything() {
    let mut child = roles::start("has no threads");
    assert!(child.says("all done"));
    assert!(child.end().success());
}

#[test]
fn b04_b05_a_saturated_pool_is_seen_and_stops_no_timer() {
    for builder in [Builder::new_current_thread(), Builder::new_multi_thread().worker_threads(2)] {
        let runtime = builder.max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let (open, gate) = mpsc::channel::<()>();
            let first = spawn_blocking(move || gate.recv().unwrap());
            let chained: Vec<_> = (0..5).map(|i| spawn_blocking(move || i)).collect();
            sleep(Duration::from_millis(20)).await;
            let metrics = Handle::current().metrics();
            assert_eq!((metrics.blocking_threads, metrics.queued_blocking_calls), (1, 5));
            assert!(metrics.oldest_queued_blocking_call >= Some(Duration::from_millis(10)));
            assert!(chained.iter().all(|call| !call.is_finished()));
            for _ in 0..10 {
                spawn(sleep(Duration::from_millis(1))).await.unwrap();
            }
            open.send(()).unwrap();
            first.await.unwrap();
            for (i, call) in chained.into_iter().enumerate() {
                assert_eq!(call.await.unwrap(), i);
            }
            let metrics = Handle::current().metrics();
            assert_eq!(metrics.queued_blocking_calls, 0);
            assert_eq!(metrics.oldest_queued_blocking_call, None);
        });
    }
}

/// Tries a `block_on` and tells what comes of it: a result, or the panic's words.
fn nested(handle: &Handle) -> Result<u32, String> {
    catch_unwind(AssertUnwindSafe(|| {
        handle.block_on(async {
            yield_now().await;
            spawn(async { 7 }).await.unwrap()
        })
    }))
    .map_err(|payload| match payload.downcast::<String>() {
        Ok(words) => *words,
        Err(payload) => payload.downcast::<&str>().map_or_else(|_| String::new(), |s| (*s).into()),
    })
}

#[test]
fn b07_a_nested_block_on_works_or_says_why_not() {
    let others: [fn() -> Runtime; 4] = [single, || multi(1), || multi(2), || multi(4)];
    for make_outer in others {
        for make_inner in [None, Some(single as fn() -> Runtime), Some(|| multi(2))] {
            let outcomes = bounded(2 << 20, move || {
                let outer = make_outer();
                let inner = make_inner.map(|make| make());
                let target = inner.as_ref().map_or(outer.handle(), Runtime::handle).clone();
                let (tell, told) = mpsc::channel();
                let tries = |place: &'static str| {
                    let (tell, target) = (tell.clone(), target.clone());
                    move || tell.send((place, nested(&target))).unwrap()
                };
                outer.block_on(async {
                    tries("main")();
                    let f = tries("task");
                    spawn(async move { f() }).await.unwrap();
                    let f = tries("local task");
                    spawn_local(async move { f() }).await.unwrap();
                    let f = tries("on_done");
                    let task = spawn(yield_now());
                    task.on_done(f);
                    task.await.unwrap();
                    let later =
                        Handle::current().call_later(Duration::from_millis(1), tries("timer"));
                    while !later.is_finished() {
                        sleep(Duration::from_millis(1)).await;
                    }
                    spawn_blocking(tries("blocking")).await.unwrap();
                    struct InDrop<F: FnMut()>(F);
                    impl<F: FnMut()> Drop for InDrop<F> {
                        fn drop(&mut self) {
                            (self.0)();
                        }
                    }
                    let in_drop = InDrop(tries("drop"));
                    let task = spawn(async move {
                        let _in_drop = in_drop;
                        pending::<()>().await;
                    });
                    yield_now().await;
                    sleep(Duration::from_millis(1)).await;
                    task.cancel();
                    assert!(task.await.is_err());
                });
                drop((outer, inner));
                told.try_iter().collect::<Vec<_>>()
            });
            assert_eq!(outcomes.len(), 7, "{outcomes:?}");
            for (place, outcome) in outcomes {
                match outcome {
                    Ok(result) => assert_eq!(result, 7, "{place}"),
                    Err(words) => {
                        assert!(words.contains("block_on"), "{place}: {words:?}");
                        assert_ne!(place, "blocking", "{words:?}");
                    }
                }
            }
        }
    }
}

// ---- start, end, thread-locals -----------------------------------------------------------------

thread_local! {
    static SLOT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// What a thread may keep until it ends.
fn keepsakes(runtime: Runtime) -> Vec<Box<dyn Any>> {
    let (task, done, armed) = runtime.block_on(async {
        let mut armed = sleep(LONG);
        poll_fn(|cx| Poll::Ready(Pin::new(&mut armed).poll(cx).is_pending())).await;
        let done = spawn(async { vec![1] });
        yield_now().await;
        (spawn(sleep(LONG)), done, armed)
    });
    let handle = runtime.handle().clone();
    vec![Box::new(runtime), Box::new(task), Box::new(done), Box::new(armed), Box::new(handle)]
}

#[test]
fn l02_what_a_thread_local_keeps_is_dropped_when_the_thread_ends() {
    for make in [single as fn() -> Runtime, || multi(2)] {
        for slot_first in [false, true] {
            for first in 0..5 {
                let ended = Arc::new(AtomicBool::new(false));
                let ends = ended.clone();
                bounded(1 << 20, move || {
                    // What is made first is destroyed first or last: both happen.
                    if slot_first {
                        SLOT.with(|_| ());
                    }
                    let mut kept = keepsakes(make());
                    kept.rotate_left(first);
                    kept.push(Box::new(SetsInDrop(ends)));
                    SLOT.with(|slot| slot.borrow_mut().extend(kept));
                });
                assert!(ended.load(Ordering::SeqCst));
            }
        }
    }
}

#[test]
fn l02_each_keepsake_alone_outlives_its_runtime_in_a_thread_local() {
    for make in [single as fn() -> Runtime, || multi(2)] {
        for slot_first in [false, true] {
            for only in 1..5 {
                bounded(1 << 20, move || {
                    if slot_first {
                        SLOT.with(|_| ());
                    }
                    let kept = keepsakes(make()).swap_remove(only);
                    SLOT.with(|slot| slot.borrow_mut().push(kept));
                });
            }
        }
    }
}

struct SetsInDrop(Arc<AtomicBool>);

impl Drop for SetsInDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Ends the process from inside a task, with everything under way.
fn exits_from_a_task() {
    multi(4).block_on(async {
        for i in 0..100 {
            drop(spawn(async move {
                loop {
                    if i % 10 == 0 {
                        sleep(Duration::from_micros(50)).await;
                    }
                    yield_now().await;
                }
            }));
        }
        drop(spawn_blocking(|| thread::sleep(LONG)));
        say("ready");
        yield_now().await;
        drop(spawn(async {
            yield_now().await;
            std::process::exit(7);
        }));
        pending::<()>().await;
    });
}

#[test]
fn l09_the_process_may_exit_while_workers_run() {
    for _ in 0..50 {
        assert_eq!(roles::start("exits").end().code(), Some(7));
    }
}

/// Has a panic hook that uses the runtime it is called in.
fn has_a_busy_panic_hook() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counts = calls.clone();
    std::panic::set_hook(Box::new(move |_| {
        assert!(!introspect::dump().is_empty());
        let handle = Handle::current();
        let _ = handle.metrics();
        let _ = format!("{handle:?} {:?}", task::try_current());
        let counts = counts.clone();
        drop(handle.spawn(async move { _ = counts.fetch_add(1, Ordering::SeqCst) }));
    }));
    say("ready");
    for runtime in [single(), multi(1), multi(2)] {
        runtime.block_on(async {
            let before = calls.load(Ordering::SeqCst);
            for _ in 0..20 {
                let task = spawn(async {
                    yield_now().await;
                    panic!("as planned");
                });
                assert!(task.await.map(|(): ()| ()).unwrap_err().is_panic());
                drop(spawn(async { panic!("as planned, unawaited") }));
            }
            while calls.load(Ordering::SeqCst) < before + 40 {
                sleep(Duration::from_millis(1)).await;
            }
        });
    }
    let _ = std::panic::take_hook();
    say("all done");
}

#[test]
fn l10_a_panic_hook_may_use_the_runtime() {
    let mut child = roles::start("busy panic hook");
    assert!(child.says("all done"));
    assert!(child.end().success());
}

// ---- processes of their own --------------------------------------------------------------------

const ROLES: &[Role] = &[
    ("is stopped, single", || is_stopped(&single())),
    ("is stopped, multi", || is_stopped(&multi(2))),
    ("sleeps late", sleeps_late),
    ("has no threads", || {
        say("ready");
        has_no_threads();
    }),
    ("exits", exits_from_a_task),
    ("busy panic hook", has_a_busy_panic_hook),
];

/// Does nothing, except in a process that was started for a role.
#[test]
fn role() {
    roles::play(ROLES);
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
