//! The main future: driven by the thread that calls `block_on`, on a core of its own if one is free.
//!
//! With a core, the main future is a task in that core's queue like any other: main and its tasks
//! talk without crossing threads and without the kernel. Without one (every core has a thread), it
//! is polled here, beside the runtime, and its thread sleeps on a parker.
//!
//! Either way it has a header, so that it has an id, context variables, and a cleanup set, which is
//! drained before `block_on` returns.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::{Pin, pin};
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use corio_sync::hooks::Site;
use corio_sync::prim::{Ordering, Parker};
use pin_project_lite::pin_project;

use super::context::Context;
use super::core::{Core, Main, Polled};
use super::mains::Place;
use super::shared::Shared;
use crate::cleanup;
use crate::task::end::tell_done;
use crate::task::harness::with_current;
use crate::task::header::Header;
use crate::task::id;
use crate::task::intercept;
use crate::task::join::Canceller;
use crate::task::quiet::{Payload, catch, drop_payload};
use crate::task::spawn::main_header;
use crate::task::state::Next;
use crate::task::waker::{release, waker_of};

/// Drives `future` to its end on this thread. `None` if it was cancelled through the canceller that
/// `started` is given.
#[track_caller]
pub(crate) fn block_on<F: Future>(
    shared: &Arc<Shared>,
    future: F,
    started: &mut dyn FnMut(Canceller),
) -> Option<F::Output> {
    let mut root = pin!(Root { future: Some(future), output: None });
    drive_root(shared, root.as_mut(), started);
    root.project().output.take()
}

/// The main future and its output, as what drives it sees them: all that depends on their types.
trait MainBody {
    /// Polls the future; `Ready` when its output is there.
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()>;
    /// Drops the future in place.
    fn drop_future(self: Pin<&mut Self>);
    /// Drops the output, if it is there.
    fn drop_output(self: Pin<&mut Self>);
}

pin_project! {
    /// A main future with a place for its output.
    struct Root<F: Future> {
        #[pin]
        future: Option<F>,
        output: Option<F::Output>,
    }
}

impl<F: Future> MainBody for Root<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else {
            unreachable!("the future is there until there is an outcome")
        };
        future.poll(cx).map(|output| *this.output = Some(output))
    }

    fn drop_future(self: Pin<&mut Self>) {
        self.project().future.set(None);
    }

    fn drop_output(self: Pin<&mut Self>) {
        *self.project().output = None;
    }
}

/// Drives the main future to its end, and drops it. Panics as it did.
#[track_caller]
fn drive_root(
    shared: &Arc<Shared>,
    root: Pin<&mut dyn MainBody>,
    started: &mut dyn FnMut(Canceller),
) {
    refuse_nesting();
    let site = Site::caller();
    let main = MainFuture { root, outcome: None };
    let ended = match shared.take_core() {
        Some(core) => on_core(shared, core, main, site, started),
        None => beside(shared, main, site, started),
    };
    if let Err(payload) = ended {
        std::panic::resume_unwind(payload);
    }
}

#[track_caller]
fn refuse_nesting() {
    let running = super::context::runs_a_core();
    if running || super::context::current_header().is_some() {
        panic!(
            "`block_on` was called on a thread that is running tasks, which would stop them all: \
             `.await` the future instead, or call `block_on` from `spawn_blocking`"
        );
    }
}

/// What a main future came to: `Ok` with its output in place, or without it if it was cancelled, or its panic.
type Outcome = Result<(), Payload>;

/// The main future and what it came to; polled until it is over and its cleanups have run.
struct MainFuture<'a> {
    root: Pin<&'a mut dyn MainBody>,
    outcome: Option<Outcome>,
}

impl MainFuture<'_> {
    /// One poll, as the thread's current task `header`; `true` when everything is over.
    ///
    /// With `stuck` it fails instead, for that reason.
    fn poll(
        &mut self,
        header: &Header,
        cancel: bool,
        stuck: Option<String>,
        cx: &mut TaskContext<'_>,
    ) -> bool {
        if self.outcome.is_none() {
            // SAFETY: this thread polls the main task.
            let cancelled = || cancel && unsafe { intercept::drops_main(header, false) };
            let polled = if let Some(why) = stuck {
                Some(catch(|| panic!("{why}")))
            } else if cancelled() {
                Some(Ok(()))
            } else {
                match catch(|| self.root.as_mut().poll(cx)) {
                    Ok(Poll::Pending) => None,
                    Ok(Poll::Ready(())) => Some(Ok(())),
                    Err(payload) => Some(Err(payload)),
                }
            };
            if let Some(outcome) = polled {
                self.end(outcome);
            }
        }
        // SAFETY: this thread polls the main task.
        let cleaned = unsafe { cleanup::poll_all(header, cx) }.is_ready();
        cleaned && self.outcome.is_some()
    }

    /// The future has come to `outcome`, unless its drop panics.
    fn end(&mut self, outcome: Outcome) {
        // Dropping it hands over the cleanups of what it was in the middle of.
        let dropped = catch(|| self.root.as_mut().drop_future());
        self.outcome = Some(match (outcome, dropped) {
            (Ok(()), Err(payload)) => {
                if let Err(second) = catch(|| self.root.as_mut().drop_output()) {
                    drop_payload(second);
                }
                Err(payload)
            }
            (outcome, Ok(())) => outcome,
            (Err(first), Err(second)) => {
                drop_payload(second);
                Err(first)
            }
        });
    }

    fn into_outcome(self) -> Outcome {
        self.outcome.expect("the main future has been polled to its end")
    }
}

