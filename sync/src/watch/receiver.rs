//! The side that looks.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::{CLOSED, RecvError, Ref, Shared, VERSION, WAITERS};
use crate::blocking;
use crate::hooks::{self, Site, WaitKind};
use crate::prim::{Arc, Ordering};
use crate::waitlist::{Waiter, Wakers, project};

/// Sees the value of a watch channel, and that it has changed. Clones see for themselves, and have
/// seen what this one had.
///
/// As a stream it gives a copy of each value that it has not seen, as long as it is looked at in time. Dropping the
/// wait for its next value, in a `select!` for example, loses nothing: the stream only keeps its place among
/// those who are woken.
pub struct Receiver<T> {
    pub(super) shared: Arc<Shared<T>>,
    /// The version it has seen.
    seen: usize,
    site: Site,
    /// The stream's place in the line, from the first time it has to wait.
    place: Option<Pin<Box<Waiter<()>>>>,
}

impl<T> Receiver<T> {
    #[track_caller]
    pub(super) fn new(shared: Arc<Shared<T>>, seen: usize) -> Self {
        Self { shared, seen, site: Site::caller(), place: None }
    }

    /// Looks at the value; it counts as not seen if it was not.
    pub fn borrow(&self) -> Ref<'_, T> {
        let (value, version) = self.shared.borrow();
        Ref { value, changed: version != self.seen }
    }

    /// Looks at the value, which is seen now.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        look(&self.shared, &mut self.seen)
    }

    /// Whether there is a value that this receiver has not seen.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the senders are gone and the last value was seen.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        match poll_news(&self.shared, self.seen) {
            Poll::Ready(Ok(_)) => Ok(true),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Ok(false),
        }
    }

    /// Whether all senders are gone; the last value may not have been seen.
    pub fn is_closed(&self) -> bool {
        self.shared.news() & CLOSED != 0
    }

    /// Makes the value count as not seen.
    pub fn mark_changed(&mut self) {
        self.seen = self.seen.wrapping_sub(VERSION);
    }

    /// Makes the value count as seen.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.news() & !CLOSED;
    }

    /// Waits for a value that this receiver has not seen, which then counts as seen.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the senders are gone and the last value was seen.
    ///
    /// # Cancel safety
    ///
    /// Safe: a dropped `changed` has not made anything count as seen.
    #[track_caller]
    pub fn changed(&mut self) -> Changed<'_, T> {
        let (shared, seen, waiter) = (&*self.shared, &mut self.seen, Waiter::new(()));
        Changed { shared, seen, site: Site::caller(), waiter }
    }

    /// Waits until `wanted` says yes to the value, which may be the one that is there now; it counts
    /// as seen then, as do those it said no to. It runs with the value locked: sending from within it would
    /// wait for itself.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the senders are gone and it said no to the last value.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn wait_for<P: FnMut(&T) -> bool>(&mut self, wanted: P) -> WaitFor<'_, T, P> {
        let site = Site::caller();
        let (shared, seen, waiter) = (&*self.shared, &mut self.seen, Waiter::new(()));
        WaitFor { shared, seen, wanted, is_new: true, site, waiter }
    }

    /// Waits for a value that this receiver has not seen, blocking this thread; see
    /// [`changed`](Self::changed).
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the senders are gone and the last value was seen.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_changed(&mut self) -> Result<(), RecvError> {
        hooks::forbid_blocking("watch::Receiver::blocking_changed");
        blocking::block_on(self.changed())
    }

    /// Waits until `wanted` says yes to the value, blocking this thread; see
    /// [`wait_for`](Self::wait_for).
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the senders are gone and it said no to the last value.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait_for<P: FnMut(&T) -> bool>(
        &mut self,
        wanted: P,
    ) -> Result<Ref<'_, T>, RecvError> {
        hooks::forbid_blocking("watch::Receiver::blocking_wait_for");
        blocking::block_on(self.wait_for(wanted))
    }

    /// Whether `other` sees the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// Looks at the value, which is seen then.
fn look<'a, T>(shared: &'a Shared<T>, seen: &mut usize) -> Ref<'a, T> {
    let (value, version) = shared.borrow();
    let changed = version != std::mem::replace(seen, version);
    Ref { value, changed }
}

/// Ready with the version of a value that was not seen.
fn poll_news<T>(shared: &Shared<T>, seen: usize) -> Poll<Result<usize, RecvError>> {
    let news = shared.news();
    if news & !CLOSED != seen {
        return Poll::Ready(Ok(news & !CLOSED));
    }
    if news & CLOSED != 0 { Poll::Ready(Err(RecvError(()))) } else { Poll::Pending }
}

