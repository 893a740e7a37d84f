//! A receiver among several, as a stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{Chan, NoItem, Storage, Turn};
use crate::hooks::{self, Caller};
use crate::prim::{AtomicBool, Ordering, SpinLock};
use crate::waitlist::Waiter;

/// The place in the line of a receiver that is polled as a stream, and so has no future of its own.
///
/// It is allocated the first time the stream has to wait, and used again after that.
#[derive(Debug)]
pub(crate) struct Place {
    /// The waiter may be in the line: looked at before the lock is taken.
    waits: AtomicBool,
    waiter: SpinLock<Option<Pin<Box<Waiter<Turn>>>>>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { waits: AtomicBool::new(false), waiter: SpinLock::new(None) }
    }

    pub(crate) fn poll_next<S: Storage>(
        &mut self,
        chan: &Chan<S>,
        cx: &mut Context<'_>,
        caller: Caller,
    ) -> Poll<Option<S::Item>> {
        // Out of the lock while the waker is cloned; `&mut self` says that nobody else looks.
        let held = self.waiter.lock().take();
        let mut waiter = match held {
            Some(waiter) => waiter,
            None => {
                ready!(hooks::poll_budget(cx));
                match chan.try_take() {
                    Ok(item) => {
                        hooks::spend();
                        return Poll::Ready(Some(item));
                    }
                    Err(NoItem::Ended) => return Poll::Ready(None),
                    Err(NoItem::Empty) => Box::pin(Waiter::new(Turn::NONE)),
                }
            }
        };
        let next = chan.poll_take(waiter.as_mut(), cx, caller);
        // Ordering: Relaxed, the waiter lies behind its own lock, and `&mut self` is exclusive.
        self.waits.store(!waiter.is_idle(), Ordering::Relaxed);
        *self.waiter.lock() = Some(waiter);
        next
    }

    /// Gives up the place in the line, so that an item promised to it is not kept from a receive by
    /// other means.
    #[inline]
    pub(crate) fn leave<S: Storage>(&self, chan: &Chan<S>) {
        // Ordering: Relaxed, see `poll_next`.
        if self.waits.load(Ordering::Relaxed) {
            self.leave_slow(chan);
        }
    }

    #[cold]
    fn leave_slow<S: Storage>(&self, chan: &Chan<S>) {
        let waiter = self.waiter.lock().take();
        // Ordering: Relaxed, see `poll_next`.
        self.waits.store(false, Ordering::Relaxed);
        if let Some(waiter) = waiter {
            chan.leave_take(&waiter);
        }
    }
}
