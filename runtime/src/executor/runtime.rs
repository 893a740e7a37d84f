//! The runtime as users hold it: [`Runtime`], [`Handle`], [`EnterGuard`].

use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corio_sync::hooks::Site;

use super::block_on::block_on;
use super::builder::Builder;
use super::context::{self, Context, NO_RUNTIME};
use super::metrics::RuntimeMetrics;
use super::shared::Shared;
use crate::blocking;
use crate::task::header::Plain;
use crate::task::join::{Canceller, Task};
use crate::task::large::is_large;
use crate::task::spawn::{Options, spawn};

/// An executor with its timers, reactor and threads.
///
/// Dropping it cancels every task and waits until their cleanups have run and its threads have ended.
/// On a thread that is running tasks, which must not wait, another thread does so. asyncio's event loop,
/// with `asyncio.Runner`'s way of ending.
///
/// # Examples
///
/// ```
/// use corio_runtime::Runtime;
///
/// let runtime = Runtime::new()?;
/// let task = runtime.spawn(async { 20 });
/// let sum = runtime.block_on(async { task.await.unwrap() + 22 });
/// assert_eq!(sum, 42);
/// # Ok::<(), std::io::Error>(())
/// ```
#[doc(alias("AbstractEventLoop", "new_event_loop", "Runner"))]
pub struct Runtime {
    handle: Handle,
}

impl Runtime {
    /// Makes a multi-thread runtime with one worker for each processor.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::build`]; with the default settings there are none.
    pub fn new() -> io::Result<Self> {
        Builder::new_multi_thread().build()
    }

    pub(crate) fn from_shared(shared: Arc<Shared>) -> Self {
        Self { handle: Handle { shared } }
    }

    /// Runs `future` to its end on this thread, and everything that was spawned meanwhile beside it.
    ///
    /// The future need not be `Send`. Tasks that are not done when it ends go on running if the
    /// runtime has workers (else at the next `block_on`), except those of `spawn_local`: they are
    /// bound to this thread, and so are cancelled, and waited for.
    ///
    /// # Panics
    ///
    /// When it is called inside a task, or when `future` panics.
    #[track_caller]
    #[doc(alias = "run_until_complete")]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// Spawns a task; see [`spawn`](crate::spawn).
    #[track_caller]
    #[doc(alias = "create_task")]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// Runs `f` on a thread for blocking calls; see [`spawn_blocking`](crate::spawn_blocking).
    #[track_caller]
    #[doc(alias("run_in_executor", "to_thread"))]
    pub fn spawn_blocking<F, T>(&self, f: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.handle.spawn_blocking(f)
    }

    /// The handle of this runtime.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Makes this the thread's runtime until the guard is dropped; see [`Handle::enter`].
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// What the runtime counts.
    pub fn metrics(&self) -> RuntimeMetrics {
        self.handle.metrics()
    }

    /// Ends the runtime: cancels every task and gives their cleanups, and blocking calls that are under
    /// way, at most `timeout` to finish. Cleanups that have not finished by then are dropped, and a
    /// line on stderr says so; threads that are still busy a tenth of a second later are left behind.
    /// On a thread that is running tasks, another thread does the waiting.
    pub fn shutdown_timeout(self, timeout: Duration) {
        self.handle.shared.shut_down(Some(Instant::now().checked_add(timeout).unwrap_or_else(far)));
    }

    /// Ends the runtime without waiting for anything: every task is cancelled, cleanups are dropped.
    pub fn shutdown_background(self) {
        self.handle.shared.shut_down_in_background();
    }

    /// `block_on`, for a main future that can be cancelled from elsewhere.
    #[track_caller]
    pub(crate) fn block_on_cancellable<F: Future>(
        &self,
        future: F,
        started: &mut dyn FnMut(Canceller),
    ) -> Option<F::Output> {
        block_on(&self.handle.shared, future, started)
    }
}

#[cold]
#[track_caller]
fn was_cancelled() -> ! {
    panic!(
        "the future given to `block_on` was cancelled: somebody called `cancel` on its `task::current()`"
    )
}

