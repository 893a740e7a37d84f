//! Wakers collected under a lock, woken after it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// As many as are kept without an allocation.
const INLINE: usize = 8;

/// A batch of wakers; nobody in it is left asleep, also when one of them panics.
#[derive(Debug)]
pub(crate) struct Wakers {
    inline: [Option<Waker>; INLINE],
    len: usize,
    more: Vec<Waker>,
}

impl Wakers {
    /// An empty batch.
    #[inline]
    pub(crate) fn new() -> Self {
        Self { inline: [const { None }; INLINE], len: 0, more: Vec::new() }
    }

    /// Adds one, at the end.
    #[inline]
    pub(crate) fn push(&mut self, waker: Waker) {
        match self.inline.get_mut(self.len) {
            Some(slot) => {
                *slot = Some(waker);
                self.len += 1;
            }
            None => self.more.push(waker),
        }
    }

    /// Wakes all, in order. The first panic of a waker goes on when all others have been woken.
    #[inline]
    pub(crate) fn wake(mut self) {
        if self.len == 0 {
            return;
        }
        let mut panic: Option<Box<dyn Any + Send>> = None;
        let inline = self.inline.iter_mut().map_while(Option::take);
        for waker in inline.chain(self.more.drain(..)) {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                // A payload whose drop panics must not strand the rest either.
                match panic {
                    None => panic = Some(payload),
                    Some(_) => std::mem::forget(payload),
                }
            }
        }
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }
}
