//! The wait for a promise.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{Promise, PromiseError};
use crate::hooks::{self, Site, WaitKind};
use crate::waitlist::{Waiter, project};

/// Future of [`Promise::wait`] and of awaiting a [`Promise`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct PromiseWait<T> {
    promise: Promise<T>,
    site: Site,
    waiter: Waiter<()>,
}

impl<T> PromiseWait<T> {
    #[track_caller]
    pub(super) fn new(promise: Promise<T>) -> Self {
        Self { promise, site: Site::caller(), waiter: Waiter::new(()) }
    }
}

impl<T: Clone> Future for PromiseWait<T> {
    type Output = Result<T, PromiseError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(hooks::poll_budget(cx));
        project!(self => this, waiter);
        let promise = &this.promise;
        if let Some(outcome) = promise.try_get() {
            hooks::spend();
            return Poll::Ready(outcome);
        }
        if waiter.is_idle() {
            let waker = cx.waker().clone();
            let mut state = promise.shared.state.lock();
            if !promise.is_done() {
                waiter.push(&mut state.waiters, waker, ());
            }
        } else {
            let _ = waiter.poll_chosen(cx, |f| f(&mut promise.shared.state.lock().waiters));
        }
        if let Some(outcome) = promise.try_get() {
            hooks::spend();
            return Poll::Ready(outcome);
        }
        hooks::set_wait(this.site, WaitKind::Promise);
        Poll::Pending
    }
}

impl<T> Drop for PromiseWait<T> {
    fn drop(&mut self) {
        if !self.waiter.is_idle() {
            let waker = self.waiter.remove(&mut self.promise.shared.state.lock().waiters);
            drop(waker);
        }
    }
}

impl<T> fmt::Debug for PromiseWait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PromiseWait").field("at", &self.site).field("waiter", &self.waiter).finish()
    }
}
