//! Blocking calls that are made in another way than `spawn_blocking` does.

use corio_sync::hooks::Site;

use super::spawn_call;
use crate::executor::context::{NO_RUNTIME, current_shared};
use crate::task::cell::{Hook, HookTable, Plain};
use crate::task::header::Header;
use crate::task::spawn::{Options as TaskOptions, spawn};
use crate::task::{Builder, Task, TaskError};

/// How a blocking call is to be made.
///
/// [`spawn_blocking`](crate::spawn_blocking) waits for a call that has started, also when its task is
/// cancelled: nothing outlives its task. Where that is too long, a call may be abandoned instead
/// (trio's `abandon_on_cancel`): its task is then done at once, and the closure goes on alone.
///
/// # Examples
///
/// ```
/// use corio_runtime::blocking::Options;
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let (answer, no_answer) = std::sync::mpsc::channel::<()>();
/// // Nothing ends this wait, and nothing needs to.
/// let call = Options::new().abandon_on_cancel(true).spawn(move || no_answer.recv());
/// assert!(corio_runtime::time::timeout(Duration::from_millis(5), call.cancel_on_drop()).await.is_err());
/// # drop(answer);
/// # });
/// ```
#[derive(Debug)]
#[must_use = "options do nothing until `spawn` is called"]
pub struct Options {
    builder: Builder,
    abandon: bool,
}

impl Options {
    /// The options of [`spawn_blocking`](crate::spawn_blocking).
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "the caller's place would be lost")]
    pub fn new() -> Self {
        Self { builder: Builder::at(Site::caller()), abandon: false }
    }

    /// Gives the call's task a name; what is beyond 128 bytes is cut off.
    pub fn name(self, name: impl AsRef<str>) -> Self {
        Self { builder: self.builder.name(name), ..self }
    }

    /// Whether cancelling the task abandons the call instead of waiting for it.
    ///
    /// An abandoned call holds its thread, and its place among the `max_blocking_threads`, until it
    /// returns. What it returns is dropped, and a panic in it is reported as that of any task that
    /// nobody awaits. [`check_cancelled`](super::check_cancelled) tells it that it may stop. A call that
    /// waits for a thread never starts. The end of the runtime does not wait for it, nor does the end of
    /// the process: that ends it wherever it is.
    pub fn abandon_on_cancel(self, abandon: bool) -> Self {
        Self { abandon, ..self }
    }

    /// Runs `f` on a thread for blocking calls.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    #[doc(alias("to_thread", "run_in_executor", "run_sync"))]
    pub fn spawn<F, T>(self, f: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if !self.abandon {
            return self.builder.spawn_blocking(f);
        }
        let Some(shared) = current_shared() else { panic!("{NO_RUNTIME}") };
        let options = self.builder.into_options();
        // The call itself is on no list, so that nobody waits for it; what is waited for is a task that
        // does.
        let call = spawn_call(&shared, f, Plain, TaskOptions::at(options.site), false);
        spawn(&shared, call.cancel_on_drop(), Passing, options)
    }
}

/// The hook of a task that passes the outcome of another one on.
struct Passing;

impl<T> Hook<Result<T, TaskError>> for Passing {
    type Value = T;
    const TABLE: Option<HookTable> = None;

    fn returned(&mut self, output: Result<T, TaskError>, task: &Header) -> Result<T, TaskError> {
        output.map_err(|error| error.of(task))
    }
}
