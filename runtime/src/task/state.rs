//! A task's state: who may touch its future, and who must put it on a queue.
//!
//! There are two disciplines, chosen when the task is made.
//!
//! A **stealable** task may be run by any worker, so every transition is one read-modify-write on
//! the shared word:
//!
//! | state   | bits                | who may touch the future |
//! |---------|---------------------|--------------------------|
//! | idle    | none                | nobody                   |
//! | queued  | SCHEDULED           | nobody                   |
//! | running | RUNNING             | the thread that set it   |
//! | rewoken | RUNNING + SCHEDULED | the thread that set it   |
//! | done    | DONE                | nobody; the output is for the handle |
//!
//! A task that wakes itself, in its own poll and on that thread, is the exception: the thread notes it in its own
//! word, `local`, and the end of the poll, a read-modify-write anyway, goes to queued instead of idle.
//!
//! A **bound** task is only ever run by the thread that holds its core (tasks of the single-threaded
//! executor, `spawn_local`, the main future). That thread keeps the word `local` for itself and
//! needs no read-modify-write to wake, start or end a poll. Everybody else sets NOTIFIED in the
//! shared word and, if it was clear, puts the task in the core's mailbox; NOTIFIED stays set until
//! the owner takes the task out of the mailbox, so it is never in there twice.
//!
//! DONE, CANCEL and the two JOIN bits are in the shared word in both disciplines:
//!
//! | bit           | set by                          | cleared by                   |
//! |---------------|---------------------------------|------------------------------|
//! | CANCEL        | anybody, once                   | nobody, or `absorb_cancel`   |
//! | JOIN_INTEREST | construction                    | the handle, when it is dropped |
//! | JOIN_WAKER    | the handle: the waker is in place | the handle, to change the waker |
//! | WOKEN         | the completing thread, done with the waker | nobody             |
//!
//! A transition adds or subtracts its bits where nobody else changes them meanwhile: what it clears is set, and only it
//! clears it (a waker that sets SCHEDULED again changes nothing); what it sets is clear, and only it sets it. That is
//! one instruction, where the old word is wanted and an "or" or "and" would be a loop. A transition from a wrong
//! state would carry into the next bit: debug builds check.
//!
//! The join waker may be written by the handle while JOIN_WAKER is clear; once DONE is set with
//! JOIN_WAKER set it is only read, by the completing thread and the handle.

use corio_sync::prim::{AtomicU8, Ordering, planted};

const SCHEDULED: u8 = 1;
const RUNNING: u8 = 1 << 1;
const DONE: u8 = 1 << 2;
const CANCEL: u8 = 1 << 3;
const JOIN_INTEREST: u8 = 1 << 4;
const JOIN_WAKER: u8 = 1 << 5;
const NOTIFIED: u8 = 1 << 6;
const WOKEN: u8 = 1 << 7;

// Bits of `local`.
/// Only the thread that holds the core runs the task.
const BOUND: u8 = 1;
/// It is on its core's queue; of a stealable task, that it goes on one at the end of this poll.
const QUEUED: u8 = 1 << 1;
/// Its main future is gone and only cleanups are left.
const CLOSING: u8 = 1 << 2;
/// It is done.
const FINISHED: u8 = 1 << 3;
/// The future is not `Send`: it must not outlive its thread's hold on the core.
const LOCAL: u8 = 1 << 4;
/// A cleanup that no task could adopt, or a task of one: shutdown waits for it and does not cancel it.
const SHIELDED: u8 = 1 << 5;
/// Its thread polls it: a wake only sets QUEUED, and the end of the poll queues it. (If the poll
/// queued it at once, a task that ends in that poll would be left in the queue.)
const POLLED: u8 = 1 << 6;
/// A main future's header: who cancels it must also tell the thread that polls it.
const MAIN: u8 = 1 << 7;

/// What the caller of a transition must do next.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Put the task on a queue: nobody else will.
    Enqueue,
    /// Nothing: it is on one, or done.
    Nothing,
}

/// What a handle finds when it wants to wait.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// The output is there.
    Done,
    /// It is not; the waker is (or stays) in place.
    Pending,
}

/// Who may run a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any worker.
    Stealable,
    /// Whoever has its core.
    Bound,
    /// The thread that spawned it, which has its core.
    Local,
}

