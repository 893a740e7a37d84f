//! How a future ends, and what becomes of its outcome. Nothing here is generic.
//!
//! See `header` for the invariants T1 to T6.

use std::ptr::NonNull;
use std::task::{Context, Poll};

use super::error::TaskError;
use super::header::{Header, Stage};
use super::id::TaskId;
use super::quiet::{Payload, catch, drop_at, drop_payload, drop_quietly_at};
use crate::executor::UnawaitedPanic;

/// Why a future ends without an output.
pub(crate) enum Failure {
    Panicked(Payload),
    Cancelled,
    /// A blocking call for which there is no thread, for the reason given.
    NotStarted(String),
}

/// Polls the future; `Ready` when it is gone and the outcome is stored.
///
/// # Safety
///
/// The caller is the poller (T2), and the future is there.
#[inline]
pub(crate) unsafe fn poll(task: NonNull<Header>, cx: &mut Context<'_>) -> Poll<()> {
    // SAFETY: the poller knows who has a reference (T1).
    let vtable = unsafe { task.as_ref() }.vtable;
    // SAFETY: the caller's promise.
    match catch(|| unsafe { (vtable.poll)(task, cx) }) {
        Ok(polled) => polled,
        Err(payload) => {
            // SAFETY: the caller's promise.
            unsafe { fail(task, Failure::Panicked(payload)) };
            Poll::Ready(())
        }
    }
}

/// Ends a future that has no output: drops it in place and stores the outcome. A panic in the drop becomes the
/// outcome, unless there is a panic already.
///
/// # Safety
///
/// The caller is the poller (T2).
#[inline(never)]
pub(crate) unsafe fn fail(task: NonNull<Header>, failure: Failure) {
    // SAFETY: the poller knows who has a reference (T1).
    let header = unsafe { task.as_ref() };
    // SAFETY: the poller owns the stage (T2).
    let is_there = unsafe { header.stage() } == Stage::Future;
    let panic = if is_there {
        // SAFETY: the poller owns stage and future (T2, T3).
        unsafe {
            header.set_stage(Stage::Nothing);
            drop_at(header.vtable.place(task), header.vtable.drop_future)
        }
    } else {
        None
    };
    let error = match failure {
        // SAFETY: the poller owns the hook (T2).
        Failure::Panicked(payload) if is_there => unsafe { panicked(task, payload) },
        // The future had returned, and then the hook panicked.
        Failure::Panicked(payload) => TaskError::panic(payload, header),
        // SAFETY: the poller owns the hook (T2).
        Failure::Cancelled => unsafe { cancelled(task) },
        Failure::NotStarted(why) => TaskError::not_started(why, header),
    };
    // SAFETY: the poller owns the outcome (T2), whose place is free.
    unsafe { put_error(task, error) };
    if let Some(payload) = panic {
        // SAFETY: the poller owns hook and outcome (T2).
        unsafe { panicked_in_drop(task, payload) };
    }
}

/// What the hook makes of a panic.
///
/// # Safety
///
/// The caller owns the hook (T2).
unsafe fn panicked(task: NonNull<Header>, payload: Payload) -> TaskError {
    // SAFETY: the caller knows who has a reference (T1).
    let header = unsafe { task.as_ref() };
    let Some(hook) = &header.vtable.hook else { return TaskError::panic(payload, header) };
    // SAFETY: the caller's promise (T3).
    let told = || unsafe { (hook.panicked)(header.vtable.hook_place(task), payload, header) };
    catch(told).unwrap_or_else(|payload| TaskError::panic(payload, header))
}

/// What the hook makes of the task's end because of a cancel request.
///
/// # Safety
///
/// As `panicked`.
unsafe fn cancelled(task: NonNull<Header>) -> TaskError {
    // SAFETY: the caller knows who has a reference (T1).
    let header = unsafe { task.as_ref() };
    let Some(hook) = &header.vtable.hook else { return TaskError::cancelled(header) };
    // SAFETY: the caller's promise (T3).
    let told = || unsafe { (hook.cancelled)(header.vtable.hook_place(task), header) };
    catch(told).unwrap_or_else(|payload| TaskError::panic(payload, header))
}

