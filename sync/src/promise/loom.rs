use super::*;
use crate::blocking::block_on;
use crate::prim::thread;
use crate::prim::{AtomicUsize, Ordering};

#[test]
fn loom_promise_set_meets_wait() {
    crate::model(|| {
        let promise = Promise::new();
        let other = promise.clone();
        let handle = thread::spawn(move || other.set(1).unwrap());
        assert_eq!(block_on(promise.wait()).unwrap(), 1);
        handle.join().unwrap();
    });
}

#[test]
fn loom_promise_set_meets_cancel() {
    crate::model(|| {
        let promise = Promise::new();
        let other = promise.clone();
        let handle = thread::spawn(move || other.set(1).is_ok());
        let cancelled = promise.cancel();
        assert_ne!(handle.join().unwrap(), cancelled);
        assert_eq!(promise.is_cancelled(), cancelled);
    });
}

#[test]
fn loom_promise_on_done_meets_set() {
    crate::model(|| {
        let promise = Promise::new();
        let calls = Arc::new(AtomicUsize::new(0));
        let (other, count) = (promise.clone(), calls.clone());
        let handle = thread::spawn(move || other.set(1).unwrap());
        promise.on_done(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        handle.join().unwrap();
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn loom_promise_remove_meets_set() {
    crate::model(|| {
        let promise = Promise::new();
        let calls = Arc::new(AtomicUsize::new(0));
        let count = calls.clone();
        let callback = promise.on_done(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let other = promise.clone();
        let handle = thread::spawn(move || other.set(1).unwrap());
        let removed = callback.remove();
        handle.join().unwrap();
        assert_eq!(calls.load(Ordering::Relaxed), usize::from(!removed));
    });
}
