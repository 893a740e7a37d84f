use std::future::{Future, poll_fn};
use std::pin::pin;

use super::*;
use crate::blocking::block_on;
use crate::prim::thread;

#[test]
fn loom_notify_one_meets_wait() {
    crate::model(|| {
        let notify = Arc::new(Notify::new());
        let other = notify.clone();
        let handle = thread::spawn(move || other.notify_one());
        block_on(notify.notified());
        handle.join().unwrap();
        assert_eq!(notify.state.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn loom_notify_waiters_reaches_a_future_that_was_not_polled() {
    crate::model(|| {
        let notify = Arc::new(Notify::new());
        let wait = notify.notified();
        let other = notify.clone();
        let handle = thread::spawn(move || other.notify_waiters());
        block_on(wait);
        handle.join().unwrap();
    });
}

/// S01: a notification is taken by the waiter or stored, never lost.
#[test]
fn loom_notify_s01_drop_meets_notify_one() {
    crate::model(|| {
        let notify = Arc::new(Notify::new());
        let other = notify.clone();
        let handle = thread::spawn(move || other.notify_one());
        let taken = {
            let mut wait = pin!(notify.notified());
            block_on(poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx).is_ready())))
        };
        handle.join().unwrap();
        let stored = notify.state.load(Ordering::Relaxed) & PERMIT != 0;
        assert_ne!(taken, stored);
    });
}

#[test]
fn loom_notify_two_ones_wake_two() {
    crate::model(|| {
        let notify = Arc::new(Notify::new());
        let mut first = Box::pin(notify.notified());
        first.as_mut().enable();
        let waits = notify.clone();
        let handle = thread::spawn(move || block_on(waits.notified()));
        notify.notify_one();
        notify.notify_one();
        block_on(first.as_mut());
        handle.join().unwrap();
    });
}

/// S01, for the other end of the line.
#[test]
fn loom_notify_s01_drop_meets_notify_last() {
    crate::model(|| {
        let notify = Arc::new(Notify::new());
        let mut first = Box::pin(notify.notified());
        first.as_mut().enable();
        let mut last = Box::pin(notify.notified());
        last.as_mut().enable();
        let other = notify.clone();
        let handle = thread::spawn(move || other.notify_last());
        drop(last);
        block_on(first.as_mut());
        handle.join().unwrap();
        assert_eq!(notify.state.load(Ordering::Relaxed), 0);
    });
}
