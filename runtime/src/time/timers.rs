//! The timers of one core: a wheel behind a lock, and the nodes that `Sleep`s hang into it.
//!
//! Any thread may register, cancel and fire: a `Sleep` moves with its task when that is stolen, and an
//! idle sibling fires the timers of a core whose thread is busy. Nearly always it is the owner.
//!
//! Who may touch what in a [`Node`]:
//!
//! | state  | entry and waker                      | memory             |
//! |--------|--------------------------------------|--------------------|
//! | IDLE   | the owner (the `Sleep`)              | the owner's        |
//! | QUEUED | who holds the lock of its `Timers`   | may not go away    |
//! | FIRED  | the owner: the timer was due         | the owner's        |
//! | DEAD   | the owner: the runtime has shut down | the owner's        |
//!
//! The invariants of the file:
//! - **N1** A node is linked in the wheel of `timers` exactly while its state is QUEUED. The state
//!   leaves QUEUED only with the lock held, and whoever else than the owner does it touches the node
//!   no more after that store.
//! - **N2** The owner keeps a node in place, and its `timers` alive, while its state is QUEUED.

use std::ptr::NonNull;
use std::task::Waker;

use corio_sync::prim::{AtomicU8, AtomicU64, Ordering, SpinGuard, SpinLock, UnsafeCell};

use super::wheel::{COARSE, EXACT, Entry, NEVER, Popped, Wheel};
use crate::wake::wake;

/// How many entries are touched, and wakers kept on the stack, between two releases of the lock.
const BATCH: usize = 32;

const IDLE: u8 = 0;
const QUEUED: u8 = 1;
const FIRED: u8 = 2;
const DEAD: u8 = 3;

/// One timer: what a `Sleep` allocates when it first has to wait.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Node {
    /// The first field, so that a pointer to the entry is one to the node.
    entry: Entry,
    waker: UnsafeCell<Option<Waker>>,
    state: AtomicU8,
}

/// What has become of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeState {
    Idle,
    Queued,
    Fired,
    Dead,
}

// SAFETY: entry and waker are handed from thread to thread by `state` and the lock (N1).
unsafe impl Send for Node {}
// SAFETY: as above; a shared `Node` gives access to `state` alone.
unsafe impl Sync for Node {}

impl Node {
    pub(super) fn new() -> Self {
        Self { entry: Entry::new(), waker: UnsafeCell::new(None), state: AtomicU8::new(IDLE) }
    }

    #[inline]
    pub(super) fn state(&self) -> NodeState {
        // Ordering: Acquire, so that the owner of a node that was fired sees it unlinked. Pairs with
        // the Release stores in `fire` and `shutdown`.
        match self.state.load(Ordering::Acquire) {
            IDLE => NodeState::Idle,
            QUEUED => NodeState::Queued,
            FIRED => NodeState::Fired,
            _ => NodeState::Dead,
        }
    }

    /// Makes a fired or dead node usable again.
    pub(super) fn rearm(&self) {
        debug_assert_ne!(self.state(), NodeState::Queued);
        // Ordering: Relaxed, only the owner looks at a node that is not queued (N1).
        self.state.store(IDLE, Ordering::Relaxed);
    }
}

/// The answer of [`Timers::fire`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fired {
    /// How many timers were fired.
    pub(crate) count: usize,
    /// Whether more are due already.
    pub(crate) more: bool,
}

/// The answer of [`Timers::register`] and [`Timers::move_to`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Armed {
    /// In the wheel; something earlier is there, so nobody needs to be told.
    Later,
    /// In the wheel, and the core must look at it earlier than it knew.
    Earliest,
    /// Not in the wheel: the timers are shut down (`register`), or it is no longer queued (`move_to`).
    Not,
}

#[derive(Debug)]
struct Inner {
    wheel: Wheel,
    closed: bool,
}

/// The timers of one core.
#[derive(Debug)]
pub(crate) struct Timers {
    /// When the core should call `fire` next, in nanoseconds; `NEVER` for none. Written with the lock
    /// held, read without. A core that is about to sleep announces that with a read-modify-write on a
    /// word of its own and then reads this; who registers an earlier timer writes this and then
    /// makes a read-modify-write on that word (`TimersRef::notify_earlier`). One of the two sees the
    /// other.
    next: AtomicU64,
    inner: SpinLock<Inner>,
}

impl Timers {
    /// No timers, in ticks of 66 microseconds.
    pub(crate) fn new() -> Self {
        let inner = Inner { wheel: Wheel::new(COARSE), closed: false };
        Self { next: AtomicU64::new(NEVER), inner: SpinLock::new(inner) }
    }

