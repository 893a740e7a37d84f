//! The receiving side of a channel that has one receiver: a waker, no line.

use std::task::{Context, Poll, ready};

use super::{Chan, Storage, wake};
use crate::hooks::{self, Caller};
use crate::waitlist::Wakers;

impl<S: Storage> Chan<S> {
    /// Polls for an item, or for the end (`None`).
    #[inline]
    pub(crate) fn poll_take_alone(
        &self,
        cx: &mut Context<'_>,
        caller: Caller,
    ) -> Poll<Option<S::Item>> {
        ready!(hooks::poll_budget(cx));
        let mut state = self.lock();
        if let Some((item, waker)) = state.take() {
            drop(state);
            wake(waker);
            hooks::spend();
            return Poll::Ready(Some(item));
        }
        drop(state);
        self.wait_alone(cx, caller, |chan| match chan.try_take() {
            Ok(item) => Poll::Ready(Some(item)),
            Err(super::NoItem::Ended) => Poll::Ready(None),
            Err(super::NoItem::Empty) => Poll::Pending,
        })
    }

    /// Polls for up to `limit` items, which it adds to `buffer`; ready with 0 at the end.
    pub(crate) fn poll_take_many(
        &self,
        cx: &mut Context<'_>,
        caller: Caller,
        buffer: &mut Vec<S::Item>,
        limit: usize,
    ) -> Poll<usize> {
        ready!(hooks::poll_budget(cx));
        if limit == 0 {
            return Poll::Ready(0);
        }
        let taken = self.try_take_many(buffer, limit);
        if taken > 0 {
            hooks::spend();
            return Poll::Ready(taken);
        }
        self.wait_alone(cx, caller, |chan| match chan.try_take_many(buffer, limit) {
            0 if chan.lock().ended() => Poll::Ready(0),
            0 => Poll::Pending,
            taken => Poll::Ready(taken),
        })
    }

    fn try_take_many(&self, buffer: &mut Vec<S::Item>, limit: usize) -> usize {
        let mut wakers = Wakers::new();
        let mut taken = 0;
        {
            let mut state = self.lock();
            buffer.reserve(limit.min(state.storage.len()));
            while let Some((item, waker)) = (taken < limit).then(|| state.take()).flatten() {
                buffer.push(item);
                taken += 1;
                waker.into_iter().for_each(|w| wakers.push(w));
            }
        }
        wakers.wake();
        taken
    }

    /// Leaves the waker of `cx`, then tries once more: what came before the waker was there is found,
    /// what comes after it wakes.
    #[cold]
    fn wait_alone<R>(
        &self,
        cx: &mut Context<'_>,
        caller: Caller,
        try_again: impl FnOnce(&Self) -> Poll<R>,
    ) -> Poll<R> {
        let known = self.lock().lone_receiver.as_ref().is_some_and(|w| w.will_wake(cx.waker()));
        if !known {
            let waker = cx.waker().clone();
            let old = self.lock().lone_receiver.replace(waker);
            drop(old);
        }
        match try_again(self) {
            Poll::Ready(result) => {
                let waker = self.lock().lone_receiver.take();
                drop(waker);
                hooks::spend();
                Poll::Ready(result)
            }
            Poll::Pending => {
                hooks::set_wait(caller.site(), self.kind);
                Poll::Pending
            }
        }
    }
}
