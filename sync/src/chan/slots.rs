//! The sending side.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use super::{Chan, State, Storage, Unwinding, wake};
use crate::hooks::{self, Caller};
use crate::prim::{SpinGuard, try_briefly};
use crate::waitlist::{Waiter, Wakers};

/// A sender that waits for slots.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    pub(super) slots: usize,
    /// The channel was closed; no slots were given.
    pub(super) refused: bool,
}

impl Ask {
    /// What a waiter starts with.
    pub(crate) const NONE: Self = Self { slots: 0, refused: false };
}

/// The channel is closed.
#[derive(Debug)]
pub(crate) struct Closed;

/// Why a slot is not to be had at once.
#[derive(Debug)]
pub(crate) enum NoSlot {
    Full,
    Closed,
}

impl<S: Storage> Chan<S> {
    /// Sends an item if there is a slot and nobody waits for one.
    #[inline]
    pub(crate) fn try_put(&self, item: S::Item) -> Result<(), (NoSlot, S::Item)> {
        let _unwinding = Unwinding(self);
        let mut state = self.lock();
        if state.closed {
            return Err((NoSlot::Closed, item));
        }
        if !state.senders.is_empty() || !state.has_room(&self.ahead, 1) {
            return Err((NoSlot::Full, item));
        }
        let waker = state.put(item);
        drop(state);
        wake(waker);
        Ok(())
    }

    /// Takes `slots` for permits if they are free and nobody waits for some.
    pub(crate) fn try_reserve(&self, slots: usize) -> Result<(), NoSlot> {
        let mut state = self.lock();
        if state.closed {
            return Err(NoSlot::Closed);
        }
        if !state.senders.is_empty() || !state.has_room(&self.ahead, slots) {
            return Err(NoSlot::Full);
        }
        state.permits += slots;
        Ok(())
    }

    /// Sends an item into a permit's slot; gives it back if nobody will receive it.
    pub(crate) fn put_permitted(&self, item: S::Item) -> Option<S::Item> {
        let mut state = self.lock();
        if state.deserted {
            drop(state);
            self.release(1);
            return Some(item);
        }
        state.permits -= 1;
        let waker = state.put(item);
        drop(state);
        wake(waker);
        None
    }

    /// Gives the slots of permits back.
    pub(crate) fn release(&self, slots: usize) {
        let mut state = self.lock();
        state.permits -= slots;
        if !state.closed && state.senders.is_empty() {
            return;
        }
        let mut wakers = Wakers::new();
        state.ahead = self.ahead.items();
        state.offer_all(&mut wakers);
        // A closed channel may have waited only for these.
        state.end(&mut wakers);
        drop(state);
        wakers.wake();
    }

    /// Polls for `slots` slots; once they are there, or the channel is closed, `waiter` is idle again,
    /// and `use_them` was called under the lock. It accounts for the slots and says whom to wake.
    #[inline]
    pub(crate) fn poll_slots(
        &self,
        waiter: Pin<&mut Waiter<Ask>>,
        cx: &mut Context<'_>,
        caller: Caller,
        slots: usize,
        use_them: impl FnOnce(&mut State<S>) -> Option<Waker>,
    ) -> Poll<Result<(), Closed>> {
        ready!(hooks::poll_budget(cx));
        let _unwinding = Unwinding(self);
        let mut is_hopeful = false;
        if waiter.is_idle() {
            let mut state = self.lock();
            let closed = state.closed;
            if !closed && state.senders.is_empty() && state.has_room(&self.ahead, slots) {
                let waker = use_them(&mut state);
                drop(state);
                wake(waker);
                hooks::spend();
                return Poll::Ready(Ok(()));
            }
            is_hopeful = !closed && state.senders.is_empty() && state.room_patience.may_look();
        }
        self.wait_for_slots(waiter, cx, caller, slots, is_hopeful, use_them)
    }

    /// The lock, if there is room in a moment. While others wait there is none for a newcomer.
    fn room_soon(&self, slots: usize) -> Option<SpinGuard<'_, State<S>>> {
        let found = try_briefly(|| {
            let mut state = self.lock();
            let over = state.closed || !state.senders.is_empty();
            let room = !over && state.has_room(&self.ahead, slots);
            (over || room).then_some((state, room))
        });
        match found {
            Some((state, true)) => {
                state.room_patience.learn(true);
                Some(state)
            }
            // Nothing is learnt from a look that was cut short.
            Some((_, false)) => None,
            None => {
                self.lock().room_patience.learn(false);
                None
            }
        }
    }

    /// What [`poll_slots`](Self::poll_slots) does for one who must wait, or has waited. `is_hopeful`: a slot that is
    /// not free now has mostly been soon.
    #[cold]
    fn wait_for_slots(
        &self,
        mut waiter: Pin<&mut Waiter<Ask>>,
        cx: &mut Context<'_>,
        caller: Caller,
        slots: usize,
        is_hopeful: bool,
        use_them: impl FnOnce(&mut State<S>) -> Option<Waker>,
    ) -> Poll<Result<(), Closed>> {
        let waited = !waiter.is_idle();
        // Declared before the guard, so that what is left of it is dropped after the lock.
        let mut waker;
        let mut state;
        if waited {
            if waiter.poll_chosen(cx, |f| f(&mut self.lock().senders)).is_pending() {
                hooks::set_wait(caller.site(), self.kind);
                return Poll::Pending;
            }
            state = self.lock();
        } else if let Some(room) = is_hopeful.then(|| self.room_soon(slots)).flatten() {
            state = room;
        } else {
            waker = Some(cx.waker().clone());
            state = self.lock();
            // From here on the receiver comes for the lock with each slot that it frees.
            state.ahead = self.ahead.announce();
            if !state.closed && (!state.senders.is_empty() || state.free() < slots) {
                let own = waker.take().expect("it was just cloned");
                waiter.push(&mut state.senders, own, Ask { slots, refused: false });
                drop(state);
                hooks::set_wait(caller.site(), self.kind);
                return Poll::Pending;
            }
        }
        if state.closed {
            if waited {
                state.offered -= if waiter.data().refused { 0 } else { slots };
                waiter.as_mut().reset();
            }
            return Poll::Ready(Err(Closed));
        }
        let next = use_them(&mut state);
        if waited {
            // Only now: if a storage panicked above, dropping the future passes the offer on.
            state.offered -= slots;
            waiter.as_mut().reset();
        }
        drop(state);
        wake(next);
        hooks::spend();
        Poll::Ready(Ok(()))
    }

    /// A sender stops waiting; slots it was offered go to the next.
    #[cold]
    pub(crate) fn leave_slots(&self, waiter: &Waiter<Ask>) {
        let mut wakers = Wakers::new();
        let removed = {
            let mut state = self.lock();
            let removed = waiter.remove(&mut state.senders);
            if removed.is_none() && waiter.is_chosen() && !waiter.data().refused {
                state.offered -= waiter.data().slots;
            }
            // Those behind may want less than the one who left.
            if !state.closed {
                state.ahead = self.ahead.items();
                state.offer_all(&mut wakers);
            }
            removed
        };
        wakers.wake();
        drop(removed);
    }
}
