//! The latest value.

use std::task::Poll;

use corio_sync::*;

use crate::kit::*;

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
