//! Queues between tasks, and between tasks and threads.
//!
//! [`Queue`] gives items out as they came, [`LifoQueue`] the latest first, [`PriorityQueue`] the
//! smallest first; for another order see [`Storage`]. Any number of tasks and threads put and get, and
//! those who wait are served in order of arrival, tasks and threads in the same line.
//!
//! A queue is bounded or not, knows when all its items have been [worked off](QueueOf::join), and can
//! be [shut down](QueueOf::shutdown). For a channel that ends when its senders are gone see
//! [`mpsc`](crate::mpsc) and [`channel`](crate::channel).

mod error;
mod order;
mod threads;
mod wait;

#[cfg(all(test, corio_loom))]
mod loom;

use std::fmt;
use std::sync::Arc;

use crate::chan::{Chan, NoItem, NoSlot};
use crate::hooks::WaitKind;
use crate::waitlist::{List, Wakers};

pub use crate::chan::{Fifo, Storage};
pub use error::{
    GetTimeoutError, PutError, PutTimeoutError, QueueShutDown, TooManyDone, TryGetError,
    TryPutError,
};
pub use order::{Lifo, Priority};
pub use wait::{Get, Join, Put, QueueStream};

/// First in, first out. asyncio's `Queue`.
///
/// Its methods are those of [`QueueOf`].
///
/// # Examples
///
/// ```
/// use corio_sync::queue::{Queue, Shutdown};
///
/// let queue = Queue::bounded(2);
/// let worker = {
///     let queue = queue.clone();
///     std::thread::spawn(move || {
///         let mut sum = 0;
///         while let Ok(n) = queue.get_blocking() {
///             sum += n;
///             queue.task_done().unwrap();
///         }
///         sum
///     })
/// };
/// (1..=10).for_each(|n| queue.put_blocking(n).unwrap());
/// queue.shutdown(Shutdown::Graceful);
/// assert_eq!(worker.join().unwrap(), 55);
/// ```
pub type Queue<T> = QueueOf<Fifo<T>>;

/// The latest first. asyncio's `LifoQueue`.
///
/// Its methods are those of [`QueueOf`].
///
/// # Examples
///
/// ```
/// use corio_sync::queue::LifoQueue;
///
/// let stack = LifoQueue::unbounded();
/// stack.try_put("hello").unwrap();
/// stack.try_put("world").unwrap();
/// assert_eq!(stack.try_get(), Ok("world"));
/// ```
pub type LifoQueue<T> = QueueOf<Lifo<T>>;

/// The smallest first, and equal ones as they came. asyncio's `PriorityQueue`.
///
/// Its methods are those of [`QueueOf`]. Items are compared under the queue's lock: their `Ord` should
/// be quick and must not use the queue. A comparison that panics comes out of the call: an item that was being put
/// is in the queue all the same, one that was being taken is lost, and counts as unfinished.
///
/// # Examples
///
/// ```
/// use corio_sync::queue::PriorityQueue;
///
/// let queue = PriorityQueue::unbounded();
/// [111, 333, 222].into_iter().for_each(|n| queue.try_put(n).unwrap());
/// assert_eq!([(); 3].map(|()| queue.try_get().unwrap()), [111, 222, 333]);
/// ```
pub type PriorityQueue<T> = QueueOf<Priority<T>>;

/// A queue with the order of `S`; clones are handles of the same queue.
pub struct QueueOf<S: Storage> {
    chan: Arc<Chan<Tally<S>>>,
}

/// How to shut a queue down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Nothing more is put in; what is in the queue can still be got.
    Graceful,
    /// Nothing more is put in, and what is in the queue is dropped.
    Immediate,
}

/// The items, and how much work they are.
struct Tally<S> {
    items: S,
    /// Items that were put in and not reported done.
    unfinished: usize,
    joiners: List<()>,
}

impl<S> Tally<S> {
    fn done(&mut self, n: usize, wakers: &mut Wakers) {
        // `n` may be what a user's storage says of itself.
        self.unfinished = self.unfinished.saturating_sub(n);
        if self.unfinished == 0 {
            self.joiners.pop_all(wakers, |()| {});
        }
    }
}

impl<S: Storage> Storage for Tally<S> {
    type Item = S::Item;
    const CALLS_OUT: bool = S::CALLS_OUT;

    #[inline]
    fn push(&mut self, item: S::Item) {
        let Self { items, unfinished, .. } = self;
        let before = items.len();
        let pushing = Pushing { items, before, unfinished };
        pushing.items.push(item);
        *pushing.unfinished += 1;
        std::mem::forget(pushing);
    }
    #[inline]
    fn pop(&mut self) -> Option<S::Item> {
        self.items.pop()
    }
    #[inline]
    fn len(&self) -> usize {
        self.items.len()
    }
    /// The items only: the count stays, for `done` to lower.
    fn clear(&mut self) -> Self {
        let items = self.items.clear();
        Self { unfinished: items.len(), items, joiners: List::new() }
    }
}

/// A push that has not returned. When it panics, which a comparison of items may do, what counts is what the
/// storage has taken all the same: a heap keeps the item.
struct Pushing<'a, S: Storage> {
    items: &'a mut S,
    before: usize,
    unfinished: &'a mut usize,
}

impl<S: Storage> Drop for Pushing<'_, S> {
    fn drop(&mut self) {
        *self.unfinished += self.items.len().saturating_sub(self.before);
    }
}

impl<S: Storage + Default> QueueOf<S> {
    /// Makes a queue for up to `capacity` items; whoever puts more waits.
    ///
    /// # Panics
    ///
    /// When `capacity` is 0.
    #[track_caller]
    pub fn bounded(capacity: usize) -> Self {
        Self::with_storage(S::default(), Some(capacity))
    }

