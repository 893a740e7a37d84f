//! Channels and queues against plain lists, and waits dropped after any number of polls.

mod kit;

use std::collections::VecDeque;

use corio_sync::mpsc::{Permit, TryRecvError, TrySendError};
use corio_sync::queue::{Fifo, Lifo, Priority, QueueOf, Storage, TryGetError, TryPutError};
use corio_sync::*;
use kit::*;

/// Numbers that look random, and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }
}

/// Sends, receives, reservations and a close, in any order: every answer is that of a list with a number of
/// reserved places.
#[test]
fn s08_a_channel_agrees_with_a_list() {
    for seed in 1..300 {
        let mut random = Random(seed * 0x9e37_79b9);
        let capacity = 1 + random.below(4);
        let (tx, mut rx) = mpsc::channel(capacity);
        let (mut list, mut closed) = (VecDeque::new(), false);
        let mut permits: Vec<Permit<'_, u32>> = Vec::new();
        for step in 0..60 {
            match random.below(12) {
                0..=3 => {
                    let sent = tx.try_send(step);
                    if closed {
                        assert_eq!(sent, Err(TrySendError::Closed(step)));
                    } else if list.len() + permits.len() == capacity {
                        assert_eq!(sent, Err(TrySendError::Full(step)));
                    } else {
                        assert_eq!(sent, Ok(()));
                        list.push_back(step);
                    }
                }
                4..=7 => {
                    let expected = match list.pop_front() {
                        Some(item) => Ok(item),
                        None if closed && permits.is_empty() => Err(TryRecvError::Disconnected),
                        None => Err(TryRecvError::Empty),
                    };
                    assert_eq!(rx.try_recv(), expected);
                }
                8 | 9 => match tx.try_reserve() {
                    Ok(permit) => {
                        assert!(!closed && list.len() + permits.len() < capacity);
                        permits.push(permit);
                    }
                    Err(TrySendError::Closed(())) => assert!(closed),
                    Err(TrySendError::Full(())) => {
                        assert!(!closed && list.len() + permits.len() == capacity);
                    }
                },
                10 => match permits.pop() {
                    Some(permit) if random.below(2) == 0 => {
                        permit.send(step);
                        list.push_back(step);
                    }
                    permit => drop(permit),
                },
                _ if random.below(6) == 0 => {
                    rx.close();
                    closed = true;
                }
                _ => {}
            }
            assert_eq!((rx.len(), tx.is_closed()), (list.len(), closed));
            assert_eq!(tx.capacity(), capacity - list.len() - permits.len());
        }
    }
}

fn agrees<S: Storage<Item = u32> + Default>(next: impl Fn(&mut Vec<u32>) -> Option<u32>) {
    for seed in 1..100 {
        let mut random = Random(seed * 0x51ed_270b);
        let capacity = 1 + random.below(6);
        let queue = QueueOf::<S>::bounded(capacity);
        let (mut list, mut unfinished) = (Vec::new(), 0_usize);
        for step in 0..80 {
            match random.below(5) {
                0 | 1 if list.len() == capacity => {
                    assert_eq!(queue.try_put(step), Err(TryPutError::Full(step)));
                }
                0 | 1 => {
                    queue.try_put(step).unwrap();
                    list.push(step);
                    unfinished += 1;
                }
                2 | 3 => assert_eq!(queue.try_get(), next(&mut list).ok_or(TryGetError::Empty)),
                _ => {
                    assert_eq!(queue.task_done().is_ok(), unfinished > 0);
                    unfinished = unfinished.saturating_sub(1);
                }
            }
            assert_eq!((queue.len(), queue.unfinished()), (list.len(), unfinished));
            assert_eq!(queue.is_full(), list.len() == capacity);
        }
    }
}

/// Each kind of queue gives out what a list in its order would.
#[test]
fn s08_queues_agree_with_lists() {
    agrees::<Fifo<u32>>(|list| (!list.is_empty()).then(|| list.remove(0)));
    agrees::<Lifo<u32>>(Vec::pop);
    agrees::<Priority<u32>>(|list| {
        let least = list.iter().copied().min()?;
        list.retain(|item| *item != least);
        Some(least)
    });
}

