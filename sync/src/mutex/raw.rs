//! The lock itself, without the value it protects.
//!
//! | bits      | meaning                                                                     |
//! |-----------|-----------------------------------------------------------------------------|
//! | `LOCKED`  | somebody holds it                                                           |
//! | `WAITERS` | the list is not empty (whenever its lock is free)                           |
//! | `WOKEN`   | a waiter was taken out of the list to try for itself, and has not come yet  |
//!
//! Of a fair lock the word stays `LOCKED` from one holder to the next while somebody waits, so nobody
//! can come between, and `WOKEN` is never set. A barging one is free in between: whoever comes first
//! takes it. One waiter at a time is woken for that. If it finds the lock taken it goes back to the
//! head of the line, and when that has happened `LOSSES` times the lock is handed over to it.

use std::fmt;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use crate::contention;
use crate::hooks::{self, Caller, WaitKind};
use crate::prim::{AtomicU32, AtomicU64, Ordering, SpinLock, const_fn};
use crate::waitlist::{List, Waiter, project};

const LOCKED: u32 = 1;
const WAITERS: u32 = 2;
const WOKEN: u32 = 4;

/// How often a waiter of a barging lock may find it taken before it is handed over to it.
const LOSSES: u32 = 4;

/// One who waits, and what became of it.
#[derive(Clone, Copy)]
struct Turn {
    /// The id of its task.
    task: u64,
    /// How often it was woken and came too late.
    losses: u32,
    /// It holds the lock. A waiter that was chosen without may try to take it.
    given: bool,
}

impl Turn {
    /// What a waiter starts with.
    const NONE: Self = Self { task: 0, losses: 0, given: false };
}

pub(crate) struct RawMutex {
    /// See the table above.
    state: AtomicU32,
    /// The id of the task that holds the lock, 0 for a thread; stale while it is free. For people.
    holder: AtomicU64,
    waiters: SpinLock<List<Turn>>,
    /// Whether whoever comes first takes a lock that others wait for.
    barging: bool,
}

impl RawMutex {
    const_fn! {
        pub(crate) fn new(barging: bool) -> Self {
            Self {
                state: AtomicU32::new(0),
                holder: AtomicU64::new(0),
                waiters: SpinLock::new(List::new()),
                barging,
            }
        }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        // Ordering: Acquire sees the last holder's writes. Pairs with the Release in `unlock`.
        let free =
            self.state.compare_exchange(0, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if free {
            // Ordering: Relaxed, introspection reads a snapshot.
            self.holder.store(hooks::current_task_id(), Ordering::Relaxed);
        }
        free || (self.barging && self.barge(0))
    }

    /// Tries for a moment to take the lock when whoever holds it lets go: a fair one only as long as nobody
    /// waits in line.
    fn contend(&self) -> bool {
        contention::contend(|| {
            // Ordering: Relaxed, `try_lock` decides.
            let state = self.state.load(Ordering::Relaxed);
            if !self.barging && state & WAITERS != 0 {
                ControlFlow::Break(false)
            } else if state & LOCKED == 0 && self.try_lock() {
                ControlFlow::Break(true)
            } else {
                ControlFlow::Continue(())
            }
        })
    }

    /// The holder unlocks.
    #[inline]
    pub(crate) fn unlock(&self) {
        // Ordering: Release publishes the holder's writes. Pairs with the Acquire in `try_lock`.
        let alone = self.state.compare_exchange(LOCKED, 0, Ordering::Release, Ordering::Relaxed);
        if alone.is_err() {
            self.pass_on();
        }
    }

    /// Passes the lock on, or the chance to take it.
    #[cold]
    fn pass_on(&self) {
        if self.barging && self.release_alone() {
            return;
        }
        let waker = {
            let mut list = self.waiters.lock();
            let lost = list.peek(|turn| turn.losses).is_some_and(|losses| losses >= LOSSES);
            let given = lost || !self.barging;
            let mut heir = 0;
            let waker = list.pop(|turn| {
                turn.given = given;
                heir = turn.task;
            });
            let mut word = if list.is_empty() { 0 } else { WAITERS };
            match waker {
                Some(_) if given => {
                    word |= LOCKED;
                    // Ordering: Relaxed, see `holder`.
                    self.holder.store(heir, Ordering::Relaxed);
                }
                Some(_) => word |= WOKEN,
                None => {}
            }
            // While it is locked the word changes only under the list's lock, so a store does.
            // Ordering: Release publishes the holder's writes, as in `unlock`. A waiter to whom it
            // was given sees them by its status.
            self.state.store(word, Ordering::Release);
            waker
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Unlocks a barging lock for which nobody need be woken; false if somebody must be.
    fn release_alone(&self) -> bool {
        // Ordering: Release, Relaxed: as in `unlock`.
        let released = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, |state| {
            (state & (WAITERS | WOKEN) != WAITERS).then_some(state & !LOCKED)
        });
        released.is_ok()
    }

    /// Takes a barging lock if it is free, though somebody waits. `done` are bits to clear then.
    #[cold]
    fn barge(&self, done: u32) -> bool {
        // Ordering: Acquire, as in `try_lock`.
        let free = self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
            (state & LOCKED == 0).then_some(state & !done | LOCKED)
        });
        if free.is_ok() {
            // Ordering: Relaxed, see `holder`.
            self.holder.store(hooks::current_task_id(), Ordering::Relaxed);
        }
        free.is_ok()
    }

