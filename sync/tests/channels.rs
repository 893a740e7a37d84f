//! oneshot, mpsc, channel, broadcast, watch.

mod kit;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use corio_sync::prim::thread;
use corio_sync::*;
use futures_core::Stream;
use kit::*;

/// One item of a stream, or nothing yet.
fn next<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn oneshot_gives_the_value_once() {
    let (tx, mut rx) = oneshot::channel();
    assert_eq!(rx.try_recv(), Err(oneshot::TryRecvError::Empty));
    let mut task = waiting(&mut rx);
    tx.send(5).unwrap();
    assert_eq!(task.output(), Ok(5));
    drop(task);
    assert_eq!(rx.try_recv(), Err(oneshot::TryRecvError::Closed));
    assert!(now(rx).is_err());
}

#[test]
fn oneshot_tells_each_half_that_the_other_is_gone() {
    let (tx, rx) = oneshot::channel::<u8>();
    let mut task = waiting(rx);
    drop(tx);
    assert!(task.output().is_err());
    let (mut tx, rx) = oneshot::channel();
    let mut task = waiting(tx.closed());
    drop(rx);
    task.output();
    drop(task);
    assert!(tx.is_closed());
    assert_eq!(tx.send("back"), Err("back"));
}

#[test]
fn oneshot_close_refuses_what_has_not_come() {
    let (tx, mut rx) = oneshot::channel();
    tx.send(1).unwrap();
    rx.close();
    assert_eq!(rx.blocking_recv(), Ok(1));
    let (tx, mut rx) = oneshot::channel();
    rx.close();
    assert_eq!(tx.send(2), Err(2));
    assert!(rx.is_terminated());
}

#[test]
fn oneshot_frees_what_nobody_took() {
    let value = Arc::new(());
    let (tx, rx) = oneshot::channel();
    tx.send(value.clone()).unwrap();
    assert_eq!(Arc::strong_count(&value), 2);
    drop(rx);
    assert_eq!(Arc::strong_count(&value), 1);
    // A waker is not kept by a receiver that is gone.
    let waker = waker_that(move || drop(value.clone()));
    let (tx, rx) = oneshot::channel::<u8>();
    let mut task = spawn(rx);
    assert!(task.poll_with(&waker).is_pending());
    drop(task);
    drop(tx);
}

#[test]
fn t04_oneshot_survives_a_panicking_waker() {
    let (tx, rx) = oneshot::channel();
    let mut task = spawn(rx);
    assert!(task.poll_with(&panicking()).is_pending());
    assert!(panics(|| tx.send(Arc::new(1)).unwrap()));
    assert!(matches!(task.poll(), Poll::Ready(Ok(one)) if *one == 1));
}

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

#[test]
fn tch_04_receivers_take_turns() {
    let (tx, rx) = channel::bounded(1);
    let other = rx.clone();
    for i in 0..4 {
        let (mut a, mut b) = (waiting(rx.recv()), waiting(other.recv()));
        tx.try_send(2 * i).unwrap();
        assert!(rx.try_recv().is_err(), "it is promised");
        assert_eq!(a.output(), Ok(2 * i));
        tx.try_send(2 * i + 1).unwrap();
        assert_eq!(b.output(), Ok(2 * i + 1));
    }
}

#[test]
fn que_14_a_promised_value_goes_to_the_next_in_its_place() {
    let (tx, rx) = channel::unbounded();
    let (mut a, mut b) = (waiting(rx.recv()), waiting(rx.recv()));
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    tx.try_send(3).unwrap();
    a.cancel();
    assert_eq!(b.output(), Ok(1));
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(2), Ok(3)));
}

#[test]
fn a_channel_ends_when_either_side_is_gone() {
    let (tx, rx) = channel::bounded(2);
    let (tx2, rx2) = (tx.clone(), rx.clone());
    tx.try_send(1).unwrap();
    drop((tx, rx));
    let mut task = spawn(async { (rx2.recv().await, rx2.recv().await) });
    assert!(task.poll().is_pending());
    drop(tx2);
    let (one, end) = task.output();
    assert_eq!(one, Ok(1));
    assert!(end.is_err());
    let (tx, rx) = channel::bounded(1);
    drop(rx);
    assert_eq!(now(tx.send(1)).unwrap_err().into_inner(), 1);
}

