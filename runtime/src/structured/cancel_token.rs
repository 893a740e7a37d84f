//! A flag that asks to stop, for code that looks at it when it can.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use corio_sync::EventWait;
use pin_project_lite::pin_project;

use super::cancel_node::Node;
use crate::cleanup::{CleanupWait, SinkGuard};

/// A flag that asks to stop, for graceful shutdown: whoever has a clone looks at it, or waits for it,
/// and stops when it suits.
///
/// It drops nothing by itself; to cut something off, use a [`CancelScope`](super::CancelScope).
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::CancelToken;
///
/// # corio_runtime::run(async {
/// let shutdown = CancelToken::new();
/// let theirs = shutdown.child_token();
/// let server = corio_runtime::spawn(async move {
///     let mut served = 0;
///     while theirs.run_until_cancelled(corio_runtime::yield_now()).await.is_some() {
///         served += 1;
///     }
///     served
/// });
/// corio_runtime::time::sleep(std::time::Duration::from_millis(2)).await;
/// shutdown.cancel();
/// server.await.unwrap();
/// # });
/// ```
#[derive(Clone)]
#[doc(alias("CancellationToken", "Event"))]
pub struct CancelToken {
    node: Arc<Node>,
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self { node: Node::new() }
    }

    /// A token that is cancelled when this one is; cancelling it leaves this one alone.
    pub fn child_token(&self) -> Self {
        Self { node: self.node.child() }
    }

    /// Asks everybody who has a clone or a child of this token to stop. Once is for ever.
    pub fn cancel(&self) {
        self.node.cancel();
    }

    /// Whether the token, or one above it, was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.node.event.is_set()
    }

    /// Waits until the token is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn cancelled(&self) -> WaitCancelled<'_> {
        WaitCancelled { wait: self.node.event.wait() }
    }

    /// Runs `future` until it is done or the token is cancelled, then drops it; its cleanups run before
    /// this returns. `None` if the token was first: with one that is cancelled already the future is not
    /// even polled; later, a future that is ready in the same poll wins.
    ///
    /// # Cancel safety
    ///
    /// As safe as `future`, which the token itself drops.
    #[track_caller]
    pub fn run_until_cancelled<F: Future>(&self, future: F) -> RunUntilCancelled<'_, F> {
        RunUntilCancelled {
            inner: (!self.is_cancelled()).then_some(future),
            cancelled: self.cancelled(),
            caught: CleanupWait::nothing(),
        }
    }

    /// A guard that cancels the token when it is dropped.
    pub fn drop_guard(self) -> CancelGuard {
        CancelGuard { token: Some(self) }
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish()
    }
}

pin_project! {
    /// The future of [`CancelToken::cancelled`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct WaitCancelled<'a> {
        #[pin]
        wait: EventWait<'a>,
    }
}

impl Future for WaitCancelled<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().wait.poll(cx)
    }
}

impl fmt::Debug for WaitCancelled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WaitCancelled")
    }
}

pin_project! {
    /// The future of [`CancelToken::run_until_cancelled`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct RunUntilCancelled<'a, F> {
        // `None` once it is done, or the token was cancelled.
        #[pin]
        inner: Option<F>,
        #[pin]
        cancelled: WaitCancelled<'a>,
        caught: CleanupWait,
    }
}

impl<F: Future> Future for RunUntilCancelled<'_, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let mut this = self.project();
        if let Some(inner) = this.inner.as_mut().as_pin_mut() {
            if let Poll::Ready(output) = inner.poll(cx) {
                this.inner.set(None);
                return Poll::Ready(Some(output));
            }
            ready!(this.cancelled.poll(cx));
            let sink = SinkGuard::enter();
            this.inner.set(None);
            sink.finish_into(this.caught);
        }
        ready!(Pin::new(this.caught).poll(cx));
        Poll::Ready(None)
    }
}

impl<F> fmt::Debug for RunUntilCancelled<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilCancelled")
            .field("running", &self.inner.is_some())
            .finish_non_exhaustive()
    }
}

/// Cancels a [`CancelToken`] when it is dropped.
#[derive(Debug)]
#[must_use = "the token is cancelled when the guard is dropped"]
pub struct CancelGuard {
    /// `None` only after `disarm`.
    token: Option<CancelToken>,
}

impl CancelGuard {
    /// Takes the token back; it is no longer cancelled by a drop.
    pub fn disarm(mut self) -> CancelToken {
        self.token.take().expect("the token is there until it is taken back")
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
    }
}
