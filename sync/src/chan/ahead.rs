//! What a receiver that is alone has taken out of the storage and not handed out yet.
//!
//! Such a receiver exchanges the storage's oldest items for its own empty block, under the lock, and then
//! hands them out without it. Their slots come free one by one, as each is handed out: the receiver
//! counts down in [`Ahead`], and a sender looks there when it finds the channel full. The invariants:
//!
//! - **A1** Only the receiver changes `items`. It raises it under the lock, in which the senders' account
//!   of it (`State::ahead`) is set to the same: so that is never less than `items`. Outside the lock it only
//!   lowers it, by read-modify-writes; a store does where no sender can wait, that is in a channel without a
//!   bound or one that is closed.
//! - **A2** A sender that is about to wait sets `wanted` and then reads `items` by a read-modify-write;
//!   the receiver writes `items` by one and then looks at `wanted`. Of two read-modify-writes one
//!   comes first: either the sender sees the slot, or the receiver sees that it is wanted, and takes
//!   the lock to offer it. No slot comes free unnoticed.
//! - **A3** `wanted` is set and cleared under the lock, and cleared only while no sender waits.

use std::collections::VecDeque;
use std::fmt;

use super::Fifo;
use crate::prim::{AtomicBool, AtomicUsize, Linger, Ordering, SpinLock, planted};

/// What the receiver changes without the lock, which senders seldom look at.
#[derive(Debug)]
pub(super) struct Ahead {
    /// How many items the receiver has ahead.
    items: AtomicUsize,
    /// Senders wait for slots.
    wanted: AtomicBool,
    /// Senders may ever have to wait.
    bounded: bool,
}

impl Ahead {
    pub(super) fn new(bounded: bool) -> Self {
        Self { items: AtomicUsize::new(0), wanted: AtomicBool::new(false), bounded }
    }

    /// How many items the receiver has ahead; fewer, perhaps, by the time that one looks.
    #[inline]
    pub(super) fn items(&self) -> usize {
        // Ordering: Relaxed, a number that guards nothing. Who must not miss a change announces itself.
        self.items.load(Ordering::Relaxed)
    }

    /// A sender will wait; the items that are ahead. Under the lock.
    pub(super) fn announce(&self) -> usize {
        // Ordering: Relaxed, the exchange publishes it (A2).
        self.wanted.store(true, Ordering::Relaxed);
        // Ordering: AcqRel pairs with the exchange in `hand_out` (A2).
        self.items.fetch_add(0, Ordering::AcqRel)
    }

    /// The receiver has so many items ahead now. Under the lock, or when the channel is closed (A1).
    pub(super) fn set(&self, items: usize) {
        // Ordering: Relaxed, senders that must not miss it come by the lock.
        self.items.store(items, Ordering::Relaxed);
    }

    /// Items were handed out and `left` remain; whether senders wait for their slots. If so the caller
    /// takes the lock, in which it says the same by [`set`](Self::set).
    #[inline]
    pub(super) fn hand_out(&self, left: usize) -> bool {
        if !self.bounded {
            // Ordering: Relaxed, a number for those who ask: no sender waits (A1).
            self.items.store(left, Ordering::Relaxed);
            return false;
        }
        // Ordering: Relaxed, a hint that saves the exchange.
        if self.wanted.load(Ordering::Relaxed) {
            return true;
        }
        let ordering = if planted("ahead-relaxed") { Ordering::Relaxed } else { Ordering::AcqRel };
        // Ordering: AcqRel pairs with the one in `announce` (A2), so that the load below sees `wanted`
        // if that one came first.
        self.items.swap(left, ordering);
        self.wanted.load(Ordering::Relaxed)
    }

    /// No sender waits for a slot any more. Under the lock (A3).
    pub(super) fn not_wanted(&self) {
        // Ordering: Relaxed, the receiver alone looks at it without the lock, and it is the receiver who
        // calls this.
        self.wanted.store(false, Ordering::Relaxed);
    }
}

/// The items that a receiver has ahead; they are its own.
pub(crate) struct Inbox<T> {
    /// The lock is never taken: it makes the inbox as shareable as the channel.
    items: SpinLock<VecDeque<T>>,
    /// The items are the last of a burst.
    burst: bool,
    /// Whether what does not lie here yet mostly comes in a moment.
    patience: SpinLock<Linger>,
}

/// Nothing in it is ever pinned.
impl<T> Unpin for Inbox<T> {}

impl<T> Inbox<T> {
    pub(crate) fn new() -> Self {
        Self {
            items: SpinLock::new(VecDeque::new()),
            burst: false,
            patience: SpinLock::new(Linger::wary()),
        }
    }

    #[inline]
    pub(super) fn items(&mut self) -> &mut VecDeque<T> {
        self.items.get_mut()
    }

    #[inline]
    pub(super) fn patience(&mut self) -> &mut Linger {
        self.patience.get_mut()
    }

    /// Exchanges this empty inbox for the oldest block of `storage`; gives the first item.
    pub(super) fn exchange(&mut self, storage: &mut Fifo<T>) -> Option<T> {
        self.burst = storage.take_block(self.items.get_mut());
        self.items().pop_front()
    }

    /// Nothing is left in it, and nothing in the channel: the memory of a burst goes back.
    #[inline]
    pub(super) fn rest(&mut self) {
        if self.burst {
            self.burst = false;
            *self.items() = VecDeque::new();
        }
    }
}

impl<T> fmt::Debug for Inbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}
