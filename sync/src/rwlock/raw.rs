//! The lock itself, without the value it protects.
//!
//! | bits         | meaning                                                           |
//! |--------------|-------------------------------------------------------------------|
//! | `WAITERS`    | the list is not empty (whenever its lock is free)                 |
//! | `WRITER`     | a writer holds the lock; excludes the two below                   |
//! | `UPGRADABLE` | an upgradable reader holds the lock; not counted below            |
//! | the rest     | readers that hold the lock                                        |
//!
//! While `WAITERS` is set, newcomers join the line, and whoever lets go last serves it.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::contention;
use crate::hooks;
use crate::prim::{AtomicU64, AtomicUsize, Ordering, SpinLock, const_fn};
use crate::waitlist::{List, Waiter, Wakers};

const WAITERS: usize = 1;
const WRITER: usize = 2;
const UPGRADABLE: usize = 4;
const READER: usize = 8;

/// How the lock is held or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
    Upgradable,
    /// Asked for by the upgradable reader, who becomes the writer.
    Upgrade,
}

impl Kind {
    /// Whether one of this kind will be the writer.
    #[inline]
    fn writes(self) -> bool {
        matches!(self, Self::Write | Self::Upgrade)
    }

    /// Whether one of this kind can come in, whoever waits.
    #[inline]
    fn fits(self, state: usize) -> bool {
        match self {
            Self::Read => state & WRITER == 0,
            Self::Upgradable => state & (WRITER | UPGRADABLE) == 0,
            Self::Write => state & !WAITERS == 0,
            Self::Upgrade => state < READER,
        }
    }

    /// The word when one of this kind has come in.
    #[inline]
    fn enter(self, state: usize) -> usize {
        match self {
            Self::Read => state + READER,
            Self::Upgradable => state | UPGRADABLE,
            Self::Write => state | WRITER,
            Self::Upgrade => (state | WRITER) & !UPGRADABLE,
        }
    }

    /// What leaving subtracts from the word.
    #[inline]
    fn weight(self) -> usize {
        match self {
            Self::Read => READER,
            Self::Upgradable => UPGRADABLE,
            Self::Write | Self::Upgrade => WRITER,
        }
    }
}

/// One that waits, and its task's id.
#[derive(Clone, Copy)]
pub(crate) struct Want {
    pub(crate) kind: Kind,
    pub(crate) task: u64,
}

pub(crate) struct RawRwLock {
    /// See the table above.
    state: AtomicUsize,
    /// The id of the task that writes, 0 for a thread; stale while nobody does. For people.
    writer: AtomicU64,
    waiters: SpinLock<List<Want>>,
}

