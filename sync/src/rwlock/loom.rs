use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::*;
use crate::blocking::block_on;
use crate::prim::thread;

#[test]
fn loom_rwlock_reader_meets_writer() {
    crate::model(|| {
        let lock = Arc::new(RwLock::new(0));
        let other = lock.clone();
        let handle = thread::spawn(move || *block_on(other.write()) += 1);
        assert!(*block_on(lock.read()) <= 1);
        handle.join().unwrap();
        assert_eq!(*lock.try_write().unwrap(), 1);
    });
}

#[test]
fn loom_rwlock_two_upgrades() {
    crate::model(|| {
        let lock = Arc::new(RwLock::new(0));
        let other = lock.clone();
        let upgrade = |lock: &RwLock<i32>| {
            let guard = block_on(lock.upgradable_read());
            let seen = *guard;
            *block_on(RwLockUpgradableReadGuard::upgrade(guard)) = seen + 1;
        };
        let handle = thread::spawn(move || upgrade(&other));
        upgrade(&lock);
        handle.join().unwrap();
        assert_eq!(*lock.try_write().unwrap(), 2, "somebody wrote between a read and its upgrade");
    });
}

/// S11: a writer that stops waiting lets the readers behind it in.
#[test]
fn loom_rwlock_s11_drop_of_writer_meets_unlock() {
    crate::model(|| {
        let lock = Arc::new(RwLock::new(0));
        let guard = lock.clone().try_read_owned().unwrap();
        let handle = thread::spawn(move || drop(guard));
        {
            let mut write = pin!(lock.write());
            block_on(poll_fn(|cx| {
                let _ = write.as_mut().poll(cx);
                Poll::Ready(())
            }));
        }
        drop(block_on(lock.read()));
        handle.join().unwrap();
        assert!(lock.try_write().is_ok(), "the lock was lost");
    });
}

#[test]
fn loom_rwlock_upgrade_meets_a_reader_that_leaves() {
    crate::model(|| {
        let lock = Arc::new(RwLock::new(0));
        let reader = lock.clone().try_read_owned().unwrap();
        let upgradable = lock.try_upgradable_read().unwrap();
        let handle = thread::spawn(move || drop(reader));
        *block_on(RwLockUpgradableReadGuard::upgrade(upgradable)) = 1;
        handle.join().unwrap();
        assert_eq!(*lock.try_read().unwrap(), 1);
    });
}