#[derive(Debug)]
pub(crate) struct State {
    shared: AtomicU8,
    /// Written only by the thread that runs the task (bound: that holds its core). Atomic because
    /// introspection may look, never because two threads write.
    local: AtomicU8,
    /// It is a blocking call: the pool polls it, or its canceller ends it. Never changes.
    blocking: bool,
}

impl State {
    /// A new task that its spawner is about to queue.
    pub(crate) fn new(kind: Kind) -> Self {
        let (shared, local) = match kind {
            Kind::Stealable => (JOIN_INTEREST | SCHEDULED, 0),
            Kind::Bound => (JOIN_INTEREST, BOUND | QUEUED),
            Kind::Local => (JOIN_INTEREST, BOUND | QUEUED | LOCAL),
        };
        Self { shared: AtomicU8::new(shared), local: AtomicU8::new(local), blocking: false }
    }

    #[inline]
    pub(crate) fn is_bound(&self) -> bool {
        // Ordering: Relaxed, the bit never changes.
        self.local.load(Ordering::Relaxed) & BOUND != 0
    }

    /// A new bound task that another thread spawns: it goes into the mailbox, with a reference.
    pub(crate) fn new_posted() -> Self {
        Self {
            shared: AtomicU8::new(JOIN_INTEREST | NOTIFIED),
            local: AtomicU8::new(BOUND),
            blocking: false,
        }
    }

    /// Whether the future is not `Send`.
    pub(crate) fn is_local(&self) -> bool {
        // Ordering: Relaxed, the bit never changes.
        self.local.load(Ordering::Relaxed) & LOCAL != 0
    }

    /// The state of a main future's header.
    pub(crate) fn new_main() -> Self {
        Self {
            shared: AtomicU8::new(JOIN_INTEREST),
            local: AtomicU8::new(BOUND | QUEUED | MAIN),
            blocking: false,
        }
    }

    /// Whether this is a main future's header.
    pub(crate) fn is_main(&self) -> bool {
        // Ordering: Relaxed, the bit never changes.
        self.local.load(Ordering::Relaxed) & MAIN != 0
    }

    /// A blocking call that is being made: nobody may claim it before [`made`](Self::made).
    pub(crate) fn new_blocking() -> Self {
        let shared = AtomicU8::new(JOIN_INTEREST | SCHEDULED | RUNNING);
        Self { shared, local: AtomicU8::new(0), blocking: true }
    }

    /// The blocking call is whole and in its place: from here on the pool or a canceller may claim it. Tells whether
    /// a cancel was asked for before; its canceller may have come too early to claim it.
    pub(crate) fn made(&self) -> bool {
        // Ordering: Release publishes the call to whoever claims it; Acquire sees what an early canceller wrote.
        // Pairs with `claim` and `set_cancel`.
        self.shared.fetch_sub(RUNNING, Ordering::AcqRel) & CANCEL != 0
    }

    /// Whether this is a blocking call.
    pub(crate) fn is_blocking(&self) -> bool {
        self.blocking
    }

    /// queued -> running, for a blocking call, which a canceller may end before the pool comes to it.
    /// Tells whether a cancel was asked for; `None` if somebody else has claimed it.
    pub(crate) fn claim(&self) -> Option<bool> {
        // Ordering: Relaxed, the exchange decides.
        let mut now = self.shared.load(Ordering::Relaxed);
        loop {
            if now & (SCHEDULED | RUNNING | DONE) != SCHEDULED {
                return None;
            }
            // Ordering: AcqRel, as in `start_poll`.
            match self.shared.compare_exchange_weak(
                now,
                now ^ (SCHEDULED | RUNNING),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(now & CANCEL != 0),
                Err(seen) => now = seen,
            }
        }
    }

    /// Keeps shutdown from cancelling the task. Before it is queued.
    pub(crate) fn shield(&self) {
        // Ordering: Relaxed, nobody else knows the task yet.
        self.local.store(self.local.load(Ordering::Relaxed) | SHIELDED, Ordering::Relaxed);
    }

    /// Whether shutdown leaves the task alone.
    pub(crate) fn is_shielded(&self) -> bool {
        // Ordering: Relaxed, the bit never changes.
        self.local.load(Ordering::Relaxed) & SHIELDED != 0
    }