/// Polls for news, and makes them count as seen; then `waiter` is idle.
fn poll_changed<T>(
    shared: &Shared<T>,
    seen: &mut usize,
    mut waiter: Pin<&mut Waiter<()>>,
    cx: &mut Context<'_>,
    site: Site,
) -> Poll<Result<(), RecvError>> {
    ready!(hooks::poll_budget(cx));
    loop {
        if let Poll::Ready(news) = poll_news(shared, *seen) {
            leave(shared, &waiter);
            waiter.as_mut().reset();
            *seen = news?;
            hooks::spend();
            return Poll::Ready(Ok(()));
        }
        if !waiter.is_idle() {
            if waiter.poll_chosen(cx, |f| f(&mut shared.lists.lock().changed)).is_pending() {
                break;
            }
            // Woken by a value that counts as seen by now: wait anew.
            waiter.as_mut().reset();
            continue;
        }
        let waker = cx.waker().clone();
        let mut lists = shared.lists.lock();
        // From here on whoever announces something comes for the lock. Then look once more.
        // Ordering: Relaxed, `poll_news` acquires.
        shared.state.fetch_or(WAITERS, Ordering::Relaxed);
        waiter.as_mut().push(&mut lists.changed, waker, ());
    }
    hooks::set_wait(site, WaitKind::Watch);
    Poll::Pending
}

/// Takes a waiter out of the line if it is there.
fn leave<T>(shared: &Shared<T>, waiter: &Waiter<()>) {
    if waiter.is_idle() || waiter.is_chosen() {
        return;
    }
    let mut lists = shared.lists.lock();
    let waker = waiter.remove(&mut lists.changed);
    if waker.is_some() && lists.changed.is_empty() {
        // Ordering: Relaxed, nothing is handed over.
        shared.state.fetch_and(!WAITERS, Ordering::Relaxed);
    }
    drop(lists);
    drop(waker);
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed, this receiver keeps the count above zero.
        self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        Self { shared: self.shared.clone(), seen: self.seen, site: self.site, place: None }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            leave(&self.shared, &place);
        }
        // Ordering: AcqRel, pairs with the Acquire in `receiver_count`.
        if self.shared.receivers.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut wakers = Wakers::new();
            self.shared.lists.lock().closed.pop_all(&mut wakers, |()| {});
            wakers.wake();
        }
    }
}

impl<T: Clone> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        let mut place = this.place.take().unwrap_or_else(|| Box::pin(Waiter::new(())));
        let changed = poll_changed(&this.shared, &mut this.seen, place.as_mut(), cx, this.site);
        this.place = Some(place);
        changed.map(|changed| changed.ok().map(|()| this.borrow_and_update().clone()))
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt_as("Receiver", f)
    }
}

/// Future of [`Receiver::changed`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Changed<'a, T> {
    shared: &'a Shared<T>,
    seen: &'a mut usize,
    site: Site,
    waiter: Waiter<()>,
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<(), RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, waiter);
        poll_changed(this.shared, this.seen, waiter.as_mut(), cx, this.site)
    }
}

impl<T> Drop for Changed<'_, T> {
    fn drop(&mut self) {
        leave(self.shared, &self.waiter);
    }
}

impl<T> fmt::Debug for Changed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changed").field("at", &self.site).field("waiter", &self.waiter).finish()
    }
}

/// Future of [`Receiver::wait_for`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct WaitFor<'a, T, P> {
    shared: &'a Shared<T>,
    seen: &'a mut usize,
    wanted: P,
    /// The value that was there at the beginning was not looked at yet.
    is_new: bool,
    site: Site,
    waiter: Waiter<()>,
}

impl<'a, T, P: FnMut(&T) -> bool> Future for WaitFor<'a, T, P> {
    type Output = Result<Ref<'a, T>, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, waiter);
        loop {
            if !std::mem::take(&mut this.is_new) {
                ready!(poll_changed(this.shared, this.seen, waiter.as_mut(), cx, this.site))?;
            }
            let value = look(this.shared, this.seen);
            if (this.wanted)(&value) {
                return Poll::Ready(Ok(value));
            }
        }
    }
}

impl<T, P> Drop for WaitFor<'_, T, P> {
    fn drop(&mut self) {
        leave(self.shared, &self.waiter);
    }
}

impl<T, P> fmt::Debug for WaitFor<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFor").field("at", &self.site).field("waiter", &self.waiter).finish()
    }
}
