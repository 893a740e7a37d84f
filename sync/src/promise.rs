//! A result that somebody will set.

mod callback;
mod wait;

#[cfg(all(test, corio_loom))]
mod loom;

use std::error::Error;
use std::fmt;
use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::blocking;
use crate::hooks;
use crate::once_cell::OnceCell;
use crate::prim::SpinLock;
use crate::waitlist::{List, Wakers};

use callback::Callbacks;
pub use callback::DoneCallback;
pub use wait::PromiseWait;

/// A result that is set once, by whoever holds the promise, and awaited by any number.
///
/// Clones are handles of the same promise. Each of those who await it gets a clone of the value. Every handle
/// can set it, also those of the waiters, so nothing tells them that nobody will: where whoever should set it
/// may go without doing so, let it [`cancel`](Self::cancel) the promise when it is dropped, or send through a
/// [`oneshot`](crate::oneshot), whose receiver is told.
///
/// asyncio's `Future`; for one receiver without the clone see [`oneshot`](crate::oneshot).
///
/// # Examples
///
/// ```
/// use corio_sync::Promise;
///
/// let promise = Promise::new();
/// let waiter = {
///     let promise = promise.clone();
///     std::thread::spawn(move || promise.blocking_wait().unwrap())
/// };
/// promise.set(42).unwrap();
/// assert_eq!(waiter.join().unwrap(), 42);
/// assert!(promise.set(43).is_err());
/// ```
#[doc(alias = "Future")]
#[doc(alias = "create_future")]
pub struct Promise<T> {
    shared: Arc<Shared<T>>,
}

// A handle: what it leads to is set as a whole or not at all.
impl<T> UnwindSafe for Promise<T> {}
impl<T> RefUnwindSafe for Promise<T> {}

struct Shared<T> {
    outcome: OnceCell<Result<T, PromiseError>>,
    state: SpinLock<State<T>>,
}

struct State<T> {
    waiters: List<()>,
    callbacks: Callbacks<T>,
}

/// Why a promise has no value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PromiseError {
    /// It was cancelled.
    Cancelled,
    /// This error was set in the place of a value.
    Failed(Arc<dyn Error + Send + Sync>),
}

impl PromiseError {
    /// Whether the promise was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}

impl fmt::Display for PromiseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the promise was cancelled before it was set"),
            Self::Failed(error) => write!(f, "the promise failed: {error}"),
        }
    }
}

impl Error for PromiseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Cancelled => None,
            Self::Failed(error) => Some(&**error),
        }
    }
}

/// The promise was set, failed or cancelled before; here is what was to be set now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AlreadyDone<V>(pub V);

impl<V> AlreadyDone<V> {
    /// What was to be set.
    pub fn into_inner(self) -> V {
        self.0
    }
}

// The value need not be `Debug` for an error to be unwrapped.
impl<V> fmt::Debug for AlreadyDone<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlreadyDone(..)")
    }
}

impl<V> fmt::Display for AlreadyDone<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the promise was set, failed or cancelled before: its outcome stays as it is")
    }
}

impl<V> Error for AlreadyDone<V> {}

impl<T> Promise<T> {
    /// Makes a promise that is not set.
    pub fn new() -> Self {
        let state = State { waiters: List::new(), callbacks: Callbacks::new() };
        let shared = Shared { outcome: OnceCell::new(), state: SpinLock::new(state) };
        Self { shared: Arc::new(shared) }
    }

    /// Sets the value and wakes everybody who waits, in order of arrival.
    ///
    /// # Errors
    ///
    /// [`AlreadyDone`] with the value, when the promise is done.
    #[doc(alias = "set_result")]
    pub fn set(&self, value: T) -> Result<(), AlreadyDone<T>> {
        self.decide(Ok(value)).map_err(|outcome| match outcome {
            Ok(value) => AlreadyDone(value),
            Err(_) => unreachable!("a value was handed in"),
        })
    }

