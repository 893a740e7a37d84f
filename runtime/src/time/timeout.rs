//! A limit on how long a future may take.

use std::error::Error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use corio_sync::hooks::{self, Site};
use pin_project_lite::pin_project;

use crate::cleanup::{CleanupWait, SinkGuard};

use super::{Instant, Sleep};

/// Waits for `future`, but for no longer than `duration`.
///
/// The future is polled first, and the clock is read only when it is pending: the time counts from the
/// first poll, and a limit on what is ready at once costs nothing. A future that is ready in the poll in
/// which the time is up wins. When the time is up, the future is dropped, and the asynchronous
/// cleanups that this drop leaves behind run to their end before `timeout` returns.
///
/// A zero `duration` polls the future once; one too long to express never ends.
///
/// # Errors
///
/// [`Elapsed`] when the time was up first.
///
/// # Cancel safety
///
/// As safe as `future`: dropping the one drops the other. Note that the time limit itself drops
/// `future` too.
///
/// # Panics
///
/// When `future` has to wait and the thread is in no runtime.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::time::{sleep, timeout};
///
/// # corio_runtime::run(async {
/// assert_eq!(timeout(Duration::from_secs(60), async { 7 }).await, Ok(7));
///
/// let late = timeout(Duration::from_millis(1), sleep(Duration::MAX)).await.unwrap_err();
/// assert_eq!(late.to_string(), "timed out after 1ms");
/// # });
/// ```
#[doc(alias = "wait_for")]
#[track_caller]
#[inline]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout::new(future.into_future(), Limit::After(duration), Site::caller())
}

/// Waits for `future`, but not beyond `deadline`.
///
/// Apart from that it is [`timeout`]; a deadline in the past polls the future once.
///
/// # Errors
///
/// [`Elapsed`] when the deadline came first.
///
/// # Cancel safety
///
/// As safe as `future`: dropping the one drops the other.
///
/// # Panics
///
/// When `future` has to wait and the thread is in no runtime.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::time::{Instant, sleep, timeout_at};
///
/// # corio_runtime::run(async {
/// let deadline = Instant::now() + Duration::from_millis(1);
/// assert!(timeout_at(deadline, sleep(Duration::MAX)).await.is_err());
/// assert!(timeout_at(deadline, async { "in one poll" }).await.is_ok());
/// # });
/// ```
#[track_caller]
#[inline]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout::new(future.into_future(), Limit::At(deadline), Site::caller())
}

/// Waits for `future`, but gives up with `None` after `duration`.
///
/// It is [`timeout`] for callers to whom being late is no error, as anyio's `move_on_after`.
///
/// # Cancel safety
///
/// As safe as `future`: dropping the one drops the other.
///
/// # Panics
///
/// When `future` has to wait and the thread is in no runtime.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio_runtime::time::{move_on_after, sleep};
///
/// # corio_runtime::run(async {
/// let short = Duration::from_millis(1);
/// assert_eq!(move_on_after(short, async { 7 }).await, Some(7));
/// assert_eq!(move_on_after(short, sleep(Duration::MAX)).await, None);
/// # });
/// ```
#[track_caller]
#[inline]
pub fn move_on_after<F: IntoFuture>(duration: Duration, future: F) -> MoveOnAfter<F::IntoFuture> {
    MoveOnAfter { timeout: timeout(duration, future) }
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    After(Duration),
    At(Instant),
}

#[derive(Debug)]
enum Stage {
    /// The inner future was not pending yet.
    Unarmed,
    /// The inner future is pending.
    Armed(Sleep),
    /// The inner future was dropped; its cleanups are waited for.
    Cleaning(CleanupWait),
}

pin_project! {
    /// A future with a time limit; made by [`timeout`] and [`timeout_at`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Timeout<F> {
        // `None` when the time was up.
        #[pin]
        inner: Option<F>,
        stage: Stage,
        limit: Limit,
        site: Site,
    }
}

impl<F> Timeout<F> {
    // The site comes as an argument, made before the fields: a call in between, which might unwind,
    // makes the compiler build the stage elsewhere and copy it, which costs more than all the rest.
    #[inline]
    fn new(future: F, limit: Limit, site: Site) -> Self {
        Self { inner: Some(future), stage: Stage::Unarmed, limit, site }
    }

    /// The future inside, or `None` when the time was up.
    pub fn get_ref(&self) -> Option<&F> {
        self.inner.as_ref()
    }

    /// The future inside, or `None` when the time was up.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Option<Pin<&mut F>> {
        self.project().inner.as_pin_mut()
    }
}

impl Limit {
    fn error(self) -> Elapsed {
        Elapsed(match self {
            Self::After(duration) => Some(duration),
            Self::At(_) => None,
        })
    }
}

impl Stage {
    /// Tells whether the time is up, starting the clock if this is the first time that somebody asks.
    fn poll_deadline(&mut self, limit: Limit, site: Site, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Unarmed = self {
            *self = Self::Armed(match limit {
                // No time at all: the one poll was all there is.
                Limit::After(Duration::ZERO) => return Poll::Ready(()),
                Limit::After(duration) => Sleep::fresh(Instant::now() + duration, site),
                Limit::At(deadline) => Sleep::at(deadline, site),
            });
        }
        match self {
            Self::Armed(sleep) => sleep.poll_deadline(cx),
            Self::Unarmed | Self::Cleaning(_) => Poll::Ready(()),
        }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(inner) = this.inner.as_mut().as_pin_mut() {
            let was_spent = hooks::budget_is_spent();
            if let Poll::Ready(output) = inner.poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if this.stage.poll_deadline(*this.limit, *this.site, cx).is_pending() {
                return Poll::Pending;
            }
            if was_spent {
                // The future was not really asked: it is, with a new budget, before it is given up.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let sink = SinkGuard::enter();
            this.inner.set(None);
            *this.stage = Stage::Cleaning(sink.finish());
        }
        match this.stage {
            Stage::Cleaning(wait) => Pin::new(wait).poll(cx).map(|()| Err(this.limit.error())),
            Stage::Unarmed | Stage::Armed(_) => {
                unreachable!("the inner future is dropped in the step that begins the cleaning")
            }
        }
    }
}

impl<F: fmt::Debug> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("inner", &self.inner)
            .field("limit", &self.limit)
            .field("stage", &self.stage)
            .finish()
    }
}

pin_project! {
    /// A future that gives up with `None`; made by [`move_on_after`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct MoveOnAfter<F> {
        #[pin]
        timeout: Timeout<F>,
    }
}

impl<F: Future> Future for MoveOnAfter<F> {
    type Output = Option<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().timeout.poll(cx).map(Result::ok)
    }
}

/// The error of [`timeout`]: the time was up before the future was ready.
#[doc(alias = "TimeoutError")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(Option<Duration>);

impl Elapsed {
    /// The time limit that was exceeded; `None` if it was given as a deadline.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        self.0
    }

    /// The error of a limit given as a duration, or as a deadline.
    pub(crate) fn after(limit: Option<Duration>) -> Self {
        Self(limit)
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(duration) => write!(f, "timed out after {duration:?}"),
            None => f.write_str("timed out: the deadline has passed"),
        }
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(io::ErrorKind::TimedOut, elapsed)
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests;
