//! The readiness of one source and the wakers of those who wait for it.
//!
//! | word                     | means                                                         |
//! |--------------------------|---------------------------------------------------------------|
//! | low byte                 | the flags of `readiness.rs`                                   |
//! | the other 24 bits        | the tick: how many events have been delivered, wrapping       |
//!
//! The word is written only with the waiters' lock held and read without it. That one lock is the
//! whole protocol: an event either finds a waiter's waker, or the waiter, which takes the lock after
//! the event, finds the flag. It is held for a few instructions and costs one read-modify-write on
//! each side; foreign code (cloning, dropping and waking a waker) runs outside it.
//!
//! A clear names the snapshot it acts upon. If the tick has moved since, an event came between the
//! operation that found nothing and the clear, and the clear does nothing.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use corio_sync::prim::{AtomicU32, Ordering};

// The spin lock has a model of its own; here loom's lock stands for it and keeps the number of
// interleavings down.
#[cfg(corio_loom)]
use corio_sync::prim::Mutex as Lock;
#[cfg(not(corio_loom))]
use corio_sync::prim::SpinLock as Lock;

use super::readiness::{Direction, READABLE, Readiness, SHUTDOWN, TICK, WRITABLE};

/// Waiters in one direction beyond the first are kept up to this number. A further one wakes the
/// oldest, which comes back if it still waits: no waiter is displaced silently, and a source that is
/// polled with a new waker each time holds a bounded number of them.
const MAX_FURTHER: usize = 62;

#[derive(Debug)]
pub(crate) struct ReadyState {
    /// Flags and tick, see the table above.
    word: AtomicU32,
    /// Who waits.
    waiters: Lock<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    /// The first waiter in each direction; nearly always the only one.
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Further waiters, allocated when there is one.
    further: Option<Box<Further>>,
}

#[derive(Debug, Default)]
struct Further {
    readers: VecDeque<Waker>,
    writers: VecDeque<Waker>,
}

/// What became of a waker that was handed to `Waiters::put`; what it returns is to be dealt with
/// when the lock is released.
enum Put {
    Stored,
    /// This task waits already: the waker is to be dropped.
    Known(Waker),
    /// The oldest waiter had to go: it is to be woken.
    Displaced(Waker),
}

impl Waiters {
    fn put(&mut self, direction: Direction, waker: Waker) -> Put {
        let first = match direction {
            Direction::Read => &mut self.reader,
            Direction::Write => &mut self.writer,
        };
        match first {
            None => {
                *first = Some(waker);
                Put::Stored
            }
            Some(known) if known.will_wake(&waker) => Put::Known(waker),
            Some(_) => self.put_further(direction, waker),
        }
    }

    #[cold]
    fn put_further(&mut self, direction: Direction, waker: Waker) -> Put {
        let further = self.further.get_or_insert_default();
        let list = match direction {
            Direction::Read => &mut further.readers,
            Direction::Write => &mut further.writers,
        };
        if list.iter().any(|known| known.will_wake(&waker)) {
            return Put::Known(waker);
        }
        let oldest = if list.len() >= MAX_FURTHER { list.pop_front() } else { None };
        list.push_back(waker);
        oldest.map_or(Put::Stored, Put::Displaced)
    }

    /// Moves the waiters of the directions in `flags` to `wakers`.
    fn take(&mut self, flags: u32, wakers: &mut VecDeque<Waker>) {
        if flags & READABLE != 0 {
            wakers.extend(self.reader.take());
        }
        if flags & WRITABLE != 0 {
            wakers.extend(self.writer.take());
        }
        if let Some(further) = &mut self.further {
            if flags & READABLE != 0 {
                wakers.append(&mut further.readers);
            }
            if flags & WRITABLE != 0 {
                wakers.append(&mut further.writers);
            }
        }
    }
}

impl ReadyState {
    /// A source with the readiness `flags`.
    pub(crate) fn new(flags: u32) -> Self {
        Self { word: AtomicU32::new(flags), waiters: Lock::new(Waiters::default()) }
    }

    /// The present readiness.
    #[inline]
    pub(crate) fn load(&self) -> Readiness {
        // Ordering: Acquire sees what the turning thread did before it set the flags. Pairs with the
        // Release stores in `event` and `shutdown`.
        Readiness(self.word.load(Ordering::Acquire))
    }

    /// Adds an event: sets `flags`, and moves the waiters it concerns to `wakers`.
    pub(crate) fn event(&self, flags: u32, wakers: &mut VecDeque<Waker>) {
        let mut waiters = self.waiters.lock();
        // Ordering: Relaxed, only holders of the lock write the word.
        let word = self.word.load(Ordering::Relaxed);
        // Ordering: Release, pairs with the Acquire in `load`.
        self.word.store((word | flags).wrapping_add(TICK), Ordering::Release);
        waiters.take(flags, wakers);
    }

    /// Says that the reactor is gone, and moves all waiters to `wakers`.
    pub(crate) fn shutdown(&self, wakers: &mut VecDeque<Waker>) {
        self.event(SHUTDOWN | READABLE | WRITABLE, wakers);
    }

    /// Takes `flags` out of the word, unless an event came after the snapshot `seen`.
    pub(crate) fn clear(&self, seen: Readiness, flags: u32) {
        let _waiters = self.waiters.lock();
        // Ordering: Relaxed, only holders of the lock write the word.
        let word = self.word.load(Ordering::Relaxed);
        if seen.same_tick(word) {
            // Ordering: Release, as every store of the word; it takes flags away and publishes nothing.
            self.word.store(word & !(flags & !SHUTDOWN), Ordering::Release);
        }
    }

    /// The readiness if it holds `direction`; else leaves the context's waker with the source.
    pub(crate) fn poll(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<Readiness> {
        let ready = self.load();
        if ready.is_ready(direction) {
            return Poll::Ready(ready);
        }
        let waker = cx.waker().clone();
        let mut waiters = self.waiters.lock();
        // Ordering: Relaxed, only holders of the lock write the word; an event after this lock is
        // released finds the waker.
        let word = self.word.load(Ordering::Relaxed);
        if Readiness(word).is_ready(direction) {
            drop(waiters);
            return Poll::Ready(Readiness(word));
        }
        let put = waiters.put(direction, waker);
        drop(waiters);
        match put {
            Put::Stored => {}
            Put::Known(waker) => drop(waker),
            Put::Displaced(waker) => waker.wake(),
        }
        Poll::Pending
    }

    /// How many wakers wait, in both directions.
    pub(crate) fn waiting(&self) -> usize {
        let waiters = self.waiters.lock();
        let further = waiters.further.as_ref().map_or(0, |f| f.readers.len() + f.writers.len());
        usize::from(waiters.reader.is_some()) + usize::from(waiters.writer.is_some()) + further
    }
}
