//! Catching the tickets of what is adopted during a drop, and waiting for them.
//!
//! Sinks nest strictly within one synchronous stretch of one thread, so they are a depth and a log
//! of caught tickets, not objects; opening one costs two thread-local writes. A [`CleanupWait`] that
//! is itself dropped passes its tickets on to the sink around it, so that nobody who should wait
//! forgets them.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::mem::{forget, needs_drop};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use corio_sync::hooks::{self, Caller, Site, WaitKind};

use super::ticket::{GivenUp, Ticket};
use crate::task::header::drop_quietly;

thread_local! {
    /// Tickets caught by the sinks that are open on this thread, innermost last.
    static CAUGHT: RefCell<Vec<Arc<Ticket>>> = const { RefCell::new(Vec::new()) };
}

/// Leaves `ticket` with the innermost open sink, if there is one.
pub(super) fn catch_ticket(ticket: Arc<Ticket>) {
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

    /// Whether it has caught nothing.
    #[inline]
    fn is_empty(&self) -> bool {
        hooks::with_tls(|tls| tls.caught.get()) == self.mark
    }

    /// Closes a sink that has caught nothing, and so has nothing to forget.
    #[inline]
    fn close_empty(self) {
        hooks::with_tls(|tls| tls.sink_depth.set(tls.sink_depth.get() - 1));
        forget(self);
    }

    /// Closes the sink; the future waits for the cleanups that it caught.
    #[inline]
    #[track_caller]
    pub fn finish(self) -> CleanupWait {
        let mut wait = CleanupWait { tickets: Vec::new(), site: Site::caller() };
        self.finish_into(&mut wait);
        wait
    }

    #[cold]
    #[inline(never)]
    fn finish_boxed(self, caller: Caller) -> Box<CleanupWait> {
        let mut wait = Box::new(CleanupWait::at(caller.site()));
        self.finish_into(&mut wait);
        wait
    }

    /// Closes the sink and adds what it caught to `wait`.
    #[inline]
    pub(crate) fn finish_into(self, wait: &mut CleanupWait) {
        if !self.is_empty() {
            self.take_caught(&mut wait.tickets);
        }
        // Dropping the guard closes the sink.
    }

    /// Closes the sink; nobody waits for what it caught.
    pub(crate) fn forget(self) {
        if !self.is_empty() {
            let mut tickets = Vec::new();
            self.take_caught(&mut tickets);
            // A ticket has the waker of whoever asked it last.
            drop_quietly(tickets);
        }
    }

    #[cold]
    #[inline(never)]
    fn take_caught(&self, to: &mut Vec<Arc<Ticket>>) {
        CAUGHT.with(|log| to.extend(log.borrow_mut().drain(self.mark as usize..)));
        hooks::with_tls(|tls| tls.caught.set(self.mark));
    }
}

impl Drop for SinkGuard {
    #[inline]
    fn drop(&mut self) {
        let is_left_over = hooks::with_tls(|tls| {
            let depth = tls.sink_depth.get() - 1;
            tls.sink_depth.set(depth);
            depth == 0 && tls.caught.get() != 0
        });
        if is_left_over {
            forget_caught();
        }
    }
}

/// Has `place` emptied, and gives the wait for the cleanups that what was in it leaves, if there are any.
///
/// Nearly always there are none, so that is what is inlined, and it is next to nothing; where the type
/// says that nothing in it is dropped, it is nothing.
#[inline]
#[track_caller]
pub fn empty_catching<T>(
    place: Pin<&mut T>,
    empty: impl FnOnce(Pin<&mut T>),
) -> Option<Box<CleanupWait>> {
    if !needs_drop::<T>() {
        empty(place);
        return None;
    }
    let sink = SinkGuard::enter();
    empty(place);
    if sink.is_empty() {
        sink.close_empty();
        return None;
    }
    Some(sink.finish_boxed(Caller::here()))
}

/// Unwinding past the outermost sink: nobody waits any more; the task still does.
#[cold]
#[inline(never)]
fn forget_caught() {
    hooks::with_tls(|tls| tls.caught.set(0));
    // Dropped last: a ticket's waker is foreign code, which may come back here.
    drop_quietly(CAUGHT.try_with(RefCell::take));
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
        Self::at(Site::caller())
    }

    /// [`nothing`](Self::nothing), which says that it waits at `site`.
    pub(crate) fn at(site: Site) -> Self {
        Self { tickets: Vec::new(), site }
    }

    /// The time of the cleanups is over: those who have them drop them, as far as they can be dropped.
    pub(crate) fn give_up(&self, why: &Arc<GivenUp>) {
        for ticket in &self.tickets {
            ticket.give_up(why);
        }
    }

    /// Whether there is nothing to wait for.
    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }
}

// Nearly every wait is for nothing, so that is what is inlined.
impl Future for CleanupWait {
    type Output = ();
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.tickets.is_empty() { Poll::Ready(()) } else { self.get_mut().poll_tickets(cx) }
    }
}

impl Drop for CleanupWait {
    #[inline]
    fn drop(&mut self) {
        if !self.tickets.is_empty() {
            self.pass_on();
        }
    }
}

impl CleanupWait {
    #[cold]
    #[inline(never)]
    fn poll_tickets(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(ticket) = self.tickets.last() {
            if ticket.poll_done(cx).is_pending() {
                hooks::set_wait(self.site, WaitKind::Cleanup);
                return Poll::Pending;
            }
            self.tickets.pop();
        }
        Poll::Ready(())
    }

    /// What nobody has waited for is the business of the sink around.
    #[cold]
    #[inline(never)]
    fn pass_on(&mut self) {
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
