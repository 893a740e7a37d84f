//! Cleanups that are added one by one, and run in the reverse order.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use corio_sync::prim::SpinLock;

use super::finally::finally_around;
use crate::cleanup::{Cleanup, Home, RunAll, adopt_all};

/// Cleanups that are added while a body goes on, and run when it has ended: the last one first, each
/// whatever became of the others. Python's `AsyncExitStack`; for a single one there is
/// [`finally`](super::finally).
///
/// In [`with`](Self::with) they run as those of `finally` do, after all that the body has left. A stack of
/// its own is [closed](Self::close); one that is dropped leaves its cleanups to the task that it is in, or,
/// outside any task, to the runtime in which the first was pushed. A clone is the same stack.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::CleanupStack;
///
/// # corio_runtime::run(async {
/// let (log, logged) = std::sync::mpsc::channel();
/// let opened = CleanupStack::with(|stack| async move {
///     for name in ["first", "second"] {
///         let log = log.clone();
///         stack.push(move || async move { log.send(name).unwrap() });
///     }
///     stack.len()
/// })
/// .await;
/// assert_eq!(opened, 2);
/// assert_eq!(logged.try_iter().collect::<Vec<_>>(), ["second", "first"]);
/// # });
/// ```
#[derive(Clone, Default)]
#[doc(alias("AsyncExitStack", "ExitStack"))]
pub struct CleanupStack(Arc<Cleanups>);

#[derive(Default)]
struct Cleanups(SpinLock<Stacked>);

#[derive(Default)]
struct Stacked {
    cleanups: Vec<Cleanup>,
    /// Where the first was pushed.
    home: Option<Home>,
}

impl Cleanups {
    fn take(&self) -> (RunAll, Home) {
        let Stacked { cleanups, home } = std::mem::take(&mut *self.0.lock());
        (RunAll::new(cleanups), home.unwrap_or_default())
    }
}

impl Drop for Cleanups {
    fn drop(&mut self) {
        let (run, home) = self.take();
        adopt_all(run, &home);
    }
}

impl CleanupStack {
    /// An empty stack.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs what `body` makes with a stack of its own; when it has ended, however it did, the cleanups run,
    /// also those that clones of the stack have added until then.
    ///
    /// # Panics
    ///
    /// When the body or a cleanup panics; all cleanups have run by then.
    ///
    /// # Cancel safety
    ///
    /// As [`finally`](super::finally): the cleanups run, a result of the body that is waiting for them is
    /// lost.
    pub async fn with<B, F>(body: B) -> F::Output
    where
        B: FnOnce(Self) -> F,
        F: Future,
    {
        let stack = Self::new();
        let cleanups = stack.clone();
        finally_around(body(stack), move || async move { cleanups.close().await }).await
    }

    /// Adds a cleanup, which runs before those that were added earlier.
    #[doc(alias("push_async_callback", "enter_async_context", "callback"))]
    pub fn push<C, Fut>(&self, cleanup: C)
    where
        C: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let cleanup = Box::pin(async move { cleanup().await });
        let first = self.0.0.lock().home.is_none();
        let home = first.then(Home::here);
        let mut stacked = self.0.0.lock();
        stacked.cleanups.push(cleanup);
        let unused = match stacked.home {
            None => std::mem::replace(&mut stacked.home, home),
            Some(_) => home,
        };
        drop(stacked);
        // Values of variables may go with it, which is foreign code.
        drop(unused);
    }

    /// How many cleanups there are.
    pub fn len(&self) -> usize {
        self.0.0.lock().cleanups.len()
    }

    /// Whether there is no cleanup.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves all cleanups to a stack of their own: what was opened is to stay open for now.
    #[must_use = "a stack that is dropped runs its cleanups"]
    pub fn pop_all(&self) -> Self {
        let all = std::mem::take(&mut *self.0.0.lock());
        Self(Arc::new(Cleanups(SpinLock::new(all))))
    }

    /// Runs the cleanups that there are; the stack is empty from this call on.
    ///
    /// # Panics
    ///
    /// When a cleanup panics; the others have run by then.
    ///
    /// # Cancel safety
    ///
    /// Safe: the task runs to their end what is left when the wait is dropped, in the same order.
    #[doc(alias = "aclose")]
    pub fn close(&self) -> CloseStack {
        let (run, home) = self.0.take();
        CloseStack { run, home }
    }
}

impl fmt::Debug for CleanupStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanupStack").field("len", &self.len()).finish()
    }
}

/// The future of [`CleanupStack::close`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct CloseStack {
    run: RunAll,
    home: Home,
}

impl Future for CloseStack {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.run).poll(cx)
    }
}

impl Drop for CloseStack {
    fn drop(&mut self) {
        adopt_all(std::mem::take(&mut self.run), &self.home);
    }
}

impl fmt::Debug for CloseStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloseStack").field("left", &self.run.len()).finish_non_exhaustive()
    }
}
