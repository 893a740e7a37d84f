//! One value, once.

use std::sync::Arc;
use std::task::Poll;

use corio_sync::*;

use crate::kit::*;

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
