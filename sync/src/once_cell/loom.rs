use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::*;
use crate::blocking::block_on;
use crate::prim::{Arc, thread};

#[test]
fn loom_once_cell_two_initialisers() {
    crate::model(|| {
        let cell = Arc::new(OnceCell::new());
        let other = cell.clone();
        let handle = thread::spawn(move || *block_on(other.get_or_init(|| async { 1 })));
        let here = *block_on(cell.get_or_init(|| async { 2 }));
        assert_eq!(handle.join().unwrap(), here);
    });
}

/// S19: an initialiser that is dropped half way leaves its place to the next.
#[test]
fn loom_once_cell_s19_dropped_initialiser_meets_another() {
    crate::model(|| {
        let cell = Arc::new(OnceCell::new());
        let other = cell.clone();
        let handle = thread::spawn(move || {
            let mut init = pin!(other.get_or_init(pending));
            block_on(poll_fn(|cx| {
                let _ = init.as_mut().poll(cx);
                Poll::Ready(())
            }));
        });
        assert_eq!(*block_on(cell.get_or_init(|| async { 2 })), 2);
        handle.join().unwrap();
    });
}
