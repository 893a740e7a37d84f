//! Looking a little longer before going to sleep.
//!
//! Two threads that answer one another within microseconds spend most of their time in the kernel, sleeping and
//! waking each other. Looking for the answer for about as long as a wake-up takes saves both; where the answer
//! does not come in that time, it only costs. So a thread learns which it is: after looks in vain it does not look
//! again for ever longer runs of sleeps. (Spin-then-park as Karlin and others describe it in "Competitive
//! randomized algorithms for nonuniform problems"; Go's threads spin before they sleep, too.)

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::spin_loop;

/// About what it costs to put a thread to sleep and wake it again.
const LIMIT: Duration = Duration::from_micros(20);
/// About what it costs to wake a task of another thread that is awake.
const BRIEF: Duration = Duration::from_micros(1);
/// Looks between two looks at the clock.
const LOOKS: u32 = 8;
/// The longest run of sleeps without a look.
const LONGEST: u16 = 1024;
/// The same for locks, which often are held by a task of the same thread: a look is always in vain then.
const LONGEST_FOR_LOCKS: u16 = 16 * LONGEST;
/// Waits without a look before the first, where a channel that lives shortly should not pay for one.
const FIRST_RUN: u16 = 16;
/// The most pauses between two attempts at a lock.
const PAUSES: u32 = 64;

/// What a thread has learnt of its waits; each thread, or what only one thread uses at a time, has its own.
#[derive(Debug, Default)]
pub struct Linger {
    /// Sleeps to go until the next look.
    skip: Cell<u16>,
    /// How many were skipped after the last look in vain.
    run: Cell<u16>,
}

impl Linger {
    /// Nothing is known yet.
    pub const fn new() -> Self {
        Self { skip: Cell::new(0), run: Cell::new(0) }
    }

    /// Nothing is known yet, and mostly there will be nothing to find: the first waits go without a look.
    pub const fn wary() -> Self {
        if cfg!(corio_loom) {
            // A model looks at everything.
            return Self::new();
        }
        Self { skip: Cell::new(FIRST_RUN), run: Cell::new(FIRST_RUN / 4) }
    }

    /// Waits a few microseconds for `is_there`, if that has been worth it lately; tells whether it came.
    #[inline]
    pub fn wait(&self, is_there: impl Fn() -> bool) -> bool {
        // A model has no time, and looks at everything anyway.
        !cfg!(corio_loom) && self.may_look() && self.look(is_there)
    }

    /// Attempts for a few microseconds to get what others use, if that has been worth it lately; tells
    /// whether it was got. `attempt` breaks with whether it got it, or whether it is no use to go on.
    ///
    /// The attempts become ever rarer: whoever has it should find it in his own cache when he wants it
    /// again, rather than give it away for a few nanoseconds of use.
    #[inline]
    pub fn contend(&self, attempt: impl Fn() -> ControlFlow<bool>) -> bool {
        if cfg!(corio_loom) || !self.may_look() {
            return false;
        }
        match try_again(attempt) {
            Some(got) => {
                if got {
                    self.was_worth_it();
                }
                got
            }
            None => {
                self.was_in_vain(LONGEST_FOR_LOCKS);
                false
            }
        }
    }

    /// Whether a look has been worth it lately. What comes of it is told by [`learn`](Self::learn).
    #[inline]
    pub fn may_look(&self) -> bool {
        let skip = self.skip.get();
        self.skip.set(skip.saturating_sub(1));
        skip == 0
    }

    #[inline(never)]
    fn look(&self, is_there: impl Fn() -> bool) -> bool {
        let start = Instant::now();
        loop {
            for _ in 0..LOOKS {
                if is_there() {
                    self.was_worth_it();
                    return true;
                }
                spin_loop();
            }
            if start.elapsed() >= LIMIT {
                self.was_in_vain(LONGEST);
                return false;
            }
        }
    }

