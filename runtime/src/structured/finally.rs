//! Cleanup that runs to its end, whatever becomes of the body.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::{self, Site, WaitKind};

use crate::cleanup::{Cleanup, CleanupWait, SinkGuard, adopt, adopt_boxed};
use crate::executor::context::{self, with_core};
use crate::executor::core::CoreRef;
use crate::say::say;
use crate::task::header::Plain;
use crate::task::spawn::{Options, spawn_here};
use crate::task::state::Kind;

pin_project_lite::pin_project! {
    /// The future of [`finally`] and [`finally_local`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Finally<B, C, R = Cleanup>
    where
        B: Future,
    {
        // `None` once the body has ended (or was dropped).
        #[pin]
        body: Option<B>,
        // `None` once the cleanup has been started.
        cleanup: Option<C>,
        how: How<C, R>,
        // The cleanup, from the body's end to its own.
        running: Option<R>,
        // What the body came to, while the cleanup runs.
        output: Option<B::Output>,
        // What cleanups inside the body are still to be waited for.
        caught: CleanupWait,
        // The body has been polled: there is something to clean up after.
        entered: bool,
        // Where that was, for a drop on a thread without a runtime.
        home: Option<CoreRef>,
        site: Site,
    }

    impl<B, C, R> PinnedDrop for Finally<B, C, R>
    where
        B: Future,
    {
        fn drop(this: Pin<&mut Self>) {
            this.give_up();
        }
    }
}

/// What is done with a cleanup `C`, and with what it becomes when it runs.
///
/// Functions rather than a trait: whether a [`Finally`] is `Send` must not depend on which
/// implementation the compiler finds for a closure that has lifetimes in it.
struct How<C, R> {
    start: fn(C, CleanupWait) -> R,
    poll: fn(&mut R, &mut Context<'_>) -> Poll<()>,
    leave: fn(R, Site, Option<&CoreRef>),
}

/// A cleanup under way that is not `Send`.
type LocalCleanup = Pin<Box<dyn Future<Output = ()>>>;

/// Leaves a cleanup to a task that stays on this thread, and the wait for it to the task.
fn leave_local(running: LocalCleanup, site: Site, _: Option<&CoreRef>) {
    // The task that drops this may be polled by any thread later on, so it must not have the
    // cleanup: it waits for a task that stays on this thread.
    let options = Options { shielded: true, ..Options::at(site) };
    let task = with_core(|core| match core {
        Some(core) => Ok(spawn_here(core, running, Plain, options, Kind::Local)),
        None => Err(running),
    });
    match task {
        Ok(task) => adopt(async move { drop(task.await) }),
        Err(running) => {
            say(format_args!(
                "a local cleanup (made at {}) was dropped without running: this thread \
                 runs no tasks; drop what owes it inside a task",
                site.location()
            ));
            drop(running);
        }
    }
}

/// Runs `body`, then the future that `cleanup` makes, whatever becomes of the body.
///
/// The cleanup runs to its end whether the body returns, panics, or is dropped half-way because its
/// task was cancelled, a timeout elapsed, or it lost a `select!`. In the last cases the task that it is
/// in takes the cleanup over, and is not done before the cleanup is; `timeout`, `select!` and their
/// like wait for it before they return. Cleanups inside the body run first. Dropped outside any task,
/// the runtime on which the body was first polled takes it over, and runs it before it shuts down.
///
/// A body that was never polled has nothing to clean up. asyncio's `try`/`finally` with an `await` in
/// the `finally`.
///
/// # Panics
///
/// When the body or the cleanup panics; a panic of the body comes out after the cleanup has run.
///
/// # Cancel safety
///
/// Safe, but a result that the body gave while its cleanup was still running is lost.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::finally;
/// use corio_runtime::time::timeout;
/// use std::time::Duration;
///
/// # corio_runtime::run(async {
/// let (closed, is_closed) = std::sync::mpsc::channel();
/// let body = std::future::pending::<()>();
/// let work = finally(body, move || async move {
///     corio_runtime::yield_now().await; // say goodbye
///     closed.send(()).unwrap();
/// });
/// assert!(timeout(Duration::from_millis(1), work).await.is_err());
/// assert!(is_closed.try_recv().is_ok(), "the cleanup ran before `timeout` returned");
/// # });
/// ```
#[track_caller]
#[doc(alias("try", "AsyncExitStack", "aclosing"))]
pub fn finally<B, C, Fut>(body: B, cleanup: C) -> Finally<B, C>
where
    B: Future,
    C: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let how: How<C, Cleanup> = How {
        start: |cleanup, inner| {
            Box::pin(async move {
                // What is inside the body is cleaned up first.
                inner.await;
                cleanup().await;
            })
        },
        poll: |running, cx| running.as_mut().poll(cx),
        leave: |running, _, home| adopt_boxed(running, home),
    };
    Finally::new(body, cleanup, how)
}

