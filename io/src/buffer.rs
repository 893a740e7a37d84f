//! A growing window over bytes that were read: filled at the back, emptied at the front.

use std::io::Result;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncRead;

use crate::support::read_count;

/// The bytes that a [`Decoder`](crate::Decoder) looks at: read, and not yet taken.
///
/// It dereferences to a byte slice. A decoder takes what it understood from the front with
/// [`advance`](Self::advance) or [`split_to`](Self::split_to); nothing is copied for the rest.
#[derive(Default)]
pub struct Buffer {
    /// All of it is initialised; only `head..tail` means something.
    data: Vec<u8>,
    head: usize,
    tail: usize,
}

debug_sizes!([] Buffer as "Buffer", b => { len: b.len(), room: b.data.len() });

impl Deref for Buffer {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        &self.data[self.head..self.tail]
    }
}

impl Buffer {
    /// Makes an empty buffer; it allocates when it is first filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes `n` bytes off the front.
    ///
    /// # Panics
    ///
    /// When there are fewer than `n`.
    #[inline]
    #[track_caller]
    pub fn advance(&mut self, n: usize) {
        let len = self.len();
        assert!(n <= len, "cannot take {n} bytes off a buffer of {len}");
        self.consume(n);
    }

    /// Takes `n` bytes off the front and returns them.
    ///
    /// # Panics
    ///
    /// When there are fewer than `n`.
    #[track_caller]
    pub fn split_to(&mut self, n: usize) -> Vec<u8> {
        let len = self.len();
        assert!(n <= len, "cannot take {n} bytes off a buffer of {len}");
        let bytes = self[..n].to_vec();
        self.consume(n);
        bytes
    }

    /// Adds `bytes` at the back, as reading them would.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.data[self.tail..self.tail + bytes.len()].copy_from_slice(bytes);
        self.tail += bytes.len();
    }

    /// Takes `n` bytes off the front, or all if there are fewer.
    #[inline]
    pub(crate) fn consume(&mut self, n: usize) {
        // A sum of two lengths of one allocation cannot overflow, but `n` is a stranger's.
        self.head = self.head.saturating_add(n).min(self.tail);
        if self.head == self.tail {
            self.clear();
        }
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        (self.head, self.tail) = (0, 0);
    }

    /// The bytes that can be held without growing.
    pub(crate) fn capacity(&self) -> usize {
        self.data.len()
    }

    /// The bytes that can be added at the back as it is.
    pub(crate) fn room(&self) -> usize {
        self.data.len() - self.tail
    }

    /// Sees to it that at least `room` bytes can be added at the back.
    pub(crate) fn make_room(&mut self, room: usize) {
        if self.room() >= room {
            return;
        }
        if self.head > 0 {
            self.data.copy_within(self.head..self.tail, 0);
            self.tail -= self.head;
            self.head = 0;
        }
        if self.room() < room {
            self.data.resize(self.tail + room, 0);
        }
    }

    /// Gives memory beyond `keep` bytes back, if the buffer is empty.
    pub(crate) fn shrink(&mut self, keep: usize) {
        if self.is_empty() && self.data.len() > keep {
            self.data = Vec::new();
        }
    }

    /// Reads once into the room at the back; tells how many bytes came.
    pub(crate) fn poll_fill<R: AsyncRead + ?Sized>(
        &mut self,
        reader: Pin<&mut R>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize>> {
        let room = &mut self.data[self.tail..];
        let len = room.len();
        let n = read_count(ready!(reader.poll_read(cx, room))?, len)?;
        self.tail += n;
        Poll::Ready(Ok(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d03_memory_follows_the_bytes_held() {
        let mut buffer = Buffer::new();
        for i in 0..100_000_u32 {
            buffer.extend_from_slice(&[i as u8]);
            assert_eq!(buffer.split_to(1), [i as u8]);
        }
        assert!(buffer.capacity() <= 1);
        buffer.extend_from_slice(&[7; 100]);
        buffer.advance(60);
        buffer.extend_from_slice(&[8; 60]);
        assert_eq!((buffer.len(), buffer.capacity()), (100, 100));
        assert_eq!((buffer[0], buffer[40]), (7, 8));
    }

    #[test]
    fn u08_a_huge_count_takes_what_there_is() {
        let mut buffer = Buffer::new();
        buffer.extend_from_slice(b"abc");
        buffer.consume(1);
        buffer.consume(usize::MAX);
        assert!(buffer.is_empty());
    }
}
