//! Values that are made or set once.

use std::future::pending;

use corio_sync::prim::{AtomicUsize, Ordering};
use corio_sync::*;

use crate::kit::*;

#[test]
fn s19_an_initialiser_that_fails_leaves_its_place() {
    let cell = OnceCell::new();
    let mut gone = waiting(cell.get_or_init(pending));
    let mut next = waiting(cell.get_or_try_init(|| async { Err::<u32, _>("no") }));
    let mut last = waiting(cell.get_or_init(|| async { 3 }));
    assert!(matches!(cell.set(9), Err(SetError::Initializing(9))));
    gone.cancel();
    assert_eq!(next.output(), Err("no"));
    assert_eq!(*last.output(), 3);
    let panicked = OnceCell::new();
    assert!(panics(|| assert_eq!(*now(panicked.get_or_init(|| async { panic!("in init") })), 1)));
    assert_eq!(*now(panicked.get_or_init(|| async { 1 })), 1);
}

#[test]
fn once_cell_gives_its_value_back() {
    let mut cell = OnceCell::from(String::from("a"));
    cell.get_mut().unwrap().push('b');
    assert_eq!(cell.clone().into_inner().as_deref(), Some("ab"));
    assert!(matches!(cell.set(String::new()), Err(SetError::AlreadyInitialized(_))));
    assert_eq!(cell.take().as_deref(), Some("ab"));
    assert_eq!(cell.get(), None);
    cell.set(String::from("c")).unwrap();
}

#[test]
fn cells_are_equal_when_their_values_are() {
    assert_eq!(OnceCell::<u8>::new(), OnceCell::new());
    assert_eq!(OnceCell::from(1), OnceCell::from(1));
    assert_ne!(OnceCell::from(1), OnceCell::new());
}

#[test]
fn a_value_that_is_set_once_reaches_all_who_wait() {
    let once = SetOnce::new();
    let mut tasks = [(); 3].map(|()| waiting(once.wait()));
    tasks[1].cancel();
    assert!(!once.initialized() && once.get().is_none());
    once.set("value").unwrap();
    assert_eq!(once.set("another").unwrap_err().into_inner(), "another");
    assert_eq!((*tasks[0].output(), *tasks[2].output()), ("value", "value"));
    assert_eq!((*now(once.wait()), *once.blocking_wait()), ("value", "value"));
    drop(tasks);
    assert_eq!(once.into_inner(), Some("value"));
    assert_eq!(*now(SetOnce::from(7).wait()), 7);
    assert_eq!(format!("{:?}", SetOnce::<u8>::default()), "SetOnce { value: None }");
}

#[test]
fn a_lazy_value_is_made_once() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let lazy = Lazy::new(|| async { MADE.fetch_add(1, Ordering::Relaxed) });
    assert_eq!(lazy.try_get(), None);
    assert_eq!((*now(lazy.get()), *now(lazy.get())), (0, 0));
}