/// The drop of the future panicked, and the outcome is stored: the panic takes its place, unless it is one.
///
/// # Safety
///
/// The caller owns hook and outcome (T2).
#[cold]
pub(super) unsafe fn panicked_in_drop(task: NonNull<Header>, payload: Payload) {
    // SAFETY: the caller knows who has a reference (T1), and owns the stage (T2).
    if unsafe { task.as_ref().stage() } == Stage::Panic {
        return drop_payload(payload);
    }
    // SAFETY: the caller's promise.
    unsafe {
        drop_outcome(task);
        put_error(task, panicked(task, payload));
    }
}

/// # Safety
///
/// The caller owns the outcome (T2), whose place is free.
unsafe fn put_error(task: NonNull<Header>, error: TaskError) {
    // SAFETY: the caller knows who has a reference (T1).
    let header = unsafe { task.as_ref() };
    let stage = Stage::of(&error);
    // SAFETY: the caller's promise (T3).
    unsafe {
        (header.vtable.put_error)(header.vtable.place(task), error);
        header.set_stage(stage);
    }
}

/// Drops the outcome.
///
/// # Safety
///
/// The caller owns it (T2), and it is there.
unsafe fn drop_outcome(task: NonNull<Header>) {
    // SAFETY: the caller knows who has a reference (T1).
    let header = unsafe { task.as_ref() };
    // SAFETY: the caller's promise (T3).
    unsafe {
        header.set_stage(Stage::Nothing);
        drop_quietly_at(header.vtable.place(task), header.vtable.drop_outcome);
    }
}

/// Drops an outcome that nobody will await, unless it was taken; a panic in it is reported.
///
/// # Safety
///
/// The outcome is the caller's (T2).
#[inline]
pub(crate) unsafe fn drop_unawaited(task: NonNull<Header>) {
    // SAFETY: the caller's promise.
    if unsafe { task.as_ref().stage() } != Stage::Nothing {
        // SAFETY: the caller's promise.
        unsafe { drop_untaken(task) };
    }
}

/// # Safety
///
/// As `drop_unawaited`, and there is an outcome.
#[inline(never)]
unsafe fn drop_untaken(task: NonNull<Header>) {
    // SAFETY: the caller's promise.
    let stage = unsafe { task.as_ref().stage() };
    // SAFETY: the caller's promise.
    unsafe { drop_outcome(task) };
    if stage == Stage::Panic {
        // SAFETY: the caller knows who has a reference (T1).
        report(unsafe { task.as_ref() });
    }
}

/// Reports the panic of a task.
#[cold]
fn report(header: &Header) {
    let panic = UnawaitedPanic {
        id: TaskId(header.head.id),
        name: header.extras().and_then(|e| e.name.as_deref()),
        spawned_at: header.head.spawned_at(),
    };
    // SAFETY: alive with the cell (T6).
    match unsafe { header.core.as_ref() }.runtime() {
        Some(runtime) => runtime.config.report_panic(&panic),
        None => crate::say::say(format_args!("{panic}")),
    }
}

/// The outcome of a task that is done, where it lies; `None` if it was taken.
///
/// # Safety
///
/// The caller owns it (T2).
pub(super) unsafe fn outcome(task: NonNull<Header>) -> Option<NonNull<()>> {
    // SAFETY: the caller's promise.
    if unsafe { task.as_ref().stage() } == Stage::Nothing {
        return None;
    }
    // SAFETY: the caller's promise (T3).
    NonNull::new(unsafe { task.as_ref().vtable.place(task) })
}

/// As [`outcome`], with the stage; the place counts as free after this.
///
/// # Safety
///
/// As `outcome`.
pub(super) unsafe fn take_outcome(task: NonNull<Header>) -> Option<(NonNull<()>, Stage)> {
    // SAFETY: the caller's promise.
    unsafe {
        let outcome = outcome(task)?;
        let stage = task.as_ref().stage();
        task.as_ref().set_stage(Stage::Nothing);
        Some((outcome, stage))
    }
}