/// A moment that does not come.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(86_400 * 365 * 30)
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // After `shutdown_timeout` there is nothing left to end.
        if !self.handle.shared.is_closing() {
            self.handle.shared.shut_down(None);
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.shared.fmt(f)
    }
}

/// A cheap reference to a runtime, from any thread. It does not keep the runtime from ending.
#[derive(Clone)]
#[doc(alias("get_running_loop", "get_event_loop"))]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

// What they lead to is behind locks and atomics, which are right after a panic, too.
impl std::panic::UnwindSafe for Runtime {}
impl std::panic::RefUnwindSafe for Runtime {}
impl std::panic::UnwindSafe for Handle {}
impl std::panic::RefUnwindSafe for Handle {}

impl Handle {
    /// The runtime of this thread.
    ///
    /// # Panics
    ///
    /// Outside a runtime; [`try_current`](Self::try_current) does not.
    #[track_caller]
    pub fn current() -> Self {
        Self::try_current().unwrap_or_else(|_| panic!("{NO_RUNTIME}"))
    }

    /// The runtime of this thread, if there is one.
    ///
    /// # Errors
    ///
    /// [`NoRuntime`] outside a runtime.
    pub fn try_current() -> Result<Self, NoRuntime> {
        context::current_shared().map(|shared| Self { shared }).ok_or(NoRuntime(PhantomData))
    }

    /// Spawns a task on this runtime; see [`spawn`](crate::spawn).
    #[track_caller]
    #[doc(alias("create_task", "run_coroutine_threadsafe"))]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let options = Options::at(Site::caller());
        if const { is_large::<F>() } {
            spawn(&self.shared, Box::pin(future), Plain, options)
        } else {
            spawn(&self.shared, future, Plain, options)
        }
    }

    /// Runs `f` on a thread for blocking calls; see [`spawn_blocking`](crate::spawn_blocking).
    #[track_caller]
    #[doc(alias("run_in_executor", "to_thread"))]
    pub fn spawn_blocking<F, T>(&self, f: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        blocking::spawn_on(&self.shared, f, Plain, Options::at(Site::caller()))
    }

    /// Runs `future` to its end on this thread; see [`Runtime::block_on`].
    ///
    /// # Panics
    ///
    /// When it is called inside a task, or when `future` panics.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let output = if const { is_large::<F>() } {
            block_on(&self.shared, Box::pin(future), &mut drop::<Canceller>)
        } else {
            block_on(&self.shared, future, &mut drop::<Canceller>)
        };
        match output {
            Some(output) => output,
            None => was_cancelled(),
        }
    }

    /// Makes this the thread's runtime until the guard is dropped: `spawn`, sockets and timers work.
    pub fn enter(&self) -> EnterGuard<'_> {
        let context = Box::new(Context::new(self.shared.clone(), None));
        // SAFETY: it is on the heap, and leaves when the guard is dropped, which stays on this thread.
        unsafe { context.join() };
        EnterGuard { context, _handle: PhantomData, _not_send: PhantomData }
    }

    /// What the runtime counts.
    pub fn metrics(&self) -> RuntimeMetrics {
        RuntimeMetrics::of(&self.shared)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.shared).finish()
    }
}

/// Keeps a runtime entered; guards may be dropped in any order.
#[must_use = "the runtime is left when the guard is dropped"]
pub struct EnterGuard<'a> {
    context: Box<Context>,
    _handle: PhantomData<&'a Handle>,
    /// The guard belongs to the thread that entered.
    _not_send: PhantomData<*const ()>,
}

impl Drop for EnterGuard<'_> {
    fn drop(&mut self) {
        self.context.leave();
    }
}

impl fmt::Debug for EnterGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EnterGuard").field(&self.context.shared).finish()
    }
}

/// There is no runtime on this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NoRuntime(PhantomData<()>);

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NO_RUNTIME)
    }
}

impl fmt::Debug for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoRuntime({NO_RUNTIME})")
    }
}

impl std::error::Error for NoRuntime {}
