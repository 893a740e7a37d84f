//! Room that was reserved together with a sender, for where nothing can be borrowed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{SendError, Sender, TrySendError};
use crate::chan::{Ask, NoSlot};
use crate::hooks::Caller;
use crate::waitlist::{Waiter, project};

/// Room for one value, with the sender it was reserved by; dropping it gives the room back.
#[must_use = "the room goes back as soon as the permit is dropped"]
pub struct OwnedPermit<T> {
    /// There until the permit is used or given back.
    sender: Option<Sender<T>>,
}

impl<T> OwnedPermit<T> {
    /// Sends a value and gives the sender back. It never waits and cannot fail; a value for a receiver
    /// that is gone is dropped.
    pub fn send(mut self, value: T) -> Sender<T> {
        let sender = self.sender.take().expect("a permit has its sender");
        drop(sender.tx.0.chan.put_permitted(value));
        sender
    }

    /// Gives the room back, and the sender.
    pub fn release(mut self) -> Sender<T> {
        let sender = self.sender.take().expect("a permit has its sender");
        sender.tx.0.chan.release(1);
        sender
    }

    /// Whether `other` is room in the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        other.sender.as_ref().is_some_and(|sender| self.same_channel_as_sender(sender))
    }

    /// Whether this is room in the channel of `sender`.
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.sender.as_ref().is_some_and(|own| own.same_channel(sender))
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.tx.0.chan.release(1);
        }
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}

impl<T> Sender<T> {
    /// Waits for room for one value and keeps it, and the sender with it.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the receiver is gone or closed.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `reserve_owned` gives up its place in the line, and drops the sender.
    #[track_caller]
    pub fn reserve_owned(self) -> ReserveOwned<T> {
        let (caller, waiter) = (Caller::here(), Waiter::new(Ask::NONE));
        ReserveOwned { sender: Some(self), caller, waiter }
    }

    /// Keeps room for one value, and the sender with it, if there is some and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] with the sender: full, or closed.
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        match self.tx.0.chan.try_reserve(1) {
            Ok(()) => {}
            Err(NoSlot::Full) => return Err(TrySendError::Full(self)),
            Err(NoSlot::Closed) => return Err(TrySendError::Closed(self)),
        }
        Ok(OwnedPermit { sender: Some(self) })
    }
}

/// Future of [`Sender::reserve_owned`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct ReserveOwned<T> {
    /// There until the room is.
    sender: Option<Sender<T>>,
    caller: Caller,
    waiter: Waiter<Ask>,
}

impl<T> Future for ReserveOwned<T> {
    type Output = Result<OwnedPermit<T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, waiter);
        let chan = &this.sender.as_ref().expect("polled after it was ready").tx.0.chan;
        let reserved = ready!(chan.poll_slots(waiter, cx, this.caller, 1, |state| {
            state.permit(1);
            None
        }));
        let sender = this.sender.take();
        Poll::Ready(match reserved {
            Ok(()) => Ok(OwnedPermit { sender }),
            Err(_) => Err(SendError(())),
        })
    }
}

impl<T> Drop for ReserveOwned<T> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.as_ref().filter(|_| !self.waiter.is_idle()) {
            sender.tx.0.chan.leave_slots(&self.waiter);
        }
    }
}

impl<T> fmt::Debug for ReserveOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReserveOwned")
            .field("at", &self.caller)
            .field("waiter", &self.waiter)
            .finish()
    }
}