/// Tells the hook that the task is done.
///
/// # Safety
///
/// The caller completed the task, and calls this once: the handle never touches the hook (T2).
pub(crate) unsafe fn tell_done(task: NonNull<Header>) {
    // SAFETY: the caller knows who has a reference (T1).
    let header = unsafe { task.as_ref() };
    let Some(hook) = &header.vtable.hook else { return };
    // SAFETY: the caller's promise (T3).
    if let Err(payload) = catch(|| unsafe { (hook.done)(header.vtable.hook_place(task), header) }) {
        drop_payload(payload);
    }
}

#[cfg(all(test, not(corio_loom)))]
mod tests {
    use std::future::{Future, pending, ready};
    use std::panic::panic_any;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use crate::executor::Builder;
    use crate::structured::{TaskGroup, task_group};
    use crate::task::{TaskError, spawn, yield_now};

    /// Panics when it is dropped, with its name.
    #[derive(Debug)]
    struct Bomb(&'static str, #[expect(dead_code, reason = "it is counted")] Arc<()>);

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any(self.0);
        }
    }

    /// Is ready at once, and panics when it is dropped.
    struct Hot<T>(Option<T>, #[expect(dead_code, reason = "it panics when it is dropped")] Bomb);

    impl<T> Unpin for Hot<T> {}

    impl<T> Future for Hot<T> {
        type Output = T;
        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
            match self.0.take() {
                Some(value) => Poll::Ready(value),
                None => panic_any("no value"),
            }
        }
    }

    fn text(error: TaskError) -> &'static str {
        *error.into_panic().downcast::<&'static str>().unwrap()
    }

    /// The first panic is the outcome, whatever is dropped on the way and however that panics.
    #[test]
    fn t02_of_several_panics_the_first_is_the_outcome() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let count = Arc::new(());
        let bomb = |name| Bomb(name, count.clone());
        runtime.block_on(async {
            // The future has returned: the panic of its drop takes the place of an output whose drop panics, too.
            let task = spawn(Hot(Some(bomb("output")), bomb("future")));
            assert_eq!(text(task.await.unwrap_err()), "future");
            // It panics, and again when it is dropped for that.
            let task = spawn(Hot(None::<()>, bomb("future")));
            assert_eq!(text(task.await.unwrap_err()), "no value");
            // It is dropped where it waits, because it was cancelled.
            let held = bomb("held");
            let task = spawn(async move {
                let _held = held;
                pending::<()>().await;
            });
            yield_now().await;
            task.cancel();
            assert_eq!(text(task.await.unwrap_err()), "held");
        });
        drop(runtime);
        assert_eq!(Arc::strong_count(&count), 1, "each is dropped once");
    }

    /// A group learns of a panic in the drop of a child that had returned.
    #[test]
    fn t02_a_group_is_told_of_a_panic_in_a_drop() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let count = Arc::new(());
        runtime.block_on(async {
            let ended = task_group(|group: TaskGroup<String>| {
                let bomb = Bomb("child", count.clone());
                drop(group.spawn(Hot(Some(Ok::<u8, String>(1)), bomb)));
                ready(Ok(()))
            });
            let error = ended.await.unwrap_err().to_string();
            assert!(error.contains("panicked: child"), "{error}");
        });
        drop(runtime);
        assert_eq!(Arc::strong_count(&count), 1);
    }

    /// Future and outcome share a place: whichever is larger, or wants to be aligned more.
    #[test]
    fn future_and_outcome_have_a_place_of_any_size() {
        #[derive(Debug, PartialEq)]
        #[repr(align(256))]
        struct Wide(u8);

        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            assert_eq!(spawn(ready(Wide(7))).await.unwrap(), Wide(7));
            let wide = Wide(8);
            let task = spawn(async move {
                yield_now().await;
                assert_eq!((&raw const wide).addr() % 256, 0);
                wide.0
            });
            assert_eq!(task.await.unwrap(), 8);
            let task = spawn(async { [1_u64; 999] });
            assert_eq!(task.await.unwrap().iter().sum::<u64>(), 999);
            spawn(async {}).await.unwrap();
            assert!(spawn(pending::<Wide>()).cancel());
        });
    }
}
