use std::future::poll_fn;

use super::*;
use crate::blocking::block_on;
use crate::prim::{Arc, thread};

#[test]
fn loom_barrier_two_meet() {
    crate::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = barrier.clone();
        let handle = thread::spawn(move || block_on(other.wait()).unwrap());
        let here = block_on(barrier.wait()).unwrap();
        assert_eq!(here + handle.join().unwrap(), 1);
    });
}

/// BAR-09: a party that leaves is not counted, whenever it leaves.
#[test]
fn loom_barrier_bar_09_drop_meets_arrival() {
    crate::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = barrier.clone();
        let handle = thread::spawn(move || {
            let mut wait = pin!(other.wait());
            block_on(poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx).is_ready())))
        });
        let mut wait = Box::pin(barrier.wait());
        let here = block_on(poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx).is_ready())));
        let there = handle.join().unwrap();
        // The later of two that met sees it at once; the earlier one may have left before.
        assert!(!(here && there));
        assert_eq!(barrier.waiting(), usize::from(!here && !there && !wait.waiter.is_chosen()));
    });
}

#[test]
fn loom_barrier_abort_meets_wait() {
    crate::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = barrier.clone();
        let handle = thread::spawn(move || other.abort());
        assert!(block_on(barrier.wait()).is_err());
        handle.join().unwrap();
        assert_eq!(barrier.waiting(), 0);
    });
}
