//! Condition.

use std::sync::Arc;

use crate::kit::sync::*;
use crate::kit::*;

type Shared<T> = Arc<(Mutex<T>, Condvar)>;

fn shared<T>(value: T) -> Shared<T> {
    Arc::new((Mutex::new(value), Condvar::new()))
}

/// While it waits the lock is free; when the wait ends the lock is held.
#[test]
fn co_02_a_wait_lets_go_and_locks_again() {
    on_all(|| async {
        let both = shared(1);
        let theirs = both.clone();
        let waiter = blocked(async move {
            let (mutex, changed) = &*theirs;
            let guard = changed.wait(mutex.lock().await).await;
            (*guard, mutex.is_locked())
        })
        .await;
        *now(both.0.lock()).await = 2;
        both.1.notify_one();
        assert_eq!(waiter.output().await, (2, true));
        assert!(!both.0.is_locked());
    });
}

/// `wait_for` asks again after each wake-up, gives the lock when the answer is yes, and waits on when a
/// wake-up comes with nothing changed.
#[test]
fn co_07_08_wait_for_asks_after_each_wake_up() {
    on_all(|| async {
        let both = shared(0);
        let (theirs, log) = (both.clone(), Log::default());
        let asked = log.clone();
        let waiter = blocked(async move {
            let (mutex, changed) = &*theirs;
            let guard = mutex.lock().await;
            let guard = changed.wait_for(guard, |n| {
                asked.add(n.to_string());
                *n >= 2
            });
            *guard.await
        })
        .await;
        for n in [0, 1, 2] {
            *both.0.lock().await = n;
            both.1.notify_one();
            let so_far = n as usize + 2;
            until(|| log.get().len() == so_far).await;
        }
        assert_eq!(waiter.output().await, 2);
        assert_eq!(log.get(), ["0", "0", "1", "2"]);
    });
}

/// The scope of a condition is that of its lock: whoever is in it holds the lock, and it ends with it.
#[test]
fn co_16_the_scope_is_that_of_the_lock() {
    on_all(|| async {
        let both = shared(());
        {
            let _guard = both.0.lock().await;
            assert!(both.0.is_locked());
            both.1.notify_all();
        }
        assert!(!both.0.is_locked());
    });
}

/// A timeout around a wait inside a scope: the wait is over, the lock is free, and can be had again.
#[test]
fn co_17_a_wait_that_times_out_has_let_go() {
    on_all(|| async {
        let both = shared(1);
        let guard = both.0.lock().await;
        assert!(timeout(SHORT, both.1.wait(guard)).await.is_none());
        assert_eq!(both.1.waiters(), 0);
        assert_eq!(*now(both.0.lock()).await, 1);
    });
}

/// Two conditions share one lock: each wakes its own waiters, and both see the lock.
#[test]
fn co_18_two_conditions_share_a_lock() {
    on_all(|| async {
        let all = Arc::new((Mutex::new(()), Condvar::new(), Condvar::new()));
        let (a, b) = (all.clone(), all.clone());
        let full = blocked(async move { drop(a.1.wait(a.0.lock().await).await) }).await;
        let empty = blocked(async move { drop(b.2.wait(b.0.lock().await).await) }).await;
        all.2.notify_all();
        empty.output().await;
        settle().await;
        assert!(!full.is_finished());
        let guard = all.0.lock().await;
        all.1.notify_all();
        settle().await;
        assert!(!full.is_finished(), "the lock is held");
        drop(guard);
        full.output().await;
    });
}
