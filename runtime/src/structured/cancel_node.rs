//! What scopes and tokens share: a flag that is passed on to children, a deadline, a shield.

use std::fmt;
use std::sync::{Arc, Weak};
use std::task::Waker;

use corio_sync::Event;
use corio_sync::prim::{AtomicU32, Ordering, SpinLock};
use slab::Slab;

use crate::task::header::{catch, drop_payload};
use crate::time::Instant;
use crate::wake::wake_all;

/// It is cancelled.
const CANCELLED: u32 = 1;
/// What is around it does not reach in.
const SHIELDED: u32 = 2;
/// Added to the word at each change.
const CHANGE: u32 = 4;

/// A node in a tree of things that can be cancelled.
pub(crate) struct Node {
    /// What a run looks at each time that it is polled: flags, and a count of changes. Written under
    /// the lock.
    word: AtomicU32,
    state: SpinLock<State>,
    /// Set when the node is cancelled, for any number of waiters.
    pub(super) event: Event,
    /// Its parent, and its place among the children there. A node keeps those above it: it is to hear of
    /// their ends also when nobody else knows them any more.
    parent: Option<(Arc<Node>, usize)>,
}

#[derive(Default)]
struct State {
    /// It was cancelled itself, or its deadline has passed while it ran.
    own: bool,
    /// Its parent was cancelled.
    inherited: bool,
    /// Its parent's cancellation does not reach it.
    shielded: bool,
    deadline: Option<Instant>,
    children: Slab<Weak<Node>>,
    /// The wakers of those who run the scope; taken by each change.
    runners: Slab<Option<Waker>>,
}

/// What a run sees of its node without a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look(u32);

impl Look {
    pub(crate) fn is_cancelled(self) -> bool {
        self.0 & CANCELLED != 0
    }

    pub(crate) fn is_shielded(self) -> bool {
        self.0 & SHIELDED != 0
    }
}

impl State {
    fn is_cancelled(&self) -> bool {
        self.own || (self.inherited && !self.shielded)
    }
}

impl Node {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self::below(None))
    }

    fn below(parent: Option<(Arc<Self>, usize)>) -> Self {
        let word = AtomicU32::new(0);
        Self { word, state: SpinLock::default(), event: Event::new(), parent }
    }

    /// A node that is cancelled when this one is.
    pub(super) fn child(self: &Arc<Self>) -> Arc<Self> {
        let child = Arc::new_cyclic(|this| {
            let place = self.state.lock().children.insert(this.clone());
            Self::below(Some((self.clone(), place)))
        });
        // Also if the parent was cancelled just now, when there was no child yet to be told.
        if self.is_cancelled() {
            child.change(&|state| state.inherited = true);
        }
        child
    }

    /// Cancels the node and everything below it.
    pub(super) fn cancel(&self) {
        self.change(&|state| state.own = true);
    }

    /// The state as of the last change.
    #[inline]
    pub(crate) fn look(&self) -> Look {
        // Ordering: Acquire sees what came before the change. Pairs with `change_one`.
        Look(self.word.load(Ordering::Acquire))
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.look().is_cancelled()
    }

    /// Whether it is cancelled, or its deadline has come.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let state = self.state.lock();
        state.is_cancelled() || state.deadline.is_some_and(|deadline| deadline <= now)
    }

    pub(super) fn set_shielded(&self, on: bool) {
        self.change(&|state| state.shielded = on);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.state.lock().deadline
    }

    pub(super) fn set_deadline(&self, deadline: Option<Instant>) {
        self.change(&|state| state.deadline = deadline);
    }

    /// Somebody runs the scope; gives the place for its waker.
    pub(super) fn enter(&self) -> usize {
        self.state.lock().runners.insert(None)
    }

    /// From now on `waker` is told of changes to what this returns: the state, and the deadline.
    pub(super) fn note(&self, runner: usize, waker: &Waker) -> (Look, Option<Instant>) {
        let waker = waker.clone();
        let mut state = self.state.lock();
        let old = state.runners[runner].replace(waker);
        // Under the lock, so that a change is either in here or finds the waker.
        let seen = (self.look(), state.deadline);
        drop(state);
        drop(old);
        seen
    }

    /// The run at that place is over.
    pub(super) fn leave(&self, runner: usize) {
        let old = self.state.lock().runners.remove(runner);
        drop(old);
    }

    /// Has whoever runs the scope look at it again.
    pub(crate) fn poke(&self) {
        self.change_one(&|_| {});
    }

    /// Changes the state, tells who runs it, and passes a cancellation on to everything below.
    fn change(&self, change: &dyn Fn(&mut State)) {
        let Some(children) = self.change_one(change) else { return };
        // A list instead of a recursion: trees may be deep.
        let mut below = children;
        while let Some(node) = below.pop() {
            let children = node.change_one(&|state| state.inherited = true);
            below.extend(children.into_iter().flatten());
        }
    }

    /// Changes the state and tells who runs it; gives the children if the node has become cancelled.
    fn change_one(&self, change: &dyn Fn(&mut State)) -> Option<Vec<Arc<Self>>> {
        let mut state = self.state.lock();
        let before = state.is_cancelled();
        change(&mut state);
        let cancelled = !before && state.is_cancelled();
        let flags = if state.is_cancelled() { CANCELLED } else { 0 }
            | if state.shielded { SHIELDED } else { 0 };
        // Ordering: Relaxed, only written under the lock.
        let changes =
            (self.word.load(Ordering::Relaxed) & !(CANCELLED | SHIELDED)).wrapping_add(CHANGE);
        // Ordering: Release publishes what the caller did. Pairs with `look`.
        self.word.store(flags | changes, Ordering::Release);
        // Taken, not cloned: whoever looks next sees that there was a change, and notes it again.
        let runners: Vec<_> =
            state.runners.iter_mut().filter_map(|(_, runner)| runner.take()).collect();
        let children = if cancelled {
            Some(state.children.iter().filter_map(|(_, child)| child.upgrade()).collect())
        } else {
            None
        };
        drop(state);
        if cancelled {
            // A waiter's waker that panics must not keep the cancellation from what is below.
            if let Err(payload) = catch(|| self.event.set()) {
                drop_payload(payload);
            }
        }
        wake_all(runners);
        children
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A loop instead of a recursion: trees may be deep.
        let mut next = self.parent.take();
        while let Some((parent, place)) = next {
            let this = parent.state.lock().children.remove(place);
            drop(this);
            next = Arc::into_inner(parent).and_then(|mut parent| parent.parent.take());
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        let (cancelled, deadline, shielded) =
            (state.is_cancelled(), state.deadline, state.shielded);
        drop(state);
        f.debug_struct("Cancel")
            .field("cancelled", &cancelled)
            .field("deadline", &deadline)
            .field("shielded", &shielded)
            .finish()
    }
}
