//! Waiting for the first of many futures that succeeds.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use corio_sync::hooks::Site;

use super::group_error::{as_error, kind_of, list};
use super::pool::Pool;
use crate::cleanup::{CleanupWait, SinkGuard};
use crate::time::{Instant, Sleep};

/// Runs the futures of `iter` concurrently in this task until one of them succeeds, and gives its value.
///
/// An `Err` does not end the race; it is kept. The others are dropped when one has succeeded, and the race
/// is over when the cleanups that this left behind have run. Of several that succeed in one poll the one that
/// was woken first wins. [`stagger`](RaceOk::stagger) starts them one after another.
///
/// To run them in parallel, spawn them into a [`TaskSet`](super::TaskSet) and look at the results as they come;
/// a `Task` that loses a race goes on.
///
/// # Errors
///
/// [`AllFailed`] with every error, in the order of the futures, when none has succeeded; without futures it
/// is empty.
///
/// # Cancel safety
///
/// As safe as its futures: the race itself drops the losers wherever they are.
///
/// # Panics
///
/// When one of the futures does; the others are dropped.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::race_ok;
/// use corio_runtime::time::sleep;
/// use std::time::Duration;
///
/// async fn fetch(mirror: u64) -> Result<u64, String> {
///     sleep(Duration::from_millis(mirror)).await;
///     if mirror % 2 == 0 { Ok(mirror) } else { Err(format!("mirror {mirror} is down")) }
/// }
///
/// # corio_runtime::run(async {
/// assert_eq!(race_ok([600_000, 1, 2].map(fetch)).await.unwrap(), 2);
///
/// let error = race_ok([3, 1].map(fetch)).await.unwrap_err();
/// assert_eq!(error.errors(), ["mirror 3 is down", "mirror 1 is down"]);
/// # });
/// ```
#[track_caller]
#[doc(alias("select_ok", "any", "first_success", "staggered_race"))]
pub fn race_ok<I, T, E>(iter: I) -> RaceOk<I::Item, T, E>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>>,
{
    let waiting: Vec<_> = iter.into_iter().collect();
    RaceOk {
        errors: waiting.iter().map(|_| None).collect(),
        waiting: waiting.into_iter(),
        running: Pool::new(),
        places: Vec::new(),
        stagger: None,
        winner: None,
        caught: CleanupWait::nothing(),
        ended: false,
        site: Site::caller(),
    }
}

/// When the next future starts.
struct Stagger {
    delay: Duration,
    /// There once the first has started.
    next: Option<Sleep>,
}

/// The future of [`race_ok`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct RaceOk<F, T, E> {
    /// Those that have not started.
    waiting: std::vec::IntoIter<F>,
    running: Pool<F>,
    /// The place of a future among all, by its key in `running`.
    places: Vec<usize>,
    /// The errors so far, each in its place.
    errors: Vec<Option<E>>,
    /// `None` if all start at once.
    stagger: Option<Stagger>,
    /// The first value, while the cleanups of the losers are waited for.
    winner: Option<T>,
    caught: CleanupWait,
    ended: bool,
    site: Site,
}

// The futures are pinned on the heap, and the outputs are not pinned at all.
impl<F, T, E> Unpin for RaceOk<F, T, E> {}

impl<F, T, E> RaceOk<F, T, E> {
    /// Starts one future at a time, in their order: the next one `delay` after the one before, or at once
    /// when one that runs has failed.
    ///
    /// What has a good chance is tried first, and what is in reserve costs nothing as long as it is not
    /// needed: a hedged request, or the many addresses of a host.
    ///
    /// # Panics
    ///
    /// The race panics when it has to wait for its delay and the thread is in no runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::structured::race_ok;
    /// use corio_runtime::time::sleep;
    /// use std::time::Duration;
    ///
    /// # corio_runtime::run(async {
    /// let ask = |replica: u32| async move {
    ///     match replica {
    ///         0 => Err("connection refused"), // the next one starts at once
    ///         1 => Ok(sleep(Duration::from_secs(600)).await), // the next one starts after a while
    ///         _ => Ok(()),
    ///     }
    /// };
    /// race_ok((0..3).map(ask)).stagger(Duration::from_millis(5)).await.unwrap();
    /// # });
    /// ```
    #[doc(alias("hedge", "staggered_race", "happy_eyeballs"))]
    pub fn stagger(mut self, delay: Duration) -> Self {
        self.stagger = Some(Stagger { delay, next: None });
        self
    }

