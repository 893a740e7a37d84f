//! What a waiting `Sleep` owns: a node, and the timers in which it hangs.
//!
//! Nodes go round: each thread keeps some that were given back, so that a sleep made and dropped in a
//! steady state costs no allocation.
//!
//! The invariants of the file:
//! - **R1** `Registration::node` comes from `Box::leak` and belongs to the registration alone, or, once
//!   given back, to one thread's cache alone.
//! - **R2** The node was registered with `timers`, which the registration keeps alive.

use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;
use std::task::Waker;

use crate::executor::context::TimersRef;

use super::timers::{Armed, Node, NodeState};

/// How many nodes a thread keeps: a few cache lines' worth of a burst, and a bound on idle memory.
const CACHED: usize = 64;

/// A node in the wheel, or one that was fired.
#[derive(Debug)]
pub(super) struct Registration {
    node: NonNull<Node>,
    timers: TimersRef,
}

const _: () = {
    const fn both<T: Send + Sync>() {}
    both::<TimersRef>();
    both::<Node>();
};

// SAFETY: the registration owns its node (R1), and node and timers may be sent (see above).
unsafe impl Send for Registration {}
// SAFETY: as above; each method by `&self` takes the lock of the timers or reads an atomic.
unsafe impl Sync for Registration {}

impl Registration {
    /// Hangs a node into `timers`, which wakes `waker` at `deadline`; `None` if they are shut down.
    #[inline]
    pub(super) fn arm(timers: TimersRef, deadline: u64, waker: Waker) -> Option<Self> {
        let this = Self { node: take_node(), timers };
        // SAFETY: we own the node (R1), which is idle. It stays in place and its timers stay alive
        // until `drop` has taken it out of the wheel (R2).
        match unsafe { this.timers.register(this.node, deadline, waker) } {
            Armed::Later => {}
            Armed::Earliest => this.timers.notify_earlier(),
            Armed::Not => return None,
        }
        Some(this)
    }

    /// Tells whether the timer was fired; if it was not, it will wake `waker`.
    #[inline]
    pub(super) fn poll(&self, waker: &Waker) -> NodeState {
        match self.state() {
            // SAFETY: we own the node, and registered it with these timers (R1, R2).
            NodeState::Queued => unsafe { self.timers.set_waker(self.node, waker) },
            state => state,
        }
    }

    #[inline]
    pub(super) fn state(&self) -> NodeState {
        // SAFETY: we own the node, so it is alive (R1).
        unsafe { self.node.as_ref() }.state()
    }

    /// Gives the timer another deadline and keeps its waker; false if it was fired already.
    pub(super) fn move_to(&mut self, deadline: u64) -> bool {
        // SAFETY: we own the node, and registered it with these timers (R1, R2).
        match unsafe { self.timers.move_to(self.node, deadline) } {
            Armed::Later => {}
            Armed::Earliest => self.timers.notify_earlier(),
            Armed::Not => return false,
        }
        true
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if self.state() == NodeState::Queued {
            // SAFETY: we own the node, and registered it with these timers (R1, R2).
            unsafe { self.timers.cancel(self.node) };
        }
        give_back(self.node);
    }
}

/// The nodes that a thread keeps.
struct Cache {
    // A vector would do with a `RefCell`; nothing here calls out, so that a flag is not needed.
    nodes: UnsafeCell<[Option<NonNull<Node>>; CACHED]>,
    len: Cell<usize>,
}

thread_local! {
    static CACHE: Cache =
        const { Cache { nodes: UnsafeCell::new([None; CACHED]), len: Cell::new(0) } };
}

impl Cache {
    #[inline]
    fn pop(&self) -> Option<NonNull<Node>> {
        let len = self.len.get().checked_sub(1)?;
        self.len.set(len);
        // SAFETY: one thread uses a cache, and no reference into it outlives these two methods.
        unsafe { (*self.nodes.get())[len].take() }
    }

    #[inline]
    fn push(&self, node: NonNull<Node>) -> bool {
        let len = self.len.get();
        if len == CACHED {
            return false;
        }
        // SAFETY: as in `pop`.
        unsafe { (*self.nodes.get())[len] = Some(node) };
        self.len.set(len + 1);
        true
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        while let Some(node) = self.pop() {
            free(node);
        }
    }
}

fn free(node: NonNull<Node>) {
    // SAFETY: it comes from `Box::leak`, and the caller was its only owner (R1).
    drop(unsafe { Box::from_raw(node.as_ptr()) });
}

#[inline]
fn take_node() -> NonNull<Node> {
    // A model checker's objects belong to one run of the model, a cache would outlive it.
    if !cfg!(corio_loom) {
        if let Ok(Some(node)) = CACHE.try_with(Cache::pop) {
            // SAFETY: taken from the cache, so ours alone (R1).
            unsafe { node.as_ref() }.rearm();
            return node;
        }
    }
    NonNull::from(Box::leak(Box::new(Node::new())))
}

#[inline]
fn give_back(node: NonNull<Node>) {
    // The cache is gone while the thread ends: then the node goes too.
    if cfg!(corio_loom) || !CACHE.try_with(|cache| cache.push(node)).unwrap_or(false) {
        free(node);
    }
}
