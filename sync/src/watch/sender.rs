//! The side that sends.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{CLOSED, Lists, Receiver, Ref, SendError, Shared, VERSION};
use crate::closed::closed;
use crate::hooks::{self, Site, WaitKind};
use crate::prim::{Arc, AtomicUsize, Ordering, RwLock, SpinLock};
use crate::waitlist::{List, Waiter, project};

/// Sends values to a watch channel. Clones send to the same one.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Makes a channel that holds `value` and has no receiver yet.
    pub fn new(value: T) -> Self {
        let shared = Shared {
            value: RwLock::new(value),
            state: AtomicUsize::new(0),
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(0),
            lists: SpinLock::new(Lists { changed: List::new(), closed: List::new() }),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Sends a value in the place of the last one. It waits only for those who look at that.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, when there is no receiver; [`send_replace`](Self::send_replace)
    /// sends all the same.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        self.send_replace(value);
        Ok(())
    }

    /// Sends a value, receivers or not, and gives the last one back.
    pub fn send_replace(&self, value: T) -> T {
        let mut value = value;
        self.send_modify(|current| std::mem::swap(current, &mut value));
        value
    }

    /// Changes the value in place. If `change` panics, nobody is told.
    ///
    /// `change` runs with the value locked: a look at the same channel, a new receiver, or another value sent from
    /// within it would wait for itself.
    pub fn send_modify(&self, change: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            change(value);
            true
        });
    }

    /// Changes the value in place, and tells the receivers if `change` says so; gives its answer.
    ///
    /// `change` runs with the value locked: a look at the same channel, a new receiver, or another value sent from
    /// within it would wait for itself.
    pub fn send_if_modified(&self, change: impl FnOnce(&mut T) -> bool) -> bool {
        let mut value = self.shared.value.write();
        if !change(&mut value) {
            return false;
        }
        // Ordering: Release, see `announce`. While the value is locked, so that the version belongs
        // to it; waking comes after.
        let before = self.shared.state.fetch_add(VERSION, Ordering::Release);
        drop(value);
        if before & super::WAITERS != 0 {
            self.shared.wake_receivers();
        }
        true
    }

    /// Looks at the value.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref { value: self.shared.borrow().0, changed: false }
    }

    /// A new receiver, which has seen the value that is there now.
    #[track_caller]
    pub fn subscribe(&self) -> Receiver<T> {
        // Ordering: Relaxed, the count guards no data.
        self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        let version = self.shared.borrow().1;
        Receiver::new(self.shared.clone(), version)
    }

    /// Whether there is no receiver at the moment.
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        // Ordering: Acquire sees what receivers did before they went. Pairs with the AcqRel in
        // their drop.
        self.shared.receivers.load(Ordering::Acquire)
    }

    /// How many senders there are.
    pub fn sender_count(&self) -> usize {
        // Ordering: Relaxed, a snapshot.
        self.shared.senders.load(Ordering::Relaxed)
    }

    /// Whether `other` sends to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed, this sender keeps the count above zero.
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel, so that the end comes after everything that other senders did.
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.announce(CLOSED);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt_as("Sender", f)
    }
}

closed!(
    WaitKind::Watch,
    lists,
    |lists| lists.closed,
    // Ordering: Acquire, as in `receiver_count`. The last receiver lowers the count before it takes the
    // lock, so it finds whoever did not see that here.
    |shared, lists| shared.receivers.load(Ordering::Acquire) == 0
);