/// [`finally`] for a cleanup that is not `Send`: it runs on this thread.
///
/// When the body is dropped before its end, the cleanup becomes a task that stays on this worker, which
/// even shutdown leaves time to end; the task that the body was in waits for it.
///
/// # Panics
///
/// When the body or the cleanup panics; a panic of the body comes out after the cleanup has run.
///
/// # Cancel safety
///
/// Safe, but a result that the body gave while its cleanup was still running is lost.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::finally_local;
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// # corio_runtime::run(async {
/// let open = Rc::new(Cell::new(true));
/// let theirs = open.clone();
/// let value = finally_local(async { 7 }, move || async move { theirs.set(false) }).await;
/// assert_eq!((value, open.get()), (7, false));
/// # });
/// ```
#[track_caller]
#[doc(alias("try", "AsyncExitStack", "aclosing"))]
pub fn finally_local<B, C, Fut>(body: B, cleanup: C) -> Finally<B, C, LocalCleanup>
where
    B: Future,
    C: FnOnce() -> Fut + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let how: How<C, LocalCleanup> = How {
        start: |cleanup, inner| {
            Box::pin(async move {
                inner.await;
                cleanup().await;
            })
        },
        poll: |running, cx| running.as_mut().poll(cx),
        leave: leave_local,
    };
    Finally::new(body, cleanup, how)
}

/// A sink whose catch is added to `to` also when the stretch that it is open for unwinds.
struct Catching<'a> {
    sink: Option<SinkGuard>,
    to: &'a mut CleanupWait,
}

impl<'a> Catching<'a> {
    fn open(to: &'a mut CleanupWait) -> Self {
        Self { sink: Some(SinkGuard::enter()), to }
    }
}

impl Drop for Catching<'_> {
    fn drop(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.finish_into(self.to);
        }
    }
}

impl<B: Future, C, R> Finally<B, C, R> {
    #[track_caller]
    fn new(body: B, cleanup: C, how: How<C, R>) -> Self {
        Self {
            body: Some(body),
            cleanup: Some(cleanup),
            how,
            running: None,
            output: None,
            caught: CleanupWait::nothing(),
            entered: false,
            home: None,
            site: Site::caller(),
        }
    }

    /// Dropped before its end: the task takes over what is left.
    fn give_up(self: Pin<&mut Self>) {
        let mut this = self.project();
        if let Some(running) = this.running.take() {
            (this.how.leave)(running, *this.site, this.home.as_ref());
            return;
        }
        if !*this.entered {
            return;
        }
        let Some(cleanup) = this.cleanup.take() else { return };
        // A body that panics when it is dropped has still to be cleaned up after.
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let _catching = Catching::open(this.caught);
            this.body.set(None);
        }));
        let inner = std::mem::replace(this.caught, CleanupWait::nothing());
        let running = (this.how.start)(cleanup, inner);
        (this.how.leave)(running, *this.site, this.home.as_ref());
        if let Err(payload) = dropped {
            if !std::thread::panicking() {
                resume_unwind(payload);
            }
        }
    }
}

impl<B: Future, C, R> Future for Finally<B, C, R> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let mut this = self.project();
        if let Some(body) = this.body.as_mut().as_pin_mut() {
            if !*this.entered {
                *this.entered = true;
                *this.home = context::home();
            }
            let polled = {
                let _catching = Catching::open(this.caught);
                body.poll(cx)
            };
            let output = std::task::ready!(polled);
            *this.output = Some(output);
            {
                let _catching = Catching::open(this.caught);
                this.body.set(None);
            }
            let cleanup = this.cleanup.take().expect("the cleanup starts once");
            let inner = std::mem::replace(this.caught, CleanupWait::nothing());
            *this.running = Some((this.how.start)(cleanup, inner));
        }
        if let Some(mut running) = this.running.take() {
            // It is away meanwhile: a cleanup that panics must not be polled again by whoever takes
            // over what is left of this.
            if (this.how.poll)(&mut running, cx).is_pending() {
                *this.running = Some(running);
                hooks::set_wait(*this.site, WaitKind::Cleanup);
                return Poll::Pending;
            }
        }
        match this.output.take() {
            Some(output) => Poll::Ready(output),
            None => panic!("`finally` was polled again after it had returned"),
        }
    }
}

impl<B: Future, C, R> fmt::Debug for Finally<B, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finally")
            .field("body_ended", &self.body.is_none())
            .field("site", &self.site)
            .finish_non_exhaustive()
    }
}
