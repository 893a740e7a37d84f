//! Many senders, one receiver.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;

use corio_sync::prim::thread;
use corio_sync::*;

use crate::kit::*;

#[test]
fn mpsc_fills_waits_and_drains() {
    let (tx, mut rx) = mpsc::channel(2);
    now(tx.send(1)).unwrap();
    now(tx.send(2)).unwrap();
    assert!(matches!(tx.try_send(3), Err(mpsc::TrySendError::Full(3))));
    assert_eq!((tx.capacity(), tx.max_capacity(), tx.len()), (0, 2, 2));
    let (mut a, mut b) = (waiting(tx.send(3)), waiting(tx.send(4)));
    assert_eq!(now(rx.recv()), Some(1));
    assert!(tx.try_send(9).is_err(), "the slot is the first waiter's");
    a.output().unwrap();
    assert!(!b.is_woken());
    assert_eq!(rx.try_recv(), Ok(2));
    b.output().unwrap();
    drop((a, b));
    drop(tx);
    let mut rest = Vec::new();
    assert_eq!(now(rx.recv_many(&mut rest, 10)), 2);
    assert_eq!(rest, [3, 4]);
    assert_eq!(now(rx.recv()), None);
    assert_eq!(now(rx.recv_many(&mut rest, 10)), 0);
}

#[test]
fn s01_s13_a_dropped_send_sends_nothing_and_passes_its_slot_on() {
    let (tx, mut rx) = mpsc::channel(1);
    tx.try_send(1).unwrap();
    let (mut a, mut b) = (waiting(tx.send(2)), waiting(tx.send(3)));
    assert_eq!(rx.try_recv(), Ok(1));
    a.cancel();
    b.output().unwrap();
    assert_eq!(rx.try_recv(), Ok(3));
    drop(b);
    assert_eq!(tx.capacity(), 1);
}

#[test]
fn s02_a_large_reservation_that_leaves_lets_the_small_ones_in() {
    let (tx, _rx) = mpsc::channel::<u8>(3);
    let permit = tx.try_reserve().unwrap();
    let mut large = waiting(tx.reserve_many(3));
    let mut small = waiting(tx.reserve());
    large.cancel();
    drop(small.output().unwrap());
    drop(permit);
    assert_eq!(tx.capacity(), 3);
    assert_eq!(now(tx.reserve_many(3)).unwrap().count(), 3);
}

#[test]
fn s03_s08_a_closed_channel_waits_for_its_permits() {
    let (tx, mut rx) = mpsc::channel(2);
    let (a, b) = (tx.try_reserve().unwrap(), tx.try_reserve().unwrap());
    rx.close();
    assert!(tx.try_send(0).is_err());
    assert_eq!(rx.try_recv(), Err(mpsc::TryRecvError::Empty));
    a.send(1);
    assert_eq!(now(rx.recv()), Some(1));
    let mut task = waiting(rx.recv());
    drop(b);
    assert_eq!(task.output(), None);
    drop(task);
    assert_eq!(rx.try_recv(), Err(mpsc::TryRecvError::Disconnected));
}

#[test]
fn tch_02_senders_get_their_value_back_when_the_receiver_goes() {
    let (tx, rx) = mpsc::channel(1);
    let value = Arc::new(());
    tx.try_send(value.clone()).unwrap();
    let permit_less = tx.try_reserve();
    assert!(permit_less.is_err());
    let mut send = waiting(tx.send(value.clone()));
    let mut closed = waiting(tx.closed());
    drop(rx);
    assert_eq!(Arc::strong_count(&value), 2, "what was in the channel is dropped");
    assert!(Arc::ptr_eq(&send.output().unwrap_err().0, &value));
    closed.output();
    assert!(tx.is_closed());
}