    /// Joins the line, unless the lock is free by now: then it is taken.
    #[cold]
    fn join_line(&self, waiter: Pin<&mut Waiter<Turn>>, cx: &Context<'_>) -> Poll<()> {
        let turn = Turn { task: hooks::current_task_id(), losses: 0, given: false };
        self.join_with(turn, 0, cx, |list, waker| waiter.push(list, waker, turn))
    }

    /// A waiter that was woken tries for itself; if somebody was faster it goes to the line's head.
    #[cold]
    fn come_back(&self, mut waiter: Pin<&mut Waiter<Turn>>, cx: &Context<'_>) -> Poll<()> {
        if self.barge(WOKEN) {
            return Poll::Ready(());
        }
        let turn = waiter.data();
        let turn = Turn { losses: turn.losses + 1, ..turn };
        self.join_with(turn, WOKEN, cx, |list, waker| {
            waiter.as_mut().reset();
            waiter.push_front(list, waker, turn);
        })
    }

    /// Takes the lock if it is free by now, or lets `push` put the waker in the list; clears `done`.
    fn join_with(
        &self,
        turn: Turn,
        done: u32,
        cx: &Context<'_>,
        push: impl FnOnce(&mut List<Turn>, Waker),
    ) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut list = self.waiters.lock();
        // With `WAITERS` set the holder comes for the list when it unlocks.
        // Ordering: Acquire, as in `try_lock`, if it turns out to be free.
        let before = self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
            Some(state & !done | if state & LOCKED == 0 { LOCKED } else { WAITERS })
        });
        if before.is_ok_and(|state| state & LOCKED == 0) {
            debug_assert!(self.barging || list.is_empty(), "free, and somebody waits");
            // Ordering: Relaxed, see `holder`.
            self.holder.store(turn.task, Ordering::Relaxed);
            return Poll::Ready(());
        }
        push(&mut list, waker);
        Poll::Pending
    }

    /// Leaves the line; the lock, if it was given already, goes to the next, and so does the chance
    /// to take it.
    #[cold]
    fn leave_line(&self, waiter: &Waiter<Turn>) {
        let (removed, next) = {
            let mut list = self.waiters.lock();
            let removed = waiter.remove(&mut list);
            let mut next = None;
            if removed.is_none() && waiter.is_chosen() && !waiter.data().given {
                next = list.pop(|turn| turn.given = false);
                if next.is_none() {
                    // Ordering: Relaxed, nothing is handed over, here and below.
                    self.state.fetch_and(!WOKEN, Ordering::Relaxed);
                }
            }
            if (removed.is_some() || next.is_some()) && list.is_empty() {
                self.state.fetch_and(!WAITERS, Ordering::Relaxed);
            }
            (removed, next)
        };
        if let Some(next) = next {
            next.wake();
        }
        if removed.is_none() && waiter.is_chosen() && waiter.data().given {
            self.unlock();
        }
    }

    pub(crate) fn is_locked(&self) -> bool {
        // Ordering: Relaxed, a snapshot.
        self.state.load(Ordering::Relaxed) & LOCKED != 0
    }
}

/// A borrowed or a shared owner of a lock.
pub(crate) trait HasRaw {
    fn raw(&self) -> &RawMutex;
}

/// The wait for a lock.
pub(crate) struct Locking<M: HasRaw> {
    mutex: Option<M>,
    caller: Caller,
    waiter: Waiter<Turn>,
}

impl<M: HasRaw + Unpin> Locking<M> {
    #[track_caller]
    #[inline]
    pub(crate) fn new(mutex: M) -> Self {
        Self::at(mutex, Caller::here())
    }

    #[inline]
    pub(crate) fn at(mutex: M, caller: Caller) -> Self {
        Self { mutex: Some(mutex), caller, waiter: Waiter::new(Turn::NONE) }
    }

    /// Ready when the lock is taken, with the mutex.
    #[inline]
    pub(crate) fn poll_lock(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<M> {
        ready!(hooks::poll_budget(cx));
        project!(self => this, waiter);
        let raw = this.mutex.as_ref().expect("polled after it was ready").raw();
        let turn = if !waiter.is_idle() {
            match waiter.poll_chosen(cx, |f| f(&mut raw.waiters.lock())) {
                Poll::Ready(()) if !waiter.data().given => raw.come_back(waiter.as_mut(), cx),
                turn => turn,
            }
        } else if raw.try_lock() || raw.contend() {
            Poll::Ready(())
        } else {
            raw.join_line(waiter.as_mut(), cx)
        };
        if turn.is_pending() {
            // Ordering: Relaxed, a snapshot for people.
            let holder = raw.holder.load(Ordering::Relaxed);
            hooks::set_wait_on(this.caller.site(), WaitKind::Mutex, holder);
            return Poll::Pending;
        }
        waiter.reset();
        hooks::spend();
        Poll::Ready(this.mutex.take().expect("it was there above"))
    }
}

impl<M: HasRaw> Drop for Locking<M> {
    #[inline]
    fn drop(&mut self) {
        if !self.waiter.is_idle() {
            let mutex = self.mutex.as_ref().expect("a waiter that waits has a mutex");
            mutex.raw().leave_line(&self.waiter);
        }
    }
}

impl<M: HasRaw> fmt::Debug for Locking<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locking").field("at", &self.caller).field("waiter", &self.waiter).finish()
    }
}