    /// From now on, timers are due to the nanosecond: what virtual time needs.
    pub(crate) fn set_exact(&self) {
        let mut inner = self.inner.lock();
        if inner.wheel.shift() != EXACT {
            inner.wheel.set_shift(EXACT);
            self.publish(&inner);
        }
    }

    /// When [`fire`](Self::fire) should be called next; perhaps too early, never too late.
    #[inline]
    pub(crate) fn next_deadline_ns(&self) -> Option<u64> {
        // Ordering: Relaxed; a sleeping core is told by `notify_earlier`, see `next`.
        match self.next.load(Ordering::Relaxed) {
            NEVER => None,
            next => Some(next),
        }
    }

    /// How many timers are registered.
    pub(crate) fn len(&self) -> usize {
        self.inner.lock().wheel.len()
    }

    /// Calls `f`, which is not foreign code, with the wakers of the timers that are never due.
    pub(crate) fn for_each_never(&self, mut f: impl FnMut(&Waker)) {
        let inner = self.inner.lock();
        inner.wheel.for_each_never(|entry| {
            // SAFETY: every entry of our wheel is the first field of a node, alive while linked (N2).
            let node = unsafe { entry.cast::<Node>().as_ref() };
            // SAFETY: linked, so QUEUED, and we hold the lock (N1).
            node.waker.with(|waker| unsafe { (*waker).as_ref() }.map(&mut f));
        });
    }

    /// Fires at most `limit` of the timers that are due at `now`, in nanoseconds of the clock.
    ///
    /// A waker that panics does not keep the others from being woken; its panic ends here, after the
    /// panic hook has shown it.
    #[inline]
    pub(crate) fn fire(&self, now: u64, limit: usize) -> Fired {
        // Ordering: Relaxed, as in `next_deadline_ns`.
        if self.next.load(Ordering::Relaxed) > now {
            return Fired::default();
        }
        self.fire_due(now, limit)
    }

    fn fire_due(&self, now: u64, limit: usize) -> Fired {
        let mut fired = Fired::default();
        let mut batch = Batch::new();
        loop {
            let mut inner = self.inner.lock();
            let mut work = BATCH;
            let mut popped = Popped::Paused;
            while fired.count < limit && batch.has_room() {
                popped = inner.wheel.pop_expired(now, &mut work);
                let Popped::Expired(entry) = popped else { break };
                fired.count += 1;
                batch.take(Self::release(&inner, entry, FIRED));
            }
            self.publish(&inner);
            let next = inner.wheel.next_ns();
            drop(inner);
            batch.wake();
            if popped == Popped::Nothing || fired.count >= limit {
                fired.more = next <= now && next != NEVER;
                return fired;
            }
        }
    }

    /// Unlinks every timer and wakes who waits for it: the runtime is gone. Later registrations fail.
    pub(crate) fn shutdown(&self) {
        let mut batch = Batch::new();
        loop {
            let mut inner = self.inner.lock();
            inner.closed = true;
            while batch.has_room() {
                let Some((entry, _)) = inner.wheel.pop_any() else { break };
                batch.take(Self::release(&inner, entry, DEAD));
            }
            self.publish(&inner);
            drop(inner);
            if batch.is_empty() {
                return;
            }
            batch.wake();
        }
    }

    /// Puts an idle node into the wheel, to wake `waker` at `deadline`.
    ///
    /// # Safety
    ///
    /// The caller owns the node, and from now on keeps N2.
    #[inline]
    pub(super) unsafe fn register(
        &self,
        node: NonNull<Node>,
        deadline: u64,
        waker: Waker,
    ) -> Armed {
        let mut inner = self.inner.lock();
        if inner.closed {
            drop(inner);
            return Armed::Not;
        }
        // SAFETY: the caller owns the node, so it is alive.
        let node_ref = unsafe { node.as_ref() };
        debug_assert_eq!(node_ref.state(), NodeState::Idle);
        // SAFETY: the node is idle, so its waker is the owner's (N1).
        node_ref.waker.with_mut(|w| unsafe { *w = Some(waker) });
        // Ordering: Relaxed; other threads find the node through the lock.
        node_ref.state.store(QUEUED, Ordering::Relaxed);
        // SAFETY: idle, so not linked (N1); the owner keeps it in place while it is (N2).
        unsafe { inner.wheel.insert(node.cast(), deadline) };
        self.publish_earlier(&inner)
    }

