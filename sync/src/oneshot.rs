//! A channel for one value.
//!
//! The two halves share one allocation, which the last to leave frees. Each bit of the state word is
//! set by one half and says what that half has finished:
//!
//! | bit         | set by   | meaning                                                          |
//! |-------------|----------|------------------------------------------------------------------|
//! | `SENT`      | sender   | the value is in its slot                                         |
//! | `TX_DONE`   | sender   | the sender's last word is spoken: the value, or that none comes  |
//! | `TX_GONE`   | sender   | the sender does not touch the allocation any more                |
//! | `RX_CLOSED` | receiver | a value is not wanted any more                                   |
//! | `RX_GONE`   | receiver | the receiver does not touch the allocation any more              |
//! | `RX_WAKER`  | receiver | the receiver's waker is in its slot                              |
//! | `TX_WAKER`  | sender   | the sender's waker is in its slot                                |
//!
//! The invariants of the file:
//! - **O1** The allocation lives until both `TX_GONE` and `RX_GONE` are set; whoever sets the second
//!   frees it.
//! - **O2** The value's slot belongs to the sender until it sets `SENT`, then to the receiver; a sender
//!   that found `RX_CLOSED` instead keeps it. The receiver clears `SENT` when it takes the value.
//! - **O3** A waker's slot is written by its own half only while its bit is clear. The other half reads
//!   it only after the exchange that made it done (`TX_DONE`, `RX_CLOSED`) found the bit set; from then
//!   on its own half leaves slot and bit alone, and the last to leave drops the waker.
//! - **O4** The value and the sender's waker share a slot. The sender writes the value only when
//!   `TX_WAKER` is clear, and never sets that bit afterwards; so `SENT` and `TX_WAKER` are not set
//!   together, and each says what is in the slot.
#![allow(unsafe_code, reason = "two halves of one allocation: invariants O1 to O4 are above")]

pub mod error;
mod receiver;
mod sender;

#[cfg(all(test, corio_loom))]
mod loom;

use std::mem::ManuallyDrop;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::task::{Context, Waker};

use crate::hooks::Site;
use crate::prim::{AtomicU8, Ordering, UnsafeCell};

#[doc(inline)]
pub use error::{RecvError, TryRecvError};
pub use receiver::Receiver;
pub use sender::{Closed, Sender};

const SENT: u8 = 1;
const TX_DONE: u8 = 2;
const TX_GONE: u8 = 4;
const RX_CLOSED: u8 = 8;
const RX_GONE: u8 = 16;
const RX_WAKER: u8 = 32;
const TX_WAKER: u8 = 64;

/// Makes a channel for one value.
///
/// # Examples
///
/// ```
/// use corio_sync::oneshot;
///
/// let (tx, rx) = oneshot::channel();
/// let thread = std::thread::spawn(move || tx.send("done"));
/// assert_eq!(rx.blocking_recv(), Ok("done"));
/// assert_eq!(thread.join().unwrap(), Ok(()));
/// ```
#[track_caller]
#[inline]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let site = Site::caller();
    let shared = Handle(NonNull::from(Box::leak(Box::new(Shared {
        state: AtomicU8::new(0),
        rx: UnsafeCell::new(Room { nothing: () }),
        tx: UnsafeCell::new(Room { nothing: () }),
    }))));
    (Sender::new(Handle(shared.0), site), Receiver::new(shared, site))
}

struct Shared<T> {
    /// See the table above.
    state: AtomicU8,
    /// The receiver's waker.
    rx: UnsafeCell<Room<()>>,
    /// The sender's waker, later the value (O4).
    tx: UnsafeCell<Room<T>>,
}

/// A slot's contents, which the state word tells. It drops nothing by itself.
union Room<T> {
    nothing: (),
    waker: ManuallyDrop<Waker>,
    value: ManuallyDrop<T>,
}

impl<T> Room<T> {
    /// Takes the waker out.
    ///
    /// # Safety
    ///
    /// The room is the caller's (O3) and there is a waker in it, which nobody takes again.
    #[inline]
    unsafe fn take_waker(room: *mut Self) -> Waker {
        // SAFETY: as the caller promises.
        ManuallyDrop::into_inner(unsafe { std::ptr::read(&raw const (*room).waker) })
    }

    /// Takes the value out.
    ///
    /// # Safety
    ///
    /// The room is the caller's (O2) and there is a value in it, which nobody takes again.
    #[inline]
    unsafe fn take_value(room: *mut Self) -> T {
        // SAFETY: as the caller promises.
        ManuallyDrop::into_inner(unsafe { std::ptr::read(&raw const (*room).value) })
    }
}

/// One half's pointer to what both share. It frees nothing by itself.
struct Handle<T>(NonNull<Shared<T>>);

