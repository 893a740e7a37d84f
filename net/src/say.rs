//! What sockets have to tell people when there is nobody who could be given an error, but not each time.

use std::fmt;
use std::time::Instant;

use corio_runtime::say::say;
use corio_sync::prim::Ordering;
use corio_sync::prim::statics::{AtomicU64, OnceLock};

/// Keeps something that can happen a thousand times a second to one line in each.
#[derive(Debug)]
pub(crate) struct Seldom {
    /// The second after which the next line may come, counted from the first one.
    next: AtomicU64,
    /// How many lines were left out since the last one.
    skipped: AtomicU64,
}

impl Seldom {
    pub(crate) const fn new() -> Self {
        Self { next: AtomicU64::new(0), skipped: AtomicU64::new(0) }
    }

    /// Writes the line unless there was one within the last second.
    pub(crate) fn say(&self, args: fmt::Arguments<'_>) {
        static START: OnceLock<Instant> = OnceLock::new();
        let now = START.get_or_init(Instant::now).elapsed().as_secs();
        // Ordering: Relaxed, the lines publish nothing.
        let next = self.next.load(Ordering::Relaxed);
        let mine = now >= next
            && self
                .next
                .compare_exchange(next, now + 1, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !mine {
            // Ordering: Relaxed, a figure for people.
            self.skipped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // Ordering: Relaxed, a figure for people.
        match self.skipped.swap(0, Ordering::Relaxed) {
            0 => say(args),
            more => say(format_args!("{args} (and {more} more of its kind before)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_one_line_a_second() {
        let seldom = Seldom::new();
        for _ in 0..100 {
            seldom.say(format_args!("a line of a test, of which there may be two"));
        }
        assert!(seldom.skipped.load(Ordering::Relaxed) >= 98);
    }
}