impl RawRwLock {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self {
                state: AtomicUsize::new(0),
                writer: AtomicU64::new(0),
                waiters: SpinLock::new(List::new()),
            }
        }
    }

    /// Comes in if there is room and nobody waits; an upgrade passes those who wait.
    #[inline]
    pub(crate) fn try_lock(&self, kind: Kind) -> bool {
        // Ordering: Relaxed, the exchange decides.
        let mut state = self.state.load(Ordering::Relaxed);
        while kind.fits(state) && (state & WAITERS == 0 || kind == Kind::Upgrade) {
            let entered = kind.enter(state);
            // Ordering: Acquire sees what was done under the lock. Pairs with the Release in `unlock`.
            match self.state.compare_exchange_weak(
                state,
                entered,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    if kind.writes() {
                        // Ordering: Relaxed, introspection reads a snapshot.
                        self.writer.store(hooks::current_task_id(), Ordering::Relaxed);
                    }
                    return true;
                }
                Err(now) => state = now,
            }
        }
        false
    }

    /// Tries for a moment to come in when whoever keeps it out leaves, as long as nobody waits in line whom
    /// `try_lock` would not pass.
    pub(crate) fn contend(&self, kind: Kind) -> bool {
        contention::contend(|| {
            // Ordering: Relaxed, `try_lock` decides.
            if self.state.load(Ordering::Relaxed) & WAITERS != 0 && kind != Kind::Upgrade {
                ControlFlow::Break(false)
            } else if self.try_lock(kind) {
                ControlFlow::Break(true)
            } else {
                ControlFlow::Continue(())
            }
        })
    }

    /// One that holds the lock in this way lets go.
    #[inline]
    pub(crate) fn unlock(&self, kind: Kind) {
        // Ordering: Release publishes what was done under the lock. Pairs with the Acquire in
        // `try_lock` and in `serve`.
        let before = self.state.fetch_sub(kind.weight(), Ordering::Release);
        // Readers that are still in keep out whom the one who left kept out.
        if before & WAITERS != 0 && (kind != Kind::Read || before < 2 * READER) {
            self.serve();
        }
    }

    /// The writer becomes a reader, or upgradable; or the upgradable reader becomes a reader.
    pub(crate) fn downgrade(&self, from: Kind, to: Kind) {
        let (less, more) = (from.weight(), to.weight());
        // Ordering: Release publishes what was done under the lock, as in `unlock`.
        let before = self.state.fetch_add(more.wrapping_sub(less), Ordering::Release);
        if before & WAITERS != 0 {
            self.serve();
        }
    }

    /// Lets in those who wait and fit, in order.
    #[cold]
    fn serve(&self) {
        let mut wakers = Wakers::new();
        self.serve_locked(&mut self.waiters.lock(), &mut wakers);
        wakers.wake();
    }

    fn serve_locked(&self, list: &mut List<Want>, wakers: &mut Wakers) {
        while let Some(Want { kind, task }) = list.peek(|want| *want) {
            let enter = |state| kind.fits(state).then(|| kind.enter(state));
            // Ordering: Acquire, as in `try_lock`; the waiter that is let in sees it by its status.
            if self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, enter).is_err() {
                // Whoever keeps it out will find `WAITERS` set when he leaves.
                return;
            }
            if kind.writes() {
                // Ordering: Relaxed, introspection reads a snapshot.
                self.writer.store(task, Ordering::Relaxed);
            }
            wakers.push(list.pop(|_| {}).expect("it was peeked at"));
        }
        // Ordering: Relaxed, nothing is handed over.
        self.state.fetch_and(!WAITERS, Ordering::Relaxed);
    }

    /// Joins the line, unless there is room by now and nobody waits.
    #[cold]
    pub(crate) fn join_line(
        &self,
        waiter: Pin<&mut Waiter<Want>>,
        cx: &Context<'_>,
        kind: Kind,
    ) -> Poll<()> {
        let waker = cx.waker().clone();
        let want = Want { kind, task: hooks::current_task_id() };
        let mut list = self.waiters.lock();
        // From here on whoever leaves comes for the list.
        // Ordering: Relaxed, the exchange below acquires.
        self.state.fetch_or(WAITERS, Ordering::Relaxed);
        if list.is_empty() || kind == Kind::Upgrade {
            let enter = |state| kind.fits(state).then(|| kind.enter(state));
            // Ordering: Acquire, as in `try_lock`.
            if self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, enter).is_ok() {
                if list.is_empty() {
                    // Ordering: Relaxed, who sets it holds the list's lock, too.
                    self.state.fetch_and(!WAITERS, Ordering::Relaxed);
                }
                if kind.writes() {
                    // Ordering: Relaxed, introspection reads a snapshot.
                    self.writer.store(want.task, Ordering::Relaxed);
                }
                return Poll::Ready(());
            }
        }
        match kind {
            // Everybody in the line waits for the upgradable reader or for those he waits for.
            Kind::Upgrade => waiter.push_front(&mut list, waker, want),
            _ => waiter.push(&mut list, waker, want),
        }
        Poll::Pending
    }

    /// Leaves the line, or the lock if it was let in already.
    #[cold]
    pub(crate) fn leave_line(&self, waiter: &Waiter<Want>, kind: Kind) {
        let mut wakers = Wakers::new();
        let removed = {
            let mut list = self.waiters.lock();
            let removed = waiter.remove(&mut list);
            if removed.is_some() {
                if kind == Kind::Upgrade {
                    // The right that was to be upgraded goes with it.
                    // Ordering: Release, as in `unlock`.
                    self.state.fetch_sub(UPGRADABLE, Ordering::Release);
                }
                // Those behind may fit where this one did not.
                self.serve_locked(&mut list, &mut wakers);
            }
            removed
        };
        wakers.wake();
        if removed.is_none() && waiter.is_chosen() {
            self.unlock(kind);
        }
    }

    /// The id of the task that writes at the moment, or 0.
    pub(crate) fn writer(&self) -> u64 {
        // Ordering: Relaxed, snapshots for people.
        let written = self.state.load(Ordering::Relaxed) & WRITER != 0;
        if written { self.writer.load(Ordering::Relaxed) } else { 0 }
    }

    pub(crate) fn lock_list(&self, f: &mut dyn FnMut(&mut List<Want>)) {
        f(&mut self.waiters.lock());
    }
}
