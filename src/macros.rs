//! The macros: the attributes of `corio-macros`, and wrappers that tell its function-like macros
//! where this crate is.

/// Runs an `async fn main` on a corio runtime.
///
/// The function becomes a plain `fn main` that builds a runtime, drives the body on the thread of
/// `main`, cancels what is left when the body ends, waits for the cleanups, and returns what the body
/// returned. asyncio's `asyncio.run(main())`.
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | `flavor = "multi_thread"` or `"current_thread"` | multi-thread | which executor |
/// | `worker_threads = 4` | one per core | size of the multi-thread executor |
/// | `cancel_on_ctrl_c = true` | `false` | the first Ctrl-C cancels the body, whose cleanups then run, and the exit status is 130; the second ends the process |
/// | `start_paused = true` | `false` | virtual time: when every task is idle the clock jumps to the next timer (current-thread or seeded) |
/// | `seed = 7` | none | a schedule that is the same each time the seed is; the runtime then has one thread, whatever the flavor |
/// | `crate = "my_corio"` | `::corio` | the path of this crate, where it has another name |
///
/// The function takes no arguments and no type parameters. It returns what any `main` may return.
/// Visibility and other attributes are kept. For settings that are not here use
/// [`runtime::Builder`](crate::runtime::Builder).
///
/// # Panics
///
/// The program panics when the runtime cannot be built, for example when the system is out of file
/// descriptors.
///
/// # Examples
///
/// ```
/// #[corio::main]
/// async fn main() -> std::io::Result<()> {
///     let task = corio::spawn(async { 6 * 7 });
///     assert_eq!(task.await.map_err(std::io::Error::other)?, 42);
///     Ok(())
/// }
/// ```
///
/// # Example: one thread, virtual time
///
/// ```
/// use std::time::Duration;
///
/// #[corio::main(flavor = "current_thread", start_paused = true)]
/// async fn main() {
///     // An hour that takes no time.
///     corio::sleep(Duration::from_secs(3600)).await;
/// }
/// ```
#[doc(alias = "asyncio.run")]
#[doc(inline)]
pub use corio_macros::main;

/// Makes an `async fn` a test that runs on a corio runtime of its own.
///
/// The runtime is a current-thread one, unless the options say otherwise. The test harness sees an
/// ordinary test: `#[should_panic]`, `#[ignore]` and other attributes stay where they are, and the
/// function may return a `Result`. pytest-asyncio's marker; `IsolatedAsyncioTestCase`.
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | `flavor = "current_thread"` or `"multi_thread"` | current-thread | which executor |
/// | `worker_threads = 4` | one per core | size of the multi-thread executor |
/// | `start_paused = true` | `false` | virtual time: when every task is idle the clock jumps to the next timer (current-thread or seeded) |
/// | `seed = 7` | none | a schedule that is the same each time the seed is; the runtime then has one thread, whatever the flavor |
/// | `timeout = "5s"` | none | the test fails when it takes longer; `"500ms"`, `"1.5s"`, `"2m"`, `"1h"` |
/// | `crate = "my_corio"` | `::corio` | the path of this crate, where it has another name |
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// #[corio::test(start_paused = true, timeout = "5s")]
/// async fn a_sleep_ends() {
///     corio::sleep(Duration::from_secs(3600)).await;
/// }
///
/// #[corio::test]
/// #[should_panic(expected = "as it should")]
/// async fn it_panics() {
///     panic!("as it should");
/// }
/// ```
#[doc(alias = "pytest.mark.asyncio")]
#[doc(inline)]
pub use corio_macros::test;

