//! The handle of a task.
//!
//! See `header` for the invariants T1 to T6.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use corio_sync::blocking;
use corio_sync::hooks::{self, Site, WaitKind};

use super::cell::Outcome;
use super::context_copy::ContextVars;
use super::end;
use super::error::TaskError;
use super::header::{Header, Stage};
use super::id::TaskId;
use super::quiet::{catch, drop_payload, drop_quietly};
use super::reason::CancelReason;
use super::state::Join;
use super::waker::{cancel, cancel_because, release, schedule};
use crate::cleanup::GivenUp;
use crate::executor::context::runs_a_core;

thread_local! {
    /// Counts the errors that handles have given on this thread and that a group knows of.
    static HANDED_OUT: Cell<u64> = const { Cell::new(0) };
}

/// How many errors handles have given on this thread that a group knows of. If there is one more after a
/// poll, it may be what the poll came to, in whatever form.
pub(crate) fn handed_out() -> u64 {
    HANDED_OUT.get()
}

/// A spawned task: await it for its result, or drop it to let the task run on its own.
///
/// asyncio's `Task`, and the handle of `spawn_blocking`. Awaiting gives `Err` with a [`TaskError`]
/// when the task was cancelled or panicked, or if it is the task itself that awaits its handle.
///
/// # Cancel safety
///
/// Safe: a `Task` that is no longer awaited keeps its result.
///
/// # Panics
///
/// When it is polled again after it has given its result.
#[doc(alias("JoinHandle", "create_task"))]
pub struct Task<T> {
    /// Owns one reference and the right to the output.
    task: NonNull<Header>,
    _output: PhantomData<T>,
}

// SAFETY: the handle touches only atomics and, after DONE, the output, which is `Send`.
unsafe impl<T: Send> Send for Task<T> {}
// SAFETY: `&Task` gives no access to the output.
unsafe impl<T: Send> Sync for Task<T> {}

impl<T> Unpin for Task<T> {}
impl<T> std::panic::UnwindSafe for Task<T> {}
impl<T> std::panic::RefUnwindSafe for Task<T> {}

