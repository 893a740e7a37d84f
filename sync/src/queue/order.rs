//! Orders other than first in, first out.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Storage;

/// Room for this many items is kept when a storage gets empty; more is given back.
const KEPT: usize = 64;

/// The latest first.
#[derive(Debug)]
pub struct Lifo<T>(Vec<T>);

impl<T> Default for Lifo<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Storage for Lifo<T> {
    type Item = T;
    const CALLS_OUT: bool = false;

    fn push(&mut self, item: T) {
        self.0.push(item);
    }
    fn pop(&mut self) -> Option<T> {
        let item = self.0.pop();
        if self.0.is_empty() && self.0.capacity() > KEPT {
            self.0 = Vec::new();
        }
        item
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn clear(&mut self) -> Self {
        std::mem::take(self)
    }
}

/// The smallest first, and equal ones as they came.
#[derive(Debug)]
pub struct Priority<T> {
    heap: BinaryHeap<Entry<T>>,
    /// The number of the next item.
    next: u64,
}

#[derive(Debug)]
struct Entry<T> {
    item: T,
    number: u64,
}

impl<T: Ord> Ord for Entry<T> {
    /// The greatest is the smallest item, and of equal ones the oldest: the heap gives it first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.item.cmp(&self.item).then_with(|| other.number.cmp(&self.number))
    }
}

impl<T: Ord> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Entry<T> {}

impl<T: Ord> Default for Priority<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), next: 0 }
    }
}

impl<T: Ord> Storage for Priority<T> {
    type Item = T;

    fn push(&mut self, item: T) {
        let number = self.next;
        self.next += 1;
        self.heap.push(Entry { item, number });
    }
    fn pop(&mut self) -> Option<T> {
        let item = self.heap.pop().map(|entry| entry.item);
        if self.heap.is_empty() && self.heap.capacity() > KEPT {
            self.heap = BinaryHeap::new();
        }
        item
    }
    fn len(&self) -> usize {
        self.heap.len()
    }
    fn clear(&mut self) -> Self {
        Self { heap: std::mem::take(&mut self.heap), next: self.next }
    }
}