    /// Gives a queued node another deadline, keeping its waker.
    ///
    /// # Safety
    ///
    /// The caller owns the node, which was registered here.
    #[inline]
    pub(super) unsafe fn move_to(&self, node: NonNull<Node>, deadline: u64) -> Armed {
        let mut inner = self.inner.lock();
        // SAFETY: the caller owns the node, so it is alive.
        if unsafe { node.as_ref() }.state() != NodeState::Queued {
            return Armed::Not;
        }
        // SAFETY: queued, so linked in this wheel, and we hold the lock (N1).
        unsafe { inner.wheel.move_to(node.cast(), deadline) };
        self.publish_earlier(&inner)
    }

    /// Makes a queued node wake `waker`; tells what has become of the node.
    ///
    /// # Safety
    ///
    /// The caller owns the node, which was registered here.
    #[inline]
    pub(super) unsafe fn set_waker(&self, node: NonNull<Node>, waker: &Waker) -> NodeState {
        // SAFETY: the caller owns the node, so it is alive.
        let node = unsafe { node.as_ref() };
        // Foreign code (cloning and dropping a waker) runs without the lock.
        let mut new = None;
        loop {
            let inner = self.inner.lock();
            let state = node.state();
            if state != NodeState::Queued {
                return state;
            }
            let old = node.waker.with_mut(|slot| {
                // SAFETY: queued, and we hold the lock (N1).
                let slot = unsafe { &mut *slot };
                if slot.as_ref().is_some_and(|w| w.will_wake(waker)) {
                    return None;
                }
                new.take().map_or(Some(None), |new| Some(slot.replace(new)))
            });
            drop(inner);
            match old {
                Some(None) => new = Some(waker.clone()),
                None | Some(Some(_)) => return NodeState::Queued,
            }
        }
    }

    /// Takes a node out of the wheel, if it is still there. It is the owner's alone afterwards.
    ///
    /// # Safety
    ///
    /// The caller owns the node, which was registered here.
    #[inline]
    pub(super) unsafe fn cancel(&self, node: NonNull<Node>) {
        let mut inner = self.inner.lock();
        // SAFETY: the caller owns the node, so it is alive.
        if unsafe { node.as_ref() }.state() != NodeState::Queued {
            return;
        }
        // SAFETY: queued, so linked in this wheel, and we hold the lock (N1).
        unsafe { inner.wheel.remove(node.cast()) };
        self.publish(&inner);
        let waker = Self::release(&inner, node.cast(), IDLE);
        drop(inner);
        // Last, without the lock: the drop of a waker may run anything.
        drop(waker);
    }

    /// Hands a node, unlinked just now, back to its owner, and gives its waker.
    #[inline]
    fn release(_locked: &SpinGuard<'_, Inner>, entry: NonNull<Entry>, state: u8) -> Option<Waker> {
        // SAFETY: every entry of our wheel is the first field of a node (`repr(C)`), and it is alive
        // until its state leaves QUEUED, which happens below (N2).
        let node = unsafe { entry.cast::<Node>().as_ref() };
        // SAFETY: still QUEUED, and the lock is held (N1).
        let waker = node.waker.with_mut(|slot| unsafe { (*slot).take() });
        // Ordering: Release hands entry and waker slot to the owner, whose Acquire load in `state`
        // does not take the lock. From here on the node may be gone.
        node.state.store(state, Ordering::Release);
        waker
    }

    #[inline]
    fn publish(&self, inner: &SpinGuard<'_, Inner>) {
        // Ordering: Relaxed, see `next`.
        self.next.store(inner.wheel.next_ns(), Ordering::Relaxed);
    }

    #[inline]
    fn publish_earlier(&self, inner: &SpinGuard<'_, Inner>) -> Armed {
        let next = inner.wheel.next_ns();
        // Ordering: Relaxed; it is written with the lock held, which we hold.
        let before = self.next.load(Ordering::Relaxed);
        // Ordering: Relaxed, see `next`.
        self.next.store(next, Ordering::Relaxed);
        if next < before { Armed::Earliest } else { Armed::Later }
    }
}

/// Wakers collected with the lock held, to be woken without it.
struct Batch {
    wakers: [Option<Waker>; BATCH],
    len: usize,
}

impl Batch {
    fn new() -> Self {
        Self { wakers: [const { None }; BATCH], len: 0 }
    }

    fn has_room(&self) -> bool {
        self.len < BATCH
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn take(&mut self, waker: Option<Waker>) {
        self.wakers[self.len] = waker;
        self.len += 1;
    }

    fn wake(&mut self) {
        for slot in &mut self.wakers[..self.len] {
            if let Some(waker) = slot.take() {
                // One that panics is its executor's bug: the other sleepers go on.
                wake(waker);
            }
        }
        self.len = 0;
    }
}

#[cfg(test)]
mod tests;
