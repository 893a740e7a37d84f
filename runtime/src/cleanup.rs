//! The cleanup set: asynchronous cleanup that outlives the drop that asked for it.
//!
//! Whatever owes asynchronous cleanup ([`finally`](crate::structured::finally), a task group) hands a
//! `'static` future to the task it is in when it is dropped before its end: [`adopt`]. The task polls
//! it beside its main future and is not done before it is. A combinator that drops something and
//! wants to know that its cleanups have run (`timeout`, `select!`) opens a [`SinkGuard`] around the
//! drop, which catches a ticket for each adoption, and waits for those.
//!
//! Sinks nest strictly within one synchronous stretch of one thread, so they are a depth and a log
//! of caught tickets, not objects; opening one costs two thread-local writes. A [`CleanupWait`] that
//! is itself dropped passes its tickets on to the sink around it, so that nobody who should wait
//! forgets them.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use corio_sync::hooks::{self, Site, WaitKind};
use corio_sync::prim::Mutex;

use crate::executor::context;
use crate::executor::core::CoreRef;
use crate::say::say;
use crate::task::extras::Extras;
use crate::task::harness::BUDGET;
use crate::task::header::{Header, catch, drop_payload, drop_quietly};
use crate::task::intercept::Cleaning;
use crate::wake::wake;

/// A cleanup as a task keeps it.
pub(crate) type Cleanup = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells when one cleanup has ended. Besides the cleanup, one [`CleanupWait`] or sink has it at a time.
#[derive(Debug, Default)]
pub(crate) struct Ticket(Mutex<TicketState>);

#[derive(Debug, Default)]
struct TicketState {
    done: bool,
    /// Its time is over: the cleanup is to be dropped.
    abandoned: bool,
    /// Of the wait that was polled last.
    waiting: Option<Waker>,
}

impl Ticket {
    fn complete(&self) {
        let waiting = {
            let mut state = self.0.lock();
            state.done = true;
            state.waiting.take()
        };
        if let Some(waker) = waiting {
            wake(waker);
        }
    }

    /// Marks the cleanup as one to be dropped; `true` if it was not done, nor marked before.
    fn abandon(&self) -> bool {
        let mut state = self.0.lock();
        !state.done && !std::mem::replace(&mut state.abandoned, true)
    }