#[test]
fn a_permit_for_a_receiver_that_is_gone_drops_the_value() {
    let (tx, rx) = mpsc::channel(1);
    let value = Arc::new(());
    let permit = tx.try_reserve().unwrap();
    drop(rx);
    permit.send(value.clone());
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn an_owned_permit_keeps_its_sender_and_its_room() {
    let (tx, mut rx) = mpsc::channel(1);
    let permit = tx.try_reserve_owned().unwrap();
    let weak = match permit.send(1).try_reserve_owned() {
        Err(mpsc::TrySendError::Full(tx)) => tx.downgrade(),
        _ => panic!("it is full"),
    };
    assert!(weak.upgrade().is_none(), "the sender went with the error");
    assert_eq!((now(rx.recv()), now(rx.recv())), (Some(1), None));
    let (tx, mut rx) = mpsc::channel(1);
    tx.try_send(1).unwrap();
    let mut task = waiting(tx.clone().reserve_owned());
    let mut gone = waiting(tx.clone().reserve_owned());
    assert_eq!(rx.try_recv(), Ok(1));
    gone.cancel();
    let tx = task.output().unwrap().release();
    tx.try_send(2).unwrap();
    drop(rx);
    assert!(now(tx.reserve_owned()).is_err());
}

#[test]
fn permits_know_their_channel() {
    let (tx, _rx) = mpsc::channel::<u8>(3);
    let (other, _other) = mpsc::channel::<u8>(1);
    let permits = [(); 2].map(|()| tx.clone().try_reserve_owned().unwrap());
    let stranger = other.clone().try_reserve_owned().unwrap();
    assert!(permits[0].same_channel(&permits[1]) && !permits[0].same_channel(&stranger));
    assert!(stranger.same_channel_as_sender(&other) && !stranger.same_channel_as_sender(&tx));
}

#[test]
fn a_channel_can_begin_without_receivers() {
    let tx = broadcast::Sender::new(2);
    assert!(tx.send(1).is_err());
    now(tx.closed());
    let (mut a, weak) = (tx.subscribe(), tx.downgrade());
    assert_eq!((tx.send(2), a.try_recv()), (Ok(1), Ok(2)));
    assert_eq!((a.sender_strong_count(), weak.strong_count()), (1, 1));

    let tx = watch::Sender::default();
    assert!(tx.is_closed() && tx.send(1).is_err());
    tx.send_replace(2);
    let mut rx = tx.subscribe();
    assert_eq!(rx.has_changed(), Ok(false));
    tx.send(3).unwrap();
    assert_eq!(*rx.borrow_and_update(), 3);
}

#[test]
fn s16_a_weak_sender_does_not_reopen() {
    let (tx, mut rx) = mpsc::unbounded();
    let weak = tx.downgrade();
    weak.upgrade().unwrap().send(1).unwrap();
    assert!(tx.same_channel(&weak.upgrade().unwrap()));
    drop(tx);
    assert!(weak.upgrade().is_none());
    assert_eq!((now(rx.recv()), now(rx.recv())), (Some(1), None));
}

#[test]
fn s05_an_item_may_use_its_channel_when_it_is_dropped() {
    struct Again(Option<mpsc::UnboundedSender<Again>>);
    impl Drop for Again {
        fn drop(&mut self) {
            if let Some(tx) = self.0.take() {
                assert!(tx.send(Again(None)).is_err());
            }
        }
    }
    let (tx, rx) = mpsc::unbounded();
    tx.send(Again(Some(tx.clone()))).unwrap();
    drop(rx);
}

#[test]
fn an_empty_channel_is_small_whatever_it_may_hold() {
    // The allocation of an mpsc channel is its state, two counts and nothing else; a receiver has a
    // place for the block of items that it takes out at once.
    let (tx, rx) = mpsc::channel::<[u8; 1024]>(1_000_000);
    assert!(size_of_val(&tx) + size_of_val(&rx) <= 32 + size_of::<VecDeque<u8>>() + 16);
}

#[test]
fn mpsc_is_a_stream() {
    let (tx, mut rx) = mpsc::channel(4);
    assert_eq!(next(&mut rx), Poll::Pending);
    tx.try_send('a').unwrap();
    drop(tx);
    assert_eq!(next(&mut rx), Poll::Ready(Some('a')));
    assert_eq!(next(&mut rx), Poll::Ready(None));
}

#[test]
fn mpsc_keeps_the_order_of_each_thread() {
    let (tx, mut rx) = mpsc::channel(3);
    let threads: Vec<_> = (0..4)
        .map(|t| {
            let tx = tx.clone();
            thread::spawn(move || (0..500).for_each(|i| tx.blocking_send((t, i)).unwrap()))
        })
        .collect();
    drop(tx);
    let mut seen = [0; 4];
    while let Some((t, i)) = rx.blocking_recv() {
        assert_eq!(seen[t], i);
        seen[t] += 1;
    }
    assert_eq!(seen, [500; 4]);
    threads.into_iter().for_each(|t| t.join().unwrap());
}
