//! Blocking calls: closures that run on threads of their own, as tasks.
//!
//! A call is a task cell like any other, whose future runs the closure at its first poll; the pool
//! polls it instead of a core. So a call costs one allocation, and is named, listed, cancelled and
//! awaited as a task is.
//!
//! The invariant of the file:
//! - **P1** A call's cell is queued from birth (its state says so). The job in the pool has a reference of
//!   its own; whoever claims the call (the pool, or a canceller while it waits there) ends the task.

use std::cell::Cell as StdCell;
use std::future::Future;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use corio_sync::prim::Ordering;

use crate::executor::Config;
use crate::executor::context::{Context, with_context};
use crate::executor::core_shared::CoreRef;
use crate::executor::shared::Shared;
use crate::say::say;
use crate::task::Task;
use crate::task::cell::{Cell, Hook, VTable};
use crate::task::end::{self, Failure};
use crate::task::harness::publish;
use crate::task::header::Header;
use crate::task::id;
use crate::task::spawn::{Options as TaskOptions, header_at};
use crate::task::state::State;
use crate::task::waker::release;

mod options;
mod pool;

pub use options::Options;
use pool::{Job, Pool, SpawnRefused};

/// The runtime's threads for blocking calls.
pub(crate) struct BlockingPool {
    pool: Pool,
}

impl BlockingPool {
    /// `on_idle` is called each time the last call has ended.
    pub(crate) fn new(config: &Config, on_idle: impl Fn() + Send + Sync + 'static) -> Self {
        let (name, start, stop) = (config.blocking_name(), config.clone(), config.clone());
        Self {
            pool: Pool::new(pool::Config {
                max_threads: config.max_blocking_threads,
                keep_alive: config.thread_keep_alive,
                name: Box::new(move || name.clone()),
                stack_size: config.thread_stack_size,
                on_start: Some(Box::new(move || start.call_thread_start())),
                on_stop: Some(Box::new(move || stop.call_thread_stop())),
                on_idle: Some(Box::new(on_idle)),
                ..pool::Config::default()
            }),
        }
    }

    /// How many threads and calls there are.
    pub(crate) fn counts(&self) -> pool::Counts {
        self.pool.counts()
    }

    /// For how long the first of the calls that wait for a thread has been waiting.
    pub(crate) fn oldest_queued(&self) -> Option<Duration> {
        self.pool.oldest_queued()
    }

    /// Whether a call is queued or under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.pool.counts().is_busy()
    }

    /// Takes no more calls; those that wait for a thread are cancelled.
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// Ends the pool; `true` if every call has ended by `deadline`.
    pub(crate) fn join(&self, deadline: Option<Instant>) -> bool {
        let busy = self.pool.counts().running() > 0;
        self.pool.close();
        // Threads without a call end at once; they are not what the deadline is about.
        let deadline = if busy { deadline } else { None };
        let stuck = self.pool.join(deadline);
        if !stuck.is_empty() {
            say(format_args!(
                "blocking calls were still running at shutdown: {}",
                stuck.join(", ")
            ));
        }
        stuck.is_empty()
    }
}

/// A closure as a future that is ready at its first poll.
struct Call<F>(Option<F>);

impl<F> Unpin for Call<F> {}

impl<F: FnOnce() -> T, T> Future for Call<F> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<T> {
        match self.0.take() {
            Some(f) => Poll::Ready(f()),
            None => unreachable!("a call is polled once"),
        }
    }
}

/// The place in the task list of a call that is on none; nothing writes there again.
const UNLISTED: u32 = u32::MAX;

/// Runs `f` as a task on a thread for blocking calls.
pub(crate) fn spawn_on<F, T, H>(
    shared: &Arc<Shared>,
    f: F,
    hook: H,
    options: TaskOptions,
) -> Task<H::Value>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send,
    H: Hook<T> + Send,
{
    spawn_call(shared, f, hook, options, true)
}

