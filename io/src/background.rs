//! Tasks and blocking calls that this crate and `corio-net` start on their own account.
//!
//! What makes a future a task is compiled for each type of future that is spawned, and for each type of closure
//! that is called. The futures and closures here are boxed, and so of one type: it is compiled once, for both
//! crates and for what their users call. The price is an allocation for each, so what handles a connection is not
//! spawned here; what is next to a thread's work, a flush in the background, or a close that lingers, is.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_runtime::task::{Builder, TaskError};
use corio_runtime::{Handle, Task};

/// What a task does.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Spawns `work` as a task of `runtime`, and leaves it to itself.
#[track_caller]
pub fn spawn_on(runtime: &Handle, work: Work) {
    drop(runtime.spawn(work));
}

/// Spawns `work` as a task of this thread's runtime, as `builder` says.
///
/// # Panics
///
/// Outside a runtime.
#[track_caller]
pub fn spawn_by(builder: Builder, work: Work) -> Task<()> {
    builder.spawn(work)
}

/// What a call gives, until it is known again what it is.
type Output = Box<dyn Any + Send>;

/// A call that blocks and gives a `T`, not begun yet.
pub struct BlockingCall<T> {
    call: Box<dyn FnOnce() -> Output + Send>,
    gives: PhantomData<Box<T>>,
}

/// A [`BlockingCall`] that has been given to a thread; it gives its result when it is awaited.
#[must_use = "the result is lost; drop it to say so"]
pub struct Running<T> {
    task: Task<Output>,
    gives: PhantomData<Box<T>>,
}

// Nothing is seen of a call before its end; a panic in it is what it gives.
impl<T> UnwindSafe for BlockingCall<T> {}
impl<T> RefUnwindSafe for BlockingCall<T> {}
impl<T> UnwindSafe for Running<T> {}
impl<T> RefUnwindSafe for Running<T> {}

impl<T: Send + 'static> BlockingCall<T> {
    /// A call of `f`.
    pub fn new(f: impl FnOnce() -> T + Send + 'static) -> Self {
        Self { call: Box::new(move || Box::new(f())), gives: PhantomData }
    }
}

impl<T> BlockingCall<T> {
    /// Has it done on a thread of `runtime` for blocking calls. If there is none to be had, it is dropped.
    #[track_caller]
    pub fn start(self, runtime: &Handle) -> Running<T> {
        Running { task: runtime.spawn_blocking(self.call), gives: PhantomData }
    }
}

impl<T> Running<T> {
    /// Cancels the call, if it has not begun.
    pub fn cancel(&self) {
        self.task.cancel();
    }
}

impl<T: 'static> Future for Running<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx).map_ok(|output| match output.downcast() {
            Ok(output) => *output,
            Err(_) => unreachable!("a call gives what it was made to give"),
        })
    }
}

impl<T> fmt::Debug for BlockingCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockingCall")
    }
}

impl<T> fmt::Debug for Running<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Running").field(&self.task).finish()
    }
}
