//! Room that was reserved.

use std::fmt;

use crate::chan::{Chan, Fifo};

/// Room for one value; dropping it gives the room back.
#[must_use = "the room goes back as soon as the permit is dropped"]
pub struct Permit<'a, T> {
    chan: &'a Chan<Fifo<T>>,
}

impl<'a, T> Permit<'a, T> {
    pub(super) fn new(chan: &'a Chan<Fifo<T>>) -> Self {
        Self { chan }
    }

    /// Sends a value. It never waits and cannot fail; a value for a receiver that is gone is dropped.
    ///
    /// A receiver that was only closed after the room was reserved gets the value.
    pub fn send(self, value: T) {
        let this = std::mem::ManuallyDrop::new(self);
        drop(this.chan.put_permitted(value));
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        self.chan.release(1);
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Room for several values, as an iterator over the permits; dropping it gives the rest back.
#[must_use = "the room goes back as soon as the iterator is dropped"]
pub struct PermitIterator<'a, T> {
    chan: &'a Chan<Fifo<T>>,
    left: usize,
}

impl<'a, T> PermitIterator<'a, T> {
    pub(super) fn new(chan: &'a Chan<Fifo<T>>, left: usize) -> Self {
        Self { chan, left }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        self.left = self.left.checked_sub(1)?;
        Some(Permit::new(self.chan))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> std::iter::FusedIterator for PermitIterator<'_, T> {}

impl<T> Drop for PermitIterator<'_, T> {
    fn drop(&mut self) {
        if self.left > 0 {
            self.chan.release(self.left);
        }
    }
}

impl<T> fmt::Debug for PermitIterator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitIterator").field("left", &self.left).finish()
    }
}