/// As `spawn_on`. One that is not `listed` is not waited for by the end of the runtime.
fn spawn_call<F, T, H>(
    shared: &Arc<Shared>,
    f: F,
    hook: H,
    options: TaskOptions,
    listed: bool,
) -> Task<H::Value>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send,
    H: Hook<T> + Send,
{
    let task = header_of(shared, options, Cell::<Call<F>, H>::VTABLE);
    // SAFETY: made just now, with this table; the closure is `Send`. The handle's reference is for the handle.
    unsafe {
        Cell::fill(task, Call(Some(f)), hook);
        submit(shared, task, listed);
        Task::new(task)
    }
}

/// The core that a call belongs to.
fn home_of(shared: &Arc<Shared>) -> CoreRef {
    with_context(|context| context.and_then(|c| c.own_core(shared)).map(|core| core.shared_ref()))
        .unwrap_or_else(|| shared.core_for_strangers())
}

/// A header with the references that `spawn_call` needs: the task list's (or what stands for it), the handle's and
/// the job's.
fn header_of(
    shared: &Arc<Shared>,
    options: TaskOptions,
    vtable: &'static VTable,
) -> NonNull<Header> {
    let state = State::new_blocking();
    let (id, home) = (id::take_block(1), home_of(shared));
    let task = header_at(&home, id, options.site, options.name, state, 3, vtable);
    // SAFETY: just made.
    // Ordering: Relaxed for all accesses: it is written before anybody can claim the call.
    unsafe { task.as_ref() }.list_index.store(UNLISTED, Ordering::Relaxed);
    task
}

/// Gives a call to the pool, or ends it if the pool does not take it.
///
/// # Safety
///
/// `task` is the header of a call's cell, which is being made and on no list. It may be run and dropped on any
/// thread. The references of list and job become this function's.
unsafe fn submit(shared: &Shared, task: NonNull<Header>, listed: bool) {
    // SAFETY: alive with the handle's reference; so is its core (T6).
    let (state, home) = unsafe { (&task.as_ref().state, task.as_ref().core.as_ref()) };
    let refused = if listed { !home.add_task(task) } else { shared.is_closing() };
    // Its group, or who goes through the list, may have cancelled it already, and could not end it.
    if state.made() || refused {
        // SAFETY: whoever claims the call gives up the list's reference, listed or not; the job's is ours.
        unsafe {
            end(task, End::Refused(None));
            release(task);
        }
        return;
    }
    // SAFETY: either function ends the task and the job's reference, once, on any thread (the caller's promise,
    // P1).
    let mut job = unsafe { Job::new(task.cast(), run, refuse) };
    job.may_be_left = !listed;
    if let Err(SpawnRefused(job, error)) = shared.blocking.pool.submit(job) {
        std::mem::forget(job);
        let why = (!shared.is_closing()).then(|| error.to_string());
        // SAFETY: the job was not taken, and is forgotten: its reference is ours.
        unsafe {
            end(task, End::Refused(why));
            release(task);
        }
    }
}

/// What becomes of a call.
enum End {
    Run,
    /// It is cancelled, or could not be started for the reason given.
    Refused(Option<String>),
}

/// Runs the call of a job, on a thread of the pool.
///
/// # Safety
///
/// `data` is the header of a call's cell, with the job's reference (P1).
unsafe fn run(data: NonNull<()>) {
    // SAFETY: P1.
    unsafe {
        end(data.cast(), End::Run);
        release(data.cast());
    }
}

/// Ends the call of a job that will not run.
///
/// # Safety
///
/// As `run`.
unsafe fn refuse(data: NonNull<()>) {
    // SAFETY: P1.
    unsafe {
        end(data.cast(), End::Refused(None));
        release(data.cast());
    }
}

/// Ends a call that has been cancelled, if it still waits for a thread.
///
/// # Safety
///
/// `task` is the header of a call's cell, to which the caller has a reference.
pub(crate) unsafe fn cancel_queued(task: NonNull<Header>) {
    // SAFETY: the caller's promise; it can be claimed only when it has been made.
    unsafe { end(task, End::Refused(None)) };
}

