//! The wait for permits.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::{
    AcquireError, CLOSED, OwnedSemaphorePermit, SHIFT, Semaphore, SemaphorePermit, TryAcquireError,
    WAITERS, Want,
};
use crate::hooks::{self, Caller, WaitKind};
use crate::prim::Ordering;
use crate::waitlist::{List, Waiter, Wakers, project};

/// The wait for permits, with a borrowed or a shared semaphore.
pub(super) struct Acquiring<S: Deref<Target = Semaphore>> {
    semaphore: Option<S>,
    permits: u32,
    caller: Caller,
    kind: WaitKind,
    waiter: Waiter<Want>,
}

impl<S: Deref<Target = Semaphore> + Unpin> Acquiring<S> {
    #[track_caller]
    #[inline]
    pub(super) fn new(semaphore: S, permits: u32) -> Self {
        Self::at(semaphore, permits, Caller::here(), WaitKind::Semaphore)
    }

    #[inline]
    pub(super) fn at(semaphore: S, permits: u32, caller: Caller, kind: WaitKind) -> Self {
        let waiter = Waiter::new(Want { permits: 0, refused: false });
        Self { semaphore: Some(semaphore), permits, caller, kind, waiter }
    }

    /// Ready with the semaphore, of which the permits are taken, and their number.
    #[inline]
    fn poll_acquire(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(S, u32), AcquireError>> {
        ready!(hooks::poll_budget(cx));
        project!(self => this, waiter);
        let semaphore = this.semaphore.as_ref().expect("polled after it was ready");
        let n = this.permits as usize;
        let acquired = if waiter.is_idle() {
            match semaphore.take(n) {
                Err(TryAcquireError::NoPermits) if semaphore.contend(n) => Poll::Ready(Ok(())),
                Err(TryAcquireError::NoPermits) => join_line(semaphore, waiter.as_mut(), cx, n),
                taken => Poll::Ready(taken.map_err(|_| AcquireError(()))),
            }
        } else {
            let with = |f: &mut dyn FnMut(&mut List<Want>)| f(&mut semaphore.waiters.lock());
            waiter.poll_chosen(cx, with).map(|()| {
                let refused = waiter.data().refused;
                waiter.as_mut().reset();
                if refused { Err(AcquireError(())) } else { Ok(()) }
            })
        };
        let Poll::Ready(acquired) = acquired else {
            hooks::set_wait(this.caller.site(), this.kind);
            return Poll::Pending;
        };
        hooks::spend();
        let semaphore = this.semaphore.take().expect("it was there above");
        Poll::Ready(acquired.map(|()| (semaphore, this.permits)))
    }
}

/// Joins the line unless the permits are there by now.
#[cold]
fn join_line(
    semaphore: &Semaphore,
    waiter: Pin<&mut Waiter<Want>>,
    cx: &Context<'_>,
    permits: usize,
) -> Poll<Result<(), AcquireError>> {
    let waker = cx.waker().clone();
    let mut list = semaphore.waiters.lock();
    // From here on every release comes for the lock.
    // Ordering: AcqRel: Acquire as in `take`; Release keeps the word's order with `close`.
    let state = semaphore.state.fetch_or(WAITERS, Ordering::AcqRel);
    let at_once = if state & CLOSED != 0 {
        Some(Err(AcquireError(())))
    } else if list.is_empty() && state >> SHIFT >= permits {
        // Ordering: AcqRel, as above.
        semaphore.state.fetch_sub(permits << SHIFT, Ordering::AcqRel);
        Some(Ok(()))
    } else {
        None
    };
    match at_once {
        Some(result) => {
            if list.is_empty() {
                // Ordering: Release, a taker without the lock comes after this one.
                semaphore.state.fetch_and(!WAITERS, Ordering::Release);
            }
            drop(list);
            Poll::Ready(result)
        }
        None => {
            waiter.push(&mut list, waker, Want { permits, refused: false });
            Poll::Pending
        }
    }
}

/// Leaves the line; permits that were given already go to the next.
#[cold]
fn leave_line(semaphore: &Semaphore, waiter: &Waiter<Want>) {
    let mut wakers = Wakers::new();
    let removed = {
        let mut list = semaphore.waiters.lock();
        let removed = waiter.remove(&mut list);
        if removed.is_some() {
            // Those behind may want less than the one who left.
            semaphore.serve_locked(&mut list, &mut wakers);
        }
        removed
    };
    wakers.wake();
    if removed.is_none() && waiter.is_chosen() && !waiter.data().refused {
        semaphore.give_back(waiter.data().permits);
    }
}

impl<S: Deref<Target = Semaphore>> Drop for Acquiring<S> {
    #[inline]
    fn drop(&mut self) {
        if !self.waiter.is_idle() {
            let semaphore = self.semaphore.as_ref().expect("a waiter that waits has a semaphore");
            leave_line(semaphore, &self.waiter);
        }
    }
}

/// Future of [`Semaphore::acquire`] and [`Semaphore::acquire_many`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Acquire<'a> {
    pub(super) wait: Acquiring<&'a Semaphore>,
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<SemaphorePermit<'a>, AcquireError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, wait);
        let acquired = ready!(wait.as_mut().poll_acquire(cx));
        Poll::Ready(acquired.map(|(semaphore, n)| SemaphorePermit::new(semaphore, n)))
    }
}

impl fmt::Debug for Acquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("wait", &self.wait.waiter).finish()
    }
}

/// Future of [`Semaphore::acquire_owned`] and [`Semaphore::acquire_many_owned`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct AcquireOwned {
    pub(super) wait: Acquiring<Arc<Semaphore>>,
}

impl Future for AcquireOwned {
    type Output = Result<OwnedSemaphorePermit, AcquireError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, wait);
        let acquired = ready!(wait.as_mut().poll_acquire(cx));
        Poll::Ready(acquired.map(|(semaphore, n)| OwnedSemaphorePermit::new(semaphore, n)))
    }
}

impl fmt::Debug for AcquireOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireOwned").field("wait", &self.wait.waiter).finish()
    }
}
