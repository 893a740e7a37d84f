//! The receiving side.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::{RecvError, Shared, TryRecvError};
use crate::blocking;
use crate::hooks::{self, Site, WaitKind};
use crate::prim::{Arc, Ordering};
use crate::waitlist::{Waiter, Wakers, project};

/// Gets every value that is sent from its making on.
///
/// As a stream it gives the values, and [`RecvError::Lagged`] where it missed some; it ends when the
/// senders are gone. Dropping the wait for its next value, in a `select!` for example, loses nothing: the stream
/// only keeps its place among those who are woken.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// The number of the value it gets next.
    next: u64,
    site: Site,
    /// The stream's place in the line, from the first time it has to wait.
    place: Option<Pin<Box<Waiter<()>>>>,
}

impl<T> Receiver<T> {
    #[track_caller]
    pub(super) fn new(shared: Arc<Shared<T>>, next: u64) -> Self {
        Self { shared, next, site: Site::caller(), place: None }
    }

    #[track_caller]
    pub(super) fn subscribe(shared: &Arc<Shared<T>>) -> Self {
        let next = {
            let mut state = shared.state.lock();
            state.receivers += 1;
            state.end()
        };
        Self::new(shared.clone(), next)
    }

    /// A new receiver of the same channel, which gets what is sent from now on.
    #[track_caller]
    pub fn resubscribe(&self) -> Self {
        Self::subscribe(&self.shared)
    }

    /// How many values this receiver has not got, those that it missed included.
    pub fn len(&self) -> usize {
        (self.shared.state.lock().end() - self.next) as usize
    }

    /// Whether this receiver has got everything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the senders are gone; values may be left to receive.
    pub fn is_closed(&self) -> bool {
        self.shared.state.lock().closed
    }

    /// How many senders there are.
    pub fn sender_strong_count(&self) -> usize {
        // Ordering: Relaxed, a snapshot.
        self.shared.senders.load(Ordering::Relaxed)
    }

    /// Whether `other` receives from the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T: Clone> Receiver<T> {
    /// Receives the next value, waiting for it.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: closed, or lagged.
    ///
    /// # Cancel safety
    ///
    /// Safe: a dropped `recv` has taken no value.
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        let site = Site::caller();
        Recv { shared: &self.shared, next: &mut self.next, site, waiter: Waiter::new(()) }
    }

    /// Receives the next value if there is one.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: empty, closed, or lagged.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.shared.state.lock().get(&mut self.next)
    }

    /// Receives the next value, blocking this thread.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: closed, or lagged.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        hooks::forbid_blocking("broadcast::Receiver::blocking_recv");
        match self.try_recv() {
            Ok(value) => Ok(value),
            Err(TryRecvError::Closed) => Err(RecvError::Closed),
            Err(TryRecvError::Lagged(n)) => Err(RecvError::Lagged(n)),
            Err(TryRecvError::Empty) => blocking::block_on(self.recv()),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let place = self.place.take();
        let (mut wakers, mut values) = (Wakers::new(), Vec::new());
        let waker = {
            let mut state = self.shared.state.lock();
            let waker = place.as_ref().and_then(|place| place.remove(&mut state.waiters));
            state.receivers -= 1;
            let seen = self.next.saturating_sub(state.base) as usize;
            for slot in state.ring.iter_mut().skip(seen) {
                slot.left -= 1;
                if slot.left == 0 {
                    values.extend(slot.value.take());
                }
            }
            state.trim();
            if state.receivers == 0 {
                state.deserted.pop_all(&mut wakers, |()| {});
            }
            waker
        };
        wakers.wake();
        drop((waker, values));
    }
}

/// Polls for the value at `next` with `waiter`, which is idle again when it is ready.
fn poll_recv<T: Clone>(
    shared: &Shared<T>,
    next: &mut u64,
    mut waiter: Pin<&mut Waiter<()>>,
    cx: &mut Context<'_>,
    site: Site,
) -> Poll<Result<T, RecvError>> {
    ready!(hooks::poll_budget(cx));
    if !waiter.is_idle() {
        if waiter.poll_chosen(cx, |f| f(&mut shared.state.lock().waiters)).is_pending() {
            hooks::set_wait(site, WaitKind::Broadcast);
            return Poll::Pending;
        }
        waiter.as_mut().reset();
    }
    let mut cloned = None;
    loop {
        let mut state = shared.state.lock();
        let error = match state.get(next) {
            Ok(value) => {
                drop(state);
                hooks::spend();
                return Poll::Ready(Ok(value));
            }
            Err(error) => error,
        };
        match (error, cloned.take()) {
            (TryRecvError::Closed, _) => return Poll::Ready(Err(RecvError::Closed)),
            (TryRecvError::Lagged(n), _) => return Poll::Ready(Err(RecvError::Lagged(n))),
            (TryRecvError::Empty, Some(waker)) => {
                waiter.push(&mut state.waiters, waker, ());
                drop(state);
                hooks::set_wait(site, WaitKind::Broadcast);
                return Poll::Pending;
            }
            (TryRecvError::Empty, None) => {
                drop(state);
                cloned = Some(cx.waker().clone());
            }
        }
    }
}

impl<T: Clone> Stream for Receiver<T> {
    type Item = Result<T, RecvError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let mut place = this.place.take().unwrap_or_else(|| Box::pin(Waiter::new(())));
        let next = poll_recv(&this.shared, &mut this.next, place.as_mut(), cx, this.site);
        this.place = Some(place);
        next.map(|next| Some(next).filter(|next| !matches!(next, Err(RecvError::Closed))))
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Receiver");
        f.field("len", &self.len()).field("closed", &self.is_closed()).finish()
    }
}

/// Future of [`Receiver::recv`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Recv<'a, T> {
    shared: &'a Shared<T>,
    next: &'a mut u64,
    site: Site,
    waiter: Waiter<()>,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, waiter);
        poll_recv(this.shared, this.next, waiter.as_mut(), cx, this.site)
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        if !self.waiter.is_idle() {
            let waker = self.waiter.remove(&mut self.shared.state.lock().waiters);
            drop(waker);
        }
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").field("at", &self.site).field("waiter", &self.waiter).finish()
    }
}
