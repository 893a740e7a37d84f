//! Waiting for all of many futures.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::pool::Pool;
use crate::cleanup::{CleanupWait, SinkGuard};

/// Runs all futures of `iter` concurrently in this task, and gives their outputs in the order of the
/// futures. asyncio's `gather`.
///
/// Each future is polled only when it was woken, so waiting for thousands costs no more than what
/// they do. For tasks that may run in parallel, gather their handles, or use a
/// [`task_group`](super::task_group); for errors that end the rest, [`try_gather`].
///
/// # Cancel safety
///
/// As safe as its futures: dropping it drops those that are not done, and the outputs so far.
///
/// # Panics
///
/// When one of the futures does; the others are dropped.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::gather;
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let squares = gather((0..4u64).map(|i| async move {
///     corio_runtime::time::sleep(Duration::from_millis(4 - i)).await;
///     i * i
/// }))
/// .await;
/// assert_eq!(squares, [0, 1, 4, 9]);
/// # });
/// ```
#[doc(alias("join_all", "FuturesOrdered"))]
pub fn gather<I>(iter: I) -> Gather<I::Item>
where
    I: IntoIterator,
    I::Item: Future,
{
    let pool = Pool::from_iter(iter);
    Gather { outputs: Outputs::new(pool.len()), pool }
}

/// The future of [`gather`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Gather<F: Future> {
    pool: Pool<F>,
    outputs: Outputs<F::Output>,
}

/// What the futures have given so far, each in its place.
struct Outputs<T>(Vec<Option<T>>);

impl<T> Outputs<T> {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| None).collect())
    }

    fn set(&mut self, key: u32, output: T) {
        self.0[key as usize] = Some(output);
    }

    fn take(&mut self) -> Vec<T> {
        let outputs = std::mem::take(&mut self.0);
        let all = outputs.len();
        let outputs: Vec<T> = outputs.into_iter().flatten().collect();
        assert_eq!(outputs.len(), all, "polled after a future had panicked");
        outputs
    }
}

// The futures are pinned on the heap, and the outputs are not pinned at all.
impl<F: Future> Unpin for Gather<F> {}

impl<F: Future> Future for Gather<F> {
    type Output = Vec<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { pool, outputs } = self.get_mut();
        if !pool.is_empty() {
            let _: Poll<()> = pool.poll(cx, |key, output| {
                outputs.set(key, output);
                ControlFlow::Continue(())
            });
        }
        if pool.is_empty() { Poll::Ready(outputs.take()) } else { Poll::Pending }
    }
}

impl<F: Future> fmt::Debug for Gather<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").field("pending", &self.pool.len()).finish_non_exhaustive()
    }
}

/// Runs all futures of `iter` concurrently in this task, and gives their values in the order of the
/// futures, or the first error.
///
/// The first error drops the futures that are not done, and returns when the cleanups that this left
/// behind have run.
///
/// # Errors
///
/// The first error in time; of two in one poll, the one that was woken first.
///
/// # Cancel safety
///
/// As safe as its futures: dropping it drops those that are not done, and the values so far. Note
/// that an error does so, too.
///
/// # Panics
///
/// When one of the futures does; the others are dropped.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::try_gather;
///
/// # corio_runtime::run(async {
/// let parse = |text: &'static str| async move { text.parse::<i32>() };
/// assert_eq!(try_gather(["20", "22"].map(parse)).await, Ok(vec![20, 22]));
/// assert!(try_gather(["20", "two"].map(parse)).await.is_err());
/// # });
/// ```
#[track_caller]
#[doc(alias("try_join_all", "gather"))]
pub fn try_gather<I, T, E>(iter: I) -> TryGather<I::Item, T, E>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>>,
{
    let pool = Pool::from_iter(iter);
    TryGather {
        outputs: Outputs::new(pool.len()),
        pool,
        error: None,
        caught: CleanupWait::nothing(),
    }
}

/// The future of [`try_gather`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct TryGather<F, T, E> {
    pool: Pool<F>,
    outputs: Outputs<T>,
    /// The first error, while the cleanups of what was dropped are waited for.
    error: Option<E>,
    caught: CleanupWait,
}

// The futures are pinned on the heap, and the outputs are not pinned at all.
impl<F, T, E> Unpin for TryGather<F, T, E> {}

impl<F, T, E> Future for TryGather<F, T, E>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<Vec<T>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.error.is_none() && !this.pool.is_empty() {
            let outputs = &mut this.outputs;
            let failed = this.pool.poll(cx, |key, output| match output {
                Ok(value) => {
                    outputs.set(key, value);
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(error),
            });
            if let Poll::Ready(error) = failed {
                this.error = Some(error);
                let sink = SinkGuard::enter();
                this.pool.clear();
                sink.finish_into(&mut this.caught);
            }
        }
        if this.error.is_some() {
            ready!(Pin::new(&mut this.caught).poll(cx));
            if let Some(error) = this.error.take() {
                return Poll::Ready(Err(error));
            }
        }
        if this.pool.is_empty() { Poll::Ready(Ok(this.outputs.take())) } else { Poll::Pending }
    }
}

impl<F, T, E> fmt::Debug for TryGather<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryGather")
            .field("pending", &self.pool.len())
            .field("failed", &self.error.is_some())
            .finish_non_exhaustive()
    }
}
