//! A beat: the same period again and again.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use corio_sync::hooks::{self, Site, WaitKind};
use futures_core::Stream;

use super::{Instant, Sleep};

/// Ticks now and then every `period`.
///
/// The first tick is ready at once. A tick that nobody waited for in time is made up for as
/// [`MissedTick`] says; by default ([`MissedTick::Burst`]) the missed ticks follow without a pause.
///
/// # Panics
///
/// When `period` is zero.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::time::interval;
///
/// # corio_runtime::run(async {
/// let mut beat = interval(Duration::from_millis(1));
/// let first = beat.tick().await;
/// let second = beat.tick().await;
/// assert_eq!(second - first, Duration::from_millis(1));
/// # });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// Ticks at `start` and then every `period`.
///
/// # Panics
///
/// When `period` is zero.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::time::{Instant, interval_at};
///
/// # corio_runtime::run(async {
/// let start = Instant::now() + Duration::from_millis(2);
/// let mut beat = interval_at(start, Duration::from_millis(1));
/// assert_eq!(beat.tick().await, start);
/// # });
/// ```
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(
        !period.is_zero(),
        "an interval's period must not be zero (0ns): use `yield_now` to let other tasks run"
    );
    let site = Site::caller();
    Interval { sleep: Sleep::at(start, site), period, missed: MissedTick::default(), site }
}

/// What an [`Interval`] does when a tick was not waited for in time.
///
/// With a period of 100 ms and the third wait 250 ms late, ticks come at (in ms):
///
/// | | | | | | | | |
/// |---|---|---|---|---|---|---|---|
/// | `Burst` | 0 | 100 | 450 | 450 | 450 | 500 | 600 |
/// | `Delay` | 0 | 100 | 450 | 550 | 650 | 750 | 850 |
/// | `Skip`  | 0 | 100 | 450 | 500 | 600 | 700 | 800 |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTick {
    /// The missed ticks follow without a pause until the interval has caught up: as many ticks as
    /// periods, in the long run.
    #[default]
    Burst,
    /// The beat starts anew: the next tick comes one period after the late one. A tick is late when
    /// it comes more than a quarter of the period, or 5 ms, after its time.
    Delay,
    /// The missed ticks are left out: the next tick comes at the next multiple of the period.
    Skip,
}

/// The least lateness, beside a quarter of the period, that [`MissedTick::Delay`] takes for late: what
/// a busy machine does to any timer must not make a beat drift.
const LATE: Duration = Duration::from_millis(5);

impl MissedTick {
    /// When to tick next, after the tick that was due at `due` came at `now`.
    fn next(self, due: Instant, now: Instant, period: Duration) -> Instant {
        let next = due + period;
        match self {
            Self::Burst => next,
            Self::Delay if now - due > LATE.min(period / 4) => now + period,
            Self::Skip if next < now => {
                let late = super::instant::nanos(now - due);
                let into_period = late % super::instant::nanos(period);
                if into_period == 0 {
                    return now;
                }
                now + (period - Duration::from_nanos(into_period))
            }
            Self::Delay | Self::Skip => next,
        }
    }
}

/// A stream of ticks; made by [`interval`] and [`interval_at`].
pub struct Interval {
    /// To the next tick.
    sleep: Sleep,
    period: Duration,
    missed: MissedTick,
    site: Site,
}

impl Interval {
    /// Waits for the next tick; gives the moment for which it was planned.
    ///
    /// # Cancel safety
    ///
    /// Safe: a tick that nobody took is there for the next call.
    #[track_caller]
    pub fn tick(&mut self) -> Tick<'_> {
        Tick { site: Site::caller(), interval: self }
    }

    /// Polls for the next tick.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        self.poll_at(self.site, cx)
    }

    fn poll_at(&mut self, site: Site, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(hooks::poll_budget(cx));
        if self.sleep.poll_deadline(cx).is_pending() {
            hooks::set_wait(site, WaitKind::Sleep);
            return Poll::Pending;
        }
        hooks::spend();
        let due = self.sleep.deadline();
        // What bursts need not know how late it is.
        let now = if self.missed == MissedTick::Burst { due } else { Instant::now() };
        self.sleep.reset(self.missed.next(due, now, self.period));
        Poll::Ready(due)
    }

    /// Starts anew: the next tick comes one period from now.
    pub fn reset(&mut self) {
        self.reset_at(Instant::now() + self.period);
    }

    /// Starts anew: the next tick comes at `deadline`.
    pub fn reset_at(&mut self, deadline: Instant) {
        self.sleep.reset(deadline);
    }

    /// The time from tick to tick.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What is done about missed ticks.
    #[must_use]
    pub fn missed_tick(&self) -> MissedTick {
        self.missed
    }

    /// Says what to do about missed ticks.
    pub fn set_missed_tick(&mut self, missed: MissedTick) {
        self.missed = missed;
    }
}

/// Never ends.
impl Stream for Interval {
    type Item = Instant;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.get_mut().poll_tick(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("next", &self.sleep.deadline())
            .field("period", &self.period)
            .field("missed", &self.missed)
            .finish()
    }
}

/// The wait for a tick; made by [`Interval::tick`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Tick<'a> {
    interval: &'a mut Interval,
    site: Site,
}

impl Future for Tick<'_> {
    type Output = Instant;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        let this = self.get_mut();
        this.interval.poll_at(this.site, cx)
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests;
