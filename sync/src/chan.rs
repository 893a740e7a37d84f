//! The engine of the channels and queues: items, a bound on them, and those who wait on either side.
//!
//! Everything lies behind one small lock, which an operation that need not wait takes once: on one thread that is
//! one read-modify-write for a send and one for a receive, and what is FIFO here is FIFO exactly. Who must
//! wait first looks for a moment whether another thread is about to change that, if it mostly is and nobody is in
//! line; then it joins the line. Both sides wait there for *turns*: a waiter that is chosen has a slot offered, or an
//! item promised, which a newcomer cannot take, and which goes to the next if the waiter is dropped. The value itself
//! stays with its sender until its turn is taken, so a send that is dropped has sent nothing, and an item stays in
//! its place in the storage until it is received.
//!
//! A receiver that is alone takes what there is out of the storage in one go, so that it and the
//! senders do not meet at the lock for each item; see [`ahead`].

mod ahead;
mod alone;
mod fifo;
mod sending;
mod slots;
mod stream;
mod take;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use crate::hooks::{self, Caller, WaitKind};
use crate::prim::{Linger, SpinGuard, SpinLock};
use crate::waitlist::{List, Waiter, Wakers};

use ahead::Ahead;

pub(crate) use ahead::Inbox;
pub use fifo::Fifo;
pub(crate) use sending::sending;
pub(crate) use slots::{Ask, NoSlot};
pub(crate) use stream::Place;
pub(crate) use take::{NoItem, Turn};

/// Where the items of a queue are, and in which order they come out.
///
/// Its methods run under the queue's lock: they must be short and must not use the queue.
pub trait Storage {
    /// What is stored.
    type Item;

    /// Adds an item.
    fn push(&mut self, item: Self::Item);

    /// Takes out the item that is next. There is one whenever [`len`](Self::len) is not 0.
    fn pop(&mut self) -> Option<Self::Item>;

    /// How many items there are.
    fn len(&self) -> usize;

    /// Whether there is no item.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether [`push`](Self::push) and [`pop`](Self::pop) call code of others, which may panic: comparisons of items.
    const CALLS_OUT: bool = true;

    /// Takes everything out, in a storage of its own, which is dropped outside the lock.
    fn clear(&mut self) -> Self
    where
        Self: Sized;
}

#[repr(C)]
pub(crate) struct Chan<S> {
    state: SpinLock<State<S>>,
    /// What introspection says that waiters wait for.
    kind: WaitKind,
    /// Keeps what comes next off the cache lines of the lock; an alignment would cost twice as much.
    _apart: [u64; 8],
    /// What a receiver that is alone has taken out and not handed out; it changes that without the lock.
    ahead: Ahead,
}

/// What the lock protects.
pub(crate) struct State<S> {
    pub(crate) storage: S,
    /// `usize::MAX` is no bound.
    capacity: usize,
    /// Slots of senders that were chosen and have not come yet.
    offered: usize,
    /// Slots that `Permit`s hold.
    permits: usize,
    /// Items for receivers that were chosen and have not come yet.
    promised: usize,
    /// At least as many as the items that the receiver has ahead, which still have their slots.
    ahead: usize,
    /// Nothing may be sent any more, save by permits.
    closed: bool,
    /// Nobody will receive any more.
    deserted: bool,
    senders: List<Ask>,
    receivers: List<Turn>,
    /// Those who wait for the channel to be closed.
    closing: List<()>,
    /// The waker of a receiver that is alone; such a channel has no `receivers`.
    lone_receiver: Option<Waker>,
    /// Whether a slot that is not free mostly is in a moment.
    room_patience: Linger,
    /// Whether an item that is not there mostly is in a moment.
    item_patience: Linger,
}

impl<S: Storage> State<S> {
    #[inline]
    fn free(&self) -> usize {
        let kept = self.storage.len() + self.ahead + self.offered + self.permits;
        self.capacity.saturating_sub(kept)
    }

    /// Whether there are as many free slots, by the newest account of what the receiver has ahead.
    #[inline]
    fn has_room(&mut self, ahead: &Ahead, slots: usize) -> bool {
        if self.free() < slots && self.ahead > 0 {
            self.ahead = ahead.items();
        }
        self.free() >= slots
    }

    /// Puts an item in, whose slot is accounted for; gives whom to wake.
    #[inline]
    #[must_use]
    pub(crate) fn put(&mut self, item: S::Item) -> Option<Waker> {
        self.storage.push(item);
        if let Some(waker) = self.lone_receiver.take() {
            return Some(waker);
        }
        self.promise()
    }

    /// Whether there is an item that was promised to nobody.
    #[inline]
    fn has_item(&self) -> bool {
        self.storage.len() > self.promised
    }

    /// Whether a receiver that finds nothing should look a moment longer before it waits.
    #[inline]
    fn may_look_for_items(&self) -> bool {
        self.receivers.is_empty() && !self.closed && self.item_patience.may_look()
    }

    /// Promises an item to the longest waiting receiver, if there are both.
    #[inline]
    fn promise(&mut self) -> Option<Waker> {
        if self.receivers.is_empty() || !self.has_item() {
            return None;
        }
        self.promised += 1;
        self.receivers.pop(|turn| turn.promised = true)
    }

    /// Offers slots to the longest waiting sender, if there are enough.
    ///
    /// One call after each slot that came free is enough: everybody was served before it did, so
    /// what one slot adds is exactly what the first in line lacked.
    #[inline]
    #[must_use]
    pub(crate) fn offer(&mut self) -> Option<Waker> {
        if self.senders.is_empty() {
            return None;
        }
        let slots = self.senders.peek(|ask| ask.slots)?;
        if slots > self.free() {
            return None;
        }
        self.offered += slots;
        self.senders.pop(|ask| ask.refused = false)
    }