/// Runs or cancels a call and completes its task, unless somebody else does.
///
/// # Safety
///
/// The caller has a reference. A call can be claimed when it is on the list, if it is to be on one, and stays there
/// until it is ended.
unsafe fn end(task: NonNull<Header>, end: End) {
    // SAFETY: the caller's reference keeps it alive.
    let header = unsafe { task.as_ref() };
    let Some(cancelled) = header.state.claim() else { return };
    let end = if cancelled { End::Refused(None) } else { end };
    if let End::Refused(why) = end {
        let failure = why.map_or(Failure::Cancelled, Failure::NotStarted);
        // SAFETY: this thread claimed the call, so the stage is its own (T2).
        unsafe { end::fail(task, failure) };
    } else {
        // SAFETY: as above.
        unsafe { poll(task) };
    }
    // SAFETY: the task has ended on this thread.
    unsafe { publish(task) };
    // Ordering: Relaxed, see `spawn_call`.
    if header.list_index.load(Ordering::Relaxed) != UNLISTED {
        // SAFETY: alive, see above.
        unsafe { header.core.as_ref() }.remove_task(task);
    }
    // SAFETY: the list's reference (or the one that was made for it) ends here.
    unsafe { release(task) };
}

/// Polls the future of a call, which runs the closure, in the call's runtime.
///
/// # Safety
///
/// This thread has claimed the call, and the caller has a reference.
unsafe fn poll(task: NonNull<Header>) {
    // SAFETY: the caller's promise.
    let header = unsafe { task.as_ref() };
    // SAFETY: alive with the cell (T6).
    let runtime = unsafe { header.core.as_ref() }.runtime();
    let context = runtime.map(|shared| Context::new(shared, None));
    if let Some(context) = &context {
        // SAFETY: it stays where it is, and leaves below; a poll does not unwind.
        unsafe { context.join() };
    }
    let outer = CURRENT.replace(task.as_ptr());
    let mut cx = TaskContext::from_waker(std::task::Waker::noop());
    // SAFETY: the caller's promise.
    let polled = unsafe { end::poll(task, &mut cx) };
    debug_assert!(polled.is_ready(), "a call is ready at its first poll");
    CURRENT.set(outer);
    if let Some(context) = &context {
        context.leave();
    }
}

thread_local! {
    /// The call that this thread runs, or null.
    static CURRENT: StdCell<*mut Header> = const { StdCell::new(ptr::null_mut()) };
}

/// The call that this thread runs.
pub(crate) fn current_call<'a>() -> Option<&'a Header> {
    // SAFETY: null, or alive while the thread runs it.
    unsafe { CURRENT.get().as_ref() }
}

/// Whether this thread runs a call of the runtime `shared`, which would wait for itself if it waited
/// for that runtime's end.
pub(crate) fn current_call_is_of(shared: &Shared) -> bool {
    let home = current_call().map(|call| call.core);
    home.is_some_and(|home| shared.cores().iter().any(|core| core.as_ptr() == home))
}

/// This blocking call has been cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallCancelled(());

impl std::fmt::Display for CallCancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this blocking call was cancelled")
    }
}

impl std::error::Error for CallCancelled {}

/// Tells a blocking call whether it has been cancelled, so that it can stop early.
///
/// # Errors
///
/// [`CallCancelled`] when the task of this call was cancelled, or the runtime is shutting down.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// let task = corio_runtime::spawn_blocking(|| {
///     while corio_runtime::blocking::check_cancelled().is_ok() {
///         std::thread::yield_now();
///     }
/// });
/// # while !task.cancel() {}
/// task.cancel();
/// let _ = task.await;
/// # });
/// ```
pub fn check_cancelled() -> Result<(), CallCancelled> {
    match current_call() {
        Some(call) if call.state.is_cancelled() => Err(CallCancelled(())),
        _ => Ok(()),
    }
}