// SAFETY: the value moves from one half to the other, so it must be `Send`; wakers are.
unsafe impl<T: Send> Send for Handle<T> {}
// SAFETY: by `&Sender` and `&Receiver` only the state word is reached.
unsafe impl<T: Send> Sync for Handle<T> {}

// The halves share no value that a panic could leave half done.
impl<T> UnwindSafe for Handle<T> {}
impl<T> RefUnwindSafe for Handle<T> {}

impl<T> std::ops::Deref for Handle<T> {
    type Target = Shared<T>;
    #[inline]
    fn deref(&self) -> &Shared<T> {
        // SAFETY: a half that still has its handle has not set its GONE bit (O1).
        unsafe { self.0.as_ref() }
    }
}

impl<T> Handle<T> {
    /// Frees the allocation; both GONE bits are set, and `state` is what the word was or is (O1).
    #[inline]
    fn free(self, state: u8) {
        // SAFETY: both halves are gone, so this is the only pointer left (O1).
        let shared = unsafe { Box::from_raw(self.0.as_ptr()) };
        if state & (SENT | RX_WAKER | TX_WAKER) != 0 {
            shared.empty(state);
        }
    }
}

impl<T> Shared<T> {
    /// Drops what is in the slots, each also if the drop of another panics.
    #[cold]
    fn empty(&self, state: u8) {
        debug_assert!(state & (SENT | TX_WAKER) != SENT | TX_WAKER, "two things in one slot");
        // SAFETY: called once, by `free`, when nobody else is left; the bits say which slots are
        // filled, and with what (O1 to O4).
        let value = |room: *mut Room<T>| unsafe { Room::take_value(room) };
        // SAFETY: as above.
        let tx = |room: *mut Room<T>| unsafe { Room::take_waker(room) };
        // SAFETY: as above.
        let rx = |room: *mut Room<()>| unsafe { Room::take_waker(room) };
        let _value = (state & SENT != 0).then(|| self.tx.with_mut(value));
        let _rx = (state & RX_WAKER != 0).then(|| self.rx.with_mut(rx));
        let _tx = (state & TX_WAKER != 0).then(|| self.tx.with_mut(tx));
    }
}

/// One half's waker slot, with the half's bit for it and the other half's bit of being done.
struct Slot<'a, V> {
    state: &'a AtomicU8,
    room: &'a UnsafeCell<Room<V>>,
    /// The bit that says that the slot is filled.
    filled: u8,
    /// The bit by which the other half is done.
    done: u8,
}

impl<T> Shared<T> {
    fn rx_slot(&self) -> Slot<'_, ()> {
        Slot { state: &self.state, room: &self.rx, filled: RX_WAKER, done: TX_DONE }
    }

    fn tx_slot(&self) -> Slot<'_, T> {
        Slot { state: &self.state, room: &self.tx, filled: TX_WAKER, done: RX_CLOSED }
    }
}

impl<V> Slot<'_, V> {
    /// Puts the waker of `cx` in; false when the other half is done by now. Own half only.
    fn register(&self, cx: &Context<'_>) -> bool {
        // Ordering: Relaxed, only this half sets or clears its bit.
        if self.state.load(Ordering::Relaxed) & self.filled != 0 {
            // SAFETY: the slot is filled, and this half, who alone may change it, only reads (O3).
            let same = self.room.with(|r| unsafe { &(*r).waker }.will_wake(cx.waker()));
            if same {
                return true;
            }
            let waker = cx.waker().clone();
            if !self.take_back() {
                return false;
            }
            return self.put(waker);
        }
        self.put(cx.waker().clone())
    }

    fn put(&self, waker: Waker) -> bool {
        // SAFETY: the bit is clear, so the slot is this half's, and empty (O3).
        self.room.with_mut(|r| unsafe { (*r).waker = ManuallyDrop::new(waker) });
        // Ordering: Release publishes the waker, Acquire sees what the other half did before it was
        // done. Pairs with the exchange by which the other half gets done.
        self.state.fetch_or(self.filled, Ordering::AcqRel) & self.done == 0
    }

    /// Empties the slot; false when it is the other half's by now. Own half only.
    fn take_back(&self) -> bool {
        // Ordering: Acquire, see `put`.
        let state = self.state.fetch_and(!self.filled, Ordering::Acquire);
        if state & self.filled == 0 {
            return true;
        }
        if state & self.done != 0 {
            // The other half may be reading it; the bit tells the last to leave to drop it (O3).
            self.state.fetch_or(self.filled, Ordering::Release);
            return false;
        }
        // SAFETY: the bit was set and the other half not done, so it will not look (O3).
        drop(self.room.with_mut(|r| unsafe { Room::take_waker(r) }));
        true
    }

    /// Wakes it; by the other half, once that is done and found the bit set.
    fn wake(&self) {
        // SAFETY: O3: this half is done and found the bit set, so the slot stays as it is.
        self.room.with(|r| unsafe { &(*r).waker }.wake_by_ref());
    }
}