    fn is_abandoned(&self) -> bool {
        self.0.lock().abandoned
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let known = {
            let state = self.0.lock();
            if state.done {
                return Poll::Ready(());
            }
            state.waiting.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
        };
        if known {
            return Poll::Pending;
        }
        // Cloned and dropped outside the lock: both are foreign code.
        let waker = cx.waker().clone();
        let mut state = self.0.lock();
        if state.done {
            drop(state);
            return Poll::Ready(());
        }
        let old = state.waiting.replace(waker);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

/// A cleanup with its ticket; however it goes, the ticket is completed.
pub(crate) struct Entry {
    /// `None` once it has ended.
    future: Option<Cleanup>,
    ticket: Arc<Ticket>,
}

impl Entry {
    /// Polls the cleanup; a panic in it has been reported by the panic hook, and ends it.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(future) = &mut self.future else { return Poll::Ready(()) };
        if self.ticket.is_abandoned() {
            // What it owes in turn, or waits for, is abandoned with it.
            let sink = SinkGuard::enter();
            drop_quietly(self.future.take());
            sink.finish().abandon();
            return Poll::Ready(());
        }
        match catch(|| future.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => {}
            Err(payload) => {
                say(format_args!("a cleanup panicked; its siblings go on"));
                drop_payload(payload);
            }
        }
        Poll::Ready(())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        drop_quietly(self.future.take());
        self.ticket.complete();
    }
}

/// The cleanups that a task has adopted and that have not ended.
#[derive(Default)]
pub(crate) struct CleanupSet {
    entries: Vec<Entry>,
}

/// Polls all cleanups of `task`; `Ready` when there is none left.
///
/// # Safety
///
/// The caller polls the task.
#[inline]
pub(crate) unsafe fn poll_all(task: &Header, cx: &mut Context<'_>) -> Poll<()> {
    match task.extras() {
        None => Poll::Ready(()),
        // SAFETY: the caller's promise.
        Some(extras) => unsafe { poll_set(extras, cx) },
    }
}

/// # Safety
///
/// The caller polls the task of these extras.
unsafe fn poll_set(extras: &Extras, cx: &mut Context<'_>) -> Poll<()> {
    // A cleanup may adopt others while it is polled, so the set is taken out for the time.
    // SAFETY: the caller polls the task, and the closure only moves the list.
    let mut entries = unsafe { extras.with_cleanups(|set| std::mem::take(&mut set.entries)) };
    if entries.is_empty() {
        return Poll::Ready(());
    }
    let _cleaning = Cleaning::enter();
    // The main future may have used its share up, and will do so at each poll if it never waits.
    let budget = hooks::with_tls(|tls| tls.budget.replace(BUDGET));
    loop {
        // An ended entry is dropped at once: its ticket may be what the next one waits for.
        let mut i = 0;
        let before = entries.len();
        while i < entries.len() {
            if entries[i].poll(cx).is_ready() {
                drop(entries.remove(i));
            } else {
                i += 1;
            }
        }
        // SAFETY: as above.
        let adopted = unsafe { extras.with_cleanups(|set| std::mem::take(&mut set.entries)) };
        let settled = adopted.is_empty() && before == entries.len();
        entries.extend(adopted);
        if settled || entries.is_empty() {
            break;
        }
    }
    let left = hooks::with_tls(|tls| tls.budget.replace(budget));
    if entries.is_empty() {
        return Poll::Ready(());
    }
    if left == 1 {
        // Those behind one that never waits get their turn before it.
        entries.rotate_left(1);
    }
    // SAFETY: as above.
    unsafe { extras.with_cleanups(|set| set.entries.extend(entries)) };
    Poll::Pending
}

/// Drops the cleanups of `task` unfinished; tells how many there were.
///
/// # Safety
///
/// The caller polls the task.
pub(crate) unsafe fn abandon_all(task: &Header) -> usize {
    let mut count = 0;
    let Some(extras) = task.extras() else { return 0 };
    loop {
        // SAFETY: the caller polls the task, and the closure only moves the list.
        let entries = unsafe { extras.with_cleanups(|set| std::mem::take(&mut set.entries)) };
        if entries.is_empty() {
            return count;
        }
        count += entries.len();
        drop_quietly(entries);
    }
}

/// Gives `cleanup` to the current task, which polls it to its end before it is done.
///
/// Outside any task it becomes a task of the current runtime, which shutdown waits for; with no
/// runtime at all it is dropped, and a line on stderr says so.
pub fn adopt(cleanup: impl Future<Output = ()> + Send + 'static) {
    adopt_boxed(Box::pin(cleanup), None);
}

/// [`adopt`] for a cleanup that is in a box already. `home` is where it goes on a thread without a
/// runtime.
pub(crate) fn adopt_boxed(cleanup: Cleanup, home: Option<&CoreRef>) {
    let ticket = Arc::new(Ticket::default());
    let entry = Entry { future: Some(cleanup), ticket: ticket.clone() };
    if let Some(task) = context::current_header() {
        // SAFETY: the thread's current task is the one it polls (or whose future it drops), and the
        // closure only pushes.
        unsafe { task.extras_or_new().with_cleanups(|set| set.entries.push(entry)) };
        catch_ticket(ticket);
        return;
    }
    catch_ticket(ticket);
    if let Err(entry) = context::spawn_cleanup(entry, home) {
        say(format_args!(
            "a cleanup was dropped without running: its runtime is gone, and there is none on this \
             thread; drop what owes it inside a task"
        ));
        drop(entry);
    }
}

/// An adopted cleanup as a future, for the runtime's own set.
pub(crate) struct AdoptedEntry(Entry);

impl AdoptedEntry {
    pub(crate) fn new(entry: Entry) -> Self {
        Self(entry)
    }
}

impl Future for AdoptedEntry {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx)
    }
}

thread_local! {
    /// Tickets caught by the sinks that are open on this thread, innermost last.
    static CAUGHT: RefCell<Vec<Arc<Ticket>>> = const { RefCell::new(Vec::new()) };
}

