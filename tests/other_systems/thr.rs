//! The threading module.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use corio::Handle;
use corio::runtime::Builder;
use corio::sync::*;

use crate::kit::{on_all, on_thread, until, waiting};

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// A thread that gives a value back without a queue; its panic arrives with the payload, and the thread
/// goes on to the next call.
#[test]
fn thr_01_a_blocking_call_gives_its_value() {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let first = corio::spawn_blocking(|| (6 * 7, thread::current().id())).await.unwrap();
        let error = corio::spawn_blocking(|| panic!("in a thread")).await.unwrap_err();
        assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"in a thread"));
        let third = corio::spawn_blocking(|| (42, thread::current().id())).await.unwrap();
        assert_eq!(first, third, "of the same thread");
    });
}

/// Five threads wait for a flag; a notification without it leaves them waiting, one `notify_all` with it
/// ends them all.
#[test]
fn thr_02_five_threads_wait_for_a_flag() {
    let both = Arc::new((Mutex::new(false), Condvar::new()));
    let threads: Vec<_> = (0..5)
        .map(|_| {
            let both = both.clone();
            thread::spawn(move || {
                let guard = both.0.blocking_lock();
                *both.1.blocking_wait_for(guard, |done| *done)
            })
        })
        .collect();
    let all_wait = || both.1.waiters() == 5;
    while !all_wait() {
        thread::yield_now();
    }
    both.1.notify_all();
    while !all_wait() {
        thread::yield_now();
    }
    *both.0.blocking_lock() = true;
    both.1.notify_all();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
}

/// An abort breaks the barrier for those who wait and those who come; a reset mends it, and fails those who
/// wait at that moment; tasks and threads alike.
#[test]
fn thr_06_an_aborted_barrier_is_broken_until_reset() {
    on_all(|| async {
        let barrier = Arc::new(Barrier::new(3));
        let theirs = barrier.clone();
        let thread = on_thread(move || theirs.blocking_wait());
        let mut task = waiting(barrier.wait()).await;
        until(|| barrier.waiting() == 2).await;
        barrier.abort();
        assert!(task.as_mut().await.is_err() && thread.await.is_err());
        assert!(barrier.is_broken() && barrier.wait().await.is_err());
        barrier.reset();
        let mut again = waiting(barrier.wait()).await;
        barrier.reset();
        assert!(again.as_mut().await.is_err() && !barrier.is_broken());
    });
}

/// A task that is cancelled at a barrier has not come: the barrier stays whole, and another takes its place.
#[test]
fn thr_08_a_cancelled_party_leaves_the_barrier_whole() {
    on_all(|| async {
        let barrier = Arc::new(Barrier::new(2));
        let theirs = barrier.clone();
        let task = crate::kit::blocked(async move { theirs.wait().await }).await;
        assert!(task.cancel().await.is_none());
        assert_eq!((barrier.waiting(), barrier.is_broken()), (0, false));
        let theirs = barrier.clone();
        let thread = on_thread(move || theirs.blocking_wait_timeout(LONG));
        let ours = barrier.wait().await.unwrap();
        assert_eq!(ours + thread.await.unwrap(), 1);
    });
}

/// `notify(n)` wakes as many as wait and no more than n; they go on in the order in which they came, and
/// one that is cancelled passes its notification on.
#[test]
fn thr_12_notify_wakes_so_many_in_order() {
    on_all(|| async {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let mut waits = Vec::new();
        for _ in 0..4 {
            waits.push(waiting(condvar.wait(mutex.lock().await)).await);
        }
        let guard = mutex.lock().await;
        condvar.notify(2);
        assert_eq!(condvar.waiters(), 2);
        for wait in &mut waits {
            assert!(crate::kit::poll_once(wait.as_mut()).await.is_pending());
        }
        drop(guard);
        // The first in the line has the lock before the second.
        assert!(crate::kit::poll_once(waits[1].as_mut()).await.is_pending());
        drop(waits.remove(0).await);
        // The second leaves instead of going on: the third is notified in its place.
        drop(waits.remove(0));
        assert_eq!(condvar.waiters(), 1);
        drop(waits.remove(0).await);
        condvar.notify(2048);
        drop(waits.remove(0).await);
        assert_eq!(condvar.waiters(), 0);
    });
}

/// A call that is put off runs once after its delay; it can be taken back before that, not afterwards; and
/// dropping its handle changes nothing.
#[corio::test(start_paused = true)]
async fn thr_16_a_call_that_is_put_off() {
    let calls = Arc::new(AtomicUsize::new(0));
    let call = |delay| {
        let calls = calls.clone();
        Handle::current().call_later(Duration::from_secs(delay), move || {
            calls.fetch_add(1, SeqCst);
        })
    };
    let (taken_back, made) = (call(10), call(20));
    drop(call(30));
    assert!(taken_back.cancel() && !taken_back.cancel());
    corio::sleep(Duration::from_secs(25)).await;
    assert_eq!((calls.load(SeqCst), made.cancel()), (1, false));
    corio::sleep(Duration::from_secs(25)).await;
    assert_eq!(calls.load(SeqCst), 2, "the one whose handle was dropped, too");
}

