//! Waits that are given up in any order.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use corio::sync::{Mutex, Notify, Semaphore};

/// A permutation of `0..count`, another one for each seed.
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut order: Vec<usize> = (0..count).collect();
    for i in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        order.swap(i, (state >> 33) as usize % (i + 1));
    }
    order
}

/// Queues a thousand waits, drops nine of ten in random order while `serve` serves one now and then,
/// and returns how many of the hundred that are left end when they are polled, in their order.
fn drop_at_random<'a, F: Future + 'a>(
    seed: u64,
    wait: impl Fn() -> F,
    mut serve: impl FnMut(),
) -> usize {
    let mut cx = Context::from_waker(Waker::noop());
    let mut waits: Vec<Option<Pin<Box<F>>>> = (0..1000).map(|_| Some(Box::pin(wait()))).collect();
    for wait in waits.iter_mut().flatten() {
        assert!(wait.as_mut().poll(&mut cx).is_pending());
    }
    for (i, index) in shuffled(waits.len(), seed).into_iter().enumerate().take(900) {
        if i % 30 == 0 {
            serve();
        }
        waits[index] = None;
    }
    // Each that is served lets the next one in when it ends.
    let mut ended = 0;
    for mut wait in waits.into_iter().flatten() {
        if wait.as_mut().poll(&mut cx).is_ready() {
            ended += 1;
        }
    }
    ended
}

#[test]
fn u14_waits_are_dropped_in_any_order_and_the_others_are_served() {
    for seed in 0..10 {
        let notify = Notify::new();
        // What a dropped wait was given goes to the next: thirty were given, and thirty wait on.
        let ended = drop_at_random(seed, || notify.notified(), || notify.notify_one());
        assert_eq!(ended, 30);
        notify.notify_one();
        assert!(poll_now(notify.notified()).is_ready());

        let semaphore = Semaphore::new(0);
        let taken = Cell::new(0);
        let wait = || async {
            let permit = semaphore.acquire().await.unwrap();
            taken.set(taken.get() + 1);
            drop(permit);
        };
        // A permit that is given back at once goes through all who are left, in their order.
        assert_eq!(drop_at_random(seed, wait, || semaphore.add_permits(1)), 100);
        assert_eq!((taken.get(), semaphore.available_permits()), (100, 30));

        let mutex = Mutex::new(0);
        let mut held = Some(poll_now(mutex.lock()));
        assert!(matches!(held, Some(Poll::Ready(_))));
        let wait = || async {
            *mutex.lock().await += 1;
        };
        assert_eq!(drop_at_random(seed, wait, || held = None), 100);
        assert_eq!(poll_now(async { *mutex.lock().await }), Poll::Ready(100));
    }
}

/// Polls once, for what is ready at once.
fn poll_now<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}