/// Leaves `ticket` with the innermost open sink, if there is one.
fn catch_ticket(ticket: Arc<Ticket>) {
    hooks::with_tls(|tls| {
        if tls.sink_depth.get() > 0 {
            // While the thread's locals are being destroyed there is nobody left who could wait.
            let caught = CAUGHT.try_with(|log| log.borrow_mut().push(ticket)).is_ok();
            tls.caught.set(tls.caught.get() + u32::from(caught));
        }
    });
}

/// An open sink: catches the tickets of the cleanups that are adopted while it is there.
///
/// It must not live across an `.await` (and cannot, in a `Send` future).
#[derive(Debug)]
#[must_use = "finish it, and await what it caught"]
pub struct SinkGuard {
    mark: u32,
    /// A sink belongs to the thread that opened it.
    _not_send: std::marker::PhantomData<*const ()>,
}

impl SinkGuard {
    /// Opens a sink on this thread.
    #[inline]
    pub fn enter() -> Self {
        hooks::with_tls(|tls| {
            tls.sink_depth.set(tls.sink_depth.get() + 1);
            Self { mark: tls.caught.get(), _not_send: std::marker::PhantomData }
        })
    }

    /// Closes the sink; the future waits for the cleanups that it caught.
    #[inline]
    #[track_caller]
    pub fn finish(self) -> CleanupWait {
        let mut wait = CleanupWait { tickets: Vec::new(), site: Site::caller() };
        self.finish_into(&mut wait);
        wait
    }

    /// Closes the sink and adds what it caught to `wait`.
    #[inline]
    pub(crate) fn finish_into(self, wait: &mut CleanupWait) {
        let caught = hooks::with_tls(|tls| tls.caught.get());
        if caught != self.mark {
            self.take_caught(&mut wait.tickets);
        }
        // Dropping the guard closes the sink.
    }

    /// Closes the sink; nobody waits for what it caught.
    pub(crate) fn forget(self) {
        let caught = hooks::with_tls(|tls| tls.caught.get());
        if caught != self.mark {
            let mut tickets = Vec::new();
            self.take_caught(&mut tickets);
            // A ticket has the waker of whoever asked it last.
            drop_quietly(tickets);
        }
    }

    #[cold]
    fn take_caught(&self, to: &mut Vec<Arc<Ticket>>) {
        CAUGHT.with(|log| to.extend(log.borrow_mut().drain(self.mark as usize..)));
        hooks::with_tls(|tls| tls.caught.set(self.mark));
    }
}

impl Drop for SinkGuard {
    #[inline]
    fn drop(&mut self) {
        hooks::with_tls(|tls| {
            let depth = tls.sink_depth.get() - 1;
            tls.sink_depth.set(depth);
            if depth == 0 && tls.caught.get() != 0 {
                // Unwinding past the outermost sink: nobody waits any more; the task still does.
                tls.caught.set(0);
                // Dropped last: a ticket's waker is foreign code, which may come back here.
                drop_quietly(CAUGHT.try_with(RefCell::take));
            }
        });
    }
}

/// Waits for cleanups; ready at once if there are none.
#[must_use = "futures do nothing unless they are awaited"]
pub struct CleanupWait {
    tickets: Vec<Arc<Ticket>>,
    site: Site,
}

impl CleanupWait {
    /// A wait for nothing, to be filled by [`SinkGuard::finish_into`].
    #[track_caller]
    pub(crate) fn nothing() -> Self {
        Self { tickets: Vec::new(), site: Site::caller() }
    }

    /// Gives the cleanups up: the tasks that have them drop them when they are next polled. Tells how
    /// many have not ended.
    pub(crate) fn abandon(&self) -> usize {
        self.tickets.iter().filter(|ticket| ticket.abandon()).count()
    }

    /// Whether there is nothing to wait for.
    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }
}

impl Future for CleanupWait {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(ticket) = self.tickets.last() {
            if ticket.poll(cx).is_pending() {
                hooks::set_wait(self.site, WaitKind::Cleanup);
                return Poll::Pending;
            }
            self.tickets.pop();
        }
        Poll::Ready(())
    }
}

impl Drop for CleanupWait {
    fn drop(&mut self) {
        for ticket in self.tickets.drain(..) {
            catch_ticket(ticket);
        }
    }
}

impl fmt::Debug for CleanupWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanupWait").field("cleanups", &self.tickets.len()).finish()
    }
}
