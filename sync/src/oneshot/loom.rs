use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::*;
use crate::blocking::block_on;
use crate::prim::{Arc, thread};

/// A value whose loss or double drop loom's `Arc` notices.
type Value = Arc<()>;

fn poll_once<T>(rx: &mut Receiver<T>) -> Option<Result<T, RecvError>> {
    block_on(poll_fn(|cx| {
        Poll::Ready(match Pin::new(&mut *rx).poll(cx) {
            Poll::Ready(r) => Some(r),
            Poll::Pending => None,
        })
    }))
}

#[test]
fn loom_oneshot_send_meets_recv() {
    crate::model(|| {
        let (tx, rx) = channel::<Value>();
        let handle = thread::spawn(move || tx.send(Arc::new(())).unwrap());
        block_on(rx).unwrap();
        handle.join().unwrap();
    });
}

#[test]
fn loom_oneshot_drop_of_sender_meets_recv() {
    crate::model(|| {
        let (tx, rx) = channel::<Value>();
        let handle = thread::spawn(move || drop(tx));
        assert!(block_on(rx).is_err());
        handle.join().unwrap();
    });
}

/// U11: polled, then dropped, while the sender sends.
#[test]
fn loom_oneshot_u11_poll_and_drop_meet_send() {
    crate::model(|| {
        let (tx, mut rx) = channel::<Value>();
        let handle = thread::spawn(move || drop(tx.send(Arc::new(()))));
        drop(poll_once(&mut rx));
        drop(rx);
        handle.join().unwrap();
    });
}

/// U10: send × close × poll × try: a value is received or given back, never both or neither.
#[test]
fn loom_oneshot_u10_close_meets_send() {
    crate::model(|| {
        let (tx, mut rx) = channel::<Value>();
        let handle = thread::spawn(move || tx.send(Arc::new(())).is_ok());
        let early = matches!(poll_once(&mut rx), Some(Ok(_)));
        rx.close();
        let late = rx.try_recv().is_ok();
        assert!(!(early && late));
        assert_eq!(handle.join().unwrap(), early || late);
    });
}

/// Two polls with different wakers: only the second must be woken, and it is.
#[test]
fn loom_oneshot_new_waker_meets_send() {
    crate::model(|| {
        let (tx, mut rx) = channel::<Value>();
        let handle = thread::spawn(move || tx.send(Arc::new(())).unwrap());
        if poll_once(&mut rx).is_none() {
            block_on(rx).unwrap();
        }
        handle.join().unwrap();
    });
}

#[test]
fn loom_oneshot_closed_meets_drop_of_receiver() {
    crate::model(|| {
        let (mut tx, rx) = channel::<Value>();
        let handle = thread::spawn(move || drop(rx));
        block_on(tx.closed());
        assert!(tx.send(Arc::new(())).is_err());
        handle.join().unwrap();
    });
}

#[test]
fn loom_oneshot_a_waiting_sender_that_sends_meets_close() {
    crate::model(|| {
        let (mut tx, mut rx) = channel::<Value>();
        let handle = thread::spawn(move || {
            rx.close();
            rx.try_recv().is_ok()
        });
        block_on(poll_fn(|cx| {
            let _ = tx.poll_closed(cx);
            Poll::Ready(())
        }));
        let sent = tx.send(Arc::new(())).is_ok();
        let received = handle.join().unwrap();
        assert!(sent || !received);
    });
}
