//! `run`: a runtime for one main future.

use std::future::Future;

use crate::executor::Runtime;

/// Runs `main` on a runtime of its own, the default one, and ends the runtime. `asyncio.run`.
///
/// When `main` is done, tasks that are left are cancelled, their cleanups run, and the threads end.
///
/// # Panics
///
/// When it is called inside a task, or when `main` panics.
///
/// # Examples
///
/// ```
/// let answer = corio_runtime::run(async {
///     let task = corio_runtime::spawn(async { 6 * 7 });
///     task.await.unwrap()
/// });
/// assert_eq!(answer, 42);
/// ```
#[track_caller]
#[doc(alias = "asyncio.run")]
pub fn run<F: Future>(main: F) -> F::Output {
    match Runtime::new() {
        Ok(runtime) => runtime.block_on(main),
        Err(error) => panic!("cannot make the runtime: {error}"),
    }
}