    // ---- stealable tasks ----

    /// idle -> queued, running -> rewoken; any other state stays as it is.
    #[inline]
    pub(crate) fn wake(&self) -> Next {
        // Ordering: Release publishes what the waking thread wrote, also when the bit was already
        // set (the read-modify-write stays in the release sequence). Pairs with the Acquire of
        // `start_poll` and `end_poll`.
        // The fault of tokio#7622: a second wake that publishes nothing.
        let ordering = if planted("wake-relaxed") { Ordering::Relaxed } else { Ordering::AcqRel };
        let prev = self.shared.fetch_or(SCHEDULED, ordering);
        if prev & (SCHEDULED | RUNNING | DONE) == 0 { Next::Enqueue } else { Next::Nothing }
    }

    /// queued -> running; tells whether a cancel was asked for.
    #[inline]
    pub(crate) fn start_poll(&self) -> bool {
        // Ordering: Acquire sees what wakers and the last poller wrote. Pairs with `wake`,
        // `end_poll` and `cancel`.
        let prev = self.shared.fetch_add(RUNNING - SCHEDULED, Ordering::AcqRel);
        debug_assert!(
            prev & (SCHEDULED | RUNNING | DONE) == SCHEDULED,
            "start_poll from {prev:#b}"
        );
        // Ordering: Relaxed, see `local`: from here on it is this thread's.
        self.local.store(self.local.load(Ordering::Relaxed) | POLLED, Ordering::Relaxed);
        prev & CANCEL != 0
    }

