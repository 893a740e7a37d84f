//! Waiting for a moment.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use corio_sync::hooks::{self, Site, WaitKind};

use crate::executor::context::{self, NO_RUNTIME};

use super::Instant;
use super::registration::Registration;
use super::timers::NodeState;

/// Waits for `duration`.
///
/// It never ends early; how late it ends depends on how busy the runtime is. The time counts from this
/// call, not from the first poll. A duration too long to express is "for ever". `sleep(Duration::ZERO)`
/// lets the other tasks run once and comes back, as asyncio's `sleep(0)` does.
///
/// # Cancel safety
///
/// Safe: a sleep that is dropped leaves nothing behind.
///
/// # Panics
///
/// When it is polled on a thread that is in no runtime.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::time::{Instant, sleep};
///
/// # corio_runtime::run(async {
/// let start = Instant::now();
/// sleep(Duration::from_millis(2)).await;
/// assert!(start.elapsed() >= Duration::from_millis(2));
/// # });
/// ```
#[track_caller]
#[inline]
pub fn sleep(duration: Duration) -> Sleep {
    let now = Instant::now();
    let stage = if duration.is_zero() { Stage::Yield } else { Stage::Fresh };
    Sleep { deadline: now + duration, registration: None, site: Site::caller(), stage }
}

/// Waits until `deadline`.
///
/// A deadline in the past is reached at the first poll; [`Instant::far_future`] never.
///
/// # Cancel safety
///
/// Safe: a sleep that is dropped leaves nothing behind.
///
/// # Panics
///
/// When it is polled on a thread that is in no runtime, before its deadline.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::time::{Instant, sleep_until};
///
/// # corio_runtime::run(async {
/// let deadline = Instant::now() + Duration::from_millis(2);
/// sleep_until(deadline).await;
/// assert!(Instant::now() >= deadline);
/// # });
/// ```
#[track_caller]
#[inline]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { deadline, registration: None, site: Site::caller(), stage: Stage::Check }
}

/// A future that is ready at its deadline; made by [`sleep`] and [`sleep_until`].
///
/// It may be polled again after it was ready, and is ready again until it is [`reset`](Self::reset).
#[doc(alias = "TimerHandle")]
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    deadline: Instant,
    /// There while `stage` is `Waiting`, and never otherwise.
    registration: Option<Registration>,
    site: Site,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The deadline was in the future when the clock was last read, which was just now: the next
    /// poll need not read it again. Should it have passed since, the timer is due at once.
    Fresh,
    /// The next poll reads the clock.
    Check,
    /// The next poll returns `Pending` once.
    Yield,
    /// In the wheel, or fired and not polled since.
    Waiting,
    /// Over.
    Done,
}

impl Sleep {
    /// A sleep to a deadline that is later than the clock's time, read just now.
    #[inline]
    pub(super) fn fresh(deadline: Instant, site: Site) -> Self {
        Self { deadline, registration: None, site, stage: Stage::Fresh }
    }

    /// A sleep to any deadline.
    #[inline]
    pub(crate) fn at(deadline: Instant, site: Site) -> Self {
        Self { deadline, registration: None, site, stage: Stage::Check }
    }

    /// The moment for which it waits.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the deadline has been reached.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        self.stage == Stage::Done || Instant::now() >= self.deadline
    }

    /// Waits for another deadline instead, also after the old one was reached.
    ///
    /// A sleep that was polled before wakes its task at the new deadline; it need not be polled again
    /// for that. Moving a deadline later costs next to nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use corio_runtime::time::{Instant, sleep};
    ///
    /// # corio_runtime::run(async {
    /// let mut nap = sleep(Duration::MAX);
    /// nap.reset(Instant::now() + Duration::from_millis(1));
    /// nap.await;
    /// # });
    /// ```
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        let moved = self.registration.as_mut().is_some_and(|r| r.move_to(deadline.as_ns()));
        if !moved {
            self.registration = None;
            self.stage = Stage::Check;
        }
    }

    /// Polls without asking the task's budget, and without saying what the task waits for: for
    /// `timeout`, whose deadline holds also when what it wraps has used the budget up (W10).
    pub(crate) fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.stage {
                Stage::Waiting => match self.registration.as_ref().map(|r| r.poll(cx.waker())) {
                    Some(NodeState::Queued) => return Poll::Pending,
                    Some(NodeState::Fired) => return self.finish(),
                    // Its runtime is gone: another one that polls it may take it over.
                    Some(NodeState::Dead | NodeState::Idle) | None => {
                        self.registration = None;
                        self.stage = Stage::Check;
                    }
                },
                Stage::Fresh => {
                    self.arm(cx);
                    return Poll::Pending;
                }
                Stage::Check => {
                    if Instant::now() >= self.deadline {
                        return self.finish();
                    }
                    self.stage = Stage::Fresh;
                }
                Stage::Yield => {
                    self.stage = Stage::Done;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Stage::Done => return Poll::Ready(()),
            }
        }
    }

    #[inline]
    fn finish(&mut self) -> Poll<()> {
        self.registration = None;
        self.stage = Stage::Done;
        Poll::Ready(())
    }

    #[inline]
    fn arm(&mut self, cx: &mut Context<'_>) {
        let Some(timers) = context::current_timers() else {
            panic!("{NO_RUNTIME} (a sleep made at {})", self.site.location())
        };
        self.registration = Registration::arm(timers, self.deadline.as_ns(), cx.waker().clone());
        assert!(
            self.registration.is_some(),
            "the runtime of this thread has been shut down: its timers are gone (a sleep made at {})",
            self.site.location()
        );
        self.stage = Stage::Waiting;
    }
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        // Only what completes at once can keep a task running for ever.
        let at_once = matches!(this.stage, Stage::Check | Stage::Done);
        if at_once {
            ready!(hooks::poll_budget(cx));
        }
        let kind = if this.stage == Stage::Yield { WaitKind::Yield } else { WaitKind::Sleep };
        let polled = this.poll_deadline(cx);
        if polled.is_pending() {
            hooks::set_wait(this.site, kind);
        } else if at_once {
            hooks::spend();
        }
        polled
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .field("at", &self.site)
            .field("waiting", &(self.stage == Stage::Waiting))
            .finish()
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests;