impl<T> Task<T> {
    /// # Safety
    ///
    /// The caller gives one reference and the only handle's rights to a task whose output is `T`.
    pub(crate) unsafe fn new(task: NonNull<Header>) -> Self {
        Self { task, _output: PhantomData }
    }

    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the handle owns a reference (T1).
        unsafe { self.task.as_ref() }
    }

    /// Asks the task to stop; `true` if this is the first request and the task is not done.
    ///
    /// The task's future is dropped where it waits, its cleanups run, then the task is done. A
    /// request that comes before the first poll means that the body never runs. Cancelling twice,
    /// or a task that is done, does nothing.
    pub fn cancel(&self) -> bool {
        // SAFETY: the handle owns a reference.
        unsafe { cancel(self.task) }
    }

    /// Asks the task to stop, and says why; see [`cancel`](Self::cancel).
    ///
    /// The reason is in the task's [`TaskError`], in its
    /// [`TaskInfo`](crate::introspect::TaskInfo) while it ends, and in what
    /// [`catch_cancel`](crate::structured::catch_cancel) gives. The first request counts: one that comes
    /// later changes nothing, its reason neither.
    ///
    /// # Examples
    ///
    /// ```
    /// # corio_runtime::run(async {
    /// let task = corio_runtime::spawn(std::future::pending::<()>());
    /// task.cancel_because("the client has left");
    /// let error = task.await.unwrap_err();
    /// assert_eq!(error.cancel_reason().unwrap().text(), "the client has left");
    /// # });
    /// ```
    #[doc(alias = "msg")]
    #[track_caller]
    pub fn cancel_because(&self, reason: impl fmt::Display) -> bool {
        // SAFETY: the handle owns a reference.
        unsafe { cancel_because(self.task, CancelReason::new(&reason)) }
    }

    /// Whether the task is done, cleanups included.
    #[doc(alias = "done")]
    pub fn is_finished(&self) -> bool {
        self.header().state.is_done()
    }

    /// The task's id.
    pub fn id(&self) -> TaskId {
        TaskId(self.header().head.id)
    }

    /// The name given to the task's builder.
    #[doc(alias = "get_name")]
    pub fn name(&self) -> Option<&str> {
        self.header().extras()?.name.as_deref()
    }

    /// A handle that can cancel the task, and nothing else.
    pub fn canceller(&self) -> Canceller {
        self.header().add_ref();
        Canceller { task: self.task }
    }

    /// Calls `f` when the task is done: at once if it is, else on the thread that completes it.
    ///
    /// Callbacks are called in the order in which they were added, and before whoever waits for the task
    /// goes on. Who has not waited, but looks in the very moment in which they are called on another thread,
    /// may find the task done already.
    ///
    /// It runs with the context variables that are set where this is called. A panic in `f` is reported
    /// by the panic hook and goes no further. asyncio's `add_done_callback`.
    #[doc(alias = "add_done_callback")]
    pub fn on_done(&self, f: impl FnOnce() + Send + 'static) {
        let header = self.header();
        let extras = header.extras_or_new();
        let context = ContextVars::capture();
        let now = match extras.on_done(Box::new(move || context.run(f))) {
            Err(f) => vec![f],
            // The task may have been done before there was anything to look into: whoever takes the
            // callbacks calls them.
            Ok(()) if header.state.is_done_for_sure() => extras.take_callbacks(),
            Ok(()) => return,
        };
        for f in now {
            if let Err(payload) = catch(f) {
                drop_payload(payload);
            }
        }
    }

    /// Ties the task to a guard: dropping the guard cancels the task.
    pub fn cancel_on_drop(self) -> CancelOnDrop<T> {
        CancelOnDrop { task: Some(self) }
    }

    /// Waits for the result on a plain thread, for at most `timeout`.
    ///
    /// A task of a current-thread runtime runs while some thread is in the runtime's `block_on`, and at no
    /// other time: the thread that is to go there must not wait here first.
    ///
    /// # Errors
    ///
    /// The task itself, when the time is over and it is not done.
    ///
    /// # Panics
    ///
    /// When it is called inside a task: there, `.await` the task. When it would have to wait in a callback
    /// on a thread that runs tasks.
    #[doc(alias("result", "exception"))]
    #[track_caller]
    pub fn result_blocking(mut self, timeout: Duration) -> Result<Result<T, TaskError>, Self> {
        hooks::forbid_blocking("Task::result_blocking");
        // Where tasks run, a look and no more.
        let limit = if runs_a_core() { Duration::ZERO } else { timeout };
        let done = blocking::block_on_timeout(&mut self, limit);
        assert!(
            done.is_some() || limit == timeout,
            "`Task::result_blocking` was to wait in a callback on a thread that runs tasks, which \
             would stop them all, perhaps the one that is waited for: await it in a task"
        );
        done.ok_or(self)
    }

    /// What the task came to, if it is done and nobody has taken it.
    pub(crate) fn peek(&mut self) -> Option<&Result<T, TaskError>> {
        if !self.is_finished() {
            return None;
        }
        // SAFETY: the task is done and the outcome is the handle's (T2), of this type (T3); it stays
        // where it is until the handle, which is borrowed for as long, takes it.
        unsafe { end::outcome(self.task).map(|outcome| outcome.cast::<Outcome<T>>().as_ref()) }
    }

    /// Ready when the task is done; its outcome stays.
    pub(crate) fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        poll_done(self.header(), cx)
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: this is the handle, which owns a reference.
        let taken = unsafe { poll_take(self.task, cx) };
        // SAFETY: the outcome was given to this handle, and it is of this type (T3).
        taken.map(|taken| taken.and_then(|outcome| unsafe { outcome.cast::<Outcome<T>>().read() }))
    }
}

