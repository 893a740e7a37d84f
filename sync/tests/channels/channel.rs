//! Many senders, and receivers that share what comes.

use std::task::Poll;

use corio_sync::*;

use crate::kit::*;

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
