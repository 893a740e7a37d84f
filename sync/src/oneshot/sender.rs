//! The half that sends.

use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{Handle, RX_CLOSED, RX_GONE, RX_WAKER, Room, SENT, TX_DONE, TX_GONE, TX_WAKER};
use crate::hooks::{self, Site, WaitKind};
use crate::prim::Ordering;

/// Sends one value to a [`Receiver`](super::Receiver).
///
/// Dropping it without sending gives the receiver a [`RecvError`](super::RecvError).
pub struct Sender<T> {
    shared: Handle<T>,
    site: Site,
}

/// The sender's last steps, which happen also if the receiver's waker panics.
struct Leave<T>(Option<Handle<T>>);

impl<T> Drop for Leave<T> {
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        // Ordering: AcqRel: Release for whoever frees, Acquire if it is this half. Pairs with the
        // same exchange by the receiver.
        let state = shared.state.fetch_or(TX_GONE, Ordering::AcqRel);
        if state & RX_GONE != 0 {
            shared.free(state);
        }
    }
}

impl<T> Sender<T> {
    pub(super) fn new(shared: Handle<T>, site: Site) -> Self {
        Self { shared, site }
    }

    /// Sends the value. It never waits.
    ///
    /// `Ok` says that the receiver was there; it may still be dropped without looking.
    ///
    /// # Errors
    ///
    /// The value, when the receiver is gone or closed.
    #[inline]
    pub fn send(self, value: T) -> Result<(), T> {
        if !stop_waiting(&self.shared) {
            return Err(value);
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: nothing was sent, so the slot is this half's (O2), and no waker is in it (O4).
        this.shared.tx.with_mut(|room| unsafe { (*room).value = ManuallyDrop::new(value) });
        let shared = Handle(this.shared.0);
        if finish(shared, SENT) {
            return Ok(());
        }
        // SAFETY: `RX_CLOSED` came first, so the slot is still this half's (O2).
        let value = this.shared.tx.with_mut(|room| unsafe { Room::take_value(room) });
        drop(ManuallyDrop::into_inner(this));
        Err(value)
    }

    /// Whether the receiver is gone or closed, so that a send would fail.
    pub fn is_closed(&self) -> bool {
        // Ordering: Acquire sees what the receiver did before. Pairs with the AcqRel in `close`.
        self.shared.state.load(Ordering::Acquire) & RX_CLOSED != 0
    }

    /// Waits until the receiver is gone or closed.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn closed(&mut self) -> Closed<'_, T> {
        Closed { site: Site::caller(), sender: self }
    }

    /// Polls whether the receiver is gone or closed.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let site = self.site;
        self.poll_closed_at(cx, site)
    }

    fn poll_closed_at(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<()> {
        ready!(hooks::poll_budget(cx));
        if !self.is_closed() && self.shared.tx_slot().register(cx) {
            hooks::set_wait(site, WaitKind::Oneshot);
            return Poll::Pending;
        }
        hooks::spend();
        Poll::Ready(())
    }
}

/// Takes the sender's waker out of its slot: nobody waits for `closed` any more. False if the receiver
/// was closed and may be about to wake it; then the last to leave drops it.
#[inline]
fn stop_waiting<T>(shared: &Handle<T>) -> bool {
    // Ordering: Relaxed, only this half sets or clears the bit.
    shared.state.load(Ordering::Relaxed) & TX_WAKER == 0 || shared.tx_slot().take_back()
}

/// The sender is done, with the bit `sent` or with 0. False if the receiver was closed before, which
/// matters only with a value: then nothing has happened and the handle is still the caller's.
#[inline]
fn finish<T>(shared: Handle<T>, sent: u8) -> bool {
    // Ordering: Relaxed, the exchange below decides.
    let mut state = shared.state.load(Ordering::Relaxed);
    loop {
        if state & RX_CLOSED != 0 && sent != 0 {
            return false;
        }
        // With nobody to wake, being done and being gone are one step.
        let gone = if state & RX_WAKER == 0 { TX_GONE } else { 0 };
        let next = state | sent | TX_DONE | gone;
        // Ordering: AcqRel: Release publishes the value; Acquire sees the receiver's waker, or
        // everything of the receiver if this half frees.
        match shared.state.compare_exchange(state, next, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) if gone == 0 => {
                let leave = Leave(Some(Handle(shared.0)));
                // A receiver that has left took its waker back before.
                shared.rx_slot().wake();
                drop(leave);
                return true;
            }
            Ok(_) => {
                if state & RX_GONE != 0 {
                    shared.free(next);
                }
                return true;
            }
            Err(now) => state = now,
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        stop_waiting(&self.shared);
        finish(Handle(self.shared.0), 0);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("closed", &self.is_closed()).finish()
    }
}

/// Future of [`Sender::closed`].
#[must_use = "futures do nothing unless you `.await` them"]
#[derive(Debug)]
pub struct Closed<'a, T> {
    sender: &'a mut Sender<T>,
    site: Site,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let site = self.site;
        self.sender.poll_closed_at(cx, site)
    }
}
