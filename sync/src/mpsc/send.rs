//! The waits of senders.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::{Permit, PermitIterator, SendError, SendTimeoutError};
use crate::blocking;
use crate::chan::{Ask, Chan, Fifo};
use crate::hooks::Caller;
use crate::waitlist::{Waiter, project};

/// Future of [`Sender::send`](super::Sender::send).
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Send<'a, T> {
    chan: &'a Chan<Fifo<T>>,
    value: Option<T>,
    caller: Caller,
    waiter: Waiter<Ask>,
}

impl<'a, T> Send<'a, T> {
    #[track_caller]
    #[inline]
    pub(crate) fn new(chan: &'a Chan<Fifo<T>>, value: T) -> Self {
        Self { chan, value: Some(value), caller: Caller::here(), waiter: Waiter::new(Ask::NONE) }
    }
}

impl<T> Send<'_, T> {
    /// Sends on a plain thread, and gives up when `timeout` is over.
    pub(crate) fn within(self, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        let mut send = pin!(self);
        match blocking::block_on_timeout(send.as_mut(), timeout) {
            Some(Ok(())) => Ok(()),
            Some(Err(SendError(value))) => Err(SendTimeoutError::Closed(value)),
            None => {
                project!(send => send, waiter);
                // What it waits for, it gives up when it is dropped, at the end of this block.
                let _ = waiter;
                Err(SendTimeoutError::Timeout(send.value.take().expect("it was not sent")))
            }
        }
    }
}

impl<T> Future for Send<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, waiter);
        let value = &mut this.value;
        let sent = ready!(this.chan.poll_slots(waiter, cx, this.caller, 1, |state| {
            state.put(value.take().expect("polled after it was ready"))
        }));
        Poll::Ready(match sent {
            Ok(()) => Ok(()),
            Err(_) => Err(SendError(value.take().expect("polled after it was ready"))),
        })
    }
}

/// Future of [`Sender::reserve`](super::Sender::reserve).
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Reserve<'a, T> {
    chan: &'a Chan<Fifo<T>>,
    slots: usize,
    caller: Caller,
    waiter: Waiter<Ask>,
}

impl<'a, T> Reserve<'a, T> {
    #[track_caller]
    pub(super) fn new(chan: &'a Chan<Fifo<T>>, slots: usize) -> Self {
        Self { chan, slots, caller: Caller::here(), waiter: Waiter::new(Ask::NONE) }
    }

    fn poll_reserve(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        project!(self => this, waiter);
        let slots = this.slots;
        let reserved = this.chan.poll_slots(waiter, cx, this.caller, slots, |state| {
            state.permit(slots);
            None
        });
        reserved.map_err(|_| SendError(()))
    }
}

impl<'a, T> Future for Reserve<'a, T> {
    type Output = Result<Permit<'a, T>, SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(self.as_mut().poll_reserve(cx))?;
        Poll::Ready(Ok(Permit::new(self.chan)))
    }
}

/// Future of [`Sender::reserve_many`](super::Sender::reserve_many).
#[must_use = "futures do nothing unless you `.await` them"]
pub struct ReserveMany<'a, T> {
    reserve: Reserve<'a, T>,
}

impl<'a, T> ReserveMany<'a, T> {
    #[track_caller]
    pub(super) fn new(chan: &'a Chan<Fifo<T>>, slots: usize) -> Self {
        let capacity = chan.capacity();
        assert!(
            slots <= capacity,
            "room for {slots} values at once will never be free in a channel of capacity {capacity}: \
             reserve at most {capacity} at a time, or make the channel larger"
        );
        Self { reserve: Reserve::new(chan, slots) }
    }
}

impl<'a, T> Future for ReserveMany<'a, T> {
    type Output = Result<PermitIterator<'a, T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, reserve);
        let (chan, slots) = (reserve.chan, reserve.slots);
        ready!(reserve.as_mut().poll_reserve(cx))?;
        Poll::Ready(Ok(PermitIterator::new(chan, slots)))
    }
}

/// Future of [`Sender::closed`](super::Sender::closed).
#[must_use = "futures do nothing unless you `.await` them"]
pub struct SenderClosed<'a, T> {
    chan: &'a Chan<Fifo<T>>,
    caller: Caller,
    waiter: Waiter<()>,
}

impl<'a, T> SenderClosed<'a, T> {
    #[track_caller]
    pub(crate) fn new(chan: &'a Chan<Fifo<T>>) -> Self {
        Self { chan, caller: Caller::here(), waiter: Waiter::new(()) }
    }
}

impl<T> Future for SenderClosed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        project!(self => this, waiter);
        this.chan.poll_closed(waiter.as_mut(), cx, this.caller)
    }
}

macro_rules! wait {
    ($name:ident, $leave:ident) => {
        impl<T> Drop for $name<'_, T> {
            #[inline]
            fn drop(&mut self) {
                if !self.waiter.is_idle() {
                    self.chan.$leave(&self.waiter);
                }
            }
        }

        impl<T> fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut f = f.debug_struct(stringify!($name));
                f.field("at", &self.caller).field("waiter", &self.waiter).finish()
            }
        }
    };
}

wait!(Send, leave_slots);
wait!(Reserve, leave_slots);
wait!(SenderClosed, leave_closed);

impl<T> fmt::Debug for ReserveMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReserveMany").field("reserve", &self.reserve).finish()
    }
}