    /// running -> idle, or rewoken -> queued (then the poller enqueues the task again).
    #[inline]
    pub(crate) fn end_poll(&self) -> Next {
        // Ordering: Relaxed, see `local`: the next poller finds it so, by the Release below.
        let local = self.local.load(Ordering::Relaxed);
        self.local.store(local & !(POLLED | QUEUED), Ordering::Relaxed);
        if local & QUEUED != 0 && !planted("own-wake-forgotten") {
            // Ordering: AcqRel, as below.
            let _ = self.shared.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |state| {
                Some(state & !RUNNING | SCHEDULED)
            });
            return Next::Enqueue;
        }
        // Ordering: Release hands the future to the next poller; Acquire sees the waker's writes,
        // since this thread may be the next poller. Pairs with `start_poll` and `wake`.
        let prev = self.shared.fetch_sub(RUNNING, Ordering::AcqRel);
        debug_assert!(prev & RUNNING != 0, "end_poll without start_poll");
        if prev & SCHEDULED != 0 && !planted("wake-during-poll-forgotten") {
            Next::Enqueue
        } else {
            Next::Nothing
        }
    }

    // ---- the `own_` methods are for the thread that runs the task; a bound one: that holds the core ----

    /// Wakes the calling thread's current task; `false`, and nothing is done, if the thread does not poll it: the
    /// task is a main future beside the runtime, or a blocking call.
    #[inline]
    pub(crate) fn own_wake_polled(&self) -> bool {
        // Ordering: Relaxed, see `local`.
        let local = self.local.load(Ordering::Relaxed);
        if local & POLLED == 0 {
            return false;
        }
        if local & (QUEUED | FINISHED) == 0 {
            self.local.store(local | QUEUED, Ordering::Relaxed);
        }
        true
    }

    // ---- bound tasks ----

    /// Wakes a bound task on its own thread.
    #[inline]
    pub(crate) fn own_wake(&self) -> Next {
        // Ordering: Relaxed throughout: one thread reads and writes `local`.
        let local = self.local.load(Ordering::Relaxed);
        if local & (QUEUED | FINISHED) != 0 {
            return Next::Nothing;
        }
        // It is in the mailbox, or will be in a moment, and whoever takes it out comes here again. A task that another
        // thread spawns is posted when that thread has listed it: it must not be polled, nor this word be written,
        // before that.
        // Ordering: Relaxed, a bit that this thread alone clears.
        if self.shared.load(Ordering::Relaxed) & NOTIFIED != 0 {
            return Next::Nothing;
        }
        self.local.store(local | QUEUED, Ordering::Relaxed);
        if local & POLLED == 0 { Next::Enqueue } else { Next::Nothing }
    }

    /// Wakes a bound task from another thread; `Enqueue` means the mailbox, with a reference.
    #[inline]
    pub(crate) fn remote_wake(&self) -> Next {
        // Ordering: Release publishes what the waking thread wrote; pairs with `take_mail`.
        let prev = self.shared.fetch_or(NOTIFIED, Ordering::AcqRel);
        if prev & (NOTIFIED | DONE) == 0 { Next::Enqueue } else { Next::Nothing }
    }

    /// The owner has taken the task out of its mailbox.
    #[inline]
    pub(crate) fn take_mail(&self) -> Next {
        // Ordering: Acquire sees what every remote waker wrote. Pairs with `remote_wake`.
        self.shared.fetch_and(!NOTIFIED, Ordering::AcqRel);
        self.own_wake()
    }

    /// Starts a poll of a bound task; tells whether a cancel was asked for.
    #[inline]
    pub(crate) fn own_start_poll(&self) -> bool {
        // Ordering: Relaxed, see `own_wake`.
        let local = self.local.load(Ordering::Relaxed);
        let from = local & (QUEUED | POLLED | FINISHED);
        debug_assert!(from == QUEUED, "own_start_poll from {local:#b}");
        self.local.store(local & !QUEUED | POLLED, Ordering::Relaxed);
        // Ordering: Acquire sees what the canceller wrote. Pairs with `cancel`.
        self.shared.load(Ordering::Acquire) & CANCEL != 0
    }

    /// Ends a poll of a bound task; `Enqueue` if it was woken meanwhile.
    #[inline]
    pub(crate) fn own_end_poll(&self) -> Next {
        // Ordering: Relaxed, see `own_wake`.
        let local = self.local.load(Ordering::Relaxed);
        debug_assert!(local & POLLED != 0, "own_end_poll without own_start_poll");
        self.local.store(local & !POLLED, Ordering::Relaxed);
        if local & QUEUED != 0 { Next::Enqueue } else { Next::Nothing }
    }

    // ---- both ----

    /// Marks the task as cancelled; `true` if it was not yet, and is not done.
    pub(crate) fn set_cancel(&self) -> bool {
        // Ordering: Release publishes the canceller's writes; pairs with `start_poll`.
        self.shared.fetch_or(CANCEL, Ordering::AcqRel) & (CANCEL | DONE) == 0
    }

    /// Takes a cancel request back; `true` if there was one.
    pub(crate) fn absorb_cancel(&self) -> bool {
        // Ordering: Acquire sees what the canceller wrote. Pairs with `set_cancel`.
        self.shared.fetch_and(!CANCEL, Ordering::AcqRel) & CANCEL != 0
    }

    /// Whether a cancel was asked for.
    pub(crate) fn is_cancelled(&self) -> bool {
        // Ordering: Acquire, see `start_poll`.
        self.shared.load(Ordering::Acquire) & CANCEL != 0
    }

    /// Whether the task waits to be polled. For introspection.
    pub(crate) fn is_queued(&self) -> bool {
        // Ordering: Relaxed, a snapshot.
        let queued = self.local.load(Ordering::Relaxed) & QUEUED != 0;
        queued || self.shared.load(Ordering::Relaxed) & (SCHEDULED | NOTIFIED | DONE) != 0
    }

    /// Whether a thread polls the task. For introspection.
    pub(crate) fn is_running(&self) -> bool {
        // Ordering: Acquire, so that who sees the end of a poll sees what that has said of its wait, where the end
        // was published (that of a stealable task); else a snapshot.
        let running = self.shared.load(Ordering::Acquire) & RUNNING != 0;
        running || self.local.load(Ordering::Relaxed) & POLLED != 0
    }

    /// A poll of a main future begins, or ends, that is on no core.
    pub(crate) fn set_running_beside(&self, running: bool) {
        // Ordering: Release, as the end of a poll; nothing but introspection looks at it.
        if running {
            self.shared.fetch_or(RUNNING, Ordering::Release);
        } else {
            self.shared.fetch_and(!RUNNING, Ordering::Release);
        }
    }

    /// Whether the main future is gone and only cleanups are left. For the running thread.
    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        // Ordering: Relaxed, see `local`; a stealable task's next poller is ordered by `start_poll`.
        self.local.load(Ordering::Relaxed) & CLOSING != 0
    }

    /// The main future is gone. For the running thread.
    pub(crate) fn set_closing(&self) {
        // Ordering: Relaxed, see `local`.
        self.local.store(self.local.load(Ordering::Relaxed) | CLOSING, Ordering::Relaxed);
    }

    /// running -> done. Gives back (join interest, join waker in place).
    pub(crate) fn complete(&self) -> (bool, bool) {
        // Ordering: Relaxed, see `local`.
        self.local.store(self.local.load(Ordering::Relaxed) | FINISHED, Ordering::Relaxed);
        // Ordering: Release publishes the output to the handle; Acquire sees the join waker. Pairs
        // with `poll_join`, `store_waker` and `drop_handle`.
        let prev = self.shared.fetch_add(DONE, Ordering::AcqRel);
        debug_assert!(prev & DONE == 0, "completed twice");
        (prev & JOIN_INTEREST != 0, prev & JOIN_WAKER != 0)
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        // Ordering: Acquire sees the output. Pairs with `complete`.
        self.shared.load(Ordering::Acquire) & DONE != 0
    }

    /// Like `is_done`; if it says no, then `complete` will see what this thread wrote before.
    pub(crate) fn is_done_for_sure(&self) -> bool {
        // Ordering: a read-modify-write, so that it comes before or after the one of `complete`:
        // either this sees DONE, or `complete` acquires what this thread released here.
        self.shared.fetch_or(0, Ordering::AcqRel) & DONE != 0
    }

    /// Whether there is a handle.
    pub(crate) fn has_handle(&self) -> bool {
        // Ordering: Relaxed, a snapshot.
        self.shared.load(Ordering::Relaxed) & JOIN_INTEREST != 0
    }

    /// Whether the handle's waker is in place. For the handle.
    pub(crate) fn has_waker(&self) -> bool {
        // Ordering: Relaxed, only the handle sets and clears the bit.
        self.shared.load(Ordering::Relaxed) & JOIN_WAKER != 0
    }

    /// The handle has written its waker.
    pub(crate) fn waker_stored(&self) -> Join {
        // Ordering: Release publishes the waker to `complete`; Acquire sees the output if it came
        // first.
        let prev = self.shared.fetch_add(JOIN_WAKER, Ordering::AcqRel);
        debug_assert!(prev & JOIN_WAKER == 0, "a waker over a waker");
        if prev & DONE != 0 && !planted("join-after-done-waits") {
            // `complete` did not see the waker: it stays the handle's, who takes it back.
            // Ordering: Relaxed, the completing thread does not look at the bit any more.
            self.shared.fetch_and(!JOIN_WAKER, Ordering::Relaxed);
            Join::Done
        } else {
            Join::Pending
        }
    }

    /// The handle wants its waker back, to write another.
    pub(crate) fn take_waker_back(&self) -> Join {
        // Ordering: Acquire, as on failure below.
        let mut now = self.shared.load(Ordering::Acquire);
        loop {
            if now & DONE != 0 {
                // `complete` saw JOIN_WAKER: the waker is its to wake.
                return Join::Done;
            }
            // Ordering: Acquire on both: after DONE the output is read. Pairs with `complete`.
            match self.shared.compare_exchange_weak(
                now,
                now & !JOIN_WAKER,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Join::Pending,
                Err(seen) => now = seen,
            }
        }
    }

    /// The completing thread has used the join waker; `true` if the handle has gone meanwhile, so that
    /// the waker is this thread's to drop.
    pub(crate) fn waker_used(&self) -> bool {
        // Ordering: Release hands the slot to a handle that goes later; Acquire takes it over from one
        // that has gone. Pairs with `drop_handle`.
        self.shared.fetch_add(WOKEN, Ordering::AcqRel) & JOIN_INTEREST == 0
    }

    /// The handle goes. Gives back (the task is done: the output is the handle's to drop, the waker
    /// is the handle's to drop).
    pub(crate) fn drop_handle(&self) -> (bool, bool) {
        // Ordering: Acquire sees the output; Release hands the waker slot over. Pairs with `complete`
        // and `waker_used`.
        // Ordering: Relaxed, the handle alone sets and clears the two bits.
        let own = self.shared.load(Ordering::Relaxed) & (JOIN_INTEREST | JOIN_WAKER);
        let prev = self.shared.fetch_sub(own, Ordering::AcqRel);
        let done = prev & DONE != 0;
        (done, prev & JOIN_WAKER != 0 && (!done || prev & WOKEN != 0))
    }
}

