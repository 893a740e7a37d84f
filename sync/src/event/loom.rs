use std::future::poll_fn;
use std::pin::pin;

use super::*;
use crate::blocking::block_on;
use crate::prim::{Arc, thread};

#[test]
fn loom_event_set_meets_wait() {
    crate::model(|| {
        let event = Arc::new(Event::new());
        let other = event.clone();
        let handle = thread::spawn(move || other.set());
        block_on(event.wait());
        handle.join().unwrap();
        assert!(event.is_set());
    });
}

/// Whoever waits when `set` comes goes on, although the flag is taken back at once.
#[test]
fn loom_event_ev_04_set_and_clear_release_the_waiter() {
    crate::model(|| {
        let event = Arc::new(Event::new());
        let mut wait = Box::pin(event.wait());
        block_on(poll_fn(|cx| Poll::Ready(assert!(wait.as_mut().poll(cx).is_pending()))));
        let other = event.clone();
        let handle = thread::spawn(move || {
            other.set();
            other.clear();
        });
        block_on(wait.as_mut());
        handle.join().unwrap();
        drop(wait);
        assert!(!event.is_set());
    });
}

#[test]
fn loom_event_drop_meets_set() {
    crate::model(|| {
        let event = Arc::new(Event::new());
        let other = event.clone();
        let handle = thread::spawn(move || other.set());
        {
            let mut wait = pin!(event.wait());
            block_on(poll_fn(|cx| {
                let _ = wait.as_mut().poll(cx);
                Poll::Ready(())
            }));
        }
        handle.join().unwrap();
        assert_eq!(event.state.load(Ordering::Relaxed), SET);
    });
}