/// Waits for the first of several futures, drops the others, and runs that branch's handler.
///
/// ```text
/// corio::select! {
///     biased;                                          // optional: see "Fairness"
///     <pattern> = <future> => <handler>,
///     <pattern> = <future>, if <guard> => <handler>,   // up to 64 branches
///     else => <handler>,                               // optional
/// }
/// ```
///
/// A handler is a block, or an expression followed by a comma. The value of the handler is the value
/// of the whole `select!`. Handlers stand in the enclosing function: they may use `.await`, `?`,
/// `return`, `break` and `continue`. asyncio's `wait(.., FIRST_COMPLETED)`; the syntax is tokio's.
///
/// What happens, in order:
///
/// 1. Every guard is evaluated. A branch whose guard is `false` is disabled.
/// 2. Every future expression is evaluated, also those of disabled branches, which are then never
///    polled. Anything with `IntoFuture` will do.
/// 3. The futures are polled, concurrently and in this task, until one is done with a value that
///    matches its pattern. A value that does not match disables its branch, and the wait goes on.
/// 4. All other futures are dropped, and **what they owe is awaited**: the cleanups of
///    [`finally`](crate::finally), the children of a task group. With nothing owed this takes no time.
/// 5. The handler of the branch runs, with the pattern's bindings. If instead all branches are
///    disabled, the handler of `else` does.
///
/// The last steps set corio apart: when a handler runs, the losers are gone to the last line of
/// their cleanup, so a lock that they held is free and a connection that they used is back in its
/// pool. (The winner's value waits with you meanwhile: in a task that must be `Send`, it must be.)
///
/// # Fairness
///
/// The branch that is polled first is chosen at random, from the runtime's own generator, so that in
/// a loop no branch starves the others. With `biased;` the branches are polled from top to bottom:
/// put what must not starve (a shutdown signal) above what may always be ready (a busy channel).
///
/// # Cancel safety
///
/// Safe, but the losers are dropped unfinished, here as when the whole `select!` is dropped: each
/// must be cancel safe itself, or be kept by the caller and passed as `&mut future`. What is passed
/// by reference is not polled while a handler runs; do not wait in a handler for something that it
/// holds.
///
/// # Panics
///
/// When all branches are disabled and there is no `else`; the panic is reported at the `select!`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # corio::run(async {
/// let winner = corio::select! {
///     _ = corio::sleep(Duration::from_secs(60)) => "the clock",
///     answer = async { "the answer" } => answer,
/// };
/// assert_eq!(winner, "the answer");
/// # });
/// ```
///
/// # Example: two sources in a loop
///
/// A closed channel gives `None`, which does not match, so its branch is out; when both are, the loop
/// ends.
///
/// ```
/// use corio::sync::mpsc;
///
/// # corio::run(async {
/// let (odd, mut odds) = mpsc::unbounded();
/// let (even, mut evens) = mpsc::unbounded();
/// odd.send(1).unwrap();
/// even.send(2).unwrap();
/// odd.send(3).unwrap();
/// drop((odd, even));
///
/// let mut sum = 0;
/// loop {
///     corio::select! {
///         Some(n) = odds.recv() => sum += n,
///         Some(n) = evens.recv() => sum += n,
///         else => break,
///     }
/// }
/// assert_eq!(sum, 6);
/// # });
/// ```
///
/// # Example: a future that outlives the `select!`
///
/// ```
/// use std::pin::pin;
/// use std::time::Duration;
///
/// # corio::run(async {
/// let mut work = pin!(async {
///     corio::sleep(Duration::from_millis(5)).await;
///     "done"
/// });
/// let mut ticks = 0;
/// let result = loop {
///     corio::select! {
///         result = &mut work => break result,
///         _ = corio::sleep(Duration::from_millis(1)), if ticks < 2 => ticks += 1,
///     }
/// };
/// assert_eq!(result, "done");
/// assert!(ticks <= 2);
/// # });
/// ```
///
/// # Example: cleanups come before the handler
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::time::Duration;
///
/// # corio::run(async {
/// let released = Arc::new(AtomicBool::new(false));
/// let release = released.clone();
/// corio::select! {
///     biased;
///     _ = corio::finally(std::future::pending::<()>(), move || async move {
///         corio::sleep(Duration::from_millis(1)).await;
///         release.store(true, Ordering::Relaxed);
///     }) => {}
///     _ = corio::yield_now() => assert!(released.load(Ordering::Relaxed)),
/// }
/// # });
/// ```
#[doc(alias = "FIRST_COMPLETED")]
#[macro_export]
macro_rules! select {
    ($($tokens:tt)*) => { $crate::__private::select_impl!($crate; $($tokens)*) };
}

/// Waits for several futures at once and returns a tuple of what they returned.
///
/// The futures run concurrently in this task, polled in the order written, each until it is done. They may
/// have different types and borrow from the enclosing function. For any number of futures of one
/// type there is [`gather`](crate::gather); to use several cores, [`spawn`](crate::spawn) the
/// futures and join the tasks. asyncio's `gather(a, b)`.
///
/// `join!()` is `()`. A leading `biased;`, known from tokio, changes nothing.
///
/// If a future panics, the panic goes through here and the others are dropped.
///
/// # Cancel safety
///
/// Unsafe: dropping a `join!` drops all its futures and the values of those that are done. Spawn
/// what must go on, or protect it with [`shield`](crate::shield).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # corio::run(async {
/// let (number, text) = corio::join!(
///     async {
///         corio::sleep(Duration::from_millis(1)).await;
///         1
///     },
///     async { "one" },
/// );
/// assert_eq!((number, text), (1, "one"));
/// # });
/// ```
#[doc(alias = "gather")]
#[macro_export]
macro_rules! join {
    ($($tokens:tt)*) => { $crate::__private::join_impl!($crate; $($tokens)*) };
}

/// Waits for several futures at once, until all have succeeded or one has failed.
///
/// Every future returns a `Result`, with one error type for all. The result is `Ok` with a tuple of
/// the values, or the first `Err`. At the first error the other futures are dropped, and **what they
/// owe is awaited** before this returns: the cleanups of [`finally`](crate::finally), the children of
/// a task group. For any number of futures of one type there is
/// [`try_gather`](crate::try_gather). asyncio's `gather(a, b)`, but nothing is left running.
///
/// `try_join!()` is `Ok(())`. A leading `biased;`, known from tokio, changes nothing.
///
/// # Cancel safety
///
/// Unsafe: dropping a `try_join!` drops all its futures and the values of those that are done. Spawn
/// what must go on, or protect it with [`shield`](crate::shield).
///
/// # Examples
///
/// ```
/// # corio::run(async {
/// let both = corio::try_join!(async { Ok::<_, String>(1) }, async { Ok("one") });
/// assert_eq!(both, Ok((1, "one")));
///
/// let failed: Result<((), i32), _> = corio::try_join!(
///     std::future::pending(),
///     async { Err("no number") },
/// );
/// assert_eq!(failed, Err("no number"));
/// # });
/// ```
#[doc(alias = "gather")]
#[macro_export]
macro_rules! try_join {
    ($($tokens:tt)*) => { $crate::__private::try_join_impl!($crate; $($tokens)*) };
}
