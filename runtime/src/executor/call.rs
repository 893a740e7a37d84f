//! Calling plain functions on a runtime: soon, later, at a certain time.

use std::fmt;
use std::time::Duration;

use corio_sync::hooks::Site;

use super::runtime::Handle;
use crate::task::Canceller;
use crate::task::header::Plain;
use crate::task::spawn::{Options, spawn};
use crate::time::{Instant, Sleep};

/// A call that was asked for with [`Handle::call_soon`], [`call_later`](Handle::call_later) or
/// [`call_at`](Handle::call_at). Dropping it changes nothing.
#[derive(Clone)]
pub struct TimerHandle {
    task: Canceller,
    when: Option<Instant>,
}

impl TimerHandle {
    /// Takes the call back; `false` if it was taken back before, or has been made.
    pub fn cancel(&self) -> bool {
        self.task.cancel()
    }

    /// When the call is due; `None` for `call_soon`.
    pub fn when(&self) -> Option<Instant> {
        self.when
    }

    /// Whether the call has been made, or was taken back.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl fmt::Debug for TimerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerHandle")
            .field("when", &self.when)
            .field("finished", &self.is_finished())
            .finish()
    }
}

impl Handle {
    /// Calls `f` on the runtime as soon as the tasks that are ready have had their turn.
    ///
    /// It works from any thread. Calls are small tasks: they must not block, a panic in one is
    /// reported and harms nobody else, and when the runtime shuts down those that have not been made
    /// are dropped. On the single-threaded executor they are made in the order in which they were
    /// asked for.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::Handle;
    ///
    /// # corio_runtime::run(async {
    /// let (called, is_called) = std::sync::mpsc::channel();
    /// let call = Handle::current().call_soon(move || called.send(()).unwrap());
    /// while !call.is_finished() {
    ///     corio_runtime::yield_now().await;
    /// }
    /// is_called.try_recv().unwrap();
    /// # });
    /// ```
    #[track_caller]
    #[doc(alias("call_soon_threadsafe"))]
    pub fn call_soon(&self, f: impl FnOnce() + Send + 'static) -> TimerHandle {
        let task = spawn(&self.shared, async move { f() }, Plain, Options::at(Site::caller()));
        TimerHandle { task: task.canceller(), when: None }
    }

    /// Calls `f` on the runtime after `delay`; see [`call_soon`](Self::call_soon).
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::Handle;
    /// use std::time::Duration;
    ///
    /// # corio_runtime::run(async {
    /// let call = Handle::current().call_later(Duration::from_secs(600), || unreachable!());
    /// assert!(call.cancel());
    /// # });
    /// ```
    #[track_caller]
    pub fn call_later(&self, delay: Duration, f: impl FnOnce() + Send + 'static) -> TimerHandle {
        // The delay counts on this runtime's clock, not on the calling thread's.
        let now = {
            let _entered = self.enter();
            Instant::now()
        };
        self.call_at(now + delay, f)
    }

    /// Calls `f` on the runtime at `when`, or at once if that is past; see
    /// [`call_soon`](Self::call_soon).
    #[track_caller]
    pub fn call_at(&self, when: Instant, f: impl FnOnce() + Send + 'static) -> TimerHandle {
        let site = Site::caller();
        let call = async move {
            Sleep::at(when, site).await;
            f();
        };
        let task = spawn(&self.shared, call, Plain, Options::at(site));
        TimerHandle { task: task.canceller(), when: Some(when) }
    }
}