/// Ready when the task is done; its outcome stays. For its handle.
fn poll_done(header: &Header, cx: &mut Context<'_>) -> Poll<()> {
    if header.state.is_done() {
        return Poll::Ready(());
    }
    if header.state.has_waker() {
        // SAFETY: only the handle writes the waker, and it does not while JOIN_WAKER is set; the
        // completing thread only reads it (T5).
        let same = header
            .joiner
            .with(|w| unsafe { (*w).as_ref() }.is_some_and(|w| w.will_wake(cx.waker())));
        if same && !header.state.is_done() {
            return Poll::Pending;
        }
        if header.state.take_waker_back() == Join::Done {
            return Poll::Ready(());
        }
    }
    let waker = cx.waker().clone();
    // SAFETY: JOIN_WAKER is clear, so the slot is the handle's (T5).
    let old = header.joiner.with_mut(|w| unsafe { (*w).replace(waker) });
    drop(old);
    match header.state.waker_stored() {
        Join::Done => {
            // SAFETY: the completing thread did not see the waker: the slot is the handle's (T5).
            drop(header.joiner.with_mut(|w| unsafe { (*w).take() }));
            Poll::Ready(())
        }
        Join::Pending => Poll::Pending,
    }
}

/// Waits for the task's end, and then gives the outcome, where it lies, to the caller, who moves it out.
///
/// # Safety
///
/// The caller is the task's handle.
#[track_caller]
unsafe fn poll_take(
    task: NonNull<Header>,
    cx: &mut Context<'_>,
) -> Poll<Result<NonNull<()>, TaskError>> {
    ready!(hooks::poll_budget(cx));
    // SAFETY: the handle owns a reference (T1).
    let header = unsafe { task.as_ref() };
    if !header.state.is_done() {
        ready!(poll_wait(header, cx))?;
    }
    hooks::spend();
    // SAFETY: the task is done and the outcome is the handle's (T2).
    match unsafe { end::take_outcome(task) } {
        Some((outcome, stage)) => {
            if stage == Stage::Stopped {
                HANDED_OUT.set(HANDED_OUT.get().wrapping_add(1));
            }
            Poll::Ready(Ok(outcome))
        }
        None => awaited_again(header),
    }
}

/// Waits for the task's end; fails if it is the task itself that waits. For its handle.
#[inline(never)]
fn poll_wait(header: &Header, cx: &mut Context<'_>) -> Poll<Result<(), TaskError>> {
    if poll_done(header, cx).is_ready() {
        return Poll::Ready(Ok(()));
    }
    if hooks::current_task_id() == header.head.id {
        hooks::spend();
        return Poll::Ready(Err(TaskError::awaits_itself(header)));
    }
    // The place is that of the task awaited: the `.await` itself cannot be known.
    hooks::set_wait_on(Site::new(header.head.spawned_at()), WaitKind::Task, header.head.id);
    Poll::Pending
}

#[cold]
#[track_caller]
fn awaited_again(header: &Header) -> ! {
    panic!("task {} was awaited again after it had given its result", TaskId(header.head.id))
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        // SAFETY: this is the handle, which ends here.
        unsafe { drop_handle(self.task) };
    }
}

/// Gives the handle's reference and its rights up.
///
/// # Safety
///
/// The caller is the task's handle, and does nothing with it any more.
unsafe fn drop_handle(task: NonNull<Header>) {
    // SAFETY: the handle owns a reference (T1).
    let header = unsafe { task.as_ref() };
    let (done, clear) = header.state.drop_handle();
    if clear {
        // SAFETY: the completing thread has not seen the waker, or is done with it: the slot is
        // the handle's (T5).
        unsafe { drop_waker(header) };
    }
    if done {
        // SAFETY: done, so the outcome is the handle's (T2).
        unsafe { end::drop_unawaited(task) };
    }
    // SAFETY: the handle's reference ends here.
    unsafe { release(task) };
}

