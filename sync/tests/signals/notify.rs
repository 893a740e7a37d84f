//! Notifications, of which one is stored.

use std::pin::pin;
use std::sync::Arc;

use corio_sync::prim::Mutex as StdMutex;
use corio_sync::*;

use crate::kit::*;

#[test]
fn one_notification_is_stored() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    now(notify.notified());
    drop(waiting(notify.notified()));
    notify.notify_waiters();
    drop(waiting(notify.notified()));
}

#[test]
fn s07_notify_one_wakes_in_order_and_notify_waiters_all() {
    let notify = Notify::new();
    let mut tasks = [(); 4].map(|()| waiting(notify.notified()));
    notify.notify_one();
    assert!(!tasks[1].is_woken());
    tasks[0].output();
    notify.notify_waiters();
    tasks[1..].iter_mut().for_each(Spawned::output);
}

#[test]
fn s07_a_notification_of_a_dropped_waiter_goes_on() {
    let notify = Notify::new();
    let (mut a, mut b) = (waiting(notify.notified()), waiting(notify.notified()));
    notify.notify_one();
    a.cancel();
    assert!(b.is_woken());
    b.cancel();
    now(notify.notified());
    // One that was for everybody is for nobody else.
    let mut c = waiting(notify.notified());
    notify.notify_waiters();
    c.cancel();
    drop(waiting(notify.notified()));
}

#[test]
fn notify_last_wakes_who_came_last_and_is_stored_like_any_other() {
    let notify = Notify::new();
    let mut tasks = [(); 3].map(|()| waiting(notify.notified()));
    notify.notify_last();
    assert_eq!([false, false, true], tasks.each_ref().map(|task| task.is_woken()));
    // S01: whoever does not take it gives it to the one before.
    tasks[2].cancel();
    tasks[1].output();
    notify.notify_one();
    tasks[0].output();
    notify.notify_last();
    notify.notify_last();
    now(notify.notified());
    drop(waiting(notify.notified()));
}

#[test]
fn notify_waiters_reaches_futures_that_were_not_polled() {
    let notify = Arc::new(Notify::new());
    let (early, owned) = (notify.notified(), notify.clone().notified_owned());
    notify.notify_waiters();
    now(early);
    now(owned);
    let mut enabled = pin!(notify.notified());
    assert!(!enabled.as_mut().enable());
    notify.notify_one();
    assert!(enabled.as_mut().enable());
    now(enabled);
}

#[test]
fn s15_a_leaked_wait_does_not_outlive_its_list_in_harm() {
    // Kept in sight of leak checkers: it is leaked on purpose.
    static LEAKED: StdMutex<Vec<usize>> = StdMutex::new(Vec::new());
    let semaphore = Semaphore::new(0);
    let wait = Box::new(waiting(semaphore.acquire()));
    LEAKED.lock().push(Box::into_raw(wait).expose_provenance());
    let moved = Box::new(semaphore);
    let mut next = waiting(moved.acquire());
    moved.add_permits(2);
    drop(next.output().unwrap());
    assert_eq!(moved.available_permits(), 1, "the leaked one keeps its permit");
}