#[cfg(all(test, corio_loom))]
mod loom_tests {
    use super::*;
    use corio_sync::prim::{Arc, UnsafeCell, thread};

    /// A stealable task as two threads see it: the data behind the wake must be visible to a poll.
    struct Model {
        state: State,
        data: UnsafeCell<u32>,
        enqueued: corio_sync::prim::AtomicU32,
    }
    // SAFETY: the model is what is under test: loom reports a race on `data`.
    unsafe impl Sync for Model {}
    // SAFETY: see above.
    unsafe impl Send for Model {}

    fn model(bound: bool) -> Arc<Model> {
        Arc::new(Model {
            state: State::new(if bound { Kind::Bound } else { Kind::Stealable }),
            data: UnsafeCell::new(0),
            enqueued: corio_sync::prim::AtomicU32::new(0),
        })
    }

    #[test]
    fn loom_a_wake_during_poll_enqueues_once() {
        loom::model(|| {
            let m = model(false);
            let other = m.clone();
            assert!(!m.state.start_poll());
            let handle = thread::spawn(move || other.state.wake() == Next::Enqueue);
            let here = m.state.end_poll() == Next::Enqueue;
            let there = handle.join().unwrap();
            assert!(here != there, "enqueued twice or not at all");
        });
    }

    /// Polls once; tells whether the poll saw the flag, and whether the task was woken meanwhile.
    fn poll(m: &Model) -> (bool, bool) {
        assert!(!m.state.start_poll());
        // Ordering: Relaxed on purpose: only the state may order it.
        let saw = m.enqueued.load(Ordering::Relaxed) == 1;
        (saw, m.state.end_poll() == Next::Enqueue)
    }