    fn offer_all(&mut self, wakers: &mut Wakers) {
        while let Some(waker) = self.offer() {
            wakers.push(waker);
        }
    }

    /// Takes an item that was promised to nobody; gives whom to wake as well.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<(S::Item, Option<Waker>)> {
        if !self.has_item() {
            return None;
        }
        let item = self.storage.pop()?;
        Some((item, self.offer()))
    }

    /// Keeps `slots` slots for permits; they are free.
    pub(crate) fn permit(&mut self, slots: usize) {
        self.permits += slots;
    }

    /// Whether nothing will come out any more.
    #[inline]
    pub(crate) fn ended(&self) -> bool {
        self.closed && self.permits == 0 && self.storage.len() == 0
    }

    /// Wakes the receivers if they have nothing to wait for any more.
    fn end(&mut self, wakers: &mut Wakers) {
        if self.ended() {
            if let Some(waker) = self.lone_receiver.take() {
                wakers.push(waker);
            }
            self.receivers.pop_all(wakers, |turn| turn.promised = false);
        }
    }
}

/// An operation on the storage that may panic half-way: what it has changed all the same is for those who wait.
/// Declared before the lock is taken, so that it is free again when this is dropped.
struct Unwinding<'a, S: Storage>(&'a Chan<S>);

impl<S: Storage> Drop for Unwinding<'_, S> {
    #[inline]
    fn drop(&mut self) {
        if S::CALLS_OUT && std::thread::panicking() {
            self.0.serve_all();
        }
    }
}

impl<S: Storage> Chan<S> {
    /// Promises what items there are, and offers what slots are free, to those who wait for them.
    #[cold]
    fn serve_all(&self) {
        let mut wakers = Wakers::new();
        {
            let mut state = self.lock();
            while let Some(waker) = state.promise() {
                wakers.push(waker);
            }
            state.offer_all(&mut wakers);
        }
        wakers.wake();
    }

    pub(crate) fn new(storage: S, capacity: usize, kind: WaitKind) -> Self {
        let state = State {
            storage,
            capacity,
            offered: 0,
            permits: 0,
            promised: 0,
            ahead: 0,
            closed: false,
            deserted: false,
            senders: List::new(),
            receivers: List::new(),
            closing: List::new(),
            lone_receiver: None,
            room_patience: Linger::wary(),
            item_patience: Linger::wary(),
        };
        let ahead = Ahead::new(capacity != usize::MAX);
        Self { state: SpinLock::new(state), kind, _apart: [0; 8], ahead }
    }

    #[inline]
    pub(crate) fn lock(&self) -> SpinGuard<'_, State<S>> {
        self.state.lock()
    }

    pub(crate) fn len(&self) -> usize {
        let state = self.lock();
        state.storage.len() + self.ahead.items()
    }

    /// Slots that a sender could have now.
    pub(crate) fn free_slots(&self) -> usize {
        let mut state = self.lock();
        state.ahead = self.ahead.items();
        state.free()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.lock().capacity
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Lets nothing in any more.
    pub(crate) fn close(&self) {
        let mut wakers = Wakers::new();
        self.close_locked(&mut self.lock(), &mut wakers);
        wakers.wake();
    }

    fn close_locked(&self, state: &mut State<S>, wakers: &mut Wakers) {
        state.closed = true;
        state.senders.pop_all(wakers, |ask| ask.refused = true);
        state.closing.pop_all(wakers, |()| {});
        state.end(wakers);
    }

    /// Lets nothing in any more, and drops what is there. `deserted`: nobody is left to receive.
    /// `after` sees the storage, and what was in it, under the lock.
    pub(crate) fn close_and_clear(
        &self,
        deserted: bool,
        after: impl FnOnce(&mut S, &S, &mut Wakers),
    ) {
        let mut wakers = Wakers::new();
        let (items, lone) = {
            let mut state = self.lock();
            let items = state.storage.clear();
            state.deserted |= deserted;
            after(&mut state.storage, &items, &mut wakers);
            self.close_locked(&mut state, &mut wakers);
            (items, state.lone_receiver.take())
        };
        wakers.wake();
        drop(lone);
        drop(items);
    }

    /// Polls whether the channel is closed.
    pub(crate) fn poll_closed(
        &self,
        mut waiter: Pin<&mut Waiter<()>>,
        cx: &mut Context<'_>,
        caller: Caller,
    ) -> Poll<()> {
        ready!(hooks::poll_budget(cx));
        if waiter.is_idle() {
            let waker = cx.waker().clone();
            let mut state = self.lock();
            if state.closed {
                drop(state);
                return Poll::Ready(());
            }
            waiter.as_mut().push(&mut state.closing, waker, ());
        } else {
            let closed = waiter.poll_chosen(cx, |f| f(&mut self.lock().closing));
            if closed.is_ready() {
                return Poll::Ready(());
            }
        }
        hooks::set_wait(caller.site(), self.kind);
        Poll::Pending
    }

    #[cold]
    pub(crate) fn leave_closed(&self, waiter: &Waiter<()>) {
        let waker = waiter.remove(&mut self.lock().closing);
        drop(waker);
    }
}

#[inline]
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl<S: Storage> fmt::Debug for Chan<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut state = self.lock();
        let len = state.storage.len() + self.ahead.items();
        let (capacity, closed) = (state.capacity, state.closed);
        let (senders, receivers) = (state.senders.len(), state.receivers.len());
        drop(state);
        let mut f = f.debug_struct("Chan");
        f.field("len", &len);
        if capacity != usize::MAX {
            f.field("capacity", &capacity);
        }
        f.field("closed", &closed).field("waiting_senders", &senders);
        f.field("waiting_receivers", &receivers).finish()
    }
}
