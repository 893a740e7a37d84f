//! One at a time, in order of arrival.

use std::sync::Arc;

use corio_sync::prim::{AtomicUsize, Ordering, thread};
use corio_sync::*;

use crate::kit::*;

#[test]
fn lk_02_an_uncontended_lock_does_not_wait() {
    let mutex = Mutex::new(1);
    *now(mutex.lock()) += 1;
    assert_eq!(*mutex.try_lock().unwrap(), 2);
    assert_eq!(mutex.into_inner(), 2);
}

#[test]
fn lk_04_waiters_are_served_in_order() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let mut tasks = [(); 3].map(|()| waiting(mutex.lock()));
    let mut held = Some(guard);
    for i in 0..3 {
        drop(held.take());
        assert!(tasks[i + 1..].iter().all(|t| !t.is_woken()), "one at a time");
        held = Some(tasks[i].output());
    }
}

#[test]
fn lk_05_a_newcomer_does_not_overtake() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let mut first = waiting(mutex.lock());
    drop(guard);
    assert!(mutex.try_lock().is_err(), "handed over already");
    let mut second = waiting(mutex.lock());
    drop(first.output());
    drop(second.output());
}

/// A running task may take a barging lock before the one that was woken for it comes.
#[test]
fn a_newcomer_may_overtake_at_a_barging_mutex() {
    let mutex = Mutex::barging(());
    let guard = mutex.try_lock().unwrap();
    let (mut first, second) = (waiting(mutex.lock()), waiting(mutex.lock()));
    drop(guard);
    let guard = mutex.try_lock().expect("free until somebody comes");
    assert!(first.is_woken() && first.poll().is_pending());
    drop(guard);
    assert!(!second.is_woken(), "the one that lost keeps its place");
    drop(first.output());
    assert!(second.is_woken());
}

/// Unfairness is bounded: who came too late often enough is handed the lock.
#[test]
fn a_waiter_of_a_barging_mutex_is_not_overtaken_for_ever() {
    let mutex = Mutex::barging(());
    let mut held = mutex.try_lock().ok();
    let mut waiter = waiting(mutex.lock());
    let mut overtaken = 0;
    loop {
        drop(held.take());
        held = mutex.try_lock().ok();
        if held.is_none() || overtaken == 100 {
            break;
        }
        overtaken += 1;
        assert!(waiter.poll().is_pending());
    }
    assert!((1..100).contains(&overtaken), "overtaken {overtaken} times");
    drop(waiter.output());
}

/// S01: the chance of a woken waiter that is cancelled goes to the next.
#[test]
fn s01_the_woken_one_of_a_barging_mutex_is_cancelled() {
    let mutex = Mutex::barging(());
    let guard = mutex.try_lock().unwrap();
    let mut tasks = [(); 3].map(|()| waiting(mutex.lock()));
    drop(guard);
    assert!(tasks[0].is_woken());
    tasks[0].cancel();
    assert!(tasks[1].is_woken() && !tasks[2].is_woken());
    drop(tasks[1].output());
    tasks[2].cancel();
    drop(mutex.try_lock().expect("nobody has it"));
}

#[test]
fn lk_06_a_cancelled_waiter_is_gone() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let mut tasks = [(); 3].map(|()| waiting(mutex.lock()));
    tasks[1].cancel();
    drop(guard);
    drop(tasks[0].output());
    drop(tasks[2].output());
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn lk_07_a_waiter_cancelled_when_it_had_the_lock_passes_it_on() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let (mut a, mut b) = (waiting(mutex.lock()), waiting(mutex.lock()));
    drop(guard);
    assert!(a.is_woken() && !b.is_woken());
    a.cancel();
    drop(b.output());
}

#[test]
fn lk_08_release_and_cancel_of_the_only_waiter_leave_it_free() {
    let mutex = Mutex::new(());
    for release_first in [true, false] {
        let guard = mutex.try_lock().unwrap();
        let mut task = waiting(mutex.lock());
        if release_first {
            drop(guard);
            task.cancel();
        } else {
            task.cancel();
            drop(guard);
        }
        assert!(!mutex.is_locked());
        drop(now(mutex.lock()));
    }
}

