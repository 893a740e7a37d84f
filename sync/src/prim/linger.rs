//! Looking a little longer before going to sleep.
//!
//! Two threads that answer one another within microseconds spend most of their time in the kernel, sleeping and
//! waking each other. Looking for the answer for about as long as a wake-up takes saves both; where the answer
//! does not come in that time, it only costs. So a thread learns which it is: after looks in vain it does not look
//! again for ever longer runs of sleeps. (Spin-then-park as Karlin and others describe it in "Competitive
//! randomized algorithms for nonuniform problems"; Go's threads spin before they sleep, too.)

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::spin_loop;

/// About what it costs to put a thread to sleep and wake it again.
const LIMIT: Duration = Duration::from_micros(20);
/// Looks between two looks at the clock.
const LOOKS: u32 = 16;
/// The longest run of sleeps without a look.
const LONGEST: u32 = 1024;

/// What a thread has learnt of its waits; each thread, or what only one thread uses at a time, has its own.
#[derive(Debug, Default)]
pub struct Linger {
    /// Sleeps to go until the next look.
    skip: Cell<u32>,
    /// How many were skipped after the last look in vain.
    run: Cell<u32>,
}

impl Linger {
    /// Nothing is known yet.
    pub const fn new() -> Self {
        Self { skip: Cell::new(0), run: Cell::new(0) }
    }

    /// Waits a few microseconds for `is_there`, if that has been worth it lately; tells whether it came.
    #[inline]
    pub fn wait(&self, is_there: impl Fn() -> bool) -> bool {
        let skip = self.skip.get();
        if skip > 0 {
            self.skip.set(skip - 1);
            return false;
        }
        self.look(is_there)
    }

    fn look(&self, is_there: impl Fn() -> bool) -> bool {
        // A model has no time, and looks at everything anyway.
        if cfg!(corio_loom) {
            return false;
        }
        let start = Instant::now();
        loop {
            for _ in 0..LOOKS {
                if is_there() {
                    self.run.set(self.run.get() / 2);
                    return true;
                }
                spin_loop();
            }
            if start.elapsed() >= LIMIT {
                break;
            }
        }
        // One look in vain costs as much as several that were not save.
        let run = (self.run.get() * 4).clamp(4, LONGEST);
        self.run.set(run);
        self.skip.set(run);
        false
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use super::*;

    fn looks(linger: &Linger, is_there: bool) -> bool {
        let looked = Cell::new(false);
        let found = linger.wait(|| {
            looked.set(true);
            is_there
        });
        assert!(!found || is_there);
        looked.get()
    }

    #[test]
    fn looks_in_vain_become_rare() {
        let linger = Linger::new();
        let looked = (0..100_000).filter(|_| looks(&linger, false)).count();
        assert!((50..200).contains(&looked), "{looked} looks of 100,000");
    }

    #[test]
    fn looks_that_find_go_on() {
        let linger = Linger::new();
        assert!((0..1000).all(|_| looks(&linger, true)));
        // After hard times, too.
        for _ in 0..10_000 {
            looks(&linger, false);
        }
        for _ in 0..10 * LONGEST {
            looks(&linger, true);
        }
        assert!((0..100).all(|_| looks(&linger, true)));
    }
}