    #[test]
    fn loom_w04_a_wake_of_a_queued_task_publishes_its_data() {
        loom::model(|| {
            // The task is queued from birth: the wake is its second.
            let m = model(false);
            let other = m.clone();
            let handle = thread::spawn(move || {
                other.enqueued.store(1, Ordering::Relaxed);
                other.state.wake() == Next::Enqueue
            });
            let (saw, again) = poll(&m);
            let theirs = handle.join().unwrap();
            assert!(!(again && theirs), "enqueued twice");
            if again || theirs {
                assert!(poll(&m).0, "the poll after a wake sees what came before it");
            } else {
                assert!(saw, "the poll that took the wake did not see what came before it");
            }
        });
    }

    #[test]
    fn loom_a_wake_of_its_own_meets_one_from_elsewhere() {
        loom::model(|| {
            let m = model(false);
            let other = m.clone();
            assert!(!m.state.start_poll());
            assert!(m.state.own_wake_polled());
            let handle = thread::spawn(move || {
                other.enqueued.store(1, Ordering::Relaxed);
                other.state.wake() == Next::Enqueue
            });
            assert_eq!(m.state.end_poll(), Next::Enqueue, "its own wake is never lost");
            let (saw, again) = poll(&m);
            let theirs = handle.join().unwrap();
            assert!(!(again && theirs), "enqueued twice");
            assert!(saw || again || theirs, "nobody will see what came before the other wake");
            // Nothing of its own wake is left for this poll.
            if again || theirs {
                assert_eq!(poll(&m), (true, false));
            }
        });
    }

    #[test]
    fn loom_a_blocking_call_is_claimed_once() {
        loom::model(|| {
            let state = Arc::new(State::new_blocking());
            assert!(!state.made());
            let other = state.clone();
            let pool = thread::spawn(move || other.claim().is_some());
            let first = state.set_cancel();
            let canceller = first && state.claim().is_some();
            let pool = pool.join().unwrap();
            assert!(pool != canceller, "the call has exactly one end");
        });
    }

