//! Tasks that wait for a change of a writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};

/// Who waits. It is kept under a lock, so nothing here calls a waker: what is to be woken or dropped is
/// handed out.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    list: Vec<(Key, Waker)>,
    last: u64,
}

/// A waiter's place; the default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key(u64);

impl Waiters {
    /// Whether `key` is in the line with a waker that still is its task's.
    pub(crate) fn knows(&self, key: Key, cx: &Context<'_>) -> bool {
        self.list.iter().any(|(k, waker)| *k == key && waker.will_wake(cx.waker()))
    }

    /// Puts `waker` into the line, in the place of the one that `key` stands for; gives that one back.
    pub(crate) fn enter(&mut self, key: &mut Key, waker: Waker) -> Option<Waker> {
        if let Some((_, old)) = self.list.iter_mut().find(|(k, _)| k == key) {
            return Some(std::mem::replace(old, waker));
        }
        self.last += 1;
        *key = Key(self.last);
        self.list.push((*key, waker));
        None
    }

    pub(crate) fn leave(&mut self, key: Key) -> Option<Waker> {
        let index = self.list.iter().position(|(k, _)| *k == key)?;
        Some(self.list.remove(index).1)
    }

    pub(crate) fn take(&mut self) -> Wake {
        Wake { waiters: std::mem::take(&mut self.list), flusher: None }
    }
}

/// Those to wake, in order of arrival.
#[must_use = "wake them when the lock is free"]
pub(crate) struct Wake {
    waiters: Vec<(Key, Waker)>,
    flusher: Option<Waker>,
}

impl Wake {
    pub(crate) fn nobody() -> Self {
        Self { waiters: Vec::new(), flusher: None }
    }

    pub(crate) fn and(mut self, other: Wake) -> Self {
        self.waiters.extend(other.waiters);
        self.also(other.flusher)
    }

    pub(crate) fn also(mut self, flusher: Option<Waker>) -> Self {
        self.flusher = flusher.or(self.flusher);
        self
    }

    pub(crate) fn wake(self) {
        for waker in self.waiters.into_iter().map(|(_, waker)| waker).chain(self.flusher) {
            // A panic of one waker has been reported by the panic hook; the others are woken all the same.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}
