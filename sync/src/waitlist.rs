//! The queue of waiting futures that every primitive shares.
//!
//! A [`List`] lies in a primitive, behind the primitive's small lock. A [`Waiter`] lies in the future
//! that waits, and holds the list's node: waiting allocates nothing. Whoever serves the list pops a
//! waiter, which makes it *chosen*, and wakes it after the lock is released; user code (a waker's
//! clone, wake and drop) never runs under a lock.
//!
//! | status | means                            | who may touch the node           |
//! |--------|----------------------------------|----------------------------------|
//! | idle   | not in a list                    | the waiter's owner               |
//! | queued | in the list with that address    | whoever has that list `&mut`     |
//! | chosen | popped; the owner does not know  | the waiter's owner               |
//!
//! The invariants of the file:
//! - **W1** A node is in a list only while its `Waiter` is pinned and alive: `push` asks for the pin,
//!   and `Waiter::drop` ends the process if the waiter is still queued.
//! - **W2** The node of a queued waiter is touched only through `&mut List` of the list it is in. The
//!   status holds that list's address, and every access by way of a waiter compares it.
//! - **W3** The store that makes a waiter chosen is the list's last access to its node.
//! - **W4** A list is neither moved nor replaced while a waiter is in it that can still be polled or
//!   dropped: it lies in a primitive that its waiters borrow or share. A waiter that was leaked stays
//!   where it is for ever, so a list that moves afterwards may still pop it.
//! - **W5** A future that splits itself with [`project!`] has no packed layout, does not implement
//!   `Unpin`, and never moves the waiter out of itself, not in `drop` either.
#![allow(unsafe_code, reason = "an intrusive list: invariants W1 to W5 are above")]

mod wakers;

#[cfg(all(test, corio_loom))]
mod loom;
#[cfg(all(test, not(corio_loom)))]
mod tests;

use std::fmt;
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use crate::prim::{AtomicUsize, Ordering, UnsafeCell, const_fn};

pub(crate) use wakers::Wakers;

/// Splits a pinned future into itself, to use its plain fields, and its waiters, still pinned.
macro_rules! project {
    ($pinned:expr => $this:ident, $($waiter:ident),+) => {
        #[allow(unsafe_code, reason = "the waiter is pinned with its future: W5 of waitlist.rs")]
        // SAFETY: nothing is moved out of the future: its waiters are pinned again below, and the
        // other fields are not structurally pinned (W5).
        let $this = unsafe { ::std::pin::Pin::get_unchecked_mut($pinned) };
        $(
            #[allow(unsafe_code, reason = "the waiter is pinned with its future: W5, as above")]
            #[allow(unused_mut, reason = "not every poll enqueues")]
            // SAFETY: the future is pinned and the waiter never leaves it (W5).
            let mut $waiter = unsafe { ::std::pin::Pin::new_unchecked(&mut $this.$waiter) };
        )+
    };
}
pub(crate) use project;

type Link<D> = Option<NonNull<Node<D>>>;

/// The status word of a waiter outside any list. A queued one holds its list's address instead.
const IDLE: usize = 0;
const CHOSEN: usize = 1;

/// The part of a waiter that the list knows.
struct Node<D> {
    /// IDLE, CHOSEN, or the address of the list it is in.
    status: AtomicUsize,
    inner: UnsafeCell<Inner<D>>,
}

/// Touched as the table at the top says.
struct Inner<D> {
    prev: Link<D>,
    next: Link<D>,
    /// There is one exactly while the waiter is queued.
    waker: Option<Waker>,
    /// What it waits for, then what it was given: the primitive's own affair.
    data: D,
}

/// Waiters in order of arrival.
pub(crate) struct List<D> {
    head: Link<D>,
    tail: Link<D>,
}

// SAFETY: the nodes are reached only through `&mut List` (W2), so sending the list sends the right
// to touch them; wakers are `Send`, and the data must be.
unsafe impl<D: Send> Send for List<D> {}

/// One future's place in a list.
pub(crate) struct Waiter<D> {
    node: Node<D>,
    _pin: PhantomPinned,
}

// SAFETY: the node is touched by its owner or by the list's holder, never both (W2, W3); it contains
// a waker, which is `Send`, and the data, which must be.
unsafe impl<D: Send> Send for Waiter<D> {}
// SAFETY: with `&Waiter` one can read the status, which is atomic, and reach the rest by `&mut List`
// or while the waiter is not queued, by copy.
unsafe impl<D: Send + Sync> Sync for Waiter<D> {}

// A place in a line is there or not: a panic leaves nothing half done in it.
impl<D> UnwindSafe for Waiter<D> {}
impl<D> RefUnwindSafe for Waiter<D> {}

impl<D> List<D> {
    const_fn! {
        /// A list without waiters.
        pub(crate) fn new() -> Self {
            Self { head: None, tail: None }
        }
    }

