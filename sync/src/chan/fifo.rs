//! First in, first out, in memory that comes and goes with the need.

use std::collections::VecDeque;
use std::mem;

use super::Storage;

/// Bytes of items in a block, about.
const BLOCK_BYTES: usize = 4096;
/// A table of blocks that is larger than this is given back when it is empty.
const KEPT_TABLE: usize = 32;

/// A queue that allocates nothing while it is new and gives its memory back after a burst.
///
/// Up to one block it is a ring that grows; what comes beyond goes to further blocks of fixed size,
/// so that nothing is ever copied to grow. When the items are gone a block and the table of blocks stay
/// allocated, and one more block with a receiver that takes them a block at a time; after a burst of more
/// than one block nothing does.
#[derive(Debug)]
pub struct Fifo<T> {
    /// The oldest items.
    front: VecDeque<T>,
    /// All others, in blocks. The last one takes new items; none is empty.
    rest: VecDeque<VecDeque<T>>,
    len: usize,
    /// There was more than a block since the last time that nothing was left.
    burst: bool,
}

impl<T> Fifo<T> {
    const BLOCK: usize = {
        let fitting = BLOCK_BYTES / if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
        if fitting < 16 { 16 } else { fitting }
    };

    /// An empty storage.
    pub const fn new() -> Self {
        Self { front: VecDeque::new(), rest: VecDeque::new(), len: 0, burst: false }
    }

    #[cold]
    fn push_rest(&mut self, item: T) {
        self.burst = true;
        match self.rest.back_mut() {
            Some(last) if last.len() < Self::BLOCK => last.push_back(item),
            _ => {
                let mut block = VecDeque::with_capacity(Self::BLOCK);
                block.push_back(item);
                self.rest.push_back(block);
            }
        }
    }

    /// Exchanges the oldest items, up to a block of them, for `empty`. Whether they are the last of a
    /// burst, whose memory is to be given back when they are gone.
    pub(super) fn take_block(&mut self, empty: &mut VecDeque<T>) -> bool {
        debug_assert!(empty.is_empty(), "what was in it would come in again");
        self.len -= self.front.len();
        mem::swap(&mut self.front, empty);
        let burst = self.burst && self.rest.is_empty();
        self.next_block();
        burst
    }

    /// The front block is empty: the next one takes its place. After a burst none is kept: an allocator
    /// returns memory to the system from its end, where the last block is.
    #[cold]
    fn next_block(&mut self) {
        match self.rest.pop_front() {
            Some(block) => self.front = block,
            None if mem::take(&mut self.burst) => self.front = VecDeque::new(),
            None => {}
        }
        if self.rest.is_empty() && self.rest.capacity() > KEPT_TABLE {
            self.rest = VecDeque::new();
        }
    }
}

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Storage for Fifo<T> {
    type Item = T;
    const CALLS_OUT: bool = false;

    #[inline]
    fn push(&mut self, item: T) {
        self.len += 1;
        if self.rest.is_empty() && self.front.len() < Self::BLOCK {
            self.front.push_back(item);
        } else {
            self.push_rest(item);
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        let item = self.front.pop_front()?;
        self.len -= 1;
        if self.front.is_empty() && self.burst {
            self.next_block();
        }
        Some(item)
    }

    #[inline]
    fn len(&self) -> usize {
        self.len
    }

    fn clear(&mut self) -> Self {
        mem::take(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_as_they_went_in() {
        let mut fifo = Fifo::new();
        let (mut next_in, mut next_out) = (0u64, 0);
        for round in 0..40 {
            for _ in 0..round * 50 {
                fifo.push(next_in);
                next_in += 1;
            }
            for _ in 0..round * 45 {
                assert_eq!(fifo.pop(), Some(next_out));
                next_out += 1;
            }
            assert_eq!(fifo.len() as u64, next_in - next_out);
        }
        while let Some(item) = fifo.pop() {
            assert_eq!(item, next_out);
            next_out += 1;
        }
        assert_eq!(next_in, next_out);
    }

    #[test]
    fn s12_memory_goes_back_after_a_burst() {
        let mut fifo = Fifo::new();
        (0..1_000_000u64).for_each(|i| fifo.push(i));
        while fifo.pop().is_some() {}
        assert_eq!(fifo.front.capacity(), 0);
        assert!(fifo.rest.capacity() <= KEPT_TABLE, "a table of {} is kept", fifo.rest.capacity());
        let mut block = VecDeque::new();
        (0..1_000_000u64).for_each(|i| fifo.push(i));
        let mut bursts = 0;
        while fifo.len() > 0 {
            bursts += usize::from(fifo.take_block(&mut block));
            block.clear();
        }
        assert_eq!((bursts, fifo.front.capacity()), (1, 0));
        // What fits into a block is none.
        (0..100u64).for_each(|i| fifo.push(i));
        assert!(!fifo.take_block(&mut block));
    }
}
