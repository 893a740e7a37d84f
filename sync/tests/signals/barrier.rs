//! So many go on together.

use std::sync::Arc;
use std::time::Duration;

use corio_sync::prim::thread;
use corio_sync::*;

use crate::kit::*;

#[test]
fn bar_01_bar_02_no_parties_are_refused_and_one_never_waits() {
    assert!(panics(|| assert!(Barrier::new(0).is_broken())));
    let barrier = Barrier::new(1);
    assert_eq!(now(barrier.wait()), Ok(0));
    assert_eq!((now(barrier.wait()), barrier.waiting()), (Ok(0), 0));
}

#[test]
fn bar_03_bar_06_each_round_gives_each_place_once() {
    let barrier = Barrier::new(3);
    for _ in 0..3 {
        let (mut a, mut b) = (waiting(barrier.wait()), waiting(barrier.wait()));
        assert_eq!(barrier.waiting(), 2);
        assert_eq!(now(barrier.wait()), Ok(2));
        assert_eq!(barrier.waiting(), 0);
        assert_eq!((a.output(), b.output()), (Ok(0), Ok(1)));
    }
}

#[test]
fn bar_09_thr_08_a_cancelled_party_can_be_replaced() {
    let barrier = Barrier::new(2);
    let mut a = waiting(barrier.wait());
    a.cancel();
    assert_eq!((barrier.waiting(), barrier.is_broken()), (0, false));
    let mut b = waiting(barrier.wait());
    assert_eq!(now(barrier.wait()), Ok(1));
    assert_eq!(b.output(), Ok(0));
}

#[test]
fn bar_11_reset_fails_those_who_wait_and_begins_anew() {
    let barrier = Barrier::new(2);
    barrier.reset();
    let mut a = waiting(barrier.wait());
    barrier.reset();
    assert!(a.output().is_err());
    assert!(!barrier.is_broken());
    let mut b = waiting(barrier.wait());
    assert_eq!((now(barrier.wait()), b.output()), (Ok(1), Ok(0)));
}

#[test]
fn bar_16_bar_18_thr_06_an_aborted_barrier_is_broken_until_reset() {
    let barrier = Barrier::new(3);
    let (mut a, mut b) = (waiting(barrier.wait()), waiting(barrier.wait()));
    barrier.abort();
    assert!(a.output().is_err() && b.output().is_err());
    assert!(now(barrier.wait()).is_err());
    assert!(barrier.is_broken());
    barrier.reset();
    drop(waiting(barrier.wait()));
}

#[test]
fn thr_07_a_timeout_breaks_the_barrier() {
    let barrier = Barrier::new(2);
    let mut a = waiting(barrier.wait());
    a.cancel();
    assert!(barrier.blocking_wait_timeout(Duration::from_millis(1)).is_err());
    assert!(barrier.is_broken());
    assert!(barrier.blocking_wait().is_err());
    assert_eq!(barrier.waiting(), 0);
}

#[test]
fn thr_05_ten_threads_pass_in_two_rounds() {
    let barrier = Arc::new(Barrier::new(5));
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let barrier = barrier.clone();
            thread::spawn(move || barrier.blocking_wait().unwrap())
        })
        .collect();
    let mut places: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(places, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
}
