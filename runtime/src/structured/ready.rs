//! Wakers of its own for each of many futures that one task polls, and the list of the woken ones.
//!
//! A node is woken at most once between two polls of its future (`queued`), so the list holds each
//! key at most once and a wake-up costs one exchange and, the first time, a push. The task itself is
//! woken by the first push after it has looked at the list. The idea of polling only what was woken
//! is that of futures-rs's `FuturesUnordered`; here the nodes lie in one block, not in one allocation
//! each.
//!
//! The invariants of the file:
//! - **B1** A block is freed when `refs` falls to zero. Counted are its [`Nodes`] and each owned waker.
//! - **B2** A node's `block` points at the block that owns the node; both stay where they are, and
//!   nothing in them but atomics changes once `Nodes::new` has returned.
//! - **B3** The data pointer of a waker with this file's vtable points at a node of a live block.

use std::collections::VecDeque;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{RawWaker, RawWakerVTable, Waker};

use corio_sync::prim::{AtomicBool, AtomicUsize, Ordering, SpinLock};

use crate::wake::wake as wake_task;

/// The keys of the futures that were woken, in that order, and whom to tell.
#[derive(Default)]
pub(crate) struct ReadyList(SpinLock<Ready>);

#[derive(Default)]
struct Ready {
    keys: VecDeque<u32>,
    /// The waker of the task that polls them; taken by the first wake-up.
    task: Option<Waker>,
}

impl ReadyList {
    fn push(&self, key: u32) {
        let task = {
            let mut ready = self.0.lock();
            ready.keys.push_back(key);
            ready.task.take()
        };
        if let Some(task) = task {
            wake_task(task);
        }
    }

    /// Moves the woken keys to the end of `to`; the next wake-up goes to `task`.
    pub(crate) fn take(&self, to: &mut VecDeque<u32>, task: &Waker) {
        // Cloned and dropped outside the lock: both are foreign code.
        let waker = task.clone();
        let old = {
            let mut ready = self.0.lock();
            if to.is_empty() {
                std::mem::swap(&mut ready.keys, to);
            } else {
                to.append(&mut ready.keys);
            }
            ready.task.replace(waker)
        };
        drop(old);
    }
}

/// One future's waker, as its data pointer sees it.
struct Node {
    block: NonNull<Block>,
    key: u32,
    /// The key is on the list, or its future is about to be polled.
    queued: AtomicBool,
}

struct Block {
    refs: AtomicUsize,
    list: Arc<ReadyList>,
    nodes: Box<[Node]>,
}

/// The nodes of futures with consecutive keys.
pub(crate) struct Nodes(NonNull<Block>);

// SAFETY: a block is shared between threads by design: it holds atomics, an `Arc` of something that
// is `Send` and `Sync`, and what does not change (B2).
unsafe impl Send for Nodes {}
// SAFETY: as above.
unsafe impl Sync for Nodes {}

impl Nodes {
    /// Nodes for the keys from `first` on; with `queued` each counts as woken.
    pub(crate) fn new(list: Arc<ReadyList>, first: u32, count: usize, queued: bool) -> Self {
        let block = Box::new(Block { refs: AtomicUsize::new(1), list, nodes: Box::default() });
        let block = NonNull::from(Box::leak(block));
        let keys = (first..).take(count);
        let node = |key| Node { block, key, queued: AtomicBool::new(queued) };
        let nodes = keys.map(node).collect();
        // SAFETY: nobody else has the pointer yet.
        unsafe { (*block.as_ptr()).nodes = nodes };
        Self(block)
    }

    fn node(&self, index: usize) -> &Node {
        // SAFETY: our count keeps the block alive (B1).
        &unsafe { self.0.as_ref() }.nodes[index]
    }

    /// The future of node `index` is about to be polled: wake-ups from here on count anew.
    #[inline]
    pub(crate) fn start_poll(&self, index: usize) {
        // Ordering: Acquire sees what each waker wrote before its wake-up, also the one that found
        // the bit set: a read-modify-write, so it comes before or after theirs. Pairs with `wake_by_ref`.
        self.node(index).queued.swap(false, Ordering::AcqRel);
    }

