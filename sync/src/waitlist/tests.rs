use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use crate::prim::{Mutex, SpinLock};

struct Record(Arc<Mutex<Vec<u32>>>, u32);

impl Wake for Record {
    fn wake(self: Arc<Self>) {
        self.0.lock().push(self.1);
        assert!(self.1 < 100, "a waker panics");
    }
}

fn recorder() -> (Arc<Mutex<Vec<u32>>>, impl Fn(u32) -> Waker) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let clone = log.clone();
    (log, move |id| Waker::from(Arc::new(Record(clone.clone(), id))))
}

#[test]
fn waiters_are_popped_in_order_of_arrival() {
    let (log, waker) = recorder();
    let mut list = List::new();
    let (mut a, mut b, mut c) = (pin!(Waiter::new(0)), pin!(Waiter::new(0)), pin!(Waiter::new(0)));
    a.as_mut().push(&mut list, waker(1), 10);
    b.as_mut().push(&mut list, waker(2), 20);
    c.as_mut().push_front(&mut list, waker(0), 5);
    assert_eq!((list.len(), list.peek(|d| *d)), (3, Some(5)));
    while let Some(waker) = list.pop(|d| *d += 1) {
        waker.wake();
    }
    assert_eq!(*log.lock(), [0, 1, 2]);
    assert_eq!((a.data(), b.data(), c.data()), (11, 21, 6));
    assert!(list.is_empty());
}

#[test]
fn a_waiter_leaves_from_any_place() {
    let (_, waker) = recorder();
    for gone in 0..3 {
        let mut list = List::new();
        let mut waiters = [0, 1, 2].map(|i| Box::pin(Waiter::new(i)));
        for (i, w) in waiters.iter_mut().enumerate() {
            w.as_mut().push(&mut list, waker(0), i);
        }
        assert!(waiters[gone].remove(&mut list).is_some());
        assert!(waiters[gone].remove(&mut list).is_none(), "it has left already");
        assert!(waiters[gone].is_idle());
        assert_eq!(list.len(), 2);
        list.pop_all(&mut Wakers::new(), |_| {});
        assert_eq!(waiters.iter().filter(|w| w.is_chosen()).count(), 2);
    }
}

#[test]
fn another_list_is_left_alone() {
    let (_, waker) = recorder();
    let (mut here, mut there) = (List::new(), List::new());
    let mut waiter = pin!(Waiter::new(()));
    waiter.as_mut().push(&mut here, waker(0), ());
    assert!(waiter.remove(&mut there).is_none());
    assert!(waiter.remove(&mut here).is_some());
}

#[test]
fn a_new_waker_replaces_the_old_one() {
    let (log, waker) = recorder();
    let list = SpinLock::new(List::new());
    let mut waiter = pin!(Waiter::new(()));
    waiter.as_mut().push(&mut list.lock(), waker(1), ());
    let poll = |id| {
        let waker = waker(id);
        waiter.poll_chosen(&Context::from_waker(&waker), |f| f(&mut list.lock()))
    };
    assert_eq!(poll(2), Poll::Pending);
    let woken = list.lock().pop(|()| {}).unwrap();
    woken.wake();
    assert_eq!(*log.lock(), [2]);
    assert_eq!(poll(3), Poll::Ready(()));
}

#[test]
fn s06_a_panicking_waker_strands_nobody() {
    for position in [0, 1, 11, 20] {
        let (log, waker) = recorder();
        let mut wakers = Wakers::new();
        for i in 0..21 {
            wakers.push(waker(if i == position { 100 } else { i }));
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wakers.wake()));
        assert!(result.is_err(), "the panic goes on");
        assert_eq!(log.lock().len(), 21);
    }
}
