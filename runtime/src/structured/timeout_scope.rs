//! A time limit that its body can move.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::cancel_node::Node;
use super::cancel_scope::{CancelScope, RunScope, ScopeHandle};
use crate::time::{Elapsed, Instant};

/// Runs what `body` makes for at most `limit`; the scope that the body is given can move the limit.
/// asyncio's `timeout()`.
///
/// The time counts from this call. When it is up, the body is dropped, and its cleanups run before
/// `timeout_scope` returns. A body that is ready in the poll in which the time is up wins; of nested
/// scopes that are due at once the outermost elapses.
///
/// # Errors
///
/// [`Elapsed`] when the time was up first, or the scope was cancelled.
///
/// # Cancel safety
///
/// As safe as the body, which the time limit itself drops.
///
/// # Panics
///
/// When the body has to wait and the thread is in no runtime.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::timeout_scope;
/// use corio_runtime::time::{Instant, sleep};
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let result = timeout_scope(Duration::from_millis(2), |scope| async move {
///     // Connected: now there is more time.
///     scope.reschedule(Instant::now() + Duration::from_secs(600));
///     sleep(Duration::from_millis(5)).await;
///     7
/// })
/// .await;
/// assert_eq!(result, Ok(7));
/// # });
/// ```
#[track_caller]
#[doc(alias("timeout", "timeout_at", "fail_after"))]
pub fn timeout_scope<B, F>(limit: Duration, body: B) -> TimeoutScope<F>
where
    B: FnOnce(ScopeHandle) -> F,
    F: Future,
{
    let scope = CancelScope::of(Node::new()).deadline(Instant::now() + limit);
    let handle = scope.handle();
    let deadline = handle.deadline();
    TimeoutScope { run: scope.run(body(handle.clone())), handle, limit, deadline }
}

pin_project! {
    /// The future of [`timeout_scope`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct TimeoutScope<F> {
        #[pin]
        run: RunScope<F>,
        handle: ScopeHandle,
        limit: Duration,
        // The deadline that the limit came to.
        deadline: Option<Instant>,
    }
}

impl<F: Future> Future for TimeoutScope<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.run.poll(cx).map(|output| {
            let moved = this.handle.deadline() != *this.deadline;
            output.ok_or(Elapsed::after((!moved).then_some(*this.limit)))
        })
    }
}

impl<F> fmt::Debug for TimeoutScope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutScope").field("run", &self.run).field("limit", &self.limit).finish()
    }
}
