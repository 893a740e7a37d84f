//! The clock of a runtime: the operating system's, or virtual time for tests.
//!
//! Times are nanoseconds since the *origin*, a moment early in the process that all clocks share. A
//! clock that nobody ever paused is the operating system's; a paused one stands still until it is
//! advanced; a resumed one runs on from where it stood.

use corio_sync::prim::statics::{self, OnceLock};
use corio_sync::prim::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

const REAL: u8 = 0;
const PAUSED: u8 = 1;
const RESUMED: u8 = 2;

/// How many clocks of this process show another time than the operating system's. While it is zero,
/// `Instant::now` need not ask which runtime the thread is in.
static ODD_CLOCKS: statics::AtomicUsize = statics::AtomicUsize::new(0);

/// Whether some clock of this process shows another time than the operating system's.
#[inline]
pub(super) fn some_clock_is_odd() -> bool {
    // Ordering: Relaxed; a thread that is to see a paused clock's time is in that runtime, and so
    // was handed over to it, or entered it, after the pause.
    ODD_CLOCKS.load(Ordering::Relaxed) != 0
}

/// The moment that counts as zero.
#[inline]
pub(super) fn origin() -> std::time::Instant {
    static ORIGIN: OnceLock<std::time::Instant> = OnceLock::new();
    *ORIGIN.get_or_init(std::time::Instant::now)
}

/// The operating system's time, in nanoseconds since the origin.
#[inline]
pub(super) fn real_ns() -> u64 {
    // The origin first: the first call of all makes it, and must not find itself before it.
    let origin = origin();
    super::instant::nanos(std::time::Instant::now().saturating_duration_since(origin))
}

/// The clock of one runtime.
#[derive(Debug)]
pub(crate) struct Clock {
    mode: AtomicU8,
    /// The time of a paused clock.
    paused_at: AtomicU64,
    /// By how much a resumed clock is ahead of (or, wrapping, behind) the operating system's.
    ahead: AtomicU64,
    /// How many `advance` futures are under way.
    advancing: AtomicUsize,
    allow_virtual: bool,
}

impl Clock {
    /// A clock that shows the operating system's time. Only where `allow_virtual` may it be paused:
    /// a clock that several threads follow cannot stand still in a meaningful way.
    pub(crate) fn new(allow_virtual: bool) -> Self {
        Self {
            mode: AtomicU8::new(REAL),
            paused_at: AtomicU64::new(0),
            ahead: AtomicU64::new(0),
            advancing: AtomicUsize::new(0),
            allow_virtual,
        }
    }

    /// The time, in nanoseconds since the origin.
    #[inline]
    pub(crate) fn now_ns(&self) -> u64 {
        // Ordering: Relaxed. A runtime whose clock may be paused runs on one thread; another thread
        // that looks on sees a time that was right a moment ago.
        match self.mode.load(Ordering::Relaxed) {
            REAL => real_ns(),
            PAUSED => self.paused_at.load(Ordering::Relaxed),
            _ => real_ns().wrapping_add(self.ahead.load(Ordering::Relaxed)),
        }
    }

    /// Whether time stands still.
    pub(crate) fn is_paused(&self) -> bool {
        // Ordering: Relaxed, as in `now_ns`.
        self.mode.load(Ordering::Relaxed) == PAUSED
    }

    /// Stops the clock; does nothing if it stands already.
    ///
    /// # Errors
    ///
    /// A text that says why, on a runtime whose time cannot be virtual.
    pub(crate) fn pause(&self) -> Result<(), &'static str> {
        if !self.allow_virtual {
            return Err("time can be paused on a current-thread runtime only: build one \
                        with `runtime::Builder::new_current_thread()`, or use \
                        `#[corio::test(start_paused = true)]`");
        }
        if self.is_paused() {
            return Ok(());
        }
        // Ordering: Relaxed for all three, as in `now_ns`.
        self.paused_at.store(self.now_ns(), Ordering::Relaxed);
        if self.mode.swap(PAUSED, Ordering::Relaxed) == REAL {
            ODD_CLOCKS.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Lets a paused clock run on from where it stands; does nothing if it runs.
    pub(crate) fn resume(&self) {
        if !self.is_paused() {
            return;
        }
        // Ordering: Relaxed for all three, as in `now_ns`.
        let ahead = self.paused_at.load(Ordering::Relaxed).wrapping_sub(real_ns());
        self.ahead.store(ahead, Ordering::Relaxed);
        self.mode.store(RESUMED, Ordering::Relaxed);
    }

    /// Moves a paused clock forward to `ns`; time never goes back.
    pub(crate) fn advance_to(&self, ns: u64) {
        debug_assert!(self.is_paused(), "only a paused clock is advanced");
        // Ordering: Relaxed, as in `now_ns`.
        self.paused_at.fetch_max(ns, Ordering::Relaxed);
    }

    /// For the core that has nothing to run: moves a paused clock to the next deadline, if it may.
    /// Tells whether it did; then timers are due.
    ///
    /// While other threads work for the runtime (`in_flight`: a blocking call, for one), it is not
    /// idle, and time stands still (M13), unless an `advance` asked for time to pass.
    pub(crate) fn jump(&self, next_deadline_ns: Option<u64>, in_flight: bool) -> bool {
        let Some(next) = next_deadline_ns else {
            return false;
        };
        // Ordering: Relaxed; the `Advance` future and the core run on one thread.
        if !self.is_paused() || (in_flight && self.advancing.load(Ordering::Relaxed) == 0) {
            return false;
        }
        self.advance_to(next);
        true
    }

    /// An `advance` is under way until [`end_advance`](Self::end_advance). It has a timer at its
    /// end, so that `jump` never goes beyond it.
    pub(super) fn begin_advance(&self) {
        // Ordering: Relaxed, see `jump`.
        self.advancing.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_advance(&self) {
        // Ordering: Relaxed, see `jump`.
        self.advancing.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        // Ordering: Relaxed, the last owner.
        if self.mode.load(Ordering::Relaxed) != REAL {
            ODD_CLOCKS.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_clock_runs_until_it_is_paused_and_then_on_from_there() {
        let clock = Clock::new(true);
        let a = clock.now_ns();
        clock.pause().unwrap();
        let b = clock.now_ns();
        assert!(a <= b);
        assert_eq!(b, clock.now_ns());
        assert!(some_clock_is_odd());
        let hour = 3_600_000_000_000;
        clock.advance_to(b + hour);
        clock.advance_to(b);
        assert_eq!(clock.now_ns(), b + hour);
        clock.resume();
        assert!(!clock.is_paused());
        assert!(clock.now_ns() >= b + hour);
        clock.pause().unwrap();
        assert!(clock.now_ns() >= b + hour);
    }

    #[test]
    fn a_clock_that_many_threads_follow_cannot_be_paused() {
        let clock = Clock::new(false);
        assert!(clock.pause().unwrap_err().contains("current-thread"));
        assert!(!clock.is_paused());
    }

    #[test]
    fn m13_no_jump_while_work_is_in_flight_unless_asked() {
        let clock = Clock::new(true);
        assert!(!clock.jump(Some(u64::MAX - 1), false), "a running clock does not jump");
        clock.pause().unwrap();
        let next = clock.now_ns() + 5;
        assert!(!clock.jump(None, false));
        assert!(!clock.jump(Some(next), true));
        clock.begin_advance();
        assert!(clock.jump(Some(next), true));
        clock.end_advance();
        assert_eq!(clock.now_ns(), next);
        assert!(clock.jump(Some(next + 1), false));
        assert_eq!(clock.now_ns(), next + 1);
    }
}