#[test]
fn lk_10_a_queue_of_cancelled_waiters_is_no_contention() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let mut tasks = [(); 4].map(|()| waiting(mutex.lock()));
    tasks.iter_mut().for_each(Spawned::cancel);
    drop(guard);
    drop(now(mutex.lock()));
}

#[test]
fn lk_14_after_any_interleaving_the_lock_is_free() {
    // Each bit decides one step; the mutex must be free whatever they are.
    for bits in 0..1u32 << 10 {
        let mutex = Mutex::new(());
        let mut held = Some(mutex.try_lock().unwrap());
        let mut tasks: Vec<_> = (0..4).map(|_| Some(waiting(mutex.lock()))).collect();
        for step in 0..5 {
            match bits >> (2 * step) & 3 {
                0 => drop(held.take()),
                n => tasks[n as usize] = None,
            }
            if held.is_none() {
                let next = tasks.iter_mut().find(|t| t.as_ref().is_some_and(Spawned::is_woken));
                held = next.and_then(Option::take).map(|mut task| task.output());
            }
        }
        drop((held, tasks));
        assert!(mutex.try_lock().is_ok(), "lost with {bits:b}");
    }
}

#[test]
fn thr_09_threads_and_tasks_wait_in_one_line() {
    let mutex = Arc::new(Mutex::new(Vec::new()));
    let guard = mutex.clone().try_lock_owned().unwrap();
    let mut task = waiting(mutex.lock());
    let other = mutex.clone();
    let thread = thread::spawn(move || other.blocking_lock().push("thread"));
    drop(guard);
    // Whether or not the thread has come, the task was first.
    let mut guard = task.output();
    guard.push("task");
    drop(guard);
    thread.join().unwrap();
    assert_eq!(*mutex.blocking_lock(), ["task", "thread"]);
}

#[test]
fn thr_11_a_guard_may_be_dropped_on_another_thread() {
    let mutex = Arc::new(Mutex::new(0));
    let guard = mutex.clone().try_lock_owned().unwrap();
    thread::spawn(move || drop(guard)).join().unwrap();
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_guard_can_be_narrowed() {
    let mutex = Mutex::new((1, "one"));
    let part = MutexGuard::map(mutex.try_lock().unwrap(), |pair| &mut pair.0);
    assert!(mutex.is_locked());
    assert_eq!(*part, 1);
    drop(part);
    let guard = MutexGuard::try_map(mutex.try_lock().unwrap(), |_| None::<&mut u8>).unwrap_err();
    assert_eq!(*guard, (1, "one"));
    drop(guard);
    assert!(!mutex.is_locked());
}

#[test]
fn t04_a_panicking_waker_leaves_the_mutex_whole() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let mut a = spawn(mutex.lock());
    assert!(a.poll_with(&panicking()).is_pending());
    let mut b = waiting(mutex.lock());
    assert!(panics(|| drop(guard)));
    drop(a);
    drop(b.output());
}

#[test]
fn s05_a_waker_may_use_the_mutex() {
    static MUTEX: Mutex<u32> = Mutex::new(0);
    let guard = MUTEX.try_lock().unwrap();
    let mut task = spawn(MUTEX.lock());
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let waker = waker_that(move || {
        assert!(MUTEX.try_lock().is_err());
        drop(waiting(MUTEX.lock()));
        count.fetch_add(1, Ordering::Relaxed);
    });
    assert!(task.poll_with(&waker).is_pending());
    drop(guard);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn eight_threads_count_to_a_sum() {
    let mutex = Arc::new(Mutex::new(0));
    let threads: Vec<_> = (0..8)
        .map(|i| {
            let mutex = mutex.clone();
            thread::spawn(move || {
                for _ in 0..500 {
                    if i % 2 == 0 {
                        *mutex.blocking_lock() += 1;
                    } else {
                        *block_on(mutex.lock()) += 1;
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert_eq!(*mutex.try_lock().unwrap(), 4000);
}
