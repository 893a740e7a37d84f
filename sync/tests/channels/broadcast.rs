//! Every receiver gets every value.

use std::sync::Arc;
use std::task::Poll;

use corio_sync::*;

use crate::kit::*;

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
