//! Children that borrow: concurrent within one task.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use corio_sync::hooks::{self, Site, WaitKind};
use corio_sync::prim::SpinLock;

use super::pool::Pool;
use super::scope_body::ScopeBody;
use crate::cleanup::{CleanupWait, SinkGuard};
use crate::wake::wake;

/// A child, whatever its type.
type Boxed<'s> = Pin<Box<dyn Future<Output = ()> + Send + 's>>;
/// A child that need not be `Send`.
type LocalBoxed<'s> = Pin<Box<dyn Future<Output = ()> + 's>>;

/// The children that were spawned and that the scope's future has not taken up yet.
struct Spawned<C>(SpinLock<Queue<C>>);

struct Queue<C> {
    children: Vec<C>,
    /// Told when there is a child, or an order to stop.
    runner: Option<Waker>,
    /// The children are to be dropped.
    cancelled: bool,
}

impl<C> Spawned<C> {
    fn new() -> Self {
        Self(SpinLock::new(Queue { children: Vec::new(), runner: None, cancelled: false }))
    }

    /// Changes the queue and tells the runner.
    fn change(&self, change: impl FnOnce(&mut Queue<C>)) {
        let runner = {
            let mut queue = self.0.lock();
            change(&mut queue);
            queue.runner.take()
        };
        if let Some(runner) = runner {
            wake(runner);
        }
    }

    /// Takes up what was spawned; `true` if the children are to be dropped.
    fn take(&self, to: &mut Vec<C>, cx: &Context<'_>) -> bool {
        let waker = cx.waker().clone();
        let mut queue = self.0.lock();
        to.append(&mut queue.children);
        let old = queue.runner.replace(waker);
        let cancelled = std::mem::take(&mut queue.cancelled);
        drop(queue);
        drop(old);
        cancelled
    }

    /// Drops what was not taken up. Dropping a child may spawn others.
    fn clear(&self) {
        loop {
            let (children, runner) = {
                let mut queue = self.0.lock();
                (std::mem::take(&mut queue.children), queue.runner.take())
            };
            if children.is_empty() && runner.is_none() {
                return;
            }
        }
    }
}

/// A child's future that leaves its output in a slot, and the handle on that slot.
#[track_caller]
fn child_of<F: Future>(future: F) -> (impl Future<Output = ()>, ScopedTask<F::Output>) {
    let slot = Arc::new(SpinLock::new(Slot { state: SlotState::Running, waiting: None }));
    let fill = Fill(slot.clone());
    let child = async move {
        let output = future.await;
        fill.set(SlotState::Done(output));
    };
    (child, ScopedTask { slot, site: Site::caller() })
}

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

/// Empties the scope when the future that made it ends, however it does.
struct Clear<'a, C>(&'a Spawned<C>);

impl<C> Drop for Clear<'_, C> {
    fn drop(&mut self) {
        self.0.clear();
    }
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

/// The body and the children that run.
struct Run<'a, B: Future, C> {
    /// In a pool, for a waker of its own: the children's wake-ups are not the body's.
    body: Pool<B>,
    output: Option<B::Output>,
    spawned: &'a Spawned<C>,
    children: Pool<C>,
    fresh: Vec<C>,
    caught: CleanupWait,
}

// Everything that is pinned is in a box or a pool.
impl<B: Future, C> Unpin for Run<'_, B, C> {}

impl<'a, B: Future, C: Future<Output = ()>> Run<'a, B, C> {
    fn new(body: B, spawned: &'a Spawned<C>) -> Self {
        Self {
            body: Pool::from_iter([body]),
            output: None,
            spawned,
            children: Pool::new(),
            fresh: Vec::new(),
            caught: CleanupWait::nothing(),
        }
    }

    /// Polls the children; ready when there is none.
    fn poll_children(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let cancelled = self.spawned.take(&mut self.fresh, cx);
            for child in self.fresh.drain(..) {
                self.children.push(child);
            }
            if cancelled {
                let sink = SinkGuard::enter();
                self.children.clear();
                sink.finish_into(&mut self.caught);
            }
            let _: Poll<()> = self.children.poll(cx, |_, ()| ControlFlow::Continue(()));
            // A child may have spawned others, which may be ready at once; they are polled now, as
            // far as the task's budget goes.
            if self.spawned.0.lock().children.is_empty() {
                break;
            }
            ready!(hooks::poll_budget(cx));
        }
        ready!(Pin::new(&mut self.caught).poll(cx));
        if self.children.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<B: Future, C: Future<Output = ()>> Future for Run<'_, B, C> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let this = self.get_mut();
        if this.output.is_none() {
            if let Poll::Ready(output) = this.body.poll(cx, |_, out| ControlFlow::Break(out)) {
                this.output = Some(output);
            }
        }
        ready!(this.poll_children(cx));
        match this.output.take() {
            Some(output) => Poll::Ready(output),
            None => Poll::Pending,
        }
    }
}

/// What a child has come to.
struct Slot<T> {
    state: SlotState<T>,
    waiting: Option<Waker>,
}

enum SlotState<T> {
    Running,
    Done(T),
    /// The child was dropped before it was done, or its output was taken.
    Gone,
}

/// Fills a child's slot when the child ends.
struct Fill<T>(Arc<SpinLock<Slot<T>>>);

impl<T> Fill<T> {
    fn set(&self, state: SlotState<T>) {
        let mut slot = self.0.lock();
        if matches!(slot.state, SlotState::Running) {
            slot.state = state;
        }
        let waiting = slot.waiting.take();
        drop(slot);
        if let Some(waiting) = waiting {
            wake(waiting);
        }
    }
}

impl<T> Drop for Fill<T> {
    fn drop(&mut self) {
        self.set(SlotState::Gone);
    }
}

/// A child of a [`scope`]: await it for its output, or drop it and let the child run on.
///
/// # Cancel safety
///
/// Safe: the output stays until it is taken.
///
/// # Panics
///
/// When it is awaited after the child was dropped by [`Scope::cancel`], or after it has given its
/// output; [`is_finished`](Self::is_finished) tells the first.
pub struct ScopedTask<T> {
    slot: Arc<SpinLock<Slot<T>>>,
    site: Site,
}

impl<T> ScopedTask<T> {
    /// Whether the child has ended.
    pub fn is_finished(&self) -> bool {
        !matches!(self.slot.lock().state, SlotState::Running)
    }
}

impl<T> Future for ScopedTask<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone();
        let mut slot = self.slot.lock();
        match std::mem::replace(&mut slot.state, SlotState::Gone) {
            SlotState::Done(output) => Poll::Ready(output),
            SlotState::Running => {
                slot.state = SlotState::Running;
                let old = slot.waiting.replace(waker);
                drop(slot);
                drop(old);
                hooks::set_wait(self.site, WaitKind::Task);
                Poll::Pending
            }
            SlotState::Gone => {
                drop(slot);
                panic!(
                    "the child spawned at {} was cancelled, or has given its output already",
                    self.site.location()
                );
            }
        }
    }
}

impl<T> fmt::Debug for ScopedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTask")
            .field("spawned_at", &self.site)
            .field("finished", &self.is_finished())
            .finish()
    }
}
