//! One call of the system on a thread for blocking calls.

use std::fmt;
use std::io::{Error, Result};
use std::panic::resume_unwind;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_runtime::Handle;
use corio_runtime::task::TaskError;
use corio_sync::hooks::{self, Site, WaitKind};

use crate::background::{BlockingCall, Running};
use crate::with_context;

/// An operation on files, done on a thread for blocking calls: what the functions of [`fs`](super)
/// return.
///
/// Nothing happens before it is polled.
///
/// # Cancel safety
///
/// Safe: a dropped `Call` has been done completely, will be, or will never be begun.
///
/// # Panics
///
/// When it is polled again after it has given its result.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Call<T> {
    /// What may give the result at once, without a thread.
    attempt: Option<Attempt<T>>,
    state: State<T>,
    site: Site,
}

type Attempt<T> = Box<dyn FnOnce() -> Option<T> + Send>;

enum State<T> {
    New(BlockingCall<Result<T>>),
    Running(Running<Result<T>>),
    Done,
}

impl<T: Send + 'static> Call<T> {
    #[track_caller]
    pub(crate) fn new(call: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        Self { attempt: None, state: State::New(BlockingCall::new(call)), site: Site::caller() }
    }

    /// Tries `attempt`, which does not block, before the call.
    pub(super) fn trying(mut self, attempt: impl FnOnce() -> Option<T> + Send + 'static) -> Self {
        self.attempt = Some(Box::new(attempt));
        self
    }

    /// A call with a path, which its error names.
    #[track_caller]
    pub(super) fn on_path(
        what: &'static str,
        path: impl AsRef<Path>,
        call: impl FnOnce(&Path) -> Result<T> + Send + 'static,
    ) -> Self {
        let path = path.as_ref().to_path_buf();
        Self::new(move || call(&path).map_err(|error| with_path(error, what, &path)))
    }

    /// A call with two paths.
    #[track_caller]
    pub(super) fn on_paths(
        what: &'static str,
        paths: [&Path; 2],
        call: impl FnOnce(&Path, &Path) -> Result<T> + Send + 'static,
    ) -> Self {
        let [from, to] = paths.map(Path::to_path_buf);
        Self::new(move || {
            call(&from, &to).map_err(|error| {
                let (from, to) = (from.display(), to.display());
                with_context(error, format_args!("cannot {what} {from} to {to}"))
            })
        })
    }
}

/// Starts `call` on a thread for blocking calls.
///
/// # Errors
///
/// When there is no runtime on this thread.
#[track_caller]
pub(crate) fn start<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<Running<T>> {
    begin(BlockingCall::new(call))
}

#[track_caller]
fn begin<T>(call: BlockingCall<T>) -> Result<Running<T>> {
    Ok(call.start(&Handle::try_current().map_err(Error::other)?))
}

/// The result of a call that has been started. Its panic goes on here.
pub(crate) fn outcome<T>(result: std::result::Result<T, TaskError>) -> Result<T> {
    result.map_err(|error| match error.try_into_panic() {
        Ok(payload) => resume_unwind(payload),
        Err(error) => Error::other(error),
    })
}

/// `error` with what was being done, and where.
pub(crate) fn with_path(error: Error, what: &str, path: &Path) -> Error {
    with_context(error, format_args!("cannot {what} {}", path.display()))
}

impl<T: Send + 'static> Future for Call<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.attempt.is_some() {
            ready!(hooks::poll_budget(cx));
            Handle::try_current().map_err(Error::other)?;
            if let Some(value) = this.attempt.take().and_then(|attempt| attempt()) {
                this.state = State::Done;
                return Poll::Ready(Ok(value));
            }
        }
        if let State::New(_) = this.state {
            let State::New(call) = std::mem::replace(&mut this.state, State::Done) else {
                unreachable!("it was just looked at")
            };
            this.state = State::Running(begin(call)?);
        }
        let State::Running(task) = &mut this.state else {
            panic!("a file operation was polled after it had given its result")
        };
        let result = ready!(poll_task(task, this.site, cx));
        this.state = State::Done;
        Poll::Ready(result.and_then(|result| result))
    }
}

/// Polls a call that has been started.
pub(crate) fn poll_task<T: 'static>(
    task: &mut Running<T>,
    site: Site,
    cx: &mut Context<'_>,
) -> Poll<Result<T>> {
    let poll = Pin::new(task).poll(cx);
    if poll.is_pending() {
        hooks::set_wait(site, WaitKind::Blocking);
    }
    poll.map(outcome)
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        if let State::Running(task) = &self.state {
            // One that has begun goes on to its end.
            task.cancel();
        }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::New(_) => "new",
            State::Running(_) => "under way",
            State::Done => "done",
        };
        f.debug_struct("Call").field("state", &state).field("site", &self.site).finish()
    }
}
