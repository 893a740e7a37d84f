//! Waiting for the first of many futures, or for each in the order in which they end.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::pool::Pool;
use crate::cleanup::{CleanupWait, SinkGuard};

/// Runs the futures of `iter` concurrently in this task until the first is done, and gives its
/// output.
///
/// The others are dropped, and the race is over when the cleanups that this left behind have run. Of
/// several futures that are ready at once the first of `iter` wins.
///
/// # Cancel safety
///
/// As safe as its futures: the race itself drops the losers wherever they are.
///
/// # Panics
///
/// When there is no future in `iter`, or when one of them panics.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::race;
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let winner = race([30, 2, 20].map(|ms| async move {
///     corio_runtime::time::sleep(Duration::from_millis(ms)).await;
///     ms
/// }))
/// .await;
/// assert_eq!(winner, 2);
/// # });
/// ```
#[track_caller]
#[doc(alias("select_all", "wait", "FIRST_COMPLETED"))]
pub fn race<I>(iter: I) -> Race<I::Item>
where
    I: IntoIterator,
    I::Item: Future,
{
    let pool = Pool::from_iter(iter);
    assert!(!pool.is_empty(), "a `race` without futures has no winner: give it at least one");
    Race { pool, winner: None, caught: CleanupWait::nothing() }
}

/// The future of [`race`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Race<F: Future> {
    pool: Pool<F>,
    /// The first output, while the cleanups of the losers are waited for.
    winner: Option<F::Output>,
    caught: CleanupWait,
}

// The futures are pinned on the heap, and the output is not pinned at all.
impl<F: Future> Unpin for Race<F> {}

impl<F: Future> Future for Race<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        if this.winner.is_none() {
            let output = ready!(this.pool.poll(cx, |_, output| ControlFlow::Break(output)));
            this.winner = Some(output);
            let sink = SinkGuard::enter();
            this.pool.clear();
            sink.finish_into(&mut this.caught);
        }
        ready!(Pin::new(&mut this.caught).poll(cx));
        match this.winner.take() {
            Some(output) => Poll::Ready(output),
            None => unreachable!("there is a winner when the cleanups are waited for"),
        }
    }
}

impl<F: Future> fmt::Debug for Race<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").field("pending", &self.pool.len()).finish_non_exhaustive()
    }
}

/// Runs the futures of `iter` concurrently in this task, and gives their outputs as they come.
///
/// The futures run while the stream is polled. [`push`](AsCompleted::push) adds more, also when all
/// before have ended. With the [`Task`](crate::Task)s of a group it gives their results as they
/// finish, and dropping the stream leaves the tasks running.
///
/// # Panics
///
/// The stream panics when one of the futures does; who catches that goes on with the others.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::as_completed;
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let mut beats = as_completed([40, 2, 20].map(|ms| async move {
///     corio_runtime::time::sleep(Duration::from_millis(ms)).await;
///     ms
/// }));
/// let mut order = Vec::new();
/// while let Some(ms) = beats.next().await {
///     order.push(ms);
/// }
/// assert_eq!(order, [2, 20, 40]);
/// # });
/// ```
#[doc(alias("FuturesUnordered"))]
pub fn as_completed<I>(iter: I) -> AsCompleted<I::Item>
where
    I: IntoIterator,
    I::Item: Future,
{
    AsCompleted { pool: Pool::from_iter(iter) }
}

/// The stream of [`as_completed`].
#[must_use = "streams do nothing unless they are polled"]
pub struct AsCompleted<F> {
    pool: Pool<F>,
}

impl<F: Future> AsCompleted<F> {
    /// The next output, or `None` when every future has ended.
    ///
    /// # Cancel safety
    ///
    /// Safe: the futures stay, and no output is lost.
    ///
    /// # Panics
    ///
    /// When one of the futures does, which is then gone; the others go on when this is called again.
    pub async fn next(&mut self) -> Option<F::Output> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Adds a future. It starts when the stream is next polled.
    pub fn push(&mut self, future: F) {
        self.pool.push(future);
    }

    /// How many futures have not ended.
    pub fn len(&self) -> usize {
        self.pool.len()
    }

    /// Whether every future has ended.
    pub fn is_empty(&self) -> bool {
        self.pool.is_empty()
    }
}

// The futures are pinned on the heap.
impl<F> Unpin for AsCompleted<F> {}

impl<F: Future> Stream for AsCompleted<F> {
    type Item = F::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let pool = &mut self.get_mut().pool;
        if pool.is_empty() {
            return Poll::Ready(None);
        }
        pool.poll(cx, |_, output| ControlFlow::Break(output)).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.pool.len(), Some(self.pool.len()))
    }
}

impl<F> fmt::Debug for AsCompleted<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("pending", &self.pool.len()).finish()
    }
}
