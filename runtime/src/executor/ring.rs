//! The queue of a core: its owner pushes and pops, other cores steal half.
//!
//! A ring of fixed size with two counters that only grow. The owner writes slots and `tail`; everyone
//! takes by moving `head` with a compare-exchange *after* reading the slots, so a taker whose
//! exchange succeeds knows that what it read was still there. The shape is that of Go's per-P run
//! queue (`runqgrab`).
//!
//! | word   | written by                     | read by  |
//! |--------|--------------------------------|----------|
//! | `tail` | the owner, after the slot      | everyone |
//! | `head` | whoever takes                  | everyone |
//! | slots  | the owner, outside head..tail  | everyone |

use std::ptr::NonNull;

use corio_sync::prim::{AtomicPtr, AtomicUsize, Ordering, planted};

/// Slots of a ring; what does not fit goes to the overflow list of the core.
#[cfg(not(corio_loom))]
pub(crate) const CAPACITY: usize = 1024;
#[cfg(corio_loom)]
pub(crate) const CAPACITY: usize = 4;

const MASK: usize = CAPACITY - 1;

/// A bounded queue of `T`s with one owner and many thieves.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    head: AtomicUsize,
    tail: AtomicUsize,
    slots: Box<[AtomicPtr<T>]>,
}

impl<T> Ring<T> {
    pub(crate) fn new() -> Self {
        Self::starting_at(0)
    }

    /// A ring whose counters start at `start`: tests begin next to the wrap.
    fn starting_at(start: usize) -> Self {
        Self {
            head: AtomicUsize::new(start),
            tail: AtomicUsize::new(start),
            slots: (0..CAPACITY).map(|_| AtomicPtr::new(std::ptr::null_mut())).collect(),
        }
    }

    /// How many items there are, about.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        // Ordering: Relaxed, the answer is old when it is given.
        let head = self.head.load(Ordering::Relaxed);
        let tail = self.tail.load(Ordering::Relaxed);
        let len = tail.wrapping_sub(head);
        // `head` may have overtaken the `tail` that a thief read before it.
        if len > CAPACITY { 0 } else { len }
    }

    /// Appends `item`; gives it back if the ring is full. For the owner.
    #[inline]
    pub(crate) fn push(&self, item: NonNull<T>) -> Result<(), NonNull<T>> {
        // Ordering: Relaxed, only the owner writes `tail`.
        let tail = self.tail.load(Ordering::Relaxed);
        // Ordering: Acquire: the takers' reads of the slot come before this thread's write of it.
        // Pairs with the Release in `pop` and `steal_half`.
        let head = self.head.load(Ordering::Acquire);
        if tail.wrapping_sub(head) >= CAPACITY {
            return Err(item);
        }
        // Ordering: Relaxed, published by `tail`.
        self.slots[tail & MASK].store(item.as_ptr(), Ordering::Relaxed);
        // Ordering: Release publishes the slot and the task behind it. Pairs with the Acquire loads
        // of `tail` in `pop` and `steal_half`.
        self.tail.store(tail.wrapping_add(1), Ordering::Release);
        Ok(())
    }

    /// Takes the oldest item. For the owner.
    #[inline]
    pub(crate) fn pop(&self) -> Option<NonNull<T>> {
        // Ordering: Relaxed, only the owner writes `tail`.
        let tail = self.tail.load(Ordering::Relaxed);
        // Ordering: Relaxed, the exchange below fails if it is old.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == tail {
                return None;
            }
            // Ordering: Relaxed, this thread wrote the slot.
            let item = self.slots[head & MASK].load(Ordering::Relaxed);
            // Ordering: AcqRel: Release so that the owner may reuse the slot (pairs with `push`),
            // Acquire to keep the counters of several takers in one order.
            if planted("pop-without-exchange") {
                self.head.store(head.wrapping_add(1), Ordering::Release);
                return NonNull::new(item);
            }
            match self.head.compare_exchange_weak(
                head,
                head.wrapping_add(1),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return NonNull::new(item),
                Err(seen) => head = seen,
            }
        }
    }

    /// Takes half of the items, oldest first, and hands them to `take`; tells how many. For anyone.
    pub(crate) fn steal_half(&self, mut take: impl FnMut(NonNull<T>)) -> usize {
        let mut batch = [std::ptr::null_mut(); CAPACITY / 2];
        loop {
            // Ordering: Acquire: `tail` must not be read before `head`, or it could be the older.
            let head = self.head.load(Ordering::Acquire);
            // Ordering: Acquire sees the slots. Pairs with the Release in `push`.
            let tail = self.tail.load(Ordering::Acquire);
            let len = tail.wrapping_sub(head);
            if len == 0 {
                return 0;
            }
            if len > CAPACITY {
                // `head` moved between the two loads.
                continue;
            }
            let count = len - len / 2;
            for (i, item) in batch.iter_mut().enumerate().take(count) {
                // Ordering: Relaxed, ordered by `tail`. The slot may be overwritten meanwhile; then
                // the exchange below fails.
                *item = self.slots[head.wrapping_add(i) & MASK].load(Ordering::Relaxed);
            }
            // Ordering: AcqRel, as in `pop`.
            let taken = self.head.compare_exchange(
                head,
                head.wrapping_add(count),
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if taken.is_ok() {
                batch[..count].iter().filter_map(|p| NonNull::new(*p)).for_each(&mut take);
                return count;
            }
        }
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    fn item(n: usize) -> NonNull<usize> {
        NonNull::new(std::ptr::without_provenance_mut(n + 1)).unwrap()
    }

    #[test]
    fn w13_the_counters_wrap() {
        let ring = Ring::starting_at(usize::MAX - 2);
        for n in 0..CAPACITY {
            ring.push(item(n)).unwrap();
        }
        assert!(ring.push(item(9999)).is_err());
        assert_eq!(ring.len(), CAPACITY);
        let mut stolen = Vec::new();
        assert_eq!(ring.steal_half(|p| stolen.push(p)), CAPACITY / 2);
        assert_eq!(stolen, (0..CAPACITY / 2).map(item).collect::<Vec<_>>());
        for n in CAPACITY / 2..CAPACITY {
            assert_eq!(ring.pop(), Some(item(n)));
        }
        assert_eq!(ring.pop(), None);
        assert_eq!(ring.steal_half(|_| panic!("empty")), 0);
    }

    #[test]
    fn it_behaves_like_a_deque() {
        let ring = Ring::starting_at(usize::MAX - 1000);
        let mut oracle = VecDeque::new();
        let mut seed = 1u64;
        for n in 0..100_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            match (seed >> 33) % 8 {
                0..=3 => match ring.push(item(n)) {
                    Ok(()) => oracle.push_back(item(n)),
                    Err(back) => {
                        assert_eq!(back, item(n));
                        assert_eq!(oracle.len(), CAPACITY);
                    }
                },
                4..=6 => assert_eq!(ring.pop(), oracle.pop_front()),
                _ => {
                    let count = oracle.len() - oracle.len() / 2;
                    let expected: Vec<_> = oracle.drain(..count).collect();
                    let mut got = Vec::new();
                    ring.steal_half(|p| got.push(p));
                    assert_eq!(got, expected);
                }
            }
            assert_eq!(ring.len(), oracle.len());
        }
    }
}

