//! What the handler leaves behind: one bit for each signal.

use corio_sync::prim::{AtomicU32, Ordering};
use libc::c_int;

const BITS: usize = u32::BITS as usize;
const WORDS: usize = 5;
/// One more than the highest number that any system gives a signal, rounded up to whole words.
pub(super) const SIGNALS: usize = BITS * WORDS;

/// Signals that have come and that nobody has looked at.
#[derive(Debug)]
pub(super) struct Pending([AtomicU32; WORDS]);

impl Pending {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU32::new(0)))
    }

    /// Marks `signal`. Called by the handler: it is one read-modify-write and nothing else.
    pub(super) fn mark(&self, signal: c_int) {
        let signal = signal as usize;
        if let Some(word) = self.0.get(signal / BITS) {
            // Ordering: Release, what the sender of the signal wrote before is there for whoever
            // takes the mark. Pairs with the swap in `take`.
            word.fetch_or(1 << (signal % BITS), Ordering::Release);
        }
    }

    /// Takes all marks and calls `each` with their signals.
    pub(super) fn take(&self, mut each: impl FnMut(c_int)) {
        for (index, word) in self.0.iter().enumerate() {
            // Ordering: Acquire, pairs with the `fetch_or` in `mark`. A read-modify-write reads the
            // newest value: no mark made before this is left.
            let mut marks = word.swap(0, Ordering::Acquire);
            while marks != 0 {
                each((index * BITS) as c_int + marks.trailing_zeros() as c_int);
                marks &= marks - 1;
            }
        }
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_once_and_absurd_numbers_are_no_marks() {
        let pending = Pending::new();
        for signal in [1, 31, 32, 64, 159, 31, 160, -1, c_int::MAX, c_int::MIN] {
            pending.mark(signal);
        }
        let mut taken = Vec::new();
        pending.take(|signal| taken.push(signal));
        assert_eq!(taken, [1, 31, 32, 64, 159]);
        pending.take(|signal| panic!("{signal} again"));
    }
}