    #[inline]
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Whether nobody waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    /// How many wait; counts them.
    pub(crate) fn len(&mut self) -> usize {
        let (mut count, mut at) = (0, self.head);
        while let Some(node) = at {
            count += 1;
            // SAFETY: the node is in this list, so it lives (W1), and `self` is `&mut` (W2).
            at = unsafe { node.as_ref() }.inner.with(|inner| unsafe { (*inner).next });
        }
        count
    }

    /// Lets `look` see what the longest waiting one waits for.
    pub(crate) fn peek<R>(&mut self, look: impl FnOnce(&D) -> R) -> Option<R> {
        let node = self.head?;
        // SAFETY: the node is in this list, so it lives (W1), and `self` is `&mut` (W2).
        Some(unsafe { node.as_ref() }.inner.with(|inner| look(unsafe { &(*inner).data })))
    }

    /// Takes out the longest waiting one, which is chosen with what `give` writes into its data.
    ///
    /// The caller wakes the waker after it has released the lock.
    pub(crate) fn pop(&mut self, give: impl FnOnce(&mut D)) -> Option<Waker> {
        self.choose(self.head?, give)
    }

    /// Takes out the one that came last, as [`pop`](Self::pop) does the first.
    pub(crate) fn pop_last(&mut self, give: impl FnOnce(&mut D)) -> Option<Waker> {
        self.choose(self.tail?, give)
    }

    /// Takes `node` out, which is in this list, and makes it chosen.
    #[inline]
    fn choose(&mut self, node: NonNull<Node<D>>, give: impl FnOnce(&mut D)) -> Option<Waker> {
        // SAFETY: the node is in this list, so it lives (W1), and `self` is `&mut` (W2).
        let node = unsafe { node.as_ref() };
        let waker = self.unlink(node);
        // SAFETY: as above: unlinking has not ended the list's right to it.
        node.inner.with_mut(|inner| give(unsafe { &mut (*inner).data }));
        // Ordering: Release publishes the data. Pairs with the Acquire in `is_chosen`. From here on
        // the node may be gone (W3).
        node.status.store(CHOSEN, Ordering::Release);
        waker
    }

    /// Chooses everybody, in order.
    pub(crate) fn pop_all(&mut self, wakers: &mut Wakers, mut give: impl FnMut(&mut D)) {
        while let Some(waker) = self.pop(&mut give) {
            wakers.push(waker);
        }
    }

    /// Takes `node` out of the links; it is in this list.
    fn unlink(&mut self, node: &Node<D>) -> Option<Waker> {
        let (prev, next, waker) = node.inner.with_mut(|inner| {
            // SAFETY: the node is in this list, and `self` is `&mut` (W2).
            let inner = unsafe { &mut *inner };
            (inner.prev.take(), inner.next.take(), inner.waker.take())
        });
        match prev {
            None => self.head = next,
            // SAFETY: neighbours are in this list too, so they live (W1); `self` is `&mut` (W2).
            Some(p) => unsafe { p.as_ref() }.inner.with_mut(|p| unsafe { (*p).next = next }),
        }
        match next {
            None => self.tail = prev,
            // SAFETY: as for `prev`.
            Some(n) => unsafe { n.as_ref() }.inner.with_mut(|n| unsafe { (*n).prev = prev }),
        }
        waker
    }
}

impl<D> Waiter<D> {
    /// A waiter in no list.
    #[inline]
    pub(crate) fn new(data: D) -> Self {
        let inner = Inner { prev: None, next: None, waker: None, data };
        let node = Node { status: AtomicUsize::new(IDLE), inner: UnsafeCell::new(inner) };
        Self { node, _pin: PhantomPinned }
    }

