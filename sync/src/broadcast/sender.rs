//! The sending side.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{Receiver, SendError, Shared, State};
use crate::closed::closed;
use crate::hooks::{self, Site, WaitKind};
use crate::prim::{Arc, AtomicUsize, Ordering, SpinLock};
use crate::waitlist::{List, Waiter, Wakers, project};

/// Sends values to all [`Receiver`]s of a channel. Clones send to the same ones.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

/// A sender that does not keep the channel open.
pub struct WeakSender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Makes a channel that keeps up to `capacity` values and has no receiver yet.
    ///
    /// # Panics
    ///
    /// When `capacity` is 0.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a channel of capacity 0 could never keep a value: use at least 1");
        let state = State {
            ring: VecDeque::new(),
            base: 0,
            capacity,
            receivers: 0,
            closed: false,
            waiters: List::new(),
            deserted: List::new(),
        };
        let shared = Shared { state: SpinLock::new(state), senders: AtomicUsize::new(1) };
        Self { shared: Arc::new(shared) }
    }

    /// Sends a value; gives the number of receivers there are. It never waits.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, when there is no receiver at the moment.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let mut state = self.shared.state.lock();
        let receivers = state.receivers;
        if receivers == 0 {
            return Err(SendError(value));
        }
        let (old, wakers) = state.push(value);
        drop(state);
        if let Some(wakers) = wakers {
            wakers.wake();
        }
        drop(old);
        Ok(receivers)
    }

    /// A new receiver, which gets what is sent from now on.
    #[track_caller]
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::subscribe(&self.shared)
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.shared.state.lock().receivers
    }

    /// How many values somebody has not got yet.
    pub fn len(&self) -> usize {
        self.shared.state.lock().ring.len()
    }

    /// Whether everybody has got everything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `other` sends to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// A sender that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { shared: self.shared.clone() }
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        // Ordering: Relaxed, a snapshot.
        self.shared.senders.load(Ordering::Relaxed)
    }
}

impl<T> WeakSender<T> {
    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        // Ordering: Relaxed, a snapshot.
        self.shared.senders.load(Ordering::Relaxed)
    }

    /// A sender, unless the last one is gone.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        // Ordering: Relaxed, the count guards no data; the last drop orders by itself.
        self.shared
            .senders
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n > 0).then(|| n + 1))
            .ok()?;
        Some(Sender { shared: self.shared.clone() })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed, this sender keeps the count above zero.
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Self { shared: self.shared.clone() }
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel, so that the end comes after everything that other senders did.
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut wakers = Wakers::new();
            {
                let mut state = self.shared.state.lock();
                state.closed = true;
                state.waiters.pop_all(&mut wakers, |()| {});
            }
            wakers.wake();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Sender");
        f.field("len", &self.len()).field("receivers", &self.receiver_count()).finish()
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

closed!(WaitKind::Broadcast, state, |state| state.deserted, |shared, state| state.receivers == 0);