    #[test]
    fn loom_a_blocking_call_that_is_cancelled_while_it_is_made_has_one_end() {
        loom::model(|| {
            let state = Arc::new(State::new_blocking());
            let place = Arc::new(UnsafeCell::new(0));
            let end = |state: &State, place: &UnsafeCell<u32>| {
                // SAFETY: whoever claims the call has it for its own, which is under test.
                state.claim().inspect(|_| place.with(|place| assert_eq!(unsafe { *place }, 1)))
            };
            let (other, its_place) = (state.clone(), Shared(place.clone()));
            let canceller = thread::spawn(move || {
                let its_place = its_place;
                other.set_cancel() && end(&other, &its_place.0).is_some()
            });
            // SAFETY: nobody claims it before it is made.
            place.with_mut(|place| unsafe { *place = 1 });
            let cancelled = state.made();
            let maker = cancelled && end(&state, &place).is_some();
            let canceller = canceller.join().unwrap();
            assert!(maker != canceller, "the call has exactly one end");
        });
    }

    #[test]
    fn loom_a_task_in_its_spawners_hands_is_not_queued_by_its_core() {
        loom::model(|| {
            let state = Arc::new(State::new_posted());
            let other = state.clone();
            // The core's thread cancels it, by way of its group for one, before it is in the mailbox.
            let core = thread::spawn(move || other.own_wake());
            assert_eq!(state.remote_wake(), Next::Nothing, "it is posted once, by its spawner");
            assert_eq!(core.join().unwrap(), Next::Nothing);
            assert_eq!(state.take_mail(), Next::Enqueue);
        });
    }

    /// What two threads touch one after the other.
    struct Shared(Arc<UnsafeCell<u32>>);
    // SAFETY: the model is what is under test: loom reports a race.
    unsafe impl Send for Shared {}

    #[test]
    fn loom_remote_wakes_of_a_bound_task_post_it_once() {
        loom::model(|| {
            let m = model(true);
            assert!(!m.state.own_start_poll());
            assert_eq!(m.state.own_end_poll(), Next::Nothing);
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let m = m.clone();
                    thread::spawn(move || {
                        if m.state.remote_wake() == Next::Enqueue {
                            // Ordering: Relaxed, a count that is read after the joins.
                            m.enqueued.fetch_add(1, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            for t in threads {
                t.join().unwrap();
            }
            assert_eq!(m.enqueued.load(Ordering::Relaxed), 1);
            assert_eq!(m.state.take_mail(), Next::Enqueue);
            assert_eq!(m.state.take_mail(), Next::Nothing);
        });
    }

    #[test]
    fn loom_t07_join_sees_the_output_or_is_woken() {
        loom::model(|| {
            let m = model(false);
            let runner = m.clone();
            let handle = thread::spawn(move || {
                runner.state.start_poll();
                // SAFETY: the runner owns the output until DONE.
                runner.data.with_mut(|d| unsafe { *d = 7 });
                runner.state.complete()
            });
            let join = m.state.waker_stored();
            if join == Join::Done {
                // SAFETY: DONE was seen.
                m.data.with(|d| assert_eq!(unsafe { *d }, 7));
            }
            let (interest, waker) = handle.join().unwrap();
            assert!(interest);
            assert_eq!(waker, join == Join::Pending, "woken exactly if it waits");
        });
    }

    #[test]
    fn loom_handle_drop_races_with_completion() {
        loom::model(|| {
            let m = model(false);
            let runner = m.clone();
            assert_eq!(m.state.waker_stored(), Join::Pending);
            let handle = thread::spawn(move || {
                runner.state.start_poll();
                let (interest, waker) = runner.state.complete();
                (interest, waker && runner.state.waker_used())
            });
            let (handle_drops, clears) = m.state.drop_handle();
            let (interest, runner_clears) = handle.join().unwrap();
            assert!(handle_drops == interest, "the output has exactly one owner");
            assert!(clears != runner_clears, "the waker is dropped exactly once");
        });
    }

    #[test]
    fn loom_a_waker_taken_back_is_nobody_elses() {
        loom::model(|| {
            let m = model(false);
            let runner = m.clone();
            assert_eq!(m.state.waker_stored(), Join::Pending);
            let handle = thread::spawn(move || {
                runner.state.start_poll();
                runner.state.complete().1
            });
            let back = m.state.take_waker_back();
            let woke = handle.join().unwrap();
            assert_eq!(woke, back == Join::Done);
        });
    }
}
