//! Many futures of one type in one task: in place, each with its own waker, so that a wake-up costs
//! one poll however many there are.
//!
//! The invariant of the file:
//! - **P1** A chunk's slots are on the heap and are not moved or reallocated until they are dropped;
//!   a future in one is pinned from its first poll on, and dropped in place.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use corio_sync::hooks;

use super::first_panic::FirstPanic;
use super::ready::{Nodes, ReadyList};
use crate::task::header::{catch, drop_payload};

/// Slots of the first chunk of a pool that grows.
const FIRST: usize = 8;

/// Futures of one type, each with a key, all polled by the task that polls the pool.
pub(crate) struct Pool<F> {
    /// In order of their keys; each but the first holds as many as all before it.
    chunks: Vec<Chunk<F>>,
    /// Keys without a future.
    free: Vec<u32>,
    /// Keys below this one are in a chunk.
    end: u32,
    live: usize,
    ready: Arc<ReadyList>,
    /// Woken keys that are still to be polled.
    batch: VecDeque<u32>,
}

struct Chunk<F> {
    first: u32,
    slots: Box<[Option<F>]>,
    nodes: Nodes,
}

// A future in its slot is pinned by P1, not by the pool's own place.
impl<F> Unpin for Pool<F> {}

impl<F> Pool<F> {
    pub(crate) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            end: 0,
            live: 0,
            ready: Arc::default(),
            batch: VecDeque::new(),
        }
    }

    /// Takes the futures of `iter`, with keys from zero on.
    pub(crate) fn from_iter(iter: impl IntoIterator<Item = F>) -> Self {
        let mut pool = Self::new();
        let slots: Box<[Option<F>]> = iter.into_iter().map(Some).collect();
        if !slots.is_empty() {
            pool.live = slots.len();
            pool.batch = (0..key(slots.len())).collect();
            pool.add_chunk(slots, true);
        }
        pool
    }

    /// How many futures are not done.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    fn add_chunk(&mut self, slots: Box<[Option<F>]>, queued: bool) {
        let first = self.end;
        self.end += key(slots.len());
        let nodes = Nodes::new(self.ready.clone(), first, slots.len(), queued);
        self.chunks.push(Chunk { first, slots, nodes });
    }

    /// Adds a future, which is polled when the pool is next polled. The caller sees to that.
    pub(crate) fn push(&mut self, future: F) -> u32 {
        if self.free.is_empty() {
            let (first, count) = (self.end, (self.end as usize).max(FIRST));
            self.add_chunk((0..count).map(|_| None).collect(), false);
            self.free.extend((first..self.end).rev());
        }
        let Some(key) = self.free.pop() else { unreachable!("a chunk was added") };
        let (chunk, index) = place(&mut self.chunks, key);
        chunk.slots[index] = Some(future);
        if chunk.nodes.restart(index) {
            self.batch.push_back(key);
        }
        self.live += 1;
        key
    }

    /// Drops all futures, in the order of their keys. A panic in a drop comes out after the others
    /// have been dropped.
    pub(crate) fn clear(&mut self) {
        self.live = 0;
        self.batch.clear();
        self.free.clear();
        self.end = 0;
        // Wakers of these futures may be about still; their keys mean nothing to later ones.
        self.ready = Arc::default();
        let mut panics = FirstPanic::default();
        for mut chunk in std::mem::take(&mut self.chunks) {
            for slot in chunk.slots.iter_mut().filter(|slot| slot.is_some()) {
                // Dropped where it lies (P1).
                panics.catch(|| *slot = None);
            }
        }
        panics.release();
    }

    /// The futures that are not done.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &F> {
        self.chunks.iter().flat_map(|chunk| chunk.slots.iter().flatten())
    }

    /// Takes the futures that are not done, with their keys.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (u32, F)> + use<F>
    where
        F: Unpin,
    {
        let chunks = std::mem::take(&mut self.chunks);
        self.clear();
        chunks.into_iter().flat_map(|chunk| {
            (chunk.first..).zip(chunk.slots).filter_map(|(key, slot)| Some((key, slot?)))
        })
    }
}

impl<F: Future> Pool<F> {
    /// Polls the futures that were woken and gives each output to `done`, until that says stop.
    ///
    /// `Ready` if it was stopped; `Pending` otherwise, and the task will be woken when there is more
    /// to poll.
    pub(crate) fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        mut done: impl FnMut(u32, F::Output) -> ControlFlow<B>,
    ) -> Poll<B> {
        self.ready.take(&mut self.batch, cx.waker());
        while let Some(key) = self.batch.pop_front() {
            // When the task has had its share, the others could only say that they have to wait.
            if hooks::poll_budget(cx).is_pending() {
                self.batch.push_front(key);
                return Poll::Pending;
            }
            let Some(output) = self.poll_one(key) else { continue };
            if let ControlFlow::Break(value) = done(key, output) {
                return Poll::Ready(value);
            }
        }
        hooks::set_wait_for_several();
        Poll::Pending
    }

    /// Polls the future `key`, and drops it if it is done.
    fn poll_one(&mut self, key: u32) -> Option<F::Output> {
        let Self { chunks, live, free, .. } = self;
        let (chunk, index) = place(chunks, key);
        chunk.nodes.start_poll(index);
        let waker = chunk.nodes.waker(index);
        let mut turn = Turn { slot: &mut chunk.slots[index], key, live, free };
        let future = turn.slot.as_mut()?;
        // SAFETY: the future lies in a slot and is dropped there (P1).
        let polled = unsafe { Pin::new_unchecked(future) }.poll(&mut Context::from_waker(&waker));
        // After the poll: pools may be nested deeper than the budget is large.
        hooks::spend();
        match polled {
            Poll::Pending => {
                std::mem::forget(turn);
                None
            }
            Poll::Ready(output) => {
                turn.leave();
                // Dropped where it lies.
                *turn.slot = None;
                Some(output)
            }
        }
    }
}

/// A future while it is polled. Dropped with the future still in its slot, which is when its poll has
/// panicked, it takes the future out: whoever catches the panic can go on with the others.
struct Turn<'a, F> {
    slot: &'a mut Option<F>,
    key: u32,
    live: &'a mut usize,
    free: &'a mut Vec<u32>,
}

impl<F> Turn<'_, F> {
    /// The future counts no more.
    fn leave(&mut self) {
        *self.live -= 1;
        self.free.push(self.key);
    }
}

impl<F> Drop for Turn<'_, F> {
    fn drop(&mut self) {
        if self.slot.is_some() {
            self.leave();
            // The thread unwinds: a second panic ends here, and the panic hook has told of it.
            if let Err(payload) = catch(|| *self.slot = None) {
                drop_payload(payload);
            }
        }
    }
}

/// The chunk of a key of the pool, and the key's place in it.
fn place<F>(chunks: &mut [Chunk<F>], key: u32) -> (&mut Chunk<F>, usize) {
    // The last chunk is the largest.
    match chunks.iter_mut().rfind(|chunk| chunk.first <= key) {
        Some(chunk) => {
            let index = (key - chunk.first) as usize;
            (chunk, index)
        }
        None => unreachable!("the key is one of this pool's"),
    }
}

/// The number of futures as a key.
fn key(count: usize) -> u32 {
    assert!(count < u32::MAX as usize / 2, "{count} futures are more than one task can wait for");
    count as u32
}

impl<F> fmt::Debug for Pool<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("live", &self.live).finish_non_exhaustive()
    }
}