#[test]
fn a_stream_of_a_shared_receiver_keeps_nothing_from_its_recv() {
    let (tx, mut rx) = channel::unbounded();
    assert_eq!(next(&mut rx), Poll::Pending);
    tx.try_send(1).unwrap();
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(next(&mut rx), Poll::Pending);
    tx.try_send(2).unwrap();
    assert_eq!(next(&mut rx), Poll::Ready(Some(2)));
    assert_eq!(next(&mut rx), Poll::Pending);
    let other = rx.clone();
    tx.try_send(3).unwrap();
    drop(rx);
    assert_eq!(other.try_recv(), Ok(3));
}

#[test]
fn broadcast_reaches_all_and_reports_lag() {
    let (tx, mut a) = broadcast::channel(2);
    let mut b = tx.subscribe();
    let mut task = waiting(b.recv());
    assert_eq!(tx.send(1).unwrap(), 2);
    assert_eq!(task.output(), Ok(1));
    drop(task);
    tx.send(2).unwrap();
    tx.send(3).unwrap();
    assert_eq!(a.len(), 3);
    assert_eq!(a.try_recv(), Err(broadcast::TryRecvError::Lagged(1)));
    assert_eq!((a.try_recv(), a.try_recv()), (Ok(2), Ok(3)));
    assert_eq!(a.try_recv(), Err(broadcast::TryRecvError::Empty));
    drop(tx);
    assert_eq!((now(b.recv()), now(b.recv())), (Ok(2), Ok(3)));
    assert_eq!(now(b.recv()), Err(broadcast::RecvError::Closed));
}

#[test]
fn s09_broadcast_lets_values_go_and_opens_again() {
    let value = Arc::new(());
    let (tx, a) = broadcast::channel(8);
    let mut b = tx.subscribe();
    tx.send(value.clone()).unwrap();
    tx.send(value.clone()).unwrap();
    b.try_recv().unwrap();
    assert_eq!(Arc::strong_count(&value), 3);
    drop(a);
    assert_eq!((tx.len(), Arc::strong_count(&value)), (1, 2));
    let mut closed = waiting(tx.closed());
    drop(b);
    closed.output();
    assert!(tx.is_empty() && tx.send(value.clone()).is_err());
    let mut c = tx.subscribe();
    tx.send(value).unwrap();
    assert!(c.try_recv().is_ok());
}

#[test]
fn s09_ten_thousand_receivers_get_a_value() {
    let (tx, rx) = broadcast::channel(1);
    let mut all: Vec<_> = (0..10_000).map(|_| rx.resubscribe()).collect();
    let mut tasks: Vec<_> = all.iter_mut().map(|rx| waiting(rx.recv())).collect();
    assert_eq!(tx.send(7).unwrap(), 10_001);
    assert!(tasks.iter_mut().all(|task| task.output() == Ok(7)));
}

