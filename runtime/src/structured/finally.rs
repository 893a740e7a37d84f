//! Cleanup that runs to its end, whatever becomes of the body.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use corio_sync::hooks::{self, Site, WaitKind};

use super::first_panic::let_out;
use crate::cleanup::{
    AdoptedEntry, Cleanup, CleanupWait, Entry, Home, SinkGuard, Ticket, adopt_cleanup, adopt_frame,
    adopt_telling,
};
use crate::executor::context::with_core;
use crate::say::say;
use crate::task::header::{Plain, catch, drop_payload, drop_quietly};
use crate::task::spawn::{Options, spawn_local_on};

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
        // What the body came to, or its panic, while the cleanup runs.
        ended: Option<Result<B::Output, Box<dyn Any + Send>>>,
        // What cleanups inside the body are still to be waited for.
        caught: CleanupWait,
        // Where the body was polled, for a drop elsewhere; `None` before that, when there is nothing to
        // clean up after.
        home: Option<Home>,
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
    leave: fn(R, Site, &Home),
}

/// A cleanup under way that is not `Send`.
type LocalCleanup = Pin<Box<dyn Future<Output = ()>>>;

/// Leaves a cleanup to a task that stays on this thread, and the wait for it to the task.
fn leave_local(running: LocalCleanup, site: Site, home: &Home) {
    // The task that drops this may be polled by any thread later on, so it must not have the
    // cleanup: it waits for a task that stays on this thread.
    let options = Options { shielded: true, ..Options::at(site) };
    let ticket = Arc::<Ticket>::default();
    let task = with_core(|core| match core {
        Some(core) => {
            let cleanup = AdoptedEntry::new(Entry::new(running, home, ticket.clone()));
            Ok(spawn_local_on(core, cleanup, Plain, options))
        }
        None => Err(running),
    });
    match task {
        Ok(task) => {
            let home = task.header().home();
            adopt_telling(&home, async move { drop(task.await) }, move |why| ticket.give_up(why));
        }
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
/// or in the closure of a blocking call, the runtime on which the body was first polled takes it over, and runs it before it shuts down.
///
/// A body that was never polled has nothing to clean up. asyncio's `try`/`finally` with an `await` in
/// the `finally`.
///
/// # Panics
///
/// When the body or the cleanup panics; a panic of the body comes out after the cleanup has run. Of two
/// panics the first comes out. One that still waits for its cleanup when this is dropped comes out nowhere;
/// the panic hook has told of it.
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
    Finally::new(body, cleanup, how(|running, _, home| adopt_cleanup(running, home)))
}

/// [`finally`] for a cleanup that only runs others, and hands over those that it has left when it is
/// dropped.
#[track_caller]
pub(super) fn finally_around<B, C, Fut>(body: B, cleanup: C) -> Finally<B, C>
where
    B: Future,
    C: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    Finally::new(body, cleanup, how(|running, _, home| adopt_frame(running, home)))
}

/// How a cleanup is started and polled that is left to the task by `leave`.
fn how<C, Fut>(leave: fn(Cleanup, Site, &Home)) -> How<C, Cleanup>
where
    C: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    How {
        start: |cleanup, inner| {
            Box::pin(async move {
                // What is inside the body is cleaned up first.
                inner.await;
                cleanup().await;
            })
        },
        poll: |running, cx| running.as_mut().poll(cx),
        leave,
    }
}

/// [`finally`] for a cleanup that is not `Send`: it runs on this thread.
///
/// When the body is dropped before its end, the cleanup becomes a task that stays on this worker, which
/// even shutdown leaves time to end; the task that the body was in waits for it.
///
/// It must be dropped on a thread that runs tasks: inside `block_on`, or on a worker. Dropped elsewhere,
/// between two `block_on` for instance, the cleanup is lost, since no other thread may run it; a line on
/// stderr says so. [`finally`] has no such condition.
///
/// # Panics
///
/// When the body or the cleanup panics; a panic of the body comes out after the cleanup has run. Of two
/// panics the first comes out. One that still waits for its cleanup when this is dropped comes out nowhere;
/// the panic hook has told of it.
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

/// Calls `f`, and adds the cleanups that it hands over to `caught`, whether it returns or panics.
fn catching<T>(caught: &mut CleanupWait, f: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    let sink = SinkGuard::enter();
    let result = catch(f);
    sink.finish_into(caught);
    result
}

impl<B: Future, C, R> Finally<B, C, R> {
    #[track_caller]
    fn new(body: B, cleanup: C, how: How<C, R>) -> Self {
        Self {
            body: Some(body),
            cleanup: Some(cleanup),
            how,
            running: None,
            ended: None,
            caught: CleanupWait::nothing(),
            home: None,
            site: Site::caller(),
        }
    }

    /// Dropped before its end: the task takes over what is left.
    fn give_up(self: Pin<&mut Self>) {
        let mut this = self.project();
        let Some(home) = this.home.as_ref() else { return };
        if let Some(running) = this.running.take() {
            (this.how.leave)(running, *this.site, home);
            if let Some(Err(payload)) = this.ended.take() {
                // The panic hook has told of it.
                drop_payload(payload);
            }
            return;
        }
        let Some(cleanup) = this.cleanup.take() else { return };
        // A body that panics when it is dropped has still to be cleaned up after.
        let dropped = catching(this.caught, || this.body.set(None));
        let inner = std::mem::replace(this.caught, CleanupWait::nothing());
        let running = (this.how.start)(cleanup, inner);
        (this.how.leave)(running, *this.site, home);
        if let Err(payload) = dropped {
            let_out(payload);
        }
    }
}

impl<B: Future, C, R> Future for Finally<B, C, R> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let mut this = self.project();
        Home::update(this.home);
        if let Some(body) = this.body.as_mut().as_pin_mut() {
            let mut ended = match catching(this.caught, || body.poll(cx)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(output)) => Ok(output),
                Err(payload) => Err(payload),
            };
            if let Err(payload) = catching(this.caught, || this.body.set(None)) {
                ended = match ended {
                    Ok(output) => {
                        drop_quietly(output);
                        Err(payload)
                    }
                    Err(first) => {
                        drop_payload(payload);
                        Err(first)
                    }
                };
            }
            *this.ended = Some(ended);
            let cleanup = this.cleanup.take().expect("the cleanup starts once");
            let inner = std::mem::replace(this.caught, CleanupWait::nothing());
            *this.running = Some((this.how.start)(cleanup, inner));
        }
        if let Some(mut running) = this.running.take() {
            // It is away meanwhile: a cleanup that panics must not be polled again by whoever takes
            // over what is left of this.
            match catch(|| (this.how.poll)(&mut running, cx)) {
                Ok(Poll::Pending) => {
                    *this.running = Some(running);
                    hooks::set_wait(*this.site, WaitKind::Cleanup);
                    return Poll::Pending;
                }
                Ok(Poll::Ready(())) => {}
                // The first panic is the one that counts; the panic hook has told of both.
                Err(payload) if matches!(this.ended, Some(Err(_))) => drop_payload(payload),
                Err(payload) => resume_unwind(payload),
            }
        }
        match this.ended.take() {
            Some(Ok(output)) => Poll::Ready(output),
            Some(Err(payload)) => resume_unwind(payload),
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
