//! Lock.

use std::sync::Arc;

use crate::kit::sync::*;
use crate::kit::*;

/// The holder lets go, which gives the lock to the first waiter; cancelling the second disturbs nobody.
#[test]
fn lk_09_cancelling_the_second_waiter_disturbs_nobody() {
    on_all(|| async {
        let lock = Arc::new(Mutex::new(()));
        let held = lock.lock().await;
        let mut waiters = Vec::new();
        for i in 0..3 {
            let lock = lock.clone();
            waiters.push(
                blocked(async move {
                    drop(lock.lock().await);
                    i
                })
                .await,
            );
        }
        drop(held);
        let third = waiters.pop().unwrap();
        let second = waiters.pop().unwrap();
        let _ = second.cancel().await;
        assert_eq!((waiters.pop().unwrap().output().await, third.output().await), (0, 2));
        drop(now(lock.lock()).await);
    });
}

/// The lock is held inside its scope, and let go on the way out: by the end, an error or cancelling.
#[test]
fn lk_11_every_way_out_of_a_scope_lets_go() {
    on_all(|| async {
        let lock = Arc::new(Mutex::new(()));
        let fails = |lock: Arc<Mutex<()>>| async move {
            let _held = lock.lock().await;
            assert!(lock.is_locked());
            Err::<(), _>("an error")
        };
        fails(lock.clone()).await.unwrap_err();
        assert!(!lock.is_locked());
        let theirs = lock.clone();
        let task = blocked(async move {
            let _held = theirs.lock().await;
            std::future::pending::<()>().await;
        })
        .await;
        assert!(lock.is_locked());
        assert!(task.cancel().await.is_none());
        assert!(!lock.is_locked());
    });
}

/// Another task than the one that locked may unlock: the guard goes where it is sent.
#[test]
fn lk_12_another_task_may_let_go() {
    on_all(|| async {
        let lock = Arc::new(Mutex::new(1));
        let held = lock.clone().lock_owned().await;
        let theirs = lock.clone();
        let waiter = blocked(async move { *theirs.lock().await }).await;
        spawn(async move { drop(held) }).output().await;
        assert_eq!(waiter.output().await, 1);
    });
}

/// Locking twice in one task waits for ever; a timeout ends it, and the lock is held once.
#[test]
fn lk_13_locking_twice_waits_until_a_timeout_ends_it() {
    on_all(|| async {
        let lock = Mutex::new(());
        let held = lock.lock().await;
        assert!(timeout(SHORT, lock.lock()).await.is_none());
        assert!(lock.is_locked());
        drop(held);
        assert!(!lock.is_locked(), "held once");
    });
}

/// The text form tells whether it is locked.
#[test]
fn lk_15_the_text_form_tells_whether_it_is_locked() {
    on_all(|| async {
        let lock = Mutex::new(7);
        assert_eq!(format!("{lock:?}"), "Mutex { value: 7 }");
        let held = lock.lock().await;
        assert_eq!(format!("{lock:?} {held:?}"), "Mutex { value: <locked> } 7");
    });
}
