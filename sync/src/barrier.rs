//! A meeting point for a number of tasks.

#[cfg(all(test, corio_loom))]
mod loom;

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::blocking;
use crate::hooks::{self, Site, WaitKind};
use crate::prim::{SpinLock, const_fn};
use crate::waitlist::{List, Waiter, Wakers, project};

/// Lets a number of tasks wait for each other, again and again.
///
/// When as many wait as the barrier has parties, all go on, and the next round begins. A party that
/// cannot come any more breaks the barrier by [`abort`](Self::abort), so that the others do not wait
/// for ever. asyncio's `Barrier`.
///
/// # Examples
///
/// ```
/// use corio_sync::Barrier;
///
/// let barrier = Barrier::new(3);
/// let mut places = std::thread::scope(|s| {
///     let threads = [(); 3].map(|()| s.spawn(|| barrier.blocking_wait().unwrap()));
///     threads.map(|thread| thread.join().unwrap())
/// });
/// places.sort();
/// assert_eq!(places, [0, 1, 2]);
/// ```
pub struct Barrier {
    parties: usize,
    state: SpinLock<State>,
}

struct State {
    /// Those in the list.
    arrived: usize,
    broken: bool,
    waiters: List<Outcome>,
}

/// What became of a waiter.
#[derive(Clone, Copy)]
enum Outcome {
    Released(usize),
    Broken,
}

/// The barrier was broken: aborted, or reset while this party waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenBarrier(());

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the barrier is broken: some party will not come; `reset` makes it usable again",
        )
    }
}

impl std::error::Error for BrokenBarrier {}

impl State {
    /// Sends everybody off with the error.
    fn fail(&mut self, wakers: &mut Wakers) {
        self.arrived = 0;
        self.waiters.pop_all(wakers, |outcome| *outcome = Outcome::Broken);
    }
}

impl Barrier {
    const_fn! {
        /// Makes a barrier for `parties` parties.
        ///
        /// # Panics
        ///
        /// When `parties` is 0.
        pub fn new(parties: usize) -> Self {
            assert!(parties > 0, "a barrier for 0 parties would never open: use at least 1");
            let state = State { arrived: 0, broken: false, waiters: List::new() };
            Self { parties, state: SpinLock::new(state) }
        }
    }

    /// Waits for the other parties; gives this one's place in the round, from 0 by order of arrival.
    ///
    /// # Errors
    ///
    /// [`BrokenBarrier`] when the barrier is or gets broken, or is reset.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a party whose `wait` is dropped has not come: somebody else has to take its place, or
    /// somebody [aborts](Self::abort). A round that is complete stays complete.
    #[track_caller]
    pub fn wait(&self) -> BarrierWait<'_> {
        let waiter = Waiter::new(Outcome::Broken);
        BarrierWait { barrier: self, site: Site::caller(), waiter }
    }

    /// Waits for the other parties, blocking this thread; see [`wait`](Self::wait).
    ///
    /// # Errors
    ///
    /// [`BrokenBarrier`], as `wait`.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait(&self) -> Result<usize, BrokenBarrier> {
        hooks::forbid_blocking("Barrier::blocking_wait");
        blocking::block_on(self.wait())
    }

    /// Waits for at most `timeout` for the other parties, blocking this thread. When the time is over
    /// it breaks the barrier for all, as Python's threads do.
    ///
    /// # Errors
    ///
    /// [`BrokenBarrier`] after the timeout, and as `wait`.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait_timeout(&self, timeout: Duration) -> Result<usize, BrokenBarrier> {
        hooks::forbid_blocking("Barrier::blocking_wait_timeout");
        let mut wait = pin!(self.wait());
        if let Some(result) = blocking::block_on_timeout(wait.as_mut(), timeout) {
            return result;
        }
        let mut wakers = Wakers::new();
        let removed = {
            let mut state = self.state.lock();
            let removed = wait.waiter.remove(&mut state.waiters);
            if removed.is_some() {
                state.broken = true;
                state.fail(&mut wakers);
            }
            removed
        };
        wakers.wake();
        // If it was not in the list any more, the round ended just now.
        if removed.is_some() { Err(BrokenBarrier(())) } else { wait.waiter.data().result() }
    }

    /// Breaks the barrier: whoever waits, and whoever comes, gets [`BrokenBarrier`] until
    /// [`reset`](Self::reset).
    pub fn abort(&self) {
        let mut wakers = Wakers::new();
        {
            let mut state = self.state.lock();
            state.broken = true;
            state.fail(&mut wakers);
        }
        wakers.wake();
    }

    /// Begins anew: whoever waits gets [`BrokenBarrier`], and the barrier is whole afterwards.
    pub fn reset(&self) {
        let mut wakers = Wakers::new();
        {
            let mut state = self.state.lock();
            state.broken = false;
            state.fail(&mut wakers);
        }
        wakers.wake();
    }

    /// How many parties make a round.
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many wait at the moment.
    #[doc(alias = "n_waiting")]
    pub fn waiting(&self) -> usize {
        self.state.lock().arrived
    }

    /// Whether the barrier is broken.
    #[doc(alias = "broken")]
    pub fn is_broken(&self) -> bool {
        self.state.lock().broken
    }
}

impl Outcome {
    fn result(self) -> Result<usize, BrokenBarrier> {
        match self {
            Self::Released(place) => Ok(place),
            Self::Broken => Err(BrokenBarrier(())),
        }
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Barrier");
        f.field("parties", &self.parties).field("waiting", &self.waiting());
        f.field("broken", &self.is_broken()).finish()
    }
}

/// Future of [`Barrier::wait`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct BarrierWait<'a> {
    barrier: &'a Barrier,
    site: Site,
    waiter: Waiter<Outcome>,
}

impl Future for BarrierWait<'_> {
    type Output = Result<usize, BrokenBarrier>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(hooks::poll_budget(cx));
        project!(self => this, waiter);
        let barrier = this.barrier;
        if waiter.is_idle() {
            let waker = cx.waker().clone();
            let mut state = barrier.state.lock();
            if state.broken {
                return Poll::Ready(Err(BrokenBarrier(())));
            }
            if state.arrived + 1 == barrier.parties {
                let (mut wakers, mut place) = (Wakers::new(), 0);
                state.arrived = 0;
                state.waiters.pop_all(&mut wakers, |outcome| {
                    *outcome = Outcome::Released(place);
                    place += 1;
                });
                drop(state);
                wakers.wake();
                hooks::spend();
                return Poll::Ready(Ok(place));
            }
            state.arrived += 1;
            waiter.push(&mut state.waiters, waker, Outcome::Broken);
        } else if waiter.poll_chosen(cx, |f| f(&mut barrier.state.lock().waiters)).is_ready() {
            hooks::spend();
            return Poll::Ready(waiter.data().result());
        }
        hooks::set_wait(this.site, WaitKind::Barrier);
        Poll::Pending
    }
}

impl Drop for BarrierWait<'_> {
    fn drop(&mut self) {
        if self.waiter.is_idle() || self.waiter.is_chosen() {
            return;
        }
        let mut state = self.barrier.state.lock();
        let waker = self.waiter.remove(&mut state.waiters);
        if waker.is_some() {
            state.arrived -= 1;
        }
        drop(state);
        drop(waker);
    }
}

impl fmt::Debug for BarrierWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWait").field("at", &self.site).field("waiter", &self.waiter).finish()
    }
}