    /// Starts the next future, if there is one.
    fn start_next(&mut self) {
        let place = self.errors.len() - self.waiting.len();
        let Some(future) = self.waiting.next() else { return };
        let key = self.running.push(future) as usize;
        if key >= self.places.len() {
            self.places.resize(key + 1, place);
        }
        self.places[key] = place;
        if let Some(Stagger { delay, next }) = &mut self.stagger {
            *next = Some(Sleep::at(Instant::now() + *delay, self.site));
        }
    }

    /// Starts those whose time has come, given how many have just failed; tells whether there was one. If
    /// not, the task is woken when there is.
    fn start_due(&mut self, failed: usize, cx: &mut Context<'_>) -> bool {
        let left = self.waiting.len();
        let due = match &mut self.stagger {
            _ if left == 0 => 0,
            None => left,
            Some(Stagger { next: None, .. }) => 1,
            Some(Stagger { next: Some(next), .. }) => {
                failed.max(usize::from(next.poll_deadline(cx).is_ready()))
            }
        };
        for _ in 0..due.min(left) {
            self.start_next();
        }
        due > 0
    }
}

impl<F, T, E> RaceOk<F, T, E>
where
    F: Future<Output = Result<T, E>>,
{
    /// The first value, or `None` when all have failed.
    fn poll_race(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            let mut failed = 0;
            let Self { running, places, errors, .. } = self;
            let won = running.poll(cx, |key, output| match output {
                Ok(value) => ControlFlow::Break(value),
                Err(error) => {
                    errors[places[key as usize]] = Some(error);
                    failed += 1;
                    ControlFlow::Continue(())
                }
            });
            if let Poll::Ready(value) = won {
                return Poll::Ready(Some(value));
            }
            if !self.start_due(failed, cx) {
                break;
            }
        }
        let is_over = self.running.is_empty() && self.waiting.len() == 0;
        if is_over { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl<F, T, E> Future for RaceOk<F, T, E>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, AllFailed<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        assert!(!this.ended, "a `race_ok` was polled again after it had ended");
        if this.winner.is_none() {
            this.winner = ready!(this.poll_race(cx));
            let sink = SinkGuard::enter();
            this.running.clear();
            this.waiting = Vec::new().into_iter();
            sink.finish_into(&mut this.caught);
        }
        ready!(Pin::new(&mut this.caught).poll(cx));
        this.ended = true;
        Poll::Ready(this.winner.take().ok_or_else(|| {
            let errors = std::mem::take(&mut this.errors);
            AllFailed { errors: errors.into_iter().flatten().collect() }
        }))
    }
}

impl<F, T, E> fmt::Debug for RaceOk<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RaceOk")
            .field("waiting", &self.waiting.len())
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}

/// Why a [`race_ok`] has no winner: the error of each future, in their order.
///
/// `Display` has a line for each; an error of several lines has its others further in. As
/// [`GroupError`](super::GroupError) it is an [`Error`] whatever `E` is, and has the first error as its source if
/// that is of a type that is known to be one.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::race_ok;
///
/// # corio_runtime::run(async {
/// let tries = ["refused", "no route"].map(|why| async move { Err::<(), _>(why) });
/// let error = race_ok(tries).await.unwrap_err();
/// assert_eq!(error.to_string(), "all 2 have failed:\n  refused\n  no route");
/// # });
/// ```
#[doc(alias("AggregateError", "ExceptionGroup"))]
#[derive(Clone, PartialEq, Eq)]
pub struct AllFailed<E> {
    errors: Vec<E>,
}

impl<E> AllFailed<E> {
    /// The errors, in the order of the futures.
    pub fn errors(&self) -> &[E] {
        &self.errors
    }

    /// The errors, by value.
    pub fn into_errors(self) -> Vec<E> {
        self.errors
    }
}

impl<E: fmt::Display> fmt::Display for AllFailed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = match &self.errors[..] {
            [] => return f.write_str("a race without futures has no winner"),
            [_] => "",
            all => &*format!("all {} have failed:", all.len()),
        };
        list(f, heading, &self.errors)
    }
}

impl<E: fmt::Debug> fmt::Debug for AllFailed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AllFailed").field(&self.errors).finish()
    }
}

impl<E: fmt::Debug + fmt::Display + 'static> Error for AllFailed<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.errors.first().and_then(as_error)
    }
}

/// An error of the kind of the first one, if that is an error of I/O, and else of the kind
/// [`Other`](io::ErrorKind::Other).
impl<E: fmt::Debug + fmt::Display + Send + Sync + 'static> From<AllFailed<E>> for io::Error {
    fn from(error: AllFailed<E>) -> Self {
        Self::new(kind_of(error.source()), error)
    }
}
