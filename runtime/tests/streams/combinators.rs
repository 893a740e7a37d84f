//! Items that are changed, chosen, counted, and brought together.

use std::cell::RefCell;

use corio_runtime::spawn;
use corio_runtime::stream::{Stream, StreamExt, iter};
use corio_runtime::time::Instant;
use corio_sync::mpsc;

use crate::kit::ms;
use crate::support::{after, run};

#[test]
fn items_are_changed_chosen_and_counted() {
    run(async {
        let some: Vec<_> =
            iter(0..20).skip(2).filter(|n| n % 3 == 0).enumerate().take(3).collect().await;
        assert_eq!(some, [(0, 3), (1, 6), (2, 9)]);
        let whiles: Vec<_> = iter([1, 2, 9, 1]).take_while(|n| *n < 5).collect().await;
        assert_eq!(whiles, [1, 2]);
        let chained: String = iter(["a", "b"]).chain(iter(["c"])).collect().await;
        assert_eq!(chained, "abc");
        let pairs: Vec<_> = iter(1..).zip(iter(["a", "b"])).collect().await;
        assert_eq!(pairs, [(1, "a"), (2, "b")]);
        assert_eq!(iter(1..=4).fold(0, |sum, n| sum + n).await, 10);
        assert_eq!(iter([1, 2, 3]).size_hint(), (3, Some(3)));
        assert_eq!(iter([1, 2, 3]).skip(1).take(5).filter(|_| true).size_hint(), (0, Some(2)));
        let seen = RefCell::new(Vec::new());
        let note = |n| seen.borrow_mut().push(n);
        iter([20, 10]).for_each(|n| async move { note(after(n).await) }).await;
        assert_eq!(*seen.borrow(), [20, 10]);
    });
}

#[test]
fn merged_streams_take_turns_and_neither_is_held_up() {
    run(async {
        let merged: Vec<_> = iter([1, 3, 5]).merge(iter([2, 4])).collect().await;
        assert_eq!(merged, [1, 2, 3, 4, 5]);
        let slow = iter([25, 25]).then(after);
        let quick = iter([10, 10, 10]).then(after);
        assert_eq!(slow.merge(quick).collect::<Vec<_>>().await, [10, 10, 25, 10, 25]);
    });
}

#[test]
fn both_sides_of_a_pair_are_waited_for_at_once() {
    run(async {
        let start = Instant::now();
        let pairs = iter([30, 30]).then(after).zip(iter([30, 30]).then(after));
        assert_eq!(pairs.collect::<Vec<_>>().await.len(), 2);
        assert_eq!(start.elapsed(), ms(60));
    });
}

#[test]
fn receivers_are_streams() {
    run(async {
        let (sender, receiver) = mpsc::channel(2);
        let sending = spawn(async move {
            for n in 0..10 {
                sender.send(n).await.unwrap();
            }
        });
        let even = receiver.filter(|n| n % 2 == 0).map(|n| n * 10);
        assert_eq!(even.collect::<Vec<_>>().await, [0, 20, 40, 60, 80]);
        sending.await.unwrap();
    });
}
