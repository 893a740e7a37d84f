use super::*;

/// The version goes on at 0 after the greatest: that is a change, once, and not the end.
#[test]
fn s10_the_version_wraps() {
    let (tx, mut rx) = channel(0);
    let greatest = usize::MAX & !(WAITERS | CLOSED);
    rx.shared.state.store(greatest, Ordering::Relaxed);
    rx.mark_unchanged();
    assert_eq!(rx.has_changed(), Ok(false));
    tx.send(1).unwrap();
    assert_eq!(rx.shared.state.load(Ordering::Relaxed), 0);
    assert_eq!((rx.has_changed(), *rx.borrow_and_update()), (Ok(true), 1));
    assert_eq!(rx.has_changed(), Ok(false));
    rx.mark_changed();
    assert_eq!(rx.has_changed(), Ok(true));
    rx.mark_unchanged();
    drop(tx);
    assert!(rx.has_changed().is_err(), "the end is told from a change");
}
