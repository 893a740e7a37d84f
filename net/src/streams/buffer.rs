//! The bytes that a reader has and its user has not.

use std::ops::Range;

/// What a buffer begins with; most requests and lines are shorter.
const FIRST: usize = 8 * 1024;

/// Up to this size a buffer grows because the peer sends quickly; beyond, only because one piece is so long.
const EAGER: usize = 64 * 1024;

/// One stretch of memory, filled at its end and emptied at its front.
pub(crate) struct Buffer {
    /// All of it is initialised, so that it can be read into.
    memory: Vec<u8>,
    start: usize,
    end: usize,
    /// What a read is likely to bring, going by those before it: between `FIRST` and `EAGER`.
    expected: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { memory: Vec::new(), start: 0, end: 0, expected: FIRST }
    }
}

impl Buffer {
    #[inline]
    pub(crate) fn filled(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Room to read into; never empty.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
        if self.start == 0 && self.memory.len() < self.expected {
            self.memory.resize(self.expected, 0);
        }
        if self.end == self.memory.len() {
            // Moving is cheap as long as it makes at least as much room as it moves.
            if self.start >= self.len() {
                self.memory.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.len());
            } else {
                self.memory.resize(self.memory.len() * 2, 0);
            }
        }
        &mut self.memory[self.end..]
    }

    /// `count` bytes of the room have been filled.
    pub(crate) fn add(&mut self, count: usize) {
        self.learn(count, self.memory.len() - self.end);
        self.end += count;
        debug_assert!(self.end <= self.memory.len(), "more read than there was room for");
    }

    /// A read that could have brought `most` bytes has brought `count`. One that brings all it can shows that the
    /// next could bring more.
    #[inline]
    pub(crate) fn learn(&mut self, count: usize, most: usize) {
        if count == most {
            self.expected = self.expected.max((2 * most).min(EAGER));
        } else if count < self.expected / 4 {
            self.expected = FIRST.max(self.expected / 2);
        }
    }

    /// How large a vector is worth being read into directly, by a user who takes at most `most` bytes; `None` if
    /// reading ahead is worth more.
    #[inline]
    pub(crate) fn direct(&self, most: usize) -> Option<usize> {
        let size = most.min(self.expected);
        (self.is_empty() && size > FIRST && size > self.expected / 2).then_some(size)
    }

    /// Takes the first `count` bytes away; they stay readable as that range until the next call.
    #[inline]
    pub(crate) fn skip(&mut self, count: usize) -> Range<usize> {
        let range = self.start..self.start + count;
        self.start = range.end;
        range
    }

    /// The bytes that `skip` gave.
    #[inline]
    pub(crate) fn skipped(&self, range: Range<usize>) -> &[u8] {
        &self.memory[range]
    }

    /// Takes the first `count` bytes as a vector.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        if count == self.len() && count > EAGER {
            // A long piece is handed over instead of copied.
            let mut whole = std::mem::take(&mut self.memory);
            whole.truncate(self.end);
            whole.drain(..self.start);
            (self.start, self.end) = (0, 0);
            return whole;
        }
        let range = self.skip(count);
        self.memory[range].to_vec()
    }

    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        self.take(self.len())
    }

    /// How large a buffer is read into directly rather than by way of this one.
    pub(crate) fn is_small(len: usize) -> bool {
        len < FIRST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(buffer: &mut Buffer, mut data: &[u8]) {
        while !data.is_empty() {
            let room = buffer.room();
            let count = room.len().min(data.len());
            room[..count].copy_from_slice(&data[..count]);
            buffer.add(count);
            data = &data[count..];
        }
    }

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let mut buffer = Buffer::default();
        let data: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        let (mut put_in, mut taken) = (0, Vec::new());
        for step in 1.. {
            let count = (step * 37 % 5000).min(data.len() - put_in);
            put(&mut buffer, &data[put_in..put_in + count]);
            put_in += count;
            let part = buffer.take((step * 31 % 5003).min(buffer.len()));
            taken.extend(part);
            assert_eq!(taken.len() + buffer.len(), put_in);
            if put_in == data.len() {
                break;
            }
        }
        taken.extend(buffer.take_all());
        assert!(taken == data && buffer.is_empty());
    }

    #[test]
    fn short_pieces_never_make_it_grow() {
        let mut buffer = Buffer::default();
        for _ in 0..100_000 {
            put(&mut buffer, &[7; 100]);
            buffer.skip(100);
        }
        assert_eq!(buffer.memory.len(), FIRST);
    }

    #[test]
    fn it_expects_what_the_last_reads_have_brought() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.direct(usize::MAX), None, "nothing is known yet");
        for size in [FIRST, 2 * FIRST, 4 * FIRST] {
            buffer.learn(size, size);
            assert_eq!(buffer.direct(usize::MAX), Some(2 * size));
        }
        buffer.learn(EAGER, EAGER);
        assert_eq!(buffer.direct(usize::MAX), Some(EAGER), "it does not grow for ever");
        assert_eq!(buffer.direct(EAGER - 1), Some(EAGER - 1), "a user who wants less gets no more");
        assert_eq!(buffer.direct(EAGER / 2), None, "several such pieces come at once");
        assert_eq!(buffer.direct(0), None);
        for _ in 0..10 {
            buffer.learn(100, EAGER);
        }
        assert_eq!(buffer.direct(usize::MAX), None, "short messages again");
        buffer.learn(EAGER, EAGER);
        put(&mut buffer, b"x");
        assert_eq!(buffer.direct(usize::MAX), None, "what is here comes first");
    }

    #[test]
    fn a_long_piece_is_handed_over() {
        let mut buffer = Buffer::default();
        put(&mut buffer, &vec![1; EAGER * 2]);
        let place = buffer.memory.as_ptr();
        let all = buffer.take_all();
        assert_eq!((all.as_ptr(), all.len()), (place, EAGER * 2));
        put(&mut buffer, b"again");
        assert_eq!(buffer.filled(), b"again");
    }
}