/// A wait that is dropped after 0, 1 or 2 polls, before or after it was given what it waits for, has taken
/// nothing, and what it was given goes back.
#[test]
fn s13_a_wait_dropped_after_any_poll_has_taken_nothing() {
    for polls in 0..3 {
        for given in [false, true] {
            let mutex = Mutex::new(());
            let mut held = Some(mutex.try_lock().unwrap());
            dropped(mutex.lock(), polls, || given.then(|| held.take()));
            drop(held);
            assert!(mutex.try_lock().is_ok(), "Mutex");

            let lock = RwLock::new(());
            for kind in 0..3 {
                let mut held = Some(lock.try_write().unwrap());
                let give = || given.then(|| held.take());
                match kind {
                    0 => dropped(lock.read(), polls, give),
                    1 => dropped(lock.write(), polls, give),
                    _ => dropped(lock.upgradable_read(), polls, give),
                }
                drop(held);
                assert!(lock.try_write().is_ok(), "RwLock");
            }

            let semaphore = Semaphore::new(0);
            dropped(semaphore.acquire_many(2), polls, || semaphore.add_permits(2));
            assert_eq!(semaphore.available_permits(), 2);

            let notify = Notify::new();
            dropped(notify.notified(), polls, || notify.notify_one());
            now(notify.notified());

            let (tx, mut rx) = mpsc::channel(1);
            tx.try_send(1).unwrap();
            let (mut got, mut kept) = (Vec::new(), Vec::new());
            dropped(tx.send(2), polls, || got.push(rx.try_recv()));
            tx.try_send(3).unwrap();
            dropped(tx.reserve(), polls, || got.push(rx.try_recv()));
            tx.try_send(4).unwrap();
            assert_eq!((got, rx.try_recv()), (vec![Ok(1), Ok(3)], Ok(4)));
            dropped(rx.recv(), polls, || tx.try_send(5).unwrap());
            assert_eq!(rx.try_recv(), Ok(5));
            dropped(rx.recv_many(&mut kept, 9), polls, || tx.try_send(6).unwrap());
            assert_eq!((kept, rx.try_recv()), (Vec::new(), Ok(6)));

            let (tx, rx) = channel::bounded(1);
            dropped(rx.recv(), polls, || tx.try_send(1).unwrap());
            assert_eq!(rx.try_recv(), Ok(1));

            let queue = QueueOf::<Fifo<u32>>::bounded(1);
            dropped(queue.get(), polls, || queue.try_put(1).unwrap());
            assert_eq!(queue.len(), 1);
            dropped(queue.put(2), polls, || assert_eq!(queue.try_get(), Ok(1)));
            dropped(queue.join(), polls, || queue.task_done().unwrap());
            assert_eq!((queue.len(), queue.unfinished()), (0, 0));

            let (tx, mut rx) = broadcast::channel(1);
            dropped(rx.recv(), polls, || tx.send(1).unwrap());
            assert_eq!(rx.try_recv(), Ok(1));

            let (tx, mut rx) = watch::channel(0);
            dropped(rx.changed(), polls, || tx.send(1).unwrap());
            assert_eq!(rx.has_changed(), Ok(true));

            let (tx, mut rx) = oneshot::channel();
            let mut tx = Some(tx);
            dropped(&mut rx, polls, || tx.take().unwrap().send(1).unwrap());
            assert_eq!(rx.try_recv(), Ok(1));
        }
    }
}

/// Polls `wait` so many times, lets `give` give it what it waits for, and drops it.
fn dropped<F: Future, R>(wait: F, polls: usize, give: impl FnOnce() -> R) {
    let mut wait = spawn(wait);
    for _ in 0..polls {
        assert!(wait.poll().is_pending());
    }
    give();
    wait.cancel();
}
