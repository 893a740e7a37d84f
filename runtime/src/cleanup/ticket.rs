//! What is known of a cleanup from outside: that it has ended, or that its time is over.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio_sync::hooks::Site;
use corio_sync::prim::{AtomicUsize, Mutex, Ordering};

use crate::say::say;
use crate::task::header::drop_quietly;
use crate::wake::wake;

/// Cleanups whose time is over. The last reference goes with the last of them, and says how many were
/// dropped.
#[derive(Debug)]
pub(crate) struct GivenUp {
    /// Of the scope that gave them so much time.
    pub(crate) site: Site,
    limit: Duration,
    dropped: AtomicUsize,
}

impl GivenUp {
    pub(crate) fn new(site: Site, limit: Duration) -> Arc<Self> {
        Arc::new(Self { site, limit, dropped: AtomicUsize::new(0) })
    }

    /// So many more were dropped.
    pub(super) fn count(&self, dropped: usize) {
        // Ordering: Relaxed, it is read when nobody else has it any more.
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
    }
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        // Ordering: Relaxed, nobody else has it any more.
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            say(format_args!(
                "{dropped} cleanup(s) were dropped unfinished: the scope at {} gives them {:?}",
                self.site.location(),
                self.limit
            ));
        }
    }
}

/// Tells when one cleanup has ended. Besides the cleanup, one wait or sink has it at a time.
#[derive(Debug, Default)]
pub(crate) struct Ticket(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    done: bool,
    /// Its time is over.
    given_up: Option<Arc<GivenUp>>,
    /// Of the wait that was polled last.
    waiting: Option<Waker>,
    /// Of the task that polls the cleanup.
    owner: Option<Waker>,
}

impl State {
    /// Whose turn it is to be woken: the one who waits, or the one who polls the cleanup.
    fn slot(&mut self, owner: bool) -> &mut Option<Waker> {
        if owner { &mut self.owner } else { &mut self.waiting }
    }
}

impl Ticket {
    pub(super) fn complete(&self) {
        let left = {
            let mut state = self.0.lock();
            state.done = true;
            (state.waiting.take(), state.owner.take(), state.given_up.take())
        };
        let (waiting, owner, given_up) = left;
        // Before anybody goes on: it may have something to say.
        drop(given_up);
        drop_quietly(owner);
        if let Some(waker) = waiting {
            wake(waker);
        }
    }

    /// The time of the cleanup is over: whoever polls it sees so at once.
    pub(crate) fn give_up(&self, why: &Arc<GivenUp>) {
        let owner = {
            let mut state = self.0.lock();
            if state.done || state.given_up.is_some() {
                return;
            }
            state.given_up = Some(why.clone());
            state.owner.take()
        };
        if let Some(waker) = owner {
            wake(waker);
        }
    }

    /// Why the cleanup is to end, if its time is over.
    pub(super) fn given_up(&self) -> Option<Arc<GivenUp>> {
        self.0.lock().given_up.clone()
    }

    /// Ready when the cleanup has ended.
    pub(super) fn poll_done(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(cx, false, |state| state.done)
    }

    /// For the task that polls the cleanup: ready when its time is over.
    pub(super) fn poll_given_up(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(cx, true, |state| state.given_up.is_some())
    }

    fn poll(&self, cx: &mut Context<'_>, owner: bool, over: fn(&State) -> bool) -> Poll<()> {
        let known = {
            let mut state = self.0.lock();
            if over(&state) {
                return Poll::Ready(());
            }
            state.slot(owner).as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
        };
        if known {
            return Poll::Pending;
        }
        // Cloned and dropped outside the lock: both are foreign code.
        let waker = cx.waker().clone();
        let mut state = self.0.lock();
        if over(&state) {
            drop(state);
            return Poll::Ready(());
        }
        let old = state.slot(owner).replace(waker);
        drop(state);
        drop(old);
        Poll::Pending
    }
}
