//! Event.

use std::sync::Arc;

use crate::kit::sync::*;
use crate::kit::*;

/// Who comes to a set event does not wait, so it may pass those who were woken and have not run yet.
#[test]
fn ev_03_who_comes_after_the_set_passes_those_who_are_woken() {
    on_all(|| async {
        let (event, log) = (Event::new(), Log::default());
        let (mut first, mut second) = (waiting(event.wait()).await, waiting(event.wait()).await);
        event.set();
        now(event.wait()).await;
        log.add("third");
        now(first.as_mut()).await;
        log.add("first");
        now(second.as_mut()).await;
        log.add("second");
        assert_eq!(log.get(), ["third", "first", "second"]);
    });
}

/// Setting twice is setting once.
#[test]
fn ev_05_setting_twice_is_setting_once() {
    on_all(|| async {
        let event = Arc::new(Event::new());
        let theirs = event.clone();
        let waiter = blocked(async move { theirs.wait().await }).await;
        event.set();
        event.set();
        waiter.output().await;
        event.clear();
        assert!(!event.is_set(), "one clear undoes both");
    });
}

/// A cancelled waiter is gone from the line, and the others are released.
#[test]
fn ev_07_a_cancelled_waiter_leaves_the_others() {
    on_all(|| async {
        let event = Arc::new(Event::new());
        let (a, b) = (event.clone(), event.clone());
        let cancelled = blocked(async move { a.wait().await }).await;
        let stays = blocked(async move { b.wait().await }).await;
        assert!(cancelled.cancel().await.is_none());
        assert_eq!(event.waiters(), 1);
        event.set();
        stays.output().await;
    });
}

/// A waiter that is cancelled after the set and before it ran changes nothing: the flag stays set.
#[test]
fn ev_08_cancelling_a_released_waiter_leaves_the_flag_set() {
    on_all(|| async {
        let event = Event::new();
        let waiter = waiting(event.wait()).await;
        event.set();
        drop(waiter);
        assert!(event.is_set());
        now(event.wait()).await;
    });
}

/// An event may be set from any thread.
#[test]
fn ev_10_any_thread_may_set() {
    on_all(|| async {
        let event = Arc::new(Event::new());
        let theirs = event.clone();
        let waiter = blocked(async move { theirs.wait().await }).await;
        let theirs = event.clone();
        on_thread(move || theirs.set()).await;
        waiter.output().await;
    });
}
