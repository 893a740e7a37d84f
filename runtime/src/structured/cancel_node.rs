//! What scopes and tokens share: a flag that is passed on to children, a deadline, a shield.

use std::fmt;
use std::sync::{Arc, Weak};
use std::task::Waker;

use corio_sync::Event;
use corio_sync::prim::SpinLock;
use slab::Slab;

use crate::time::Instant;
use crate::wake::wake;

/// A node in a tree of things that can be cancelled.
pub(crate) struct Node {
    state: SpinLock<State>,
    /// Set when the node is cancelled, for any number of waiters.
    pub(super) event: Event,
    /// Its parent, and its place among the children there.
    parent: Option<(Weak<Node>, usize)>,
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
    /// Who runs the scope, and looks at all of this when it is polled.
    runner: Option<Waker>,
}

impl State {
    fn is_cancelled(&self) -> bool {
        self.own || (self.inherited && !self.shielded)
    }
}

impl Node {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { state: SpinLock::default(), event: Event::new(), parent: None })
    }

    /// A node that is cancelled when this one is.
    pub(super) fn child(self: &Arc<Self>) -> Arc<Self> {
        let child = Arc::new_cyclic(|this| {
            let place = self.state.lock().children.insert(this.clone());
            let parent = Some((Arc::downgrade(self), place));
            Self { state: SpinLock::default(), event: Event::new(), parent }
        });
        // Also if the parent was cancelled just now, when there was no child yet to be told.
        if self.is_cancelled() {
            child.change(|state| state.inherited = true);
        }
        child
    }

    /// Cancels the node and everything below it.
    pub(super) fn cancel(&self) {
        self.change(|state| state.own = true);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.state.lock().is_cancelled()
    }

    /// Whether it is cancelled, or its deadline has come.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let state = self.state.lock();
        state.is_cancelled() || state.deadline.is_some_and(|deadline| deadline <= now)
    }

    pub(crate) fn is_shielded(&self) -> bool {
        self.state.lock().shielded
    }

    pub(super) fn set_shielded(&self, on: bool) {
        self.change(|state| state.shielded = on);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.state.lock().deadline
    }

    pub(super) fn set_deadline(&self, deadline: Option<Instant>) {
        self.change(|state| state.deadline = deadline);
    }

    /// From now on whoever runs the scope is told of changes.
    pub(super) fn set_runner(&self, waker: &Waker) {
        let known = self.state.lock().runner.as_ref().is_some_and(|w| w.will_wake(waker));
        if !known {
            let waker = waker.clone();
            let old = self.state.lock().runner.replace(waker);
            drop(old);
        }
    }

    /// Nobody runs the scope any more.
    pub(super) fn clear_runner(&self) {
        let old = self.state.lock().runner.take();
        drop(old);
    }

    /// Changes the state, tells the runner, and passes a cancellation on to everything below.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let Some(children) = self.change_one(change) else { return };
        // A list instead of a recursion: trees may be deep.
        let mut below = children;
        while let Some(node) = below.pop() {
            let children = node.change_one(|state| state.inherited = true);
            below.extend(children.into_iter().flatten());
        }
    }

    /// Changes the state and tells the runner; gives the children if the node has become cancelled.
    fn change_one(&self, change: impl FnOnce(&mut State)) -> Option<Vec<Arc<Self>>> {
        let mut state = self.state.lock();
        let before = state.is_cancelled();
        change(&mut state);
        let cancelled = !before && state.is_cancelled();
        // Taken, not cloned: the poll that follows notes it again.
        let runner = state.runner.take();
        let children = if cancelled {
            Some(state.children.iter().filter_map(|(_, child)| child.upgrade()).collect())
        } else {
            None
        };
        drop(state);
        if cancelled {
            self.event.set();
        }
        if let Some(runner) = runner {
            wake(runner);
        }
        children
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some((parent, place)) = &self.parent {
            if let Some(parent) = parent.upgrade() {
                let place = parent.state.lock().children.remove(*place);
                drop(place);
            }
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
