use std::pin::pin;
use std::task::Waker;

use super::*;
use crate::prim::{Arc, SpinLock, thread};

/// A popper against an owner that leaves: exactly one of them sees the other.
#[test]
fn loom_a_waiter_is_chosen_or_removed_never_both() {
    crate::model(|| {
        let list = Arc::new(SpinLock::new(List::new()));
        let other = list.clone();
        let mut waiter = pin!(Waiter::new(0));
        waiter.as_mut().push(&mut list.lock(), Waker::noop().clone(), 1);
        let popper = thread::spawn(move || {
            let waker = other.lock().pop(|d| *d += 1);
            waker.is_some()
        });
        if waiter.is_chosen() {
            assert_eq!(waiter.data(), 2);
        }
        let removed = waiter.remove(&mut list.lock()).is_some();
        assert_ne!(popper.join().unwrap(), removed);
        assert_eq!(waiter.data(), if removed { 1 } else { 2 });
    });
}

/// The node may go away as soon as the owner sees that it was chosen.
#[test]
fn loom_a_chosen_waiter_is_free_to_go() {
    crate::model(|| {
        let list = Arc::new(SpinLock::new(List::new()));
        let other = list.clone();
        let mut waiter = Box::pin(Waiter::new(0));
        waiter.as_mut().push(&mut list.lock(), Waker::noop().clone(), 1);
        let popper = thread::spawn(move || drop(other.lock().pop(|d| *d = 7)));
        while !waiter.is_chosen() {
            thread::yield_now();
        }
        assert_eq!(waiter.data(), 7);
        drop(waiter);
        popper.join().unwrap();
    });
}
