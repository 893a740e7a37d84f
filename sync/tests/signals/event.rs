//! A flag that is set or not.

use std::sync::Arc;
use std::time::Duration;

use corio_sync::prim::{Mutex as StdMutex, thread};
use corio_sync::*;

use crate::kit::*;

#[test]
fn ev_01_a_set_event_does_not_wait() {
    let event = Event::new();
    event.set();
    event.set();
    now(event.wait());
    event.clear();
    event.clear();
    assert!(!event.is_set());
}

#[test]
fn ev_02_set_wakes_all_in_order() {
    let event = Event::new();
    let order = Arc::new(StdMutex::new(Vec::new()));
    let mut tasks: Vec<_> = (0..40).map(|_| spawn(event.wait())).collect();
    for (i, task) in tasks.iter_mut().enumerate() {
        let order = order.clone();
        assert!(task.poll_with(&waker_that(move || order.lock().push(i))).is_pending());
    }
    event.set();
    assert_eq!(*order.lock(), (0..40).collect::<Vec<_>>());
}

#[test]
fn ev_04_set_and_clear_release_those_who_waited() {
    let event = Event::new();
    let mut early = waiting(event.wait());
    event.set();
    event.clear();
    let late = waiting(event.wait());
    early.output();
    assert!(!late.is_woken());
}

#[test]
fn ev_06_ev_07_clear_and_cancel_leave_the_others() {
    let event = Event::new();
    let (mut a, mut b) = (waiting(event.wait()), waiting(event.wait()));
    event.clear();
    a.cancel();
    assert_eq!(event.waiters(), 1);
    event.set();
    b.output();
}

#[test]
fn thr_04_a_timeout_is_told_from_a_set() {
    let event = Arc::new(Event::new());
    assert!(!event.blocking_wait_timeout(Duration::ZERO));
    assert!(!event.blocking_wait_timeout(Duration::from_millis(2)));
    let other = event.clone();
    let thread = thread::spawn(move || other.blocking_wait_timeout(Duration::MAX));
    event.set();
    assert!(thread.join().unwrap());
    assert!(event.blocking_wait_timeout(Duration::ZERO));
}

#[test]
fn s06_a_panicking_waker_strands_no_other_waiter() {
    let event = Event::new();
    let mut tasks: Vec<_> = (0..30).map(|_| spawn(event.wait())).collect();
    for (i, task) in tasks.iter_mut().enumerate() {
        let polled = if i == 3 { task.poll_with(&panicking()) } else { task.poll() };
        assert!(polled.is_pending());
    }
    assert!(panics(|| event.set()));
    for (i, task) in tasks.iter_mut().enumerate() {
        assert!(i == 3 || task.is_woken(), "task {i} sleeps on");
        assert!(task.poll().is_ready());
    }
}
