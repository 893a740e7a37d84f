//! Waiting for a change of what a lock protects.

use std::task::Poll;

use corio_sync::*;

use crate::kit::*;

#[test]
fn co_03_notify_wakes_as_many_as_it_says() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let mut tasks = [(); 5].map(|()| waiting(condvar.wait(mutex.try_lock().unwrap())));
    condvar.notify_one();
    condvar.notify(2);
    assert_eq!(tasks.each_ref().map(Spawned::is_woken), [true, true, true, false, false]);
    condvar.notify_all();
    for task in &mut tasks {
        drop(task.output());
    }
    assert_eq!(condvar.waiters(), 0);
}

#[test]
fn co_04_notified_waiters_go_on_one_at_a_time() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let mut a = waiting(condvar.wait(mutex.try_lock().unwrap()));
    let mut b = waiting(condvar.wait(mutex.try_lock().unwrap()));
    let guard = mutex.try_lock().unwrap();
    condvar.notify_all();
    assert!(a.poll().is_pending() && b.poll().is_pending(), "the notifier has the lock");
    drop(guard);
    let guard = a.output();
    assert!(b.poll().is_pending());
    drop(guard);
    drop(b.output());
}

#[test]
fn co_05_a_notification_is_not_remembered() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    condvar.notify_all();
    let task = waiting(condvar.wait(mutex.try_lock().unwrap()));
    assert!(!task.is_woken());
}

#[test]
fn co_06_co_08_wait_for_looks_before_and_after() {
    let (mutex, condvar) = (Mutex::new(1), Condvar::new());
    drop(now(condvar.wait_for(mutex.try_lock().unwrap(), |n| *n == 1)));
    let mut task = waiting(condvar.wait_for(mutex.try_lock().unwrap(), |n| *n == 3));
    for n in [2, 3] {
        *mutex.try_lock().unwrap() = n;
        condvar.notify_one();
        assert!(task.is_woken());
        match task.poll() {
            Poll::Pending => assert_eq!(n, 2),
            Poll::Ready(guard) => assert_eq!((n, *guard), (3, 3)),
        }
    }
}

#[test]
fn co_14_a_cancelled_waiter_passes_its_notification_on() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let mut a = waiting(condvar.wait(mutex.try_lock().unwrap()));
    let mut b = waiting(condvar.wait(mutex.try_lock().unwrap()));
    condvar.notify_one();
    a.cancel();
    drop(b.output());
}

#[test]
fn co_15_also_when_it_waits_for_the_lock() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let mut a = waiting(condvar.wait(mutex.try_lock().unwrap()));
    let mut b = waiting(condvar.wait(mutex.try_lock().unwrap()));
    let guard = mutex.try_lock().unwrap();
    condvar.notify_one();
    assert!(a.poll().is_pending());
    a.cancel();
    assert!(b.is_woken());
    drop(guard);
    drop(b.output());
}

/// S01: the notification of a wait that fails was for somebody.
#[test]
fn s01_a_predicate_that_panics_passes_its_notification_on() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut fails = waiting(condvar.wait_for(mutex.try_lock().unwrap(), |n| {
        assert!(*n == 0, "the predicate panics");
        false
    }));
    let mut next = waiting(condvar.wait_for(mutex.try_lock().unwrap(), |n| *n == 1));
    *mutex.try_lock().unwrap() = 1;
    condvar.notify_one();
    assert!(panics(|| drop(fails.poll())));
    assert!(next.is_woken());
    fails.cancel();
    assert_eq!(*next.output(), 1);
}

#[test]
fn co_20_notify_all_is_for_those_who_wait_now() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let a = waiting(condvar.wait(mutex.try_lock().unwrap()));
    condvar.notify_all();
    let b = waiting(condvar.wait(mutex.try_lock().unwrap()));
    // Cancelling one that was notified with all others notifies nobody.
    drop(a);
    assert!(!b.is_woken());
}