/// Drops the waker of whoever awaited the task.
///
/// # Safety
///
/// The slot is the handle's (T5).
#[inline(never)]
unsafe fn drop_waker(header: &Header) {
    // SAFETY: the caller's promise.
    drop_quietly(header.joiner.with_mut(|w| unsafe { (*w).take() }));
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id().as_u64())
            .field("name", &self.name())
            .field("spawned_at", &format_args!("{}", self.header().head.spawned_at()))
            .field("finished", &self.is_finished())
            .finish()
    }
}

/// Cancels a task; cheap to clone, and independent of the [`Task`] it came from.
pub struct Canceller {
    task: NonNull<Header>,
}

impl std::panic::UnwindSafe for Canceller {}
impl std::panic::RefUnwindSafe for Canceller {}

// SAFETY: it touches only atomics of the header, which its reference keeps alive.
unsafe impl Send for Canceller {}
// SAFETY: as above.
unsafe impl Sync for Canceller {}

impl Canceller {
    /// A canceller of `task`.
    ///
    /// # Safety
    ///
    /// The caller has a reference for as long as this lasts.
    pub(crate) unsafe fn of(task: NonNull<Header>) -> Self {
        // SAFETY: the caller's promise.
        unsafe { task.as_ref() }.add_ref();
        Self { task }
    }

    /// Asks the task to stop; see [`Task::cancel`].
    pub fn cancel(&self) -> bool {
        // SAFETY: it owns a reference.
        unsafe { cancel(self.task) }
    }

    /// Asks the task to stop, and says why; see [`Task::cancel_because`].
    #[track_caller]
    pub fn cancel_because(&self, reason: impl fmt::Display) -> bool {
        // SAFETY: it owns a reference.
        unsafe { cancel_because(self.task, CancelReason::new(&reason)) }
    }

    /// Asks the task to stop, and has it polled even if it was asked before.
    pub(crate) fn cancel_again(&self) {
        if !self.cancel() {
            // SAFETY: it owns a reference.
            unsafe { schedule(self.task) };
        }
    }

    /// Asks the task to stop, and has it drop its cleanups: their time is over. A blocking call that is
    /// under way is still waited for.
    pub(crate) fn give_up(&self, why: &Arc<GivenUp>) {
        // SAFETY: it owns a reference.
        let header = unsafe { self.task.as_ref() };
        if header.state.is_blocking() {
            self.cancel();
        } else if !header.state.is_done() {
            header.extras_or_new().give_up(why);
            self.cancel_again();
        }
    }

    /// Whether the task is done, cleanups included.
    pub fn is_finished(&self) -> bool {
        // SAFETY: it owns a reference.
        unsafe { self.task.as_ref() }.state.is_done()
    }

    /// The task's id.
    pub fn id(&self) -> TaskId {
        // SAFETY: it owns a reference.
        TaskId(unsafe { self.task.as_ref() }.head.id)
    }
}

impl Clone for Canceller {
    fn clone(&self) -> Self {
        // SAFETY: it owns a reference.
        unsafe { Self::of(self.task) }
    }
}

impl Drop for Canceller {
    fn drop(&mut self) {
        // SAFETY: its reference ends here.
        unsafe { release(self.task) };
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").field("id", &self.id().as_u64()).finish()
    }
}

/// A [`Task`] that is cancelled when this is dropped. Awaiting it gives what the task gives.
///
/// # Cancel safety
///
/// Unsafe if it is awaited by value: dropping the wait cancels the task, whose result is lost. Await
/// `&mut guard` to keep the guard.
///
/// # Panics
///
/// When it is polled again after it has given its result.
#[derive(Debug)]
pub struct CancelOnDrop<T> {
    /// `None` only after `detach`.
    task: Option<Task<T>>,
}

impl<T> CancelOnDrop<T> {
    /// Takes the task back; it is no longer cancelled by a drop.
    pub fn detach(mut self) -> Task<T> {
        self.task.take().expect("the task is there until it is detached")
    }
}

impl<T> Future for CancelOnDrop<T> {
    type Output = Result<T, TaskError>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(self.task.as_mut().expect("the task is there until it is detached")).poll(cx)
    }
}

impl<T> Drop for CancelOnDrop<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.cancel();
        }
    }
}
