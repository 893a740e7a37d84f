use std::future::poll_fn;
use std::sync::Arc;

use super::*;
use crate::blocking::block_on;
use crate::prim::thread;

#[test]
fn loom_condvar_notify_meets_wait() {
    crate::model(|| {
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let other = pair.clone();
        let handle = thread::spawn(move || {
            *block_on(other.0.lock()) = true;
            other.1.notify_one();
        });
        let guard = block_on(pair.0.lock());
        assert!(*block_on(pair.1.wait_for(guard, |ready| *ready)));
        handle.join().unwrap();
    });
}

/// S20, CO-14, CO-15: a notified wait that is dropped passes the notification on.
#[test]
fn loom_condvar_s20_drop_meets_notify() {
    crate::model(|| {
        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let guard = pair.0.try_lock().unwrap();
        let mut first = Box::pin(pair.1.wait(guard));
        block_on(poll_fn(|cx| Poll::Ready(assert!(first.as_mut().poll(cx).is_pending()))));
        let guard = pair.0.try_lock().unwrap();
        let mut second = Box::pin(pair.1.wait(guard));
        block_on(poll_fn(|cx| Poll::Ready(assert!(second.as_mut().poll(cx).is_pending()))));
        let other = pair.clone();
        let handle = thread::spawn(move || other.1.notify_one());
        drop(first);
        drop(block_on(second.as_mut()));
        handle.join().unwrap();
    });
}
