use super::*;
use crate::blocking::block_on;
use crate::prim::{Arc, thread};

#[test]
fn loom_broadcast_send_meets_recv() {
    crate::model(|| {
        let (tx, mut rx) = channel(2);
        let handle = thread::spawn(move || {
            tx.send(1).unwrap();
            tx.send(2).unwrap();
        });
        assert_eq!(block_on(rx.recv()), Ok(1));
        assert_eq!(block_on(rx.recv()), Ok(2));
        assert_eq!(block_on(rx.recv()), Err(RecvError::Closed));
        handle.join().unwrap();
    });
}

#[test]
fn loom_broadcast_send_meets_a_lagging_receiver() {
    crate::model(|| {
        let (tx, mut rx) = channel(1);
        tx.send(1).unwrap();
        let handle = thread::spawn(move || tx.send(2).unwrap());
        match block_on(rx.recv()) {
            Ok(1) => assert_eq!(block_on(rx.recv()), Ok(2)),
            Err(RecvError::Lagged(1)) => assert_eq!(block_on(rx.recv()), Ok(2)),
            other => panic!("{other:?}"),
        }
        handle.join().unwrap();
    });
}

#[test]
fn loom_broadcast_last_receiver_meets_send() {
    crate::model(|| {
        let (tx, rx) = channel(1);
        let value = Arc::new(());
        let handle = thread::spawn(move || drop(rx));
        let _ = tx.send(value);
        block_on(tx.closed());
        handle.join().unwrap();
        assert!(tx.is_empty());
    });
}

/// A value with a destructor is cloned for all but the last, and dropped once.
#[test]
fn loom_broadcast_two_receivers_get_a_shared_value() {
    crate::model(|| {
        let (tx, mut a) = channel(1);
        let mut b = tx.subscribe();
        tx.send(String::from("a value")).unwrap();
        let handle = thread::spawn(move || a.try_recv().unwrap());
        assert_eq!(b.try_recv().unwrap(), "a value");
        assert_eq!(handle.join().unwrap(), "a value");
        assert!(tx.is_empty());
    });
}