/// One release more than acquires is an error that changes nothing; a plain semaphore takes it.
#[test]
fn thr_17_only_a_bounded_semaphore_counts_releases() {
    on_all(|| async {
        let (bounded, plain) = (BoundedSemaphore::new(1), Semaphore::new(1));
        bounded.acquire().await.unwrap().forget();
        bounded.release(1).unwrap();
        assert!(bounded.release(1).is_err());
        assert_eq!(bounded.available_permits(), 1);
        plain.add_permits(1);
        assert_eq!(plain.available_permits(), 2);
    });
}

/// The runtime counts its threads by what they are for, and its name stands in theirs.
#[test]
fn thr_18_threads_are_counted_and_bear_the_runtimes_name() {
    let (seen, names) = mpsc::channel();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("acme")
        .on_thread_start(move || {
            seen.send(thread::current().name().unwrap_or_default().to_owned()).unwrap();
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        let tasks = [(); 4].map(|()| corio::spawn(corio::yield_now()));
        for task in tasks {
            task.await.unwrap();
        }
        corio::spawn_blocking(|| ()).await.unwrap();
        let metrics = Handle::current().metrics();
        assert_eq!((metrics.workers, metrics.blocking_threads), (2, 1));
    });
    drop(runtime);
    let names: Vec<String> = names.iter().collect();
    assert!(names.iter().all(|name| name.starts_with("acme-")), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.starts_with("acme-blocking")).count(), 1);
}

/// Many wait for one task: all are told, by its callbacks and by a promise.
#[test]
fn thr_19_many_wait_for_one_task() {
    on_all(|| async {
        let (promise, told) = (Promise::new(), Arc::new(AtomicUsize::new(0)));
        let mut waiters = Vec::new();
        for _ in 0..10 {
            let promise = promise.clone();
            waiters.push(crate::kit::blocked(async move { promise.await.unwrap() }).await);
        }
        let task = corio::spawn(async move { promise.set(7).unwrap() });
        for _ in 0..10 {
            let told = told.clone();
            task.on_done(move || {
                told.fetch_add(1, SeqCst);
            });
        }
        for waiter in waiters {
            assert_eq!(waiter.output().await, 7);
        }
        task.await.unwrap();
        until(|| told.load(SeqCst) == 10).await;
    });
}

/// A panic in a callback of the user's kills no thread, and the callbacks after it still run.
#[test]
fn thr_20_a_panic_in_a_callback_kills_no_thread() {
    let started = Arc::new(AtomicUsize::new(0));
    let count = started.clone();
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(move || {
            count.fetch_add(1, SeqCst);
            panic!("in on_thread_start");
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        corio::spawn_blocking(|| ()).await.unwrap();
        assert!(started.load(SeqCst) >= 1);
        let (called, calls) = mpsc::channel();
        let task = corio::spawn(corio::yield_now());
        task.on_done(|| panic!("in on_done"));
        let second = called.clone();
        task.on_done(move || second.send("done").unwrap());
        task.await.unwrap();
        let handle = Handle::current();
        handle.call_soon(|| panic!("in call_soon"));
        let call = handle.call_soon(move || called.send("called").unwrap());
        until(|| call.is_finished()).await;
        let mut told = [calls.recv().unwrap(), calls.recv().unwrap()];
        told.sort_unstable();
        assert_eq!(told, ["called", "done"]);
    });
}

/// What a thread of the pool keeps to itself is made on its first use there, unseen elsewhere, and dropped
/// when the thread retires.
#[test]
fn thr_21_a_threads_own_storage_ends_with_the_thread() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Counted(u32);
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, SeqCst);
        }
    }
    thread_local! {
        static OWN: RefCell<Counted> = {
            ALIVE.fetch_add(1, SeqCst);
            RefCell::new(Counted(0))
        };
    }
    let runtime =
        Builder::new_current_thread().thread_keep_alive(Duration::from_millis(1)).build().unwrap();
    runtime.block_on(async {
        let add = || {
            OWN.with_borrow_mut(|own| {
                own.0 += 1;
                own.0
            })
        };
        let (first, second) = (corio::spawn_blocking(add), corio::spawn_blocking(add));
        let sum = first.await.unwrap() + second.await.unwrap();
        assert!(sum == 2 || sum == 3, "two threads, or one twice: {sum}");
        let deadline = Instant::now() + LONG;
        while ALIVE.load(SeqCst) > 0 {
            assert!(Instant::now() < deadline, "the threads should retire");
            corio::sleep(Duration::from_millis(1)).await;
        }
    });
}

/// A call that blocks on when main returns is left behind by `shutdown_timeout` after its time.
#[test]
fn thr_22_a_shutdown_with_a_limit_leaves_a_blocked_call_behind() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let (ended, has_ended) = mpsc::channel();
    runtime.block_on(async move {
        drop(corio::spawn_blocking(move || {
            begun.send(()).unwrap();
            let _ = released.recv();
            ended.send(()).unwrap();
        }));
    });
    has_begun.recv().unwrap();
    runtime.shutdown_timeout(Duration::from_millis(10));
    assert!(has_ended.try_recv().is_err(), "it has not waited for the call");
    drop(release);
    has_ended.recv().unwrap();
}
