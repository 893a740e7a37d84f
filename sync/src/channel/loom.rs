use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::*;
use crate::blocking::block_on;
use crate::prim::{Arc, thread};

#[test]
fn loom_channel_two_receivers_share() {
    crate::model(|| {
        let (tx, rx) = bounded::<Arc<()>>(2);
        let other = rx.clone();
        let handle = thread::spawn(move || block_on(other.recv()).unwrap());
        tx.try_send(Arc::new(())).unwrap();
        tx.try_send(Arc::new(())).unwrap();
        block_on(rx.recv()).unwrap();
        handle.join().unwrap();
        assert!(rx.is_empty());
    });
}

/// QUE-14, S01: a value promised to a receive that is dropped goes to the next.
#[test]
fn loom_channel_que_14_drop_of_recv_meets_send() {
    crate::model(|| {
        let (tx, rx) = bounded::<Arc<()>>(1);
        let handle = thread::spawn(move || tx.try_send(Arc::new(())).unwrap());
        {
            let mut recv = pin!(rx.recv());
            let early = block_on(poll_fn(|cx| Poll::Ready(recv.as_mut().poll(cx).is_ready())));
            if early {
                handle.join().unwrap();
                return;
            }
        }
        block_on(rx.recv()).unwrap();
        handle.join().unwrap();
    });
}

#[test]
fn loom_channel_last_sender_meets_recv() {
    crate::model(|| {
        let (tx, rx) = bounded::<Arc<()>>(1);
        let handle = thread::spawn(move || drop(tx));
        assert!(block_on(rx.recv()).is_err());
        handle.join().unwrap();
    });
}

#[test]
fn loom_channel_close_meets_send_and_recv() {
    crate::model(|| {
        let (tx, rx) = bounded::<Arc<()>>(1);
        let other = rx.clone();
        let handle = thread::spawn(move || other.close());
        let sent = block_on(tx.send(Arc::new(()))).is_ok();
        assert_eq!(block_on(rx.recv()).is_ok(), sent);
        assert!(block_on(rx.recv()).is_err());
        handle.join().unwrap();
    });
}

/// A stream that has waited gives its place up to a receive by other means.
#[test]
fn loom_channel_stream_place_meets_send() {
    use futures_core::Stream;
    crate::model(|| {
        let (tx, mut rx) = bounded::<Arc<()>>(1);
        let handle = thread::spawn(move || tx.try_send(Arc::new(())).unwrap());
        let first = block_on(poll_fn(|cx| {
            Poll::Ready(std::pin::Pin::new(&mut rx).poll_next(cx).is_ready())
        }));
        if !first {
            block_on(rx.recv()).unwrap();
        }
        handle.join().unwrap();
    });
}