#[cfg(all(test, corio_loom))]
mod loom_tests {
    use super::*;
    use corio_sync::prim::{Arc, thread};

    fn item(n: usize) -> NonNull<usize> {
        NonNull::new(std::ptr::without_provenance_mut(n)).unwrap()
    }

    #[test]
    fn loom_w12_every_item_is_taken_once() {
        loom::model(|| {
            let ring = Arc::new(Ring::starting_at(usize::MAX - 1));
            for n in 1..=3 {
                ring.push(item(n)).unwrap();
            }
            let thief = ring.clone();
            let handle = thread::spawn(move || {
                let mut got = Vec::new();
                thief.steal_half(|p| got.push(p));
                got
            });
            let mut all: Vec<_> = std::iter::from_fn(|| ring.pop()).collect();
            all.extend(handle.join().unwrap());
            all.sort();
            assert_eq!(all, [item(1), item(2), item(3)]);
        });
    }

    #[test]
    fn loom_a_steal_from_a_ring_that_wraps_under_it() {
        loom::model(|| {
            let ring = Arc::new(Ring::starting_at(0));
            for n in 1..=4 {
                ring.push(item(n)).unwrap();
            }
            let thief = ring.clone();
            let handle = thread::spawn(move || {
                let mut got = Vec::new();
                thief.steal_half(|p| got.push(p));
                got
            });
            let mut all = Vec::new();
            all.extend(ring.pop());
            let refused = ring.push(item(5)).is_err();
            all.extend(std::iter::from_fn(|| ring.pop()));
            all.extend(handle.join().unwrap());
            if refused {
                all.push(item(5));
            }
            all.sort();
            assert_eq!(all, (1..=5).map(item).collect::<Vec<_>>());
        });
    }
}