    /// Takes note of what came of a look. One in vain counts as it does for locks: mostly the others run on the same
    /// thread.
    pub fn learn(&self, was_worth_it: bool) {
        if was_worth_it {
            self.was_worth_it();
        } else {
            self.was_in_vain(LONGEST_FOR_LOCKS);
        }
    }

    fn was_worth_it(&self) {
        self.run.set(self.run.get() / 2);
    }

    /// One look in vain costs as much as several that were not save.
    fn was_in_vain(&self, longest: u16) {
        let run = self.run.get().saturating_mul(4).clamp(4, longest);
        self.run.set(run);
        self.skip.set(run);
    }
}

/// Attempts for about a microsecond to get what another thread is about to give.
///
/// The first attempt is not made at once: what comes one by one is better taken together.
#[inline(never)]
pub fn try_briefly<R>(mut attempt: impl FnMut() -> Option<R>) -> Option<R> {
    if cfg!(corio_loom) {
        return attempt();
    }
    let start = Instant::now();
    [4, 2, 1].into_iter().find_map(|part| {
        pause_until(start, BRIEF / part);
        attempt()
    })
}

/// Lets another thread go on for about a microsecond with what both want.
pub fn pause_briefly() {
    // A model has no time.
    if !cfg!(corio_loom) {
        pause_until(Instant::now(), BRIEF);
    }
}

fn pause_until(start: Instant, time: Duration) {
    while start.elapsed() < time {
        (0..LOOKS).for_each(|_| spin_loop());
    }
}

/// Attempts until the time is over, ever less often.
#[inline(never)]
fn try_again<R>(attempt: impl Fn() -> ControlFlow<R>) -> Option<R> {
    let start = Instant::now();
    let mut pauses = 1;
    loop {
        (0..pauses).for_each(|_| spin_loop());
        if let ControlFlow::Break(result) = attempt() {
            return Some(result);
        }
        if start.elapsed() >= LIMIT {
            return None;
        }
        pauses = (2 * pauses).min(PAUSES);
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
    fn attempts_in_vain_become_rare_and_one_that_gets_it_ends_the_wait() {
        let linger = Linger::new();
        let tried = Cell::new(0);
        let attempt = |got: bool| {
            tried.set(tried.get() + 1);
            if got { ControlFlow::Break(true) } else { ControlFlow::Continue(()) }
        };
        assert!((0..1000).all(|_| linger.contend(|| attempt(true))));
        assert_eq!(tried.take(), 1000);
        let waited = (0..200_000).filter(|_| {
            linger.contend(|| attempt(false));
            tried.take() > 0
        });
        assert!((10..50).contains(&waited.count()));
        let hopeless = Linger::new();
        assert!(!hopeless.contend(|| ControlFlow::Break(false)));
        assert!(hopeless.contend(|| ControlFlow::Break(true)), "nothing is learnt from that");
    }

    #[test]
    fn a_brief_wait_tries_a_few_times_and_gives_what_it_gets() {
        let tries = Cell::new(0);
        let nth = |wanted: u32| {
            tries.set(tries.get() + 1);
            (tries.get() == wanted).then_some(wanted)
        };
        assert_eq!(try_briefly(|| nth(2)), Some(2));
        assert_eq!(tries.take(), 2, "it ends with what it got");
        assert_eq!(try_briefly(|| nth(100)), None);
        assert_eq!(tries.get(), 3);
    }

    #[test]
    fn what_a_look_is_worth_is_learnt_from_who_looks() {
        let linger = Linger::new();
        let looked = (0..200_000).filter(|_| linger.may_look()).inspect(|_| linger.learn(false));
        assert!((10..50).contains(&looked.count()));
        while !linger.may_look() {}
        (0..20).for_each(|_| linger.learn(true));
        assert!((0..1000).all(|_| linger.may_look()));
    }

    #[test]
    fn who_is_wary_does_not_begin_with_a_look() {
        let linger = Linger::wary();
        assert!((0..FIRST_RUN).all(|_| !linger.may_look()));
        assert!(linger.may_look());
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