/// A value that cannot be cloned is lost to whoever asked for it, and the next one comes.
#[test]
fn t04_a_broadcast_value_whose_clone_panics_blocks_nobody() {
    #[derive(Debug)]
    struct Bad(bool, Arc<()>);
    impl Clone for Bad {
        fn clone(&self) -> Self {
            assert!(!self.0, "the clone panics");
            Self(self.0, self.1.clone())
        }
    }

    let alive = Arc::new(());
    let (tx, mut a) = broadcast::channel(8);
    let (mut b, mut last) = (tx.subscribe(), tx.subscribe());
    tx.send(Bad(true, alive.clone())).unwrap();
    tx.send(Bad(false, alive.clone())).unwrap();
    assert!(panics(|| drop(a.try_recv())));
    assert!(!a.try_recv().unwrap().0);
    assert!(panics(|| drop(next(&mut b))));
    assert!(matches!(next(&mut b), Poll::Ready(Some(Ok(Bad(false, _))))));
    assert!(last.try_recv().unwrap().0, "the last one gets the value itself");
    assert_eq!(tx.len(), 1);
    assert!(!last.try_recv().unwrap().0);
    assert!(tx.is_empty());
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn broadcast_is_a_stream() {
    let (tx, mut rx) = broadcast::channel(1);
    assert_eq!(next(&mut rx), Poll::Pending);
    tx.send(1).unwrap();
    tx.send(2).unwrap();
    assert_eq!(next(&mut rx), Poll::Ready(Some(Err(broadcast::RecvError::Lagged(1)))));
    assert_eq!(next(&mut rx), Poll::Ready(Some(Ok(2))));
    drop(tx);
    assert_eq!(next(&mut rx), Poll::Ready(None));
}

#[test]
fn watch_shows_the_latest() {
    let (tx, mut rx) = watch::channel(1);
    let mut task = waiting(rx.changed());
    tx.send(2).unwrap();
    tx.send(3).unwrap();
    assert_eq!(task.output(), Ok(()));
    drop(task);
    assert_eq!(*rx.borrow(), 3);
    assert!(!rx.borrow_and_update().has_changed());
    assert!(!tx.send_if_modified(|_| false));
    assert_eq!(rx.has_changed(), Ok(false));
    assert_eq!(tx.send_replace(4), 3);
    let mut late = tx.subscribe();
    assert_eq!((late.has_changed(), rx.has_changed()), (Ok(false), Ok(true)));
    late.mark_changed();
    assert_eq!(now(late.changed()), Ok(()));
    rx.mark_unchanged();
    assert_eq!(rx.has_changed(), Ok(false));
}

#[test]
fn s10_a_panic_in_send_modify_changes_nobody() {
    let (tx, mut rx) = watch::channel(1);
    assert!(panics(|| tx.send_modify(|_| panic!("in send_modify"))));
    assert_eq!(rx.has_changed(), Ok(false));
    tx.send_modify(|n| *n += 1);
    assert_eq!(*rx.borrow_and_update(), 2);
}

#[test]
fn watch_ends_when_its_senders_are_gone() {
    let (tx, mut rx) = watch::channel(1);
    let (other, mut rx2) = (tx.clone(), rx.clone());
    other.send(2).unwrap();
    drop(tx);
    assert_eq!(now(rx.changed()), Ok(()));
    let mut task = waiting(rx.changed());
    drop(other);
    assert!(task.output().is_err());
    assert_eq!(now(rx2.changed()), Ok(()), "the last value was not seen");
    assert!(now(rx2.changed()).is_err());
}

#[test]
fn watch_wait_for_looks_at_the_value_that_is_there() {
    let (tx, mut rx) = watch::channel(1);
    assert_eq!(*now(rx.wait_for(|n| *n == 1)).unwrap(), 1);
    let mut task = waiting(rx.wait_for(|n| *n > 2));
    tx.send(2).unwrap();
    assert!(task.poll().is_pending());
    tx.send(3).unwrap();
    assert_eq!(*task.output().unwrap(), 3);
    drop(task);
    let mut task = waiting(rx.wait_for(|n| *n > 3));
    drop(tx);
    assert!(task.output().is_err());
}

#[test]
fn watch_senders_wait_for_the_receivers_to_go() {
    let (tx, rx) = watch::channel(());
    let mut closed = waiting(tx.closed());
    drop(rx.clone());
    assert!(!closed.is_woken());
    drop(rx);
    closed.output();
    assert!(tx.send(()).is_err());
}

#[test]
fn watch_is_a_stream() {
    let (tx, mut rx) = watch::channel(1);
    assert_eq!(next(&mut rx), Poll::Pending);
    tx.send(2).unwrap();
    assert_eq!(next(&mut rx), Poll::Ready(Some(2)));
    drop(tx);
    assert_eq!(next(&mut rx), Poll::Ready(None));
}
