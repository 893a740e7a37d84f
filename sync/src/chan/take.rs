//! The receiving side, where several may wait.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{Chan, State, Storage, Unwinding, wake};
use crate::hooks::{self, Caller};
use crate::prim::{SpinGuard, try_briefly};
use crate::waitlist::{Waiter, Wakers};

/// A receiver that waits for an item.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// There is an item for it; if not, it was chosen because the channel has ended.
    pub(super) promised: bool,
}

impl Turn {
    /// What a waiter starts with.
    pub(crate) const NONE: Self = Self { promised: false };
}

/// Why there is no item at once.
#[derive(Debug)]
pub(crate) enum NoItem {
    Empty,
    Ended,
}

impl<S: Storage> Chan<S> {
    /// Takes an item that was promised to nobody.
    #[inline]
    pub(crate) fn try_take(&self) -> Result<S::Item, NoItem> {
        let _unwinding = Unwinding(self);
        let mut state = self.lock();
        match state.take() {
            Some((item, waker)) => {
                drop(state);
                wake(waker);
                Ok(item)
            }
            None if state.ended() => Err(NoItem::Ended),
            None => Err(NoItem::Empty),
        }
    }

    /// Polls for an item, or for the end (`None`); then `waiter` is idle again.
    #[inline]
    pub(crate) fn poll_take(
        &self,
        mut waiter: Pin<&mut Waiter<Turn>>,
        cx: &mut Context<'_>,
        caller: Caller,
    ) -> Poll<Option<S::Item>> {
        ready!(hooks::poll_budget(cx));
        let _unwinding = Unwinding(self);
        if !waiter.is_idle() {
            if waiter.poll_chosen(cx, |f| f(&mut self.lock().receivers)).is_pending() {
                hooks::set_wait(caller.site(), self.kind);
                return Poll::Pending;
            }
            let promised = waiter.data().promised;
            waiter.as_mut().reset();
            if promised {
                let mut state = self.lock();
                // Nothing is left of the promise if the items were dropped meanwhile.
                state.promised = state.promised.saturating_sub(1);
                if let Some(item) = state.storage.pop() {
                    let waker = state.offer();
                    let mut ended = Wakers::new();
                    if state.closed {
                        // Others may wait behind the promise for what is over now.
                        state.end(&mut ended);
                    }
                    drop(state);
                    wake(waker);
                    ended.wake();
                    hooks::spend();
                    return Poll::Ready(Some(item));
                }
            }
        }
        let mut cloned = None;
        let mut looked = false;
        loop {
            let mut state = self.lock();
            if !looked && cloned.is_none() && !state.has_item() && state.may_look_for_items() {
                looked = true;
                drop(state);
                state = self.item_soon();
            }
            if let Some((item, waker)) = state.take() {
                drop(state);
                wake(waker);
                hooks::spend();
                return Poll::Ready(Some(item));
            }
            if state.ended() {
                return Poll::Ready(None);
            }
            if let Some(waker) = cloned.take() {
                waiter.push(&mut state.receivers, waker, Turn::NONE);
                drop(state);
                hooks::set_wait(caller.site(), self.kind);
                return Poll::Pending;
            }
            drop(state);
            cloned = Some(cx.waker().clone());
        }
    }

    /// The lock, after a moment in which an item may have come; at once if somebody joins the line, or at the end.
    #[cold]
    fn item_soon(&self) -> SpinGuard<'_, State<S>> {
        let found = try_briefly(|| {
            let state = self.lock();
            let over = !state.receivers.is_empty() || state.ended();
            (over || state.has_item()).then_some(state)
        });
        let in_vain = found.is_none();
        let state = found.unwrap_or_else(|| self.lock());
        // Nothing is learnt from a look that was cut short.
        if state.has_item() {
            state.item_patience.learn(true);
        } else if in_vain {
            state.item_patience.learn(false);
        }
        state
    }

    /// A receiver stops waiting; the item it was promised goes to the next.
    #[cold]
    pub(crate) fn leave_take(&self, waiter: &Waiter<Turn>) {
        let mut wakers = Wakers::new();
        let removed = {
            let mut state = self.lock();
            let removed = waiter.remove(&mut state.receivers);
            if removed.is_none() && waiter.is_chosen() && waiter.data().promised {
                state.promised = state.promised.saturating_sub(1);
                if let Some(waker) = state.promise() {
                    wakers.push(waker);
                }
            }
            removed
        };
        wakers.wake();
        drop(removed);
    }
}
