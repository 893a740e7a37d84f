//! trio's channels.

use std::sync::Arc;

use crate::kit::sync::*;
use crate::kit::*;

/// The try forms say whether one would have to wait, and the handles tell what is in the channel, what fits,
/// and how many there are on either side.
#[test]
fn tch_01_the_try_forms_and_the_counts() {
    on_all(|| async {
        let (tx, rx) = channel::bounded(2);
        assert_eq!(rx.try_recv(), Err(channel::TryRecvError::Empty));
        tx.try_send(1).unwrap();
        tx.try_send(2).unwrap();
        assert_eq!(tx.try_send(3), Err(channel::TrySendError::Full(3)));
        let (tx2, rx2) = (tx.clone(), rx.clone());
        assert_eq!((tx.len(), rx.len(), tx.capacity()), (2, 2, Some(2)));
        assert_eq!((rx.sender_count(), tx.receiver_count()), (2, 2));
        drop((tx2, rx2));
        assert_eq!((rx.sender_count(), tx.receiver_count()), (1, 1));
        let _waits = waiting(tx.send(4)).await;
        assert!(format!("{tx:?}").contains("waiting_senders: 1"));
        let (unbounded, _rx) = channel::unbounded();
        (0..1000).for_each(|i| unbounded.try_send(i).unwrap());
        assert_eq!((unbounded.len(), unbounded.capacity()), (1000, None));
        let (tx, mut rx) = mpsc::channel(2);
        tx.send(1).await.unwrap();
        assert_eq!((tx.len(), tx.capacity(), tx.max_capacity()), (1, 1, 2));
        assert_eq!((tx.strong_count(), rx.sender_strong_count(), rx.recv().await), (1, 1, Some(1)));
    });
}

/// Clones are independent: dropping one ends its own waits only, and the others go on.
#[test]
fn tch_03_dropping_a_clone_leaves_the_others_alone() {
    on_all(|| async {
        let (tx, rx) = channel::bounded::<u32>(1);
        let (rx2, rx3) = (rx.clone(), rx.clone());
        let gone = blocked(async move { rx2.recv().await }).await;
        let stays = blocked(async move { rx3.recv().await }).await;
        assert!(gone.cancel().await.is_none());
        settle().await;
        assert!(!stays.is_finished());
        let tx2 = tx.clone();
        drop(tx);
        tx2.send(1).await.unwrap();
        assert_eq!(stays.output().await, Ok(1));
        assert!(!tx2.is_closed(), "a receiver is left");
        drop(rx);
        assert!(tx2.send(2).await.is_err());
    });
}

/// A limit that grows wakes as many as it grew by; one that shrinks lets nobody in until enough have left;
/// with none everybody waits; who is cancelled takes nothing along.
#[test]
fn tch_05_a_limit_grows_and_shrinks() {
    on_all(|| async {
        let limit = Semaphore::new(0);
        let mut waits = Vec::new();
        for _ in 0..4 {
            waits.push(waiting(limit.acquire()).await);
        }
        drop(waits.pop());
        limit.add_permits(2);
        let (a, b) = (now(waits[0].as_mut()).await.unwrap(), now(waits[1].as_mut()).await.unwrap());
        assert!(poll_once(waits[2].as_mut()).await.is_pending(), "grown by two, not three");
        drop(waits);
        // Shrinking: what is in use is taken away as it comes back.
        assert_eq!(limit.forget_permits(2), 0);
        let mut shrink = waiting(limit.acquire()).await;
        drop(a);
        now(shrink.as_mut()).await.unwrap().forget();
        assert!(limit.try_acquire().is_err());
        drop(b);
        assert_eq!(limit.available_permits(), 1);
    });
}

/// A semaphore with a maximum refuses what would exceed it.
#[test]
fn tch_06_a_release_above_the_maximum_is_an_error() {
    on_all(|| async {
        let semaphore = BoundedSemaphore::new(2);
        let permit = semaphore.acquire().await.unwrap();
        assert!(semaphore.release(2).is_err());
        drop(permit);
        let error = semaphore.release(1).unwrap_err().to_string();
        assert!(error.contains("2 permits"), "{error}");
        assert_eq!((semaphore.available_permits(), semaphore.bound()), (2, 2));
    });
}

/// A notified waiter that is cancelled does not take the lock again, and its notification goes to the next.
#[test]
fn tch_09_a_cancelled_waiter_leaves_the_lock_and_the_notification() {
    on_all(|| async {
        let both = Arc::new((Mutex::new(()), Condvar::new()));
        let cancelled = waiting(both.1.wait(both.0.lock().await)).await;
        let theirs = both.clone();
        let next = blocked(async move { drop(theirs.1.wait(theirs.0.lock().await).await) }).await;
        both.1.notify_one();
        drop(cancelled);
        next.output().await;
        assert!(!both.0.is_locked());
    });
}

/// An event tells how many wait for it.
#[test]
fn tch_10_an_event_counts_its_waiters() {
    on_all(|| async {
        let event = Event::new();
        let first = waiting(event.wait()).await;
        let _second = waiting(event.wait()).await;
        assert_eq!(event.waiters(), 2);
        drop(first);
        assert_eq!(event.waiters(), 1);
        event.set();
        assert_eq!(event.waiters(), 0);
    });
}