    /// Makes a queue without a bound: a put never waits.
    pub fn unbounded() -> Self {
        Self::with_storage(S::default(), None)
    }
}

impl<S: Storage> QueueOf<S> {
    /// Makes a queue that keeps its items in `storage`; `None` is no bound.
    ///
    /// # Panics
    ///
    /// When `capacity` is `Some(0)`.
    #[track_caller]
    pub fn with_storage(storage: S, capacity: Option<usize>) -> Self {
        assert!(
            capacity != Some(0),
            "a queue of capacity 0 could never take an item: use at least 1, or `unbounded`"
        );
        let unfinished = storage.len();
        let tally = Tally { items: storage, unfinished, joiners: List::new() };
        let capacity = capacity.map_or(usize::MAX, |n| n.min(usize::MAX - 1));
        Self { chan: Arc::new(Chan::new(tally, capacity, WaitKind::Queue)) }
    }

    /// Puts an item in, waiting while the queue is full.
    ///
    /// Those who wait are served in order of arrival, one for each item that is got.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the queue is shut down.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `put` gives up its place in the line, and its item is dropped with it: it
    /// was not put in.
    #[track_caller]
    pub fn put(&self, item: S::Item) -> Put<'_, S> {
        Put::new(&self.chan, item)
    }

    /// Puts an item in if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] with the item: full, or shut down.
    #[doc(alias = "put_nowait")]
    pub fn try_put(&self, item: S::Item) -> Result<(), TryPutError<S::Item>> {
        self.chan.try_put(item).map_err(|(why, item)| match why {
            NoSlot::Full => TryPutError::Full(item),
            NoSlot::Closed => TryPutError::ShutDown(item),
        })
    }

    /// Takes the next item out, waiting until there is one.
    ///
    /// Those who wait are served in order of arrival.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] when the queue is shut down and nothing is left in it.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `get` gives up its place in the line. It has taken no item; one it was
    /// promised stays in its place and goes to the next who waits.
    #[track_caller]
    pub fn get(&self) -> Get<'_, S> {
        Get::new(&self.chan)
    }

    /// Takes the next item out if there is one that is not promised to somebody who waits.
    ///
    /// # Errors
    ///
    /// [`TryGetError`]: empty, or shut down.
    #[doc(alias = "get_nowait")]
    pub fn try_get(&self) -> Result<S::Item, TryGetError> {
        self.chan.try_take().map_err(|why| match why {
            NoItem::Empty => TryGetError::Empty,
            NoItem::Ended => TryGetError::ShutDown,
        })
    }

    /// Reports that one item that was got is worked off.
    ///
    /// # Errors
    ///
    /// [`TooManyDone`] when it was called for every item already.
    pub fn task_done(&self) -> Result<(), TooManyDone> {
        let mut wakers = Wakers::new();
        {
            let mut state = self.chan.lock();
            let unfinished = state.storage.unfinished;
            if unfinished == 0 {
                return Err(TooManyDone { unfinished });
            }
            state.storage.done(1, &mut wakers);
        }
        wakers.wake();
        Ok(())
    }

    /// Waits until [`task_done`](Self::task_done) was called for every item that was put in.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn join(&self) -> Join<'_, S> {
        Join::new(&self.chan)
    }

    /// Lets nothing more in. Whoever waits to put gets the error and the item back; whoever waits to
    /// get, gets what is left, or the error.
    ///
    /// [`Immediate`](Shutdown::Immediate) drops what is in the queue and counts it as worked off. It
    /// may follow a graceful shutdown; the other way round nothing more happens.
    pub fn shutdown(&self, how: Shutdown) {
        match how {
            Shutdown::Graceful => self.chan.close(),
            Shutdown::Immediate => self.chan.close_and_clear(false, |tally, dropped, wakers| {
                tally.done(dropped.unfinished, wakers);
            }),
        }
    }

    /// Whether the queue is shut down.
    pub fn is_shut_down(&self) -> bool {
        self.chan.is_closed()
    }

    /// How many items are in the queue.
    #[doc(alias = "qsize")]
    pub fn len(&self) -> usize {
        self.chan.len()
    }

    /// Whether no item is in the queue.
    #[doc(alias = "empty")]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a put would have to wait.
    #[doc(alias = "full")]
    pub fn is_full(&self) -> bool {
        self.chan.free_slots() == 0
    }

    /// How many items the queue holds at most; `None` without a bound.
    #[doc(alias = "maxsize")]
    pub fn capacity(&self) -> Option<usize> {
        Some(self.chan.capacity()).filter(|n| *n != usize::MAX)
    }

    /// How many items were put in and not reported done.
    pub fn unfinished(&self) -> usize {
        self.chan.lock().storage.unfinished
    }

    /// The items as a stream, which ends when the queue is shut down and empty.
    ///
    /// It keeps its place in the line when the wait for its next item is dropped, in a `select!` for example: an
    /// item may be promised to it while it is not polled, so drop it when it is not needed.
    #[track_caller]
    pub fn stream(&self) -> QueueStream<S> {
        QueueStream::new(self.chan.clone())
    }
}

impl<S: Storage> Clone for QueueOf<S> {
    fn clone(&self) -> Self {
        Self { chan: self.chan.clone() }
    }
}

impl<S: Storage> fmt::Debug for QueueOf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Queue");
        f.field("queue", &self.chan).field("unfinished", &self.unfinished()).finish()
    }
}
