//! Tasks that other threads send to a core: a lock-free stack that is taken whole.
//!
//! A push is one compare-exchange; the taker swaps the stack away and turns it round, so the order
//! is first come, first served, and no node is ever compared with one that was freed meanwhile.
//!
//! The invariant of the file:
//! - **B1** An item's link belongs to the pusher until its exchange succeeds, and to whoever swapped
//!   the stack away afterwards; an item is in at most one mailbox at a time (the task's state
//!   decides who may push it), and stays alive while it is in there.

use std::ptr::{self, NonNull};

use corio_sync::prim::{AtomicPtr, Ordering, planted};

/// Something that can be in one mailbox at a time.
///
/// # Safety
///
/// `link` gives the same atomic each time, and nothing else uses it while the item is in a mailbox.
pub(crate) unsafe trait Linked: Sized {
    fn link(&self) -> &AtomicPtr<Self>;
}

#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    head: AtomicPtr<T>,
}

impl<T: Linked> Mailbox<T> {
    pub(crate) fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Adds `item`; `true` if the mailbox was empty, so that the owner may have to be told.
    ///
    /// # Safety
    ///
    /// The caller may push `item` (B1) and keeps it alive until it is taken.
    pub(crate) unsafe fn push(&self, item: NonNull<T>) -> bool {
        // Ordering: Relaxed, the exchange below fails if it is old.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the item is alive and its link is ours (B1).
            // Ordering: Relaxed, published by the exchange below.
            unsafe { item.as_ref() }.link().store(head, Ordering::Relaxed);
            // Ordering: Release publishes the link and the item; AcqRel keeps earlier pushers'
            // writes in the sequence that `take` acquires. Pairs with `take`.
            match self.head.compare_exchange_weak(
                head,
                item.as_ptr(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return head.is_null(),
                Err(seen) => head = seen,
            }
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Ordering: Acquire, so that a sleeper that sees an item sees the pusher's writes too.
        self.head.load(Ordering::Acquire).is_null()
    }

    /// Takes everything, oldest first. May be called by any thread.
    pub(crate) fn take(&self) -> Mail<T> {
        // Ordering: Acquire sees the items. Pairs with the Release in `push`.
        let mut next = if planted("take-in-two-steps") {
            let head = self.head.load(Ordering::Acquire);
            self.head.store(ptr::null_mut(), Ordering::Release);
            head
        } else {
            self.head.swap(ptr::null_mut(), Ordering::AcqRel)
        };
        let mut first = ptr::null_mut();
        while let Some(item) = NonNull::new(next) {
            // SAFETY: the whole chain is ours since the swap, and its items are alive (B1).
            // Ordering: Relaxed, nobody else touches the links now.
            let link = unsafe { item.as_ref() }.link();
            next = link.load(Ordering::Relaxed);
            link.store(first, Ordering::Relaxed);
            first = item.as_ptr();
        }
        Mail { next: first }
    }
}

/// What was in a mailbox. To be used up: an item that is left is lost.
#[derive(Debug)]
pub(crate) struct Mail<T> {
    next: *mut T,
}

impl<T: Linked> Iterator for Mail<T> {
    type Item = NonNull<T>;

    fn next(&mut self) -> Option<NonNull<T>> {
        let item = NonNull::new(self.next)?;
        // SAFETY: the chain is ours (B1), and the link is read before the item is given away.
        // Ordering: Relaxed, nobody else touches the links.
        self.next = unsafe { item.as_ref() }.link().load(Ordering::Relaxed);
        Some(item)
    }
}

#[cfg(test)]
#[derive(Debug)]
struct Node {
    link: AtomicPtr<Node>,
    n: usize,
}

#[cfg(test)]
// SAFETY: the link is used by the mailbox alone.
unsafe impl Linked for Node {
    fn link(&self) -> &AtomicPtr<Self> {
        &self.link
    }
}

#[cfg(test)]
fn node(n: usize) -> NonNull<Node> {
    NonNull::from(Box::leak(Box::new(Node { link: AtomicPtr::new(ptr::null_mut()), n })))
}

#[cfg(test)]
fn number(node: NonNull<Node>) -> usize {
    // SAFETY: `node` leaked it, and it came out of the mailbox once.
    unsafe { Box::from_raw(node.as_ptr()) }.n
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn first_come_first_served() {
        let mailbox = Mailbox::new();
        for n in 0..5 {
            // SAFETY: a fresh node, alive until `number`.
            assert_eq!(unsafe { mailbox.push(node(n)) }, n == 0);
        }
        assert_eq!(mailbox.take().map(number).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(mailbox.is_empty());
    }
}

#[cfg(all(test, corio_loom))]
mod loom_tests {
    use super::*;
    use corio_sync::prim::{Arc, thread};

    #[test]
    fn loom_two_senders_and_two_takers() {
        loom::model(|| {
            let mailbox = Arc::new(Mailbox::new());
            let senders: Vec<_> = (1..=2)
                .map(|n| {
                    let mailbox = mailbox.clone();
                    thread::spawn(move || {
                        // SAFETY: a fresh node.
                        unsafe { mailbox.push(node(n)) };
                    })
                })
                .collect();
            let mut all: Vec<_> = mailbox.take().map(number).collect();
            for s in senders {
                s.join().unwrap();
            }
            all.extend(mailbox.take().map(number));
            all.sort();
            assert_eq!(all, [1, 2]);
        });
    }
}
