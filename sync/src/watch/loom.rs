use super::*;
use crate::blocking::block_on;
use crate::prim::thread;

#[test]
fn loom_watch_send_meets_changed() {
    crate::model(|| {
        let (tx, mut rx) = channel(0);
        let handle = thread::spawn(move || tx.send(1).unwrap());
        block_on(rx.changed()).unwrap();
        assert_eq!(*rx.borrow_and_update(), 1);
        handle.join().unwrap();
        assert!(block_on(rx.changed()).is_err());
    });
}

#[test]
fn loom_watch_last_sender_meets_changed() {
    crate::model(|| {
        let (tx, mut rx) = channel(0);
        let handle = thread::spawn(move || drop(tx));
        assert!(block_on(rx.changed()).is_err());
        handle.join().unwrap();
    });
}

#[test]
fn loom_watch_closed_meets_last_receiver() {
    crate::model(|| {
        let (tx, rx) = channel(0);
        let handle = thread::spawn(move || drop(rx));
        block_on(tx.closed());
        handle.join().unwrap();
    });
}

#[test]
fn loom_watch_subscribe_meets_send() {
    crate::model(|| {
        let (tx, _rx) = channel(0);
        let other = tx.clone();
        let handle = thread::spawn(move || other.send(1).unwrap());
        let mut late = tx.subscribe();
        let first = *late.borrow();
        handle.join().unwrap();
        // Whoever saw the old value is told of the new one.
        assert!(first == 1 || late.has_changed().unwrap());
        assert_eq!(*late.borrow_and_update(), 1);
    });
}