    /// Whether it is in no list and was not chosen.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        // Ordering: Relaxed, only the owner makes it idle or ends that.
        self.node.status.load(Ordering::Relaxed) == IDLE
    }

    /// Whether it was chosen, and the owner may read what it was given.
    #[inline]
    pub(crate) fn is_chosen(&self) -> bool {
        // Ordering: Acquire sees the data. Pairs with the Release store in `List::choose`.
        self.node.status.load(Ordering::Acquire) == CHOSEN
    }

    /// What it waits for, or what it was given.
    ///
    /// # Panics
    ///
    /// When it is queued: its data is the list's then.
    #[inline]
    pub(crate) fn data(&self) -> D
    where
        D: Copy,
    {
        assert!(self.is_idle() || self.is_chosen(), "a queued waiter's data is the list's");
        // SAFETY: not queued, so the node is the owner's (W2, W3), and owners change it by `&mut`.
        self.node.inner.with(|inner| unsafe { (*inner).data })
    }

    /// Makes a chosen waiter idle again.
    #[inline]
    pub(crate) fn reset(self: Pin<&mut Self>) {
        assert!(self.is_idle() || self.is_chosen(), "a queued waiter is not its owner's to reset");
        // Ordering: Relaxed, only the owner looks until the next push.
        self.node.status.store(IDLE, Ordering::Relaxed);
    }

    /// Joins `list` at its end.
    #[inline]
    pub(crate) fn push(self: Pin<&mut Self>, list: &mut List<D>, waker: Waker, data: D) {
        let prev = list.tail;
        self.link(list, prev, None, waker, data);
    }

    /// Joins `list` before everybody else.
    pub(crate) fn push_front(self: Pin<&mut Self>, list: &mut List<D>, waker: Waker, data: D) {
        let next = list.head;
        self.link(list, None, next, waker, data);
    }

    fn link(
        self: Pin<&mut Self>,
        list: &mut List<D>,
        prev: Link<D>,
        next: Link<D>,
        w: Waker,
        d: D,
    ) {
        assert!(self.is_idle(), "a waiter waits at one place at a time");
        let node = &self.as_ref().get_ref().node;
        node.inner.with_mut(|inner| {
            // SAFETY: the waiter is idle and `self` is its owner's `&mut`.
            unsafe { *inner = Inner { prev, next, waker: Some(w), data: d } };
        });
        // Ordering: Relaxed: others find the node by way of the list, under its lock.
        node.status.store(list.address(), Ordering::Relaxed);
        let link = Some(NonNull::from(node));
        match prev {
            None => list.head = link,
            // SAFETY: it is in this list, so it lives (W1), and `list` is `&mut` (W2).
            Some(p) => unsafe { p.as_ref() }.inner.with_mut(|p| unsafe { (*p).next = link }),
        }
        match next {
            None => list.tail = link,
            // SAFETY: as for `prev`.
            Some(n) => unsafe { n.as_ref() }.inner.with_mut(|n| unsafe { (*n).prev = link }),
        }
    }

    /// Whether it is in `list`.
    fn is_in(&self, list: &List<D>) -> bool {
        // Ordering: Relaxed: a push to and a pop from `list` happened under the same lock.
        self.node.status.load(Ordering::Relaxed) == list.address()
    }

    /// Leaves `list` if it is in it, and becomes idle. The waker is to be dropped outside the lock.
    pub(crate) fn remove(&self, list: &mut List<D>) -> Option<Waker> {
        if !self.is_in(list) {
            return None;
        }
        let waker = list.unlink(&self.node);
        // Ordering: Relaxed, only the owner looks until the next push.
        self.node.status.store(IDLE, Ordering::Relaxed);
        waker
    }

    /// Puts `waker` in the place of the one that is to be woken, if it is in `list`. What is left in
    /// `waker` is to be dropped outside the lock.
    fn swap_waker(&self, list: &mut List<D>, waker: &mut Option<Waker>) {
        if self.is_in(list) {
            // SAFETY: the node is in `list`, which is `&mut` (W2).
            self.node.inner.with_mut(|i| std::mem::swap(unsafe { &mut (*i).waker }, waker));
        }
    }

    /// Whether it is in `list` and would wake `waker`.
    fn would_wake(&self, list: &mut List<D>, waker: &Waker) -> bool {
        let same = |w: &Option<Waker>| w.as_ref().is_some_and(|w| w.will_wake(waker));
        // SAFETY: the node is in `list`, which is `&mut` (W2).
        self.is_in(list) && self.node.inner.with(|i| same(unsafe { &(*i).waker }))
    }

    /// Polls a waiter that is queued or chosen: ready when it is chosen. `with` locks the list.
    pub(crate) fn poll_chosen(
        &self,
        cx: &Context<'_>,
        with: impl Fn(&mut dyn FnMut(&mut List<D>)),
    ) -> Poll<()> {
        if self.is_chosen() {
            return Poll::Ready(());
        }
        let mut same = false;
        with(&mut |list| same = self.would_wake(list, cx.waker()));
        if !same && !self.is_chosen() {
            let mut waker = Some(cx.waker().clone());
            with(&mut |list| self.swap_waker(list, &mut waker));
        }
        if self.is_chosen() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<D> Drop for Waiter<D> {
    #[inline]
    fn drop(&mut self) {
        // Ordering: Relaxed, nothing is read afterwards; the owner's `remove` came before.
        if self.node.status.load(Ordering::Relaxed) > CHOSEN {
            // The list would point into freed memory (W1).
            std::process::abort();
        }
    }
}

impl<D> fmt::Debug for List<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "List(empty)" } else { "List(..)" })
    }
}

impl<D> fmt::Debug for Waiter<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ordering: Relaxed, a snapshot for people.
        f.write_str(match self.node.status.load(Ordering::Relaxed) {
            IDLE => "Waiter(idle)",
            CHOSEN => "Waiter(chosen)",
            _ => "Waiter(queued)",
        })
    }
}
