//! The receiving side of a channel that has one receiver: a waker, no line, and an inbox.

use std::task::{Context, Poll, ready};

use super::{Chan, Fifo, Inbox, NoItem, State, Storage, wake};
use crate::hooks::{self, Caller};
use crate::prim::{SpinGuard, pause_briefly, try_briefly};
use crate::waitlist::Wakers;

impl<T> State<Fifo<T>> {
    /// Whether something is in the storage, or nothing will come any more.
    #[inline]
    fn has_news(&self) -> bool {
        !self.storage.is_empty() || self.ended()
    }
}

impl<T> Chan<Fifo<T>> {
    /// Takes an item if there is one.
    #[inline]
    pub(crate) fn try_take_alone(&self, inbox: &mut Inbox<T>) -> Result<T, NoItem> {
        self.hand_out(inbox).map_or_else(|| self.refill(inbox), Ok)
    }

    /// The next item of the inbox, whose slot is free with that.
    #[inline]
    fn hand_out(&self, inbox: &mut Inbox<T>) -> Option<T> {
        let item = inbox.items().pop_front()?;
        self.handed_out(inbox);
        Some(item)
    }

    /// Items were handed out of the inbox, and their slots are free.
    #[inline]
    fn handed_out(&self, inbox: &mut Inbox<T>) {
        let left = inbox.items().len();
        if self.ahead.hand_out(left) {
            self.serve_senders(left);
        }
    }

    /// Offers what came free to those who wait.
    #[cold]
    fn serve_senders(&self, left: usize) {
        loop {
            let mut state = self.lock();
            self.ahead.set(left);
            state.ahead = left;
            let waker = state.offer();
            if state.senders.is_empty() {
                self.ahead.not_wanted();
            }
            let more = waker.is_some() && !state.senders.is_empty() && state.free() > 0;
            drop(state);
            wake(waker);
            if !more {
                return;
            }
        }
    }

    /// Takes an item out of the storage, and as many as are there along with it; the inbox is empty.
    fn refill(&self, inbox: &mut Inbox<T>) -> Result<T, NoItem> {
        inbox.rest();
        let state = self.lock();
        if state.has_news() {
            self.take_out(inbox, state).ok_or(NoItem::Ended)
        } else {
            Err(NoItem::Empty)
        }
    }

    /// The lock, for a receiver who gains if a sender who is at it goes first.
    #[inline]
    fn lock_courteously(&self) -> SpinGuard<'_, State<Fifo<T>>> {
        self.state.try_lock().unwrap_or_else(|| {
            // In a moment there is more to take at once.
            pause_briefly();
            self.lock()
        })
    }

    /// Moves what is in the storage to the inbox, and gives the first of it; `None` at the end.
    fn take_out(
        &self,
        inbox: &mut Inbox<T>,
        mut state: SpinGuard<'_, State<Fifo<T>>>,
    ) -> Option<T> {
        // A single item is sooner taken by itself.
        let item = if state.storage.len() > 1 {
            inbox.exchange(&mut state.storage)
        } else {
            state.storage.pop()
        }?;
        let left = inbox.items().len();
        state.ahead = left;
        self.ahead.set(left);
        let waker = state.offer();
        drop(state);
        wake(waker);
        Some(item)
    }

    /// Polls for an item, or for the end (`None`).
    #[inline]
    pub(crate) fn poll_take_alone(
        &self,
        inbox: &mut Inbox<T>,
        cx: &mut Context<'_>,
        caller: Caller,
    ) -> Poll<Option<T>> {
        ready!(hooks::poll_budget(cx));
        let next = match self.hand_out(inbox) {
            Some(item) => Some(item),
            None => {
                inbox.rest();
                let state = ready!(self.poll_news(inbox, cx, caller));
                self.take_out(inbox, state)
            }
        };
        hooks::spend();
        Poll::Ready(next)
    }

    /// Polls for up to `limit` items, which it adds to `buffer`; ready with 0 at the end.
    pub(crate) fn poll_take_many(
        &self,
        inbox: &mut Inbox<T>,
        cx: &mut Context<'_>,
        caller: Caller,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        ready!(hooks::poll_budget(cx));
        if limit == 0 {
            return Poll::Ready(0);
        }
        let items = inbox.items();
        let mut taken = limit.min(items.len());
        buffer.extend(items.drain(..taken));
        if taken > 0 {
            self.handed_out(inbox);
        }
        if taken < limit {
            inbox.rest();
            let state = match taken {
                0 => ready!(self.poll_news(inbox, cx, caller)),
                _ => self.lock_courteously(),
            };
            taken += self.take_many(state, buffer, limit - taken);
        }
        hooks::spend();
        Poll::Ready(taken)
    }

    /// Adds up to `limit` items of the storage to `buffer`; the inbox is empty.
    fn take_many(
        &self,
        mut state: SpinGuard<'_, State<Fifo<T>>>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> usize {
        let mut wakers = Wakers::new();
        state.ahead = 0;
        let taken = limit.min(state.storage.len());
        buffer.reserve(taken);
        buffer.extend((0..taken).map_while(|_| state.storage.pop()));
        state.offer_all(&mut wakers);
        drop(state);
        wakers.wake();
        taken
    }

    /// Ready, with the lock, when something is in the storage, or nothing will come any more; if not, the
    /// waker of `cx` is left for who puts something in. The inbox is empty.
    fn poll_news(
        &self,
        inbox: &mut Inbox<T>,
        cx: &mut Context<'_>,
        caller: Caller,
    ) -> Poll<SpinGuard<'_, State<Fifo<T>>>> {
        let mut state = self.lock_courteously();
        if state.has_news() {
            return Poll::Ready(state);
        }
        if inbox.patience().may_look() {
            drop(state);
            let news = try_briefly(|| Some(self.lock()).filter(|state| state.has_news()));
            state = news.unwrap_or_else(|| self.lock());
            inbox.patience().learn(state.has_news());
            if state.has_news() {
                return Poll::Ready(state);
            }
        }
        if !state.lone_receiver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            drop(state);
            // Wakers are cloned and dropped outside the lock, since that may be anybody's code.
            let waker = cx.waker().clone();
            state = self.lock();
            if state.has_news() {
                drop(state);
                drop(waker);
                // It does not go away: nobody else takes anything out.
                return Poll::Ready(self.lock());
            }
            let old = state.lone_receiver.replace(waker);
            drop(state);
            drop(old);
        }
        hooks::set_wait(caller.site(), self.kind);
        Poll::Pending
    }

    /// The receiver goes: nothing may be sent any more, and what is there is dropped.
    pub(crate) fn desert(&self, inbox: &mut Inbox<T>) {
        self.close_and_clear(true, |_, _, _| {});
        // Only now: until it was closed these items kept their slots. Now nobody waits for one (A1).
        self.ahead.set(0);
        inbox.items().clear();
    }
}
