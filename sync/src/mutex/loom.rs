use std::future::poll_fn;
use std::pin::pin;

use super::*;
use crate::blocking::block_on;
use crate::prim::thread;

#[test]
fn loom_mutex_excludes() {
    crate::model(|| {
        let mutex = Arc::new(Mutex::new(0));
        let other = mutex.clone();
        let handle = thread::spawn(move || *block_on(other.lock()) += 1);
        *block_on(mutex.lock()) += 1;
        handle.join().unwrap();
        assert_eq!(*mutex.try_lock().unwrap(), 2);
    });
}

/// Three threads count to three.
fn three_count(make: fn(u32) -> Mutex<u32>) {
    crate::model(move || {
        let mutex = Arc::new(make(0));
        let (a, b) = (mutex.clone(), mutex.clone());
        let a = thread::spawn(move || *block_on(a.lock()) += 1);
        let b = thread::spawn(move || *block_on(b.lock()) += 1);
        *block_on(mutex.lock()) += 1;
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(*mutex.try_lock().unwrap(), 3);
    });
}

#[test]
fn loom_mutex_hands_over_through_three() {
    three_count(Mutex::new);
}

#[test]
fn loom_mutex_barging_excludes_three() {
    three_count(Mutex::barging);
}

/// S01: a wait that is dropped at any point of an unlock leaves the mutex free.
#[test]
fn loom_mutex_s01_drop_meets_hand_over() {
    crate::model(|| {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.clone().try_lock_owned().unwrap();
        let handle = thread::spawn(move || drop(guard));
        {
            let mut wait = pin!(mutex.lock());
            block_on(poll_fn(|cx| {
                let _ = wait.as_mut().poll(cx);
                Poll::Ready(())
            }));
        }
        handle.join().unwrap();
        assert!(mutex.try_lock().is_ok(), "the lock was lost");
    });
}

/// Two wait, and the first leaves at the moment of `unlock`: the second gets the lock.
fn the_first_leaves(make: fn(u32) -> Mutex<u32>, unlock: fn(OwnedMutexGuard<u32>, &Mutex<u32>)) {
    crate::model(move || {
        let mutex = Arc::new(make(0));
        let guard = mutex.clone().try_lock_owned().unwrap();
        let mut first = Box::pin(mutex.lock());
        block_on(poll_fn(|cx| Poll::Ready(assert!(first.as_mut().poll(cx).is_pending()))));
        let mut second = Box::pin(mutex.lock());
        block_on(poll_fn(|cx| Poll::Ready(assert!(second.as_mut().poll(cx).is_pending()))));
        let other = mutex.clone();
        let handle = thread::spawn(move || unlock(guard, &other));
        drop(first);
        drop(block_on(second.as_mut()));
        handle.join().unwrap();
        drop(second);
        assert!(mutex.try_lock().is_ok());
    });
}

/// The next in line gets the lock when the one before it leaves at the moment of the hand-over.
#[test]
fn loom_mutex_s01_two_wait_and_the_first_leaves() {
    the_first_leaves(Mutex::new, |guard, _| drop(guard));
}

/// A waiter that was woken to try leaves, while a newcomer locks and unlocks: the next still wakes.
#[test]
fn loom_mutex_barging_the_woken_one_leaves() {
    the_first_leaves(Mutex::barging, |guard, mutex| {
        drop(guard);
        drop(mutex.try_lock());
    });
}