    /// Sets an error in the place of a value.
    ///
    /// # Errors
    ///
    /// [`AlreadyDone`] with the error, when the promise is done.
    #[doc(alias = "set_exception")]
    pub fn set_error(
        &self,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Result<(), AlreadyDone<Arc<dyn Error + Send + Sync>>> {
        let error = Arc::from(error.into());
        self.decide(Err(PromiseError::Failed(Arc::clone(&error)))).map_err(|_| AlreadyDone(error))
    }

    /// Cancels the promise if it is not done; tells whether it did.
    pub fn cancel(&self) -> bool {
        self.decide(Err(PromiseError::Cancelled)).is_ok()
    }

    /// Whether the promise was set, failed or cancelled.
    #[doc(alias = "done")]
    pub fn is_done(&self) -> bool {
        self.shared.outcome.initialized()
    }

    /// Whether the promise was cancelled.
    #[doc(alias = "cancelled")]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.shared.outcome.get(), Some(Err(PromiseError::Cancelled)))
    }

    /// Calls `f` when the promise is done: on the thread that decides it, after those who wait were
    /// woken; at once if it is done already. Callbacks are called in the order in which they came, and
    /// a panic of one goes on when all were called. What is returned takes the callback back.
    #[doc(alias = "add_done_callback")]
    pub fn on_done(&self, f: impl FnOnce(&Self) + Send + 'static) -> DoneCallback<T> {
        {
            let mut state = self.shared.state.lock();
            if !self.is_done() {
                let id = state.callbacks.add(Box::new(f));
                return DoneCallback::new(self, id);
            }
        }
        f(self);
        DoneCallback::called()
    }

    /// Whether `other` is a handle of the same promise.
    pub fn same_promise(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    fn decide(&self, outcome: Result<T, PromiseError>) -> Result<(), Result<T, PromiseError>> {
        self.shared.outcome.set(outcome).map_err(|error| error.into_inner())?;
        let mut wakers = Wakers::new();
        let callbacks = {
            let mut state = self.shared.state.lock();
            state.waiters.pop_all(&mut wakers, |()| {});
            state.callbacks.take_all()
        };
        let mut panic = catch_unwind(AssertUnwindSafe(|| wakers.wake())).err();
        for callback in callbacks {
            let result = catch_unwind(AssertUnwindSafe(|| callback(self)));
            panic = panic.or(result.err());
        }
        panic.map_or(Ok(()), |payload| resume_unwind(payload))
    }
}

impl<T: Clone> Promise<T> {
    /// The outcome, if there is one.
    #[doc(alias = "result")]
    pub fn try_get(&self) -> Option<Result<T, PromiseError>> {
        self.shared.outcome.get().cloned()
    }

    /// Waits for the outcome; `promise.await` does the same.
    ///
    /// # Cancel safety
    ///
    /// Safe. Dropping the wait does not cancel the promise.
    ///
    /// # Errors
    ///
    /// [`PromiseError`]: failed, or cancelled.
    #[track_caller]
    pub fn wait(&self) -> PromiseWait<T> {
        PromiseWait::new(self.clone())
    }

    /// Waits for the outcome, blocking this thread.
    ///
    /// # Errors
    ///
    /// [`PromiseError`]: failed, or cancelled.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait(&self) -> Result<T, PromiseError> {
        hooks::forbid_blocking("Promise::blocking_wait");
        self.try_get().unwrap_or_else(|| blocking::block_on(self.wait()))
    }

    /// Waits for the outcome for at most `timeout`, blocking this thread; `None` when the time is over.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait_timeout(&self, timeout: Duration) -> Option<Result<T, PromiseError>> {
        hooks::forbid_blocking("Promise::blocking_wait_timeout");
        blocking::block_on_timeout(self.wait(), timeout)
    }
}

impl<T: Clone> IntoFuture for Promise<T> {
    type Output = Result<T, PromiseError>;
    type IntoFuture = PromiseWait<T>;

    #[track_caller]
    fn into_future(self) -> PromiseWait<T> {
        PromiseWait::new(self)
    }
}

impl<T: Clone> IntoFuture for &Promise<T> {
    type Output = Result<T, PromiseError>;
    type IntoFuture = PromiseWait<T>;

    #[track_caller]
    fn into_future(self) -> PromiseWait<T> {
        self.wait()
    }
}

impl<T> Default for Promise<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Promise<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T: fmt::Debug> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (waiters, callbacks) = {
            let mut state = self.shared.state.lock();
            (state.waiters.len(), state.callbacks.len())
        };
        f.debug_struct("Promise")
            .field("outcome", &self.shared.outcome.get())
            .field("waiters", &waiters)
            .field("callbacks", &callbacks)
            .finish()
    }
}
