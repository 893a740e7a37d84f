use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use super::*;
use crate::blocking::block_on;
use crate::prim::{Arc, thread};

/// A release that races with a wait is never lost.
#[test]
fn loom_semaphore_release_meets_acquire() {
    crate::model(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let other = semaphore.clone();
        let handle = thread::spawn(move || other.add_permits(1));
        drop(block_on(semaphore.acquire()).unwrap());
        handle.join().unwrap();
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// Two contend for one permit, and each gets it.
#[test]
fn loom_semaphore_two_contend() {
    crate::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let other = semaphore.clone();
        let handle = thread::spawn(move || drop(block_on(other.acquire()).unwrap()));
        drop(block_on(semaphore.acquire()).unwrap());
        handle.join().unwrap();
        assert_eq!(semaphore.state.load(Ordering::Relaxed), 1 << SHIFT);
    });
}

/// S01: polled once, then dropped, at any point of a release: the permit is there afterwards.
#[test]
fn loom_semaphore_s01_drop_meets_release() {
    crate::model(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let other = semaphore.clone();
        let handle = thread::spawn(move || other.add_permits(1));
        {
            let mut wait = pin!(semaphore.acquire());
            block_on(poll_fn(|cx| {
                let _ = wait.as_mut().poll(cx);
                Poll::Ready(())
            }));
        }
        handle.join().unwrap();
        assert_eq!(semaphore.state.load(Ordering::Relaxed), 1 << SHIFT);
    });
}

/// S02: a head that wants many leaves while permits for the next are there.
#[test]
fn loom_semaphore_s02_head_leaves() {
    crate::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let mut many = Box::pin(semaphore.acquire_many(2));
        assert!(
            many.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending()
        );
        let other = semaphore.clone();
        let handle = thread::spawn(move || drop(block_on(other.acquire()).unwrap()));
        drop(many);
        handle.join().unwrap();
        assert_eq!(semaphore.state.load(Ordering::Relaxed), 1 << SHIFT);
    });
}

#[test]
fn loom_semaphore_close_meets_acquire() {
    crate::model(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let other = semaphore.clone();
        let handle = thread::spawn(move || other.close());
        assert!(block_on(semaphore.acquire()).is_err());
        handle.join().unwrap();
        assert_eq!(semaphore.state.load(Ordering::Relaxed), CLOSED);
    });
}
