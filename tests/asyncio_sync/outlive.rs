//! Primitives that are used by several runtimes, and outlive some of them.

use std::sync::Arc;
use std::time::Duration;

use corio::runtime::{Builder, Runtime};
use corio::sync::*;

fn single() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// A lock whose holder and waiters were tasks of a runtime that has ended is free, and works on.
#[test]
fn a_lock_outlives_the_runtime_of_its_waiters() {
    let lock = Arc::new(Mutex::new(0));
    let first = single();
    first.block_on(async {
        let theirs = lock.clone();
        drop(corio::spawn(async move {
            let _held = theirs.lock().await;
            std::future::pending::<()>().await;
        }));
        let theirs = lock.clone();
        drop(corio::spawn(async move { *theirs.lock().await += 1 }));
        corio::yield_now().await;
    });
    assert!(lock.is_locked());
    drop(first);
    assert!(!lock.is_locked());
    single().block_on(async { *lock.lock().await += 1 });
    assert_eq!(*lock.blocking_lock(), 1);
}

/// A wait that began in one runtime ends in another, and a guard crosses over, too.
#[test]
fn a_wait_and_a_guard_cross_from_a_runtime_that_ends() {
    let lock = Arc::new(Mutex::new(0));
    let first = single();
    let (guard, mut wait) = first.block_on(async {
        let guard = lock.clone().lock_owned().await;
        let mut wait = Box::pin(lock.clone().lock_owned());
        assert!(crate::kit::poll_once(wait.as_mut()).await.is_pending());
        (guard, wait)
    });
    drop(first);
    single().block_on(async {
        assert!(corio::timeout(Duration::from_millis(1), wait.as_mut()).await.is_err());
        drop(guard);
        *wait.await += 1;
    });
    assert_eq!(*lock.blocking_lock(), 1);
}

/// Permits, places in a line and items of a runtime that has ended go back to those who are left.
#[test]
fn what_an_ended_runtime_held_goes_to_the_others() {
    let semaphore = Arc::new(Semaphore::new(1));
    let (tx, mut rx) = mpsc::channel(1);
    tx.try_send(0).unwrap();
    let first = single();
    first.block_on(async {
        let (theirs, sender) = (semaphore.clone(), tx.clone());
        drop(corio::spawn(async move {
            let _permit = theirs.acquire().await;
            let _ = sender.send(1).await;
        }));
        corio::yield_now().await;
    });
    assert_eq!((semaphore.available_permits(), tx.strong_count()), (0, 2));
    let theirs = semaphore.clone();
    let thread = std::thread::spawn(move || theirs.blocking_acquire().unwrap().forget());
    drop(first);
    thread.join().unwrap();
    assert_eq!((rx.blocking_recv(), rx.is_empty(), tx.strong_count()), (Some(0), true, 1));
    tx.try_send(2).unwrap();
}
