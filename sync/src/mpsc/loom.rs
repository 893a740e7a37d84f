use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::*;
use crate::blocking::block_on;
use crate::prim::thread;

/// A value whose loss or double drop loom's `Arc` notices.
type Value = Arc<()>;

fn value() -> Value {
    Arc::new(())
}

#[test]
fn loom_mpsc_a_sender_waits_for_room() {
    crate::model(|| {
        let (tx, mut rx) = channel::<Value>(1);
        tx.try_send(value()).unwrap();
        let handle = thread::spawn(move || block_on(tx.send(value())).unwrap());
        assert!(block_on(rx.recv()).is_some());
        assert!(block_on(rx.recv()).is_some());
        handle.join().unwrap();
    });
}

#[test]
fn loom_mpsc_two_senders_meet() {
    crate::model(|| {
        let (tx, mut rx) = channel::<Value>(2);
        let (a, b) = (tx.clone(), tx);
        let a = thread::spawn(move || a.try_send(value()).unwrap());
        let b = thread::spawn(move || b.try_send(value()).unwrap());
        a.join().unwrap();
        b.join().unwrap();
        assert!(rx.try_recv().is_ok());
        assert!(rx.try_recv().is_ok());
        assert_eq!(rx.try_recv().err(), Some(TryRecvError::Disconnected));
    });
}

#[test]
fn loom_mpsc_close_meets_send() {
    crate::model(|| {
        let (tx, mut rx) = channel::<Value>(1);
        let handle = thread::spawn(move || block_on(tx.send(value())).is_ok());
        rx.close();
        let received = block_on(rx.recv()).is_some();
        assert_eq!(handle.join().unwrap(), received);
    });
}

/// U12, S12: values in the channel and values on their way when the receiver goes.
#[test]
fn loom_mpsc_u12_drop_of_receiver_meets_send() {
    crate::model(|| {
        let (tx, rx) = channel::<Value>(1);
        tx.try_send(value()).unwrap();
        let handle = thread::spawn(move || {
            assert!(block_on(tx.send(value())).is_err());
        });
        drop(rx);
        handle.join().unwrap();
    });
}

/// S03: a reservation that is given up lets a receiver of a closed channel end.
#[test]
fn loom_mpsc_s03_permit_goes_back_meets_close() {
    crate::model(|| {
        let (tx, mut rx) = channel::<Value>(1);
        let handle = thread::spawn(move || {
            if let Ok(permit) = tx.try_reserve() {
                drop(permit);
            }
        });
        rx.close();
        assert!(block_on(rx.recv()).is_none());
        handle.join().unwrap();
    });
}

/// S01: a send that is dropped while it waits, or after its slot was offered, passes the slot on.
#[test]
fn loom_mpsc_s01_drop_of_send_meets_recv() {
    crate::model(|| {
        let (tx, mut rx) = channel::<Value>(1);
        tx.try_send(value()).unwrap();
        let handle = thread::spawn(move || {
            assert!(block_on(rx.recv()).is_some());
            rx
        });
        {
            let mut send = pin!(tx.send(value()));
            block_on(poll_fn(|cx| {
                let _ = send.as_mut().poll(cx);
                Poll::Ready(())
            }));
        }
        let mut rx = handle.join().unwrap();
        if rx.try_recv().is_err() {
            tx.try_send(value()).expect("the slot was lost");
        }
    });
}

/// S16: a weak sender does not revive a channel that its last sender closed.
#[test]
fn loom_mpsc_s16_upgrade_meets_last_drop() {
    crate::model(|| {
        let (tx, mut rx) = unbounded::<Value>();
        let weak = tx.downgrade();
        let handle = thread::spawn(move || drop(tx));
        let sent = weak.upgrade().is_some_and(|tx| tx.send(value()).is_ok());
        handle.join().unwrap();
        assert_eq!(block_on(rx.recv()).is_some(), sent);
        assert!(block_on(rx.recv()).is_none());
    });
}

#[test]
fn loom_mpsc_unbounded_send_meets_recv() {
    crate::model(|| {
        let (tx, mut rx) = unbounded::<Value>();
        let handle = thread::spawn(move || {
            tx.send(value()).unwrap();
            tx.send(value()).unwrap();
        });
        assert!(block_on(rx.recv()).is_some());
        assert!(block_on(rx.recv()).is_some());
        assert!(block_on(rx.recv()).is_none());
        handle.join().unwrap();
    });
}

#[test]
fn loom_mpsc_closed_meets_drop_of_receiver() {
    crate::model(|| {
        let (tx, rx) = channel::<Value>(1);
        let handle = thread::spawn(move || drop(rx));
        block_on(tx.closed());
        handle.join().unwrap();
    });
}

/// A full channel of three, two values of which the receiver has taken out of the storage.
fn full_with_two_ahead() -> (Sender<Value>, Receiver<Value>) {
    let (tx, mut rx) = channel(3);
    (0..3).for_each(|_| tx.try_send(value()).unwrap());
    // Takes all three out of the storage and hands out the first.
    assert!(rx.try_recv().is_ok());
    tx.try_send(value()).unwrap();
    (tx, rx)
}

/// A slot that comes free in the receiver's own block while a sender makes up its mind to wait is offered.
#[test]
fn loom_mpsc_a_slot_freed_ahead_is_not_missed() {
    crate::model(|| {
        let (tx, mut rx) = full_with_two_ahead();
        let handle = thread::spawn(move || {
            assert!(rx.try_recv().is_ok());
            rx
        });
        // Nothing else is received until this is sent.
        block_on(tx.send(value())).unwrap();
        let mut rx = handle.join().unwrap();
        assert_eq!(rx.len(), 3);
        (0..3).for_each(|_| drop(rx.try_recv().unwrap()));
    });
}

/// The same where the first in line gives up: the slot goes to the next.
#[test]
fn loom_mpsc_s01_a_slot_freed_ahead_meets_drop_of_send() {
    crate::model(|| {
        let (tx, mut rx) = full_with_two_ahead();
        let handle = thread::spawn(move || {
            assert!(rx.try_recv().is_ok());
            rx
        });
        let mut first = Box::pin(tx.send(value()));
        let mut second = pin!(tx.send(value()));
        let sent = block_on(poll_fn(|cx| {
            let sent = first.as_mut().poll(cx).is_ready();
            let _ = second.as_mut().poll(cx);
            Poll::Ready(sent)
        }));
        drop(first);
        if !sent {
            block_on(second).unwrap();
        }
        assert_eq!(handle.join().unwrap().len(), 3);
    });
}

/// Values that the receiver took out of the storage, and their slots, when it goes.
#[test]
fn loom_mpsc_u12_drop_of_receiver_with_values_ahead_meets_send() {
    crate::model(|| {
        let (tx, rx) = full_with_two_ahead();
        let handle = thread::spawn(move || drop(rx));
        assert!(block_on(tx.send(value())).is_err());
        handle.join().unwrap();
    });
}