    /// A future is put in the place of node `index`: it counts as woken. `false` if the key is on the
    /// list already, because a waker of the future before it was late.
    pub(crate) fn restart(&self, index: usize) -> bool {
        // Ordering: Relaxed: the future is handed over by whoever has the nodes.
        !self.node(index).queued.swap(true, Ordering::Relaxed)
    }

    /// The waker of node `index`, borrowed.
    #[inline]
    pub(crate) fn waker(&self, index: usize) -> ManuallyDrop<Waker> {
        let node = self.node(index);
        // SAFETY: the node is alive while `self` is (B1, B3); the waker's count is not taken, so it
        // is not dropped.
        ManuallyDrop::new(unsafe { Waker::from_raw(raw(node)) })
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // SAFETY: our count ends here (B1).
        unsafe { release(self.0) };
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nodes")
    }
}

/// Counts beyond which the process is ended rather than the count wrapped.
const MAX_REFS: usize = usize::MAX / 2;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

fn raw(node: &Node) -> RawWaker {
    RawWaker::new(std::ptr::from_ref(node).cast(), &VTABLE)
}

/// # Safety
///
/// `data` comes from a waker of this file whose block is alive (B3).
#[inline]
unsafe fn node_of<'a>(data: *const ()) -> &'a Node {
    // SAFETY: the caller's promise.
    unsafe { &*data.cast() }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned keeps the block alive (B1, B3).
    let node = unsafe { node_of(data) };
    // SAFETY: B2.
    let block = unsafe { node.block.as_ref() };
    // Ordering: Relaxed, a count is made from a count.
    if block.refs.fetch_add(1, Ordering::Relaxed) > MAX_REFS {
        // Wakers forgotten by the billion; going on would free the block under its users.
        std::process::abort();
    }
    raw(node)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: the waker's count keeps the block alive until it is given up below (B1, B3).
    unsafe {
        wake_by_ref(data);
        drop_waker(data);
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker keeps the block alive (B1, B3).
    let node = unsafe { node_of(data) };
    // Ordering: Release publishes what the waking thread wrote, also when the bit was set already.
    // Pairs with `start_poll`.
    if !node.queued.swap(true, Ordering::AcqRel) {
        // SAFETY: B2.
        unsafe { node.block.as_ref() }.list.push(node.key);
    }
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the waker keeps the block alive (B1, B3).
    let block = unsafe { node_of(data) }.block;
    // SAFETY: the waker's count ends here.
    unsafe { release(block) };
}

/// Gives a count up, and frees the block if it was the last.
///
/// # Safety
///
/// The caller owns a count, which ends here (B1).
unsafe fn release(block: NonNull<Block>) {
    // SAFETY: the caller's count.
    // Ordering: AcqRel: whoever frees sees everybody's accesses.
    if unsafe { block.as_ref() }.refs.fetch_sub(1, Ordering::AcqRel) == 1 {
        // SAFETY: `Nodes::new` leaked it, and nobody has a count any more.
        drop(unsafe { Box::from_raw(block.as_ptr()) });
    }
}

#[cfg(all(test, corio_loom))]
mod loom_tests {
    use super::*;
    use corio_sync::prim::{Arc as LoomArc, AtomicU32, thread};

    #[test]
    fn loom_w04_a_wake_is_seen_by_the_next_poll_and_listed_once() {
        loom::model(|| {
            let list = Arc::new(ReadyList::default());
            let nodes = Nodes::new(list.clone(), 0, 1, true);
            let data = LoomArc::new(AtomicU32::new(0));
            let mut keys = VecDeque::new();
            let other = ((*nodes.waker(0)).clone(), data.clone());
            let handle = thread::spawn(move || {
                // Ordering: Relaxed on purpose: only the wake-up may order it.
                other.1.store(1, Ordering::Relaxed);
                other.0.wake();
            });
            // The first poll, of a future that counts as woken.
            nodes.start_poll(0);
            let saw = data.load(Ordering::Relaxed) == 1;
            handle.join().unwrap();
            list.take(&mut keys, Waker::noop());
            assert!(keys.len() <= 1, "listed once");
            assert!(saw || keys.len() == 1, "a poll that missed the data is followed by another");
        });
    }
}
