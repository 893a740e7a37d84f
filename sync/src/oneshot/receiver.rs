//! The half that receives.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{
    Handle, RX_CLOSED, RX_GONE, RX_WAKER, RecvError, Room, SENT, TX_DONE, TX_GONE, TX_WAKER,
    TryRecvError,
};
use crate::blocking;
use crate::hooks::{self, Site, WaitKind};
use crate::prim::Ordering;

/// Receives the value of one [`Sender`](super::Sender): it is a future.
///
/// # Errors
///
/// [`RecvError`] when the sender is dropped without sending.
///
/// # Cancel safety
///
/// Safe: `&mut receiver` can be awaited again, and a value that came is not lost.
///
/// # Panics
///
/// Never; polled after it gave its value, it gives `RecvError`.
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Receiver<T> {
    shared: Handle<T>,
    site: Site,
}

impl<T> Receiver<T> {
    pub(super) fn new(shared: Handle<T>, site: Site) -> Self {
        Self { shared, site }
    }

    /// Takes the value if it has come.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: empty, or closed.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        // Ordering: Acquire sees the value. Pairs with the AcqRel exchange in the sender's `finish`.
        let state = self.shared.state.load(Ordering::Acquire);
        if state & SENT != 0 {
            return Ok(self.take(state));
        }
        let closed = state & (TX_DONE | RX_CLOSED) != 0;
        Err(if closed { TryRecvError::Closed } else { TryRecvError::Empty })
    }

    /// Takes the value; `SENT` is set.
    #[inline]
    fn take(&mut self, state: u8) -> T {
        if state & TX_GONE != 0 {
            // Nobody else touches the word any more: a store does.
            // Ordering: Relaxed, the only reader left is this half.
            self.shared.state.store(state & !SENT, Ordering::Relaxed);
        } else {
            // Ordering: Relaxed, as above; the sender, on its way out, sets its own bit only, and
            // passes the word on to whoever frees.
            self.shared.state.fetch_and(!SENT, Ordering::Relaxed);
        }
        // SAFETY: `SENT` was set, so the value is there and this half's (O2); it is cleared, so
        // nobody reads it again.
        self.shared.tx.with_mut(|room| unsafe { Room::take_value(room) })
    }

    /// Refuses a value that has not come yet; one that has can still be received.
    pub fn close(&mut self) {
        // Ordering: AcqRel: Release publishes what the receiver did, Acquire sees the sender's waker.
        let state = self.shared.state.fetch_or(RX_CLOSED, Ordering::AcqRel);
        // The sender's word was the first, or this was closed before: nobody is to be woken.
        if state & (TX_WAKER | RX_CLOSED | TX_DONE) == TX_WAKER {
            self.shared.tx_slot().wake();
        }
    }

    /// Whether nothing more will come: the sender is gone, or this half was closed.
    pub fn is_terminated(&self) -> bool {
        // Ordering: Relaxed, a snapshot.
        let state = self.shared.state.load(Ordering::Relaxed);
        state & SENT == 0 && state & (TX_DONE | RX_CLOSED) != 0
    }

    /// Whether there is no value to take at the moment.
    pub fn is_empty(&self) -> bool {
        // Ordering: Relaxed, a snapshot.
        self.shared.state.load(Ordering::Relaxed) & SENT == 0
    }

    /// Waits for the value, blocking this thread.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the sender is dropped without sending.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_recv(mut self) -> Result<T, RecvError> {
        hooks::forbid_blocking("oneshot::Receiver::blocking_recv");
        match self.try_recv() {
            Ok(value) => Ok(value),
            Err(TryRecvError::Closed) => Err(RecvError(())),
            Err(TryRecvError::Empty) => blocking::block_on(self),
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(hooks::poll_budget(cx));
        let mut result = self.try_recv();
        if matches!(result, Err(TryRecvError::Empty)) {
            if self.shared.rx_slot().register(cx) {
                hooks::set_wait(self.site, WaitKind::Oneshot);
                return Poll::Pending;
            }
            result = self.try_recv();
        }
        hooks::spend();
        Poll::Ready(result.map_err(|_| RecvError(())))
    }
}

impl<T> Drop for Receiver<T> {
    #[inline]
    fn drop(&mut self) {
        // Ordering: Acquire, this half may free what the sender wrote. Pairs with the AcqRel
        // exchanges by which the sender leaves.
        let state = self.shared.state.load(Ordering::Acquire);
        if state & TX_GONE != 0 {
            return Handle(self.shared.0).free(state);
        }
        if state & RX_WAKER != 0 {
            // Before anything says that this half is gone: the sender may live long, and the waker
            // keeps a task in memory.
            self.shared.rx_slot().take_back();
        }
        self.close();
        // Ordering: AcqRel: Release for whoever frees, Acquire if it is this half. Pairs with the
        // same exchange by the sender.
        let state = self.shared.state.fetch_or(RX_GONE, Ordering::AcqRel);
        if state & TX_GONE != 0 {
            Handle(self.shared.0).free(state);
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("terminated", &self.is_terminated()).finish()
    }
}
