//! Children that borrow: concurrent within one task.
//!
//! Here is what users see of a scope: the handle that children are spawned with, and the functions that run
//! one. `body` is the scope's first future, `spawned` where children wait to be taken up, `run` what polls
//! them all, and `child` what each of them came to.

mod body;
mod child;
mod run;
mod spawned;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;

pub use body::ScopeBody;
pub use child::ScopedTask;
use child::child_of;
use run::Run;
use spawned::{Clear, Spawned};

/// A child, whatever its type.
type Boxed<'s> = Pin<Box<dyn Future<Output = ()> + Send + 's>>;
/// A child that need not be `Send`.
type LocalBoxed<'s> = Pin<Box<dyn Future<Output = ()> + 's>>;

macro_rules! scopes {
    ($(#[$attr:meta])* $name:ident, $boxed:ident $(, $send:ident)?) => {
        $(#[$attr])*
        pub struct $name<'s, 'env: 's> {
            /// Emptied before the scope goes, so that there is nothing in it to be dropped with it:
            /// what is in it may borrow the scope itself.
            spawned: ManuallyDrop<Spawned<$boxed<'s>>>,
            /// Invariant: a child lives for exactly this scope, and borrows what lives longer.
            _scope: PhantomData<&'s mut &'s ()>,
            _env: PhantomData<&'env mut &'env ()>,
        }

        impl<'s> $name<'s, '_> {
            fn new() -> Self {
                let spawned = ManuallyDrop::new(Spawned::new());
                Self { spawned, _scope: PhantomData, _env: PhantomData }
            }

            /// Starts a child that may borrow what outlives the scope. It runs beside the body and
            /// the other children, in the same task; the scope waits for it.
            ///
            /// Awaiting what this returns gives the child's output; dropping that changes nothing. A
            /// child may spawn others.
            #[track_caller]
            #[doc(alias("create_task", "start_soon"))]
            pub fn spawn<F>(&'s self, future: F) -> ScopedTask<F::Output>
            where
                F: Future + $($send +)? 's,
                F::Output: $($send +)? 's,
            {
                let (child, task) = child_of(future);
                let child = Box::pin(child);
                self.spawned.change(|queue| queue.children.push(child));
                task
            }

            /// Drops the children that are not done; the scope then waits for their cleanups. The
            /// body goes on.
            pub fn cancel(&self) {
                self.spawned.change(|queue| queue.cancelled = true);
            }
        }

        impl fmt::Debug for $name<'_, '_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

scopes! {
    /// Where the children of a [`scope`] are spawned.
    Scope, Boxed, Send
}

scopes! {
    /// Where the children of a [`scope_local`] are spawned.
    LocalScope, LocalBoxed
}

/// Runs `body` with children that may borrow what the caller has; returns when the body and all
/// children are done. asyncio has no such thing, since it has no borrows; std's `thread::scope` has.
///
/// Body and children run side by side in this task, never at the same time on two threads; use a
/// [`task_group`](super::task_group) for that. Each is polled only when it was woken. A panic in one
/// of them comes out of the scope, and drops the others. They are `Send`, so that the task may be;
/// where it need not be, [`scope_local`] takes those that are not.
///
/// # Panics
///
/// When the body or a child panics.
///
/// # Cancel safety
///
/// As safe as the body and the children, which are dropped with the scope.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::scope;
/// use corio_runtime::yield_now;
///
/// # corio_runtime::run(async {
/// let words = vec!["one".to_owned(), "two".to_owned()];
/// let total = scope(async |s| {
///     let lengths = [0, 1].map(|i| {
///         let word = &words[i]; // borrowed, not cloned
///         s.spawn(async move {
///             yield_now().await;
///             word.len()
///         })
///     });
///     let mut total = 0;
///     for length in lengths {
///         total += length.await;
///     }
///     total
/// })
/// .await;
/// assert_eq!((total, words.len()), (6, 2));
/// # });
/// ```
#[doc(alias("TaskGroup", "open_nursery"))]
pub async fn scope<'env, F, T>(body: F) -> T
where
    F: for<'s> AsyncFnOnce(&'s Scope<'s, 'env>) -> T + for<'s> ScopeBody<&'s Scope<'s, 'env>, T>,
{
    let scope = Scope::new();
    let _clear = Clear(&scope.spawned);
    // SAFETY: what the body borrows, the scope and what the closure has borrowed, outlives this
    // future, in which the body stays.
    let body = unsafe { body.start(&scope) };
    Run::new(body, &scope.spawned).await
}

/// [`scope`] for a body and children that need not be `Send`, such as those that share a `Cell`.
///
/// # Panics
///
/// When the body or a child panics.
///
/// # Cancel safety
///
/// As safe as the body and the children, which are dropped with the scope.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::scope_local;
/// use std::cell::Cell;
///
/// # corio_runtime::run(async {
/// let total = Cell::new(0);
/// scope_local(async |s| {
///     for i in 1..=3 {
///         let total = &total;
///         s.spawn(async move { total.set(total.get() + i) });
///     }
/// })
/// .await;
/// assert_eq!(total.get(), 6);
/// # });
/// ```
pub async fn scope_local<'env, F, T>(body: F) -> T
where
    F: for<'s> AsyncFnOnce(&'s LocalScope<'s, 'env>) -> T,
{
    let scope = LocalScope::new();
    let _clear = Clear(&scope.spawned);
    let body = Box::pin(body(&scope));
    Run::new(body, &scope.spawned).await
}
