//! Spawning a member of a group or set, at once or when it is its turn.

use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::sync::Arc;

use corio_sync::Semaphore;

use super::limit::Gate;
use super::linked::Linked;
use crate::blocking;
use crate::executor::context::{NO_RUNTIME, current_shared};
use crate::task::header::{Hook, Plain};
use crate::task::large::is_large;
use crate::task::spawn::{Options, spawn_current, spawn_local_current};
use crate::task::{Builder, Task};

/// The turns of a group or set of which at most `limit` members run at once.
#[track_caller]
pub(super) fn limited_to(limit: usize) -> Arc<Semaphore> {
    assert!(limit > 0, "with a limit of 0 no task would ever run: allow at least one at a time");
    Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)))
}

/// Spawns a member that any worker may run.
#[inline]
#[track_caller]
pub(super) fn spawn<F, H>(
    future: F,
    limit: Option<&Arc<Semaphore>>,
    hook: H,
    builder: Builder,
) -> Task<H::Value>
where
    F: Future + Send + 'static,
    F::Output: Send,
    H: Hook<F::Output> + Send,
{
    if is_large::<F>() {
        spawn_sized(Box::pin(future), limit, hook, builder)
    } else {
        spawn_sized(future, limit, hook, builder)
    }
}

#[inline]
#[track_caller]
fn spawn_sized<F, H>(
    future: F,
    limit: Option<&Arc<Semaphore>>,
    hook: H,
    builder: Builder,
) -> Task<H::Value>
where
    F: Future + Send + 'static,
    F::Output: Send,
    H: Hook<F::Output> + Send,
{
    match spawn_current(Gate::new(future, limit), hook, builder.into_options()) {
        Some(task) => task,
        None => panic!("{NO_RUNTIME}"),
    }
}

/// Spawns a member that stays on this worker.
#[inline]
#[track_caller]
pub(super) fn spawn_local<F, H>(
    future: F,
    limit: Option<&Arc<Semaphore>>,
    hook: H,
    builder: Builder,
) -> Task<H::Value>
where
    F: Future + 'static,
    H: Hook<F::Output>,
{
    if is_large::<F>() {
        spawn_local_sized(Box::pin(future), limit, hook, builder)
    } else {
        spawn_local_sized(future, limit, hook, builder)
    }
}

#[inline]
#[track_caller]
fn spawn_local_sized<F, H>(
    future: F,
    limit: Option<&Arc<Semaphore>>,
    hook: H,
    builder: Builder,
) -> Task<H::Value>
where
    F: Future + 'static,
    H: Hook<F::Output>,
{
    match spawn_local_current(Gate::new(future, limit), hook, builder.into_options()) {
        Some(task) => task,
        None => panic!("`spawn_local` needs a thread that runs tasks: call it inside a task"),
    }
}

/// Runs `f` as a member on a thread for blocking calls.
#[track_caller]
pub(super) fn spawn_blocking<F, O, H>(
    f: F,
    limit: Option<&Arc<Semaphore>>,
    hook: H,
    builder: Builder,
) -> Task<H::Value>
where
    F: FnOnce() -> O + Send + 'static,
    O: Send + 'static,
    H: Hook<O> + Send,
{
    let Some(shared) = current_shared() else { panic!("{NO_RUNTIME}") };
    if limit.is_none() {
        return blocking::spawn_on(&shared, f, hook, builder.into_options());
    }
    // The call must not hold a thread while it waits for its turn.
    let site = builder.site();
    let in_turn = async move {
        let call = Linked::new(blocking::spawn_on(&shared, f, Plain, Options::at(site)));
        drop(shared);
        match call.await {
            Ok(output) => output,
            // Only this member's own end cancels it.
            Err(error) if error.is_cancelled() => pending().await,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(error) => panic!("{error}"),
            },
        }
    };
    spawn(in_turn, limit, hook, builder)
}
