//! Whether a thread sleeps in the reactor, and whether it has been notified.
//!
//! | bits              | the owner                          | `notify`                              |
//! |-------------------|------------------------------------|---------------------------------------|
//! | none              | awake                              | sets NOTIFIED, no system call         |
//! | ASLEEP            | in, or about to enter, the wait    | sets NOTIFIED and writes the waker    |
//! | NOTIFIED          | awake; its next wait will not block | nothing                              |
//! | ASLEEP + NOTIFIED | about to return                    | nothing: somebody else has written    |
//!
//! The waker's event is edge-triggered, so whoever turns the reactor takes it. A visitor (a sibling
//! that polls with a zero timeout) may take it from the owner that it was meant for; `taken_by_visitor`
//! tells it to write the waker again.

use corio_sync::prim::{AtomicU8, Ordering};

const ASLEEP: u8 = 1;
const NOTIFIED: u8 = 2;

#[derive(Debug)]
pub(crate) struct SleepState(AtomicU8);

impl SleepState {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(0))
    }

    /// none -> ASLEEP; tells whether the caller may block. Each `true` is followed by `end`.
    pub(crate) fn begin(&self) -> bool {
        // Ordering: AcqRel. Acquire sees what the notifier wrote before `notify`; Release orders the
        // owner's last look at its queue before ASLEEP. Both pair with the swap in `notify`.
        let before = self.0.fetch_or(ASLEEP, Ordering::AcqRel);
        if before & ASLEEP != 0 {
            // Another thread sleeps here already. Notifications are for that one; this one looks once.
            return false;
        }
        if before & NOTIFIED != 0 {
            self.end();
            return false;
        }
        true
    }

    /// any -> none: the owner is awake, and whatever was said until now it will see.
    pub(crate) fn end(&self) {
        // Ordering: AcqRel, as in `begin`.
        self.0.swap(0, Ordering::AcqRel);
    }

    /// Sets NOTIFIED; tells whether the waker must be written.
    #[must_use]
    pub(crate) fn notify(&self) -> bool {
        // Ordering: AcqRel. Release publishes what the caller wrote, for `begin` and `end`; Acquire
        // keeps a second notifier, which leaves the writing to the first, behind it.
        self.0.fetch_or(NOTIFIED, Ordering::AcqRel) == ASLEEP
    }

    /// Tells a visitor that took the waker's event whether a sleeper still waits for it.
    #[must_use]
    pub(crate) fn taken_by_visitor(&self) -> bool {
        // Ordering: Acquire, pairs with `notify`: an event that was taken had its NOTIFIED set before.
        self.0.load(Ordering::Acquire) == ASLEEP | NOTIFIED
    }
}
