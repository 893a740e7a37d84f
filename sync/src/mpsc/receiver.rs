//! The receiving side.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::{RecvTimeoutError, Shared, TryRecvError};
use crate::blocking;
use crate::chan::{Inbox, NoItem};
use crate::hooks::{self, Caller};
use crate::prim::{Arc, Ordering};

macro_rules! receiver {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<T> {
            shared: Arc<Shared<T>>,
            inbox: Inbox<T>,
            /// Where the channel was made: what a poll without a place of its own reports.
            caller: Caller,
        }

        impl<T> $name<T> {
            #[track_caller]
            pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
                Self { shared, inbox: Inbox::new(), caller: Caller::here() }
            }

            /// Receives the next value, waiting for it; `None` when no more will come.
            ///
            /// # Cancel safety
            ///
            /// Safe: a dropped `recv` has taken no value.
            #[track_caller]
            #[inline]
            pub fn recv(&mut self) -> Recv<'_, T> {
                Recv { shared: &self.shared, inbox: &mut self.inbox, caller: Caller::here() }
            }

            /// Receives up to `limit` values at once, waiting for the first, and adds them to
            /// `buffer`; tells how many. 0 says that no more will come, or that `limit` is 0.
            ///
            /// # Cancel safety
            ///
            /// Safe: a dropped `recv_many` has taken no value.
            #[track_caller]
            pub fn recv_many<'a>(
                &'a mut self,
                buffer: &'a mut Vec<T>,
                limit: usize,
            ) -> RecvMany<'a, T> {
                let (shared, inbox) = (&*self.shared, &mut self.inbox);
                RecvMany { shared, inbox, buffer, limit, caller: Caller::here() }
            }

            /// Receives a value if there is one.
            ///
            /// # Errors
            ///
            /// [`TryRecvError`]: empty, or disconnected. While a sender that reserved room may
            /// still send, a closed channel is only empty.
            #[inline]
            pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
                self.shared.chan.try_take_alone(&mut self.inbox).map_err(|why| match why {
                    NoItem::Empty => TryRecvError::Empty,
                    NoItem::Ended => TryRecvError::Disconnected,
                })
            }

            /// Receives the next value, blocking this thread; `None` when no more will come.
            ///
            /// # Panics
            ///
            /// When called inside a task.
            #[track_caller]
            pub fn blocking_recv(&mut self) -> Option<T> {
                hooks::forbid_blocking(concat!("mpsc::", stringify!($name), "::blocking_recv"));
                match self.try_recv() {
                    Ok(value) => Some(value),
                    Err(TryRecvError::Disconnected) => None,
                    Err(TryRecvError::Empty) => blocking::block_on(self.recv()),
                }
            }

            /// Receives the next value, blocking this thread for at most `timeout`.
            ///
            /// # Errors
            ///
            /// [`RecvTimeoutError`]: the time is over, or disconnected.
            ///
            /// # Panics
            ///
            /// When called inside a task.
            #[track_caller]
            pub fn blocking_recv_timeout(
                &mut self,
                timeout: Duration,
            ) -> Result<T, RecvTimeoutError> {
                hooks::forbid_blocking(concat!(
                    "mpsc::",
                    stringify!($name),
                    "::blocking_recv_timeout"
                ));
                match blocking::block_on_timeout(self.recv(), timeout) {
                    Some(value) => value.ok_or(RecvTimeoutError::Disconnected),
                    None => Err(RecvTimeoutError::Timeout),
                }
            }

            /// Receives up to `limit` values at once, blocking this thread until there is one; see
            /// [`recv_many`](Self::recv_many).
            ///
            /// # Panics
            ///
            /// When called inside a task.
            #[track_caller]
            pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
                hooks::forbid_blocking(concat!(
                    "mpsc::",
                    stringify!($name),
                    "::blocking_recv_many"
                ));
                blocking::block_on(self.recv_many(buffer, limit))
            }

            /// Polls for the next value. Only the task of the last poll is woken.
            pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
                self.shared.chan.poll_take_alone(&mut self.inbox, cx, self.caller)
            }

            /// Polls for up to `limit` values; see [`recv_many`](Self::recv_many).
            pub fn poll_recv_many(
                &mut self,
                cx: &mut Context<'_>,
                buffer: &mut Vec<T>,
                limit: usize,
            ) -> Poll<usize> {
                self.shared.chan.poll_take_many(&mut self.inbox, cx, self.caller, buffer, limit)
            }

            /// Lets no more values in: senders fail from now on. What is in the channel, and what
            /// comes by permits given before, can still be received.
            pub fn close(&mut self) {
                self.shared.chan.close();
            }

            /// Whether this was closed, or all senders are gone.
            pub fn is_closed(&self) -> bool {
                self.shared.chan.is_closed()
            }

            /// How many values are in the channel.
            pub fn len(&self) -> usize {
                self.shared.chan.len()
            }

            /// Whether no value is in the channel.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// How many senders there are.
            pub fn sender_strong_count(&self) -> usize {
                // Ordering: Relaxed, a snapshot.
                self.shared.senders.load(Ordering::Relaxed)
            }
        }

        impl<T> Drop for $name<T> {
            fn drop(&mut self) {
                self.shared.chan.desert(&mut self.inbox);
            }
        }

        impl<T> Stream for $name<T> {
            type Item = T;

            fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
                self.poll_recv(cx)
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("channel", &self.shared.chan).finish()
            }
        }
    };
}

receiver! {
    /// Receives the values of a bounded channel's [`Sender`](super::Sender)s.
    ///
    /// It is a stream, too: one receiver has no line to stand in, so dropping the wait for its next value leaves
    /// nothing behind but a waker.
    Receiver
}

receiver! {
    /// Receives the values of an unbounded channel's [`UnboundedSender`](super::UnboundedSender)s. It is a
    /// stream, too; see [`Receiver`].
    UnboundedReceiver
}

impl<T> Receiver<T> {
    /// How many values there is room for at the moment.
    pub fn capacity(&self) -> usize {
        self.shared.chan.free_slots()
    }

    /// How many values the channel holds at most.
    pub fn max_capacity(&self) -> usize {
        self.shared.chan.capacity()
    }
}

/// Future of [`Receiver::recv`] and [`UnboundedReceiver::recv`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Recv<'a, T> {
    shared: &'a Shared<T>,
    inbox: &'a mut Inbox<T>,
    caller: Caller,
}

impl<T> Future for Recv<'_, T> {
    type Output = Option<T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        this.shared.chan.poll_take_alone(this.inbox, cx, this.caller)
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").field("at", &self.caller).finish()
    }
}

/// Future of [`Receiver::recv_many`] and [`UnboundedReceiver::recv_many`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct RecvMany<'a, T> {
    shared: &'a Shared<T>,
    inbox: &'a mut Inbox<T>,
    buffer: &'a mut Vec<T>,
    limit: usize,
    caller: Caller,
}

impl<T> Future for RecvMany<'_, T> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let this = &mut *self;
        this.shared.chan.poll_take_many(this.inbox, cx, this.caller, this.buffer, this.limit)
    }
}

impl<T> fmt::Debug for RecvMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvMany").field("at", &self.caller).field("limit", &self.limit).finish()
    }
}
