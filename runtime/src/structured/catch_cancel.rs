//! Absorbing a cancel request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::cleanup::{CleanupWait, SinkGuard};
use crate::task::CancelReason;
use crate::task::intercept::Place;

/// The task was asked to stop, and [`catch_cancel`] has taken the request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "CancelledError")]
pub struct Cancelled(Option<Arc<CancelReason>>);

impl Cancelled {
    /// Why the task was asked to stop, if whoever asked has said so with
    /// [`Task::cancel_because`](crate::Task::cancel_because).
    pub fn reason(&self) -> Option<&CancelReason> {
        self.0.as_deref()
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task was cancelled")?;
        match &self.0 {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Cancelled {}

/// Runs `future`, and takes a cancel request of this task: the future is dropped, its cleanups run,
/// and the task goes on with `Err(Cancelled)`.
///
/// It is the one thing that absorbs a request: `except CancelledError` with `Task.uncancel` in asyncio.
/// Of nested ones the innermost takes it; of several that run side by side each does, and what runs
/// beside them is not cancelled. A second request is taken as long as the cleanups run; the next
/// one after that ends the task as usual. When the runtime shuts down, requests are not taken.
///
/// It does not catch what is not a request to this task: a timeout, a lost `select!` or a group that
/// ends drop the future with this call in it.
///
/// # Errors
///
/// [`Cancelled`] when a request was delivered before the future was done. One that comes so late that the
/// future ends first, or that a shielded [`CancelScope`](super::CancelScope) holds up until then, leaves
/// the result alone: it stays pending, and takes effect at the task's next `.await` that waits.
///
/// # Cancel safety
///
/// As safe as `future`, which the request drops.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::catch_cancel;
///
/// # corio_runtime::run(async {
/// let task = corio_runtime::spawn(async {
///     let result = catch_cancel(std::future::pending::<()>()).await;
///     assert!(result.is_err());
///     "went on"
/// });
/// corio_runtime::time::sleep(std::time::Duration::from_millis(2)).await;
/// task.cancel();
/// assert_eq!(task.await.unwrap(), "went on");
/// # });
/// ```
#[track_caller]
#[doc(alias("uncancel", "CancelledError"))]
pub fn catch_cancel<F: Future>(future: F) -> CatchCancel<F> {
    CatchCancel { inner: Some(future), place: Place::catching(), caught: CleanupWait::nothing() }
}

pin_project! {
    /// The future of [`catch_cancel`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct CatchCancel<F> {
        // `None` once a request has come, or it is done.
        #[pin]
        inner: Option<F>,
        place: Place,
        caught: CleanupWait,
    }
}

impl<F: Future> Future for CatchCancel<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(inner) = this.inner.as_mut().as_pin_mut() {
            if !this.place.is_delivered() {
                let output = ready!(this.place.poll(cx.waker(), false, || inner.poll(cx)));
                this.place.leave();
                return Poll::Ready(Ok(output));
            }
            let sink = SinkGuard::enter();
            this.inner.set(None);
            sink.finish_into(this.caught);
        }
        ready!(Pin::new(this.caught).poll(cx));
        let reason = this.place.take_reason();
        this.place.leave();
        Poll::Ready(Err(Cancelled(reason)))
    }
}

impl<F> fmt::Debug for CatchCancel<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchCancel")
            .field("running", &self.inner.is_some())
            .finish_non_exhaustive()
    }
}