/// The header's reference, and its state, end with this.
struct MainHeader(NonNull<Header>);

impl MainHeader {
    fn get(&self) -> &Header {
        // SAFETY: its reference is ours (T1).
        unsafe { self.0.as_ref() }
    }

    fn canceller(&self) -> Canceller {
        // SAFETY: its reference is ours (T1).
        unsafe { Canceller::of(self.0) }
    }
}

impl Drop for MainHeader {
    fn drop(&mut self) {
        let _ = self.get().state.complete();
        // SAFETY: once, and the header is ours.
        unsafe { tell_done(self.0) };
        // SAFETY: the one reference that `main_header` gave.
        unsafe { release(self.0) };
    }
}

fn on_core(
    shared: &Arc<Shared>,
    core: Box<Core>,
    main: MainFuture<'_>,
    site: Site,
    started: &mut dyn FnMut(Canceller),
) -> Outcome {
    let context = Context::new(shared.clone(), Some(&core));
    // SAFETY: it stays where it is, and leaves below; nothing in between unwinds.
    unsafe { context.join() };
    let header = MainHeader(main_header(&core.shared_ref(), core.next_id(), site));
    context.leave();
    drop(context);
    started(header.canceller());
    drive(shared, core, header, main)
}

/// Runs `core` until the main future, its cleanups and the thread's `!Send` tasks are over.
fn drive(
    shared: &Arc<Shared>,
    core: Box<Core>,
    header: MainHeader,
    mut main: MainFuture<'_>,
) -> Outcome {
    let context = Context::new(shared.clone(), Some(&core));
    // SAFETY: it stays where it is, and leaves below; nothing in between unwinds.
    unsafe { context.join() };
    shared.mains.enter(header.0, Place::OnCore);
    // A main header is queued from birth.
    core.push_bound(header.0);

    // SAFETY: alive for the whole call; the waker's reference is not counted, so it is not dropped.
    let waker = ManuallyDrop::new(unsafe { Waker::from_raw(waker_of(header.0)) });
    let mut poll = |core: &Core| {
        let this = header.get();
        let cancel = this.state.own_start_poll();
        core.poll_begins(&this.head);
        let over = with_current(this, || {
            main.poll(this, cancel, core.take_stuck(), &mut TaskContext::from_waker(&waker))
        });
        core.poll_ends();
        if over {
            return Polled::Over;
        }
        // Ordering: Relaxed, introspection reads a snapshot.
        this.since_ms.store(core.now_ms(), Ordering::Relaxed);
        match this.state.own_end_poll() {
            Next::Enqueue => Polled::Again,
            Next::Nothing => Polled::Pending,
        }
    };
    core.run(shared, Some(Main { header: header.0, poll: &mut poll }));
    core.end_local_tasks(shared);

    shared.mains.leave(header.0);
    // The header goes outside: its context variables may run code of the user's, who must not find a
    // core to spawn local tasks on.
    context.leave();
    drop(header);
    shared.give_core_back(core);
    main.into_outcome()
}

struct Unpark(Arc<Parker>);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls the main future while other threads have all the cores. On a runtime without workers it
/// moves onto the core when that becomes free, since then nobody else runs the tasks it waits for.
fn beside(
    shared: &Arc<Shared>,
    mut main: MainFuture<'_>,
    site: Site,
    started: &mut dyn FnMut(Canceller),
) -> Outcome {
    let parker = Arc::new(Parker::new());
    let waker = Waker::from(Arc::new(Unpark(parker.clone())));
    let header = {
        let home = shared.core_for_strangers();
        MainHeader(main_header(&home, id::take_block(1), site))
    };
    // The caller's code: it may panic.
    started(header.canceller());
    let context = Context::new(shared.clone(), None);
    // SAFETY: it stays where it is, and leaves below; nothing in between unwinds.
    unsafe { context.join() };
    shared.mains.enter(header.0, Place::Beside);
    shared.wait_for_core(parker.clone());

    let free_core = loop {
        let this = header.get();
        let cancel = this.state.is_cancelled();
        let mut cx = TaskContext::from_waker(&waker);
        this.state.set_running_beside(true);
        let over = with_current(this, || main.poll(this, cancel, None, &mut cx));
        let now_ms = (shared.clock.now_ns() / 1_000_000) as u32;
        // Ordering: Relaxed, introspection reads a snapshot.
        this.since_ms.store(now_ms, Ordering::Relaxed);
        this.state.set_running_beside(false);
        if over {
            break None;
        }
        if !shared.config.multi_thread {
            if let Some(core) = shared.take_free_core() {
                break Some(core);
            }
        }
        parker.park();
    };

    shared.stop_waiting_for_core(&parker);
    shared.mains.leave(header.0);
    context.leave();
    match free_core {
        // The first poll there gives every leaf the header's own waker.
        Some(core) => drive(shared, core, header, main),
        None => {
            drop(header);
            main.into_outcome()
        }
    }
}
