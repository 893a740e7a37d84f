//! Cleanup that runs to its end, whatever becomes of the body.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::{self, Site, WaitKind};

use crate::cleanup::{Cleanup, CleanupWait, SinkGuard, adopt};

pin_project_lite::pin_project! {
    /// The future of [`finally`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Finally<B, C>
    where
        B: Future,
        C: StartCleanup,
    {
        // `None` once the body has ended (or was dropped).
        #[pin]
        body: Option<B>,
        // `None` once the cleanup has been started.
        cleanup: Option<C>,
        // The cleanup, from the body's end to its own.
        running: Option<Cleanup>,
        // What the body came to, while the cleanup runs.
        output: Option<B::Output>,
        // What cleanups inside the body are still to be waited for.
        caught: CleanupWait,
        // The body has been polled: there is something to clean up after.
        entered: bool,
        site: Site,
    }

    impl<B, C> PinnedDrop for Finally<B, C>
    where
        B: Future,
        C: StartCleanup,
    {
        fn drop(this: Pin<&mut Self>) {
            this.give_up();
        }
    }
}

/// Makes a cleanup future; implemented for closures that return one.
pub trait StartCleanup: sealed::Sealed {
    /// Starts the cleanup.
    #[doc(hidden)]
    fn start(self, inner: CleanupWait) -> Cleanup;
}

mod sealed {
    pub trait Sealed {}
}

impl<F, Fut> sealed::Sealed for F
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
}

impl<F, Fut> StartCleanup for F
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    fn start(self, inner: CleanupWait) -> Cleanup {
        Box::pin(async move {
            // What is inside the body is cleaned up first.
            inner.await;
            self().await;
        })
    }
}

/// Runs `body`, then the future that `cleanup` makes, whatever becomes of the body.
///
/// The cleanup runs to its end whether the body returns, panics, or is dropped half-way because its
/// task was cancelled, a timeout elapsed, or it lost a `select!`. In the last cases the task that it is
/// in takes the cleanup over, and is not done before the cleanup is; `timeout`, `select!` and their
/// like wait for it before they return. Cleanups inside the body run first.
///
/// A body that was never polled has nothing to clean up. asyncio's `try`/`finally` with an `await` in
/// the `finally`.
///
/// # Panics
///
/// When the body or the cleanup panics; a panic of the body comes out after the cleanup has run.
///
/// # Cancel safety
///
/// Safe, but a result that the body gave while its cleanup was still running is lost.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::finally;
/// use corio_runtime::time::timeout;
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let (closed, is_closed) = std::sync::mpsc::channel();
/// let body = std::future::pending::<()>();
/// let work = finally(body, move || async move {
///     corio_runtime::yield_now().await; // say goodbye
///     closed.send(()).unwrap();
/// });
/// assert!(timeout(Duration::from_millis(1), work).await.is_err());
/// assert!(is_closed.try_recv().is_ok(), "the cleanup ran before `timeout` returned");
/// # });
/// ```
#[track_caller]
#[doc(alias("try", "AsyncExitStack", "aclosing"))]
pub fn finally<B, C, Fut>(body: B, cleanup: C) -> Finally<B, C>
where
    B: Future,
    C: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    Finally {
        body: Some(body),
        cleanup: Some(cleanup),
        running: None,
        output: None,
        caught: CleanupWait::nothing(),
        entered: false,
        site: Site::caller(),
    }
}

/// A sink whose catch is added to `to` also when the stretch that it is open for unwinds.
struct Catching<'a> {
    sink: Option<SinkGuard>,
    to: &'a mut CleanupWait,
}

impl<'a> Catching<'a> {
    fn open(to: &'a mut CleanupWait) -> Self {
        Self { sink: Some(SinkGuard::enter()), to }
    }
}

impl Drop for Catching<'_> {
    fn drop(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.finish_into(self.to);
        }
    }
}

impl<B: Future, C: StartCleanup> Finally<B, C> {
    /// Dropped before its end: the task takes over what is left.
    fn give_up(self: Pin<&mut Self>) {
        let mut this = self.project();
        if let Some(running) = this.running.take() {
            adopt(running);
            return;
        }
        if !*this.entered {
            return;
        }
        let Some(cleanup) = this.cleanup.take() else { return };
        // A body that panics when it is dropped has still to be cleaned up after.
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let _catching = Catching::open(this.caught);
            this.body.set(None);
        }));
        let inner = std::mem::replace(this.caught, CleanupWait::nothing());
        adopt(cleanup.start(inner));
        if let Err(payload) = dropped {
            if !std::thread::panicking() {
                resume_unwind(payload);
            }
        }
    }
}

impl<B: Future, C: StartCleanup> Future for Finally<B, C> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let mut this = self.project();
        if let Some(body) = this.body.as_mut().as_pin_mut() {
            *this.entered = true;
            let polled = {
                let _catching = Catching::open(this.caught);
                body.poll(cx)
            };
            let output = std::task::ready!(polled);
            *this.output = Some(output);
            {
                let _catching = Catching::open(this.caught);
                this.body.set(None);
            }
            let cleanup = this.cleanup.take().expect("the cleanup starts once");
            let inner = std::mem::replace(this.caught, CleanupWait::nothing());
            *this.running = Some(cleanup.start(inner));
        }
        if let Some(running) = this.running {
            if running.as_mut().poll(cx).is_pending() {
                hooks::set_wait(*this.site, WaitKind::Cleanup);
                return Poll::Pending;
            }
            *this.running = None;
        }
        match this.output.take() {
            Some(output) => Poll::Ready(output),
            None => panic!("`finally` was polled again after it had returned"),
        }
    }
}

impl<B: Future, C: StartCleanup> fmt::Debug for Finally<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finally")
            .field("body_ended", &self.body.is_none())
            .field("site", &self.site)
            .finish_non_exhaustive()
    }
}
