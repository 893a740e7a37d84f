//! A core: a run queue, timers, a reactor and a list of tasks, run by one thread at a time.
//!
//! [`CoreShared`] is what other threads may touch; [`Core`] is what only the thread that has taken the
//! core touches. The single-threaded executor is one core, the work-stealing one is several; the code
//! is the same.
//!
//! The invariants of the file:
//! - **E1** The `Cell`s and `UnsafeCell`s of a `Core` are touched only by the thread that has taken it
//!   out of its slot, and no reference into one lives across a call of foreign code. (The borrows of
//!   `events` and `seen` do, while wakers run: only the run loop takes them, and nothing foreign can
//!   enter the run loop of a core that is running.)
//! - **E2** A `CoreShared` is freed when `cells` falls to zero. Counted are: the runtime, each task's
//!   cell, each `CoreRef`, and the credit that a `Core` holds in advance so that its own thread can
//!   make and free cells without touching the counter.
//! - **E3** A task in a queue is queued by its state; it is held by a task list (T1).

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::Weak;
use std::time::Duration;

use corio_sync::hooks::TaskHead;
use corio_sync::prim::{Linger, Ordering};

use super::abort::AbortOnUnwind;
use super::cells::Cells;
use super::context::with_context;
pub(crate) use super::core_shared::{CoreRef, CoreShared};
use super::ring::CAPACITY;
use super::shared::Shared;
use super::stuck::Stuck;
use super::urgent::{CROWD, Urgent};
use super::watcher::{FIRST_NAP, LAST_NAP};
use crate::reactor::Events;
use crate::say::say;
use crate::task::harness;
use crate::task::header::Header;
use crate::task::id;
use crate::task::join::Canceller;
use crate::task::waker::{release, schedule};

/// The most polls between two looks at the clock. Whatever the polls before took, a change to long
/// ones is noticed after so many of them.
const MAX_INTERVAL: u32 = 16;
/// Time between two looks at timers, mail and I/O while there is other work.
const TARGET_NS: u64 = 30_000;
/// Looks at the clock between two looks around while virtual time stands still, and cannot say when.
const STILL_GLANCES: u32 = 16;
/// Timers fired before other work gets its turn.
pub(super) const TIMER_BATCH: usize = 1024;
/// Counts of `cells` taken at a time.
pub(super) const CREDIT: usize = 256;

/// The queue of bound tasks: first in, first out, or in an order drawn from a seed.
struct BoundQueue {
    tasks: VecDeque<NonNull<Header>>,
    seeded: bool,
}

/// The part of a core that only its thread touches.
pub(crate) struct Core {
    shared: NonNull<CoreShared>,
    bound: UnsafeCell<BoundQueue>,
    /// The runtime has no other core: there are no stealable tasks.
    single: bool,
    /// Long polls are to be reported.
    watched: bool,
    /// Bound and stealable tasks take turns.
    bound_first: Cell<bool>,
    /// Polls left before the next `glance`.
    until_glance: Cell<u32>,
    /// How many there are between two of them, by what the last ones took.
    interval: Cell<u32>,
    /// How long a poll takes, by the longest of late.
    poll_ns: Cell<u64>,
    /// The clock as it was last read, in nanoseconds of the runtime's clock.
    pub(super) now_ns: Cell<u64>,
    /// When the last glance was, and the last look around.
    glanced_ns: Cell<u64>,
    looked_ns: Cell<u64>,
    /// Glances since the last look around during which virtual time stood still.
    still: Cell<u32>,
    rng: Cell<u64>,
    /// A number of the generator that nobody has had.
    drawn: Cell<u32>,
    next_id: Cell<u64>,
    last_id: Cell<u64>,
    /// Memory of tasks that have ended.
    pub(crate) memory: Cells,
    /// Counts of `cells` that this core holds in advance (E2).
    credit: Cell<usize>,
    /// `!Send` tasks that are not done: they must end before another thread runs the core.
    locals: Cell<usize>,
    /// The thread is waiting for them to end.
    ends_locals: Cell<bool>,
    /// Space for events; made when there is a reactor.
    pub(super) events: RefCell<Option<Events>>,
    /// What the watcher saw at its last nap's end: (polls, ns) for each core.
    pub(super) seen: RefCell<Vec<(u64, u64)>>,
    pub(super) nap: Cell<Duration>,
    stuck: Stuck,
    linger: Linger,
    urgent: Urgent,
}

// SAFETY: a `Core` goes from thread to thread only through its slot's lock (E1).
unsafe impl Send for Core {}

impl Core {
    pub(super) fn new(shared: NonNull<CoreShared>, single: bool, seed: u64) -> Self {
        Self {
            single,
            watched: false,
            shared,
            bound: UnsafeCell::new(BoundQueue { tasks: VecDeque::new(), seeded: false }),
            bound_first: Cell::new(true),
            until_glance: Cell::new(0),
            interval: Cell::new(1),
            now_ns: Cell::new(0),
            glanced_ns: Cell::new(0),
            poll_ns: Cell::new(TARGET_NS),
            looked_ns: Cell::new(0),
            still: Cell::new(0),
            rng: Cell::new(mixed(seed)),
            drawn: Cell::new((mixed(!seed) >> 32) as u32),
            next_id: Cell::new(0),
            last_id: Cell::new(0),
            memory: Cells::new(),
            credit: Cell::new(CREDIT),
            locals: Cell::new(0),
            ends_locals: Cell::new(false),
            events: RefCell::new(None),
            seen: RefCell::new(Vec::new()),
            nap: Cell::new(FIRST_NAP),
            stuck: Stuck::default(),
            linger: Linger::new(),
            urgent: Urgent::default(),
        }
    }

    /// From now on the core says which task it polls.
    pub(crate) fn set_watched(&mut self) {
        self.watched = true;
    }

    /// A poll of `task` begins on this thread.
    #[inline]
    pub(crate) fn poll_begins(&self, task: &TaskHead) {
        if self.watched {
            self.shared().poll_stamp.begin(task);
        }
    }

    /// The poll has ended.
    #[inline]
    pub(crate) fn poll_ends(&self) {
        if self.watched {
            self.shared().poll_stamp.end();
        }
    }

    /// From now on the order of bound tasks is drawn from the core's generator.
    pub(crate) fn set_seeded(&mut self) {
        self.bound.get_mut().seeded = true;
    }

    #[inline]
    pub(crate) fn shared(&self) -> &CoreShared {
        // SAFETY: the core's credit and the runtime's count keep it alive (E2).
        unsafe { self.shared.as_ref() }
    }

    pub(crate) fn shared_ref(&self) -> CoreRef {
        // The count comes out of the credit.
        self.on_alloc();
        CoreRef(self.shared)
    }

    pub(crate) fn shared_ptr(&self) -> NonNull<CoreShared> {
        self.shared
    }

    /// Whether this is the core that `shared` belongs to.
    #[inline]
    pub(crate) fn is(&self, shared: NonNull<CoreShared>) -> bool {
        self.shared == shared
    }

    /// Whether `other` is a core of the same runtime.
    #[inline]
    pub(crate) fn same_runtime(&self, other: NonNull<CoreShared>) -> bool {
        // SAFETY: the caller's task keeps `other` alive (T6).
        self.shared == other
            || Weak::ptr_eq(&self.shared().runtime, unsafe { &other.as_ref().runtime })
    }

    /// Whether cleanups are to be dropped rather than run: the time for shutdown is over.
    pub(crate) fn abandons_cleanups(&self) -> bool {
        // Ordering: Relaxed: the tasks that are to see it are scheduled after it was set.
        self.shared().abandon.load(Ordering::Relaxed)
    }

    /// Milliseconds on the runtime's clock as of the last look around.
    #[inline]
    pub(crate) fn now_ms(&self) -> u32 {
        (self.now_ns.get() / 1_000_000) as u32
    }

    /// A new task's id.
    #[inline]
    pub(crate) fn next_id(&self) -> u64 {
        let next = self.next_id.get();
        if next == self.last_id.get() {
            let first = id::take_block(id::BLOCK);
            self.last_id.set(first + id::BLOCK);
            self.next_id.set(first + 1);
            return first;
        }
        self.next_id.set(next + 1);
        next
    }

    /// A number from the core's generator (xorshift64*; not for secrets).
    #[inline]
    pub(crate) fn random(&self) -> u64 {
        let mut x = self.rng.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.rng.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number from the generator, made in advance: who branches on it need not wait for its making.
    #[inline]
    pub(crate) fn drawn(&self) -> u32 {
        self.drawn.replace((self.random() >> 32) as u32)
    }

    /// Takes a count of this core's shared part for a new cell or reference.
    #[inline]
    pub(crate) fn on_alloc(&self) {
        let credit = self.credit.get();
        if credit > 1 {
            self.credit.set(credit - 1);
            return;
        }
        // Ordering: Relaxed, counts are made from a count (E2).
        self.shared().cells.fetch_add(CREDIT, Ordering::Relaxed);
        self.credit.set(credit + CREDIT - 1);
    }

    /// A cell of the core `of`, or a reference to it, goes: its count comes back.
    #[inline]
    pub(crate) fn on_dealloc(&self, of: NonNull<CoreShared>) {
        if self.shared == of {
            self.credit.set(self.credit.get() + 1);
        } else {
            // SAFETY: the cell's count, given up once (T6).
            unsafe { CoreShared::release(of, 1) };
        }
    }

    #[inline]
    fn bound<R>(&self, f: impl FnOnce(&mut BoundQueue) -> R) -> R {
        // SAFETY: this thread has the core, and `f` is never foreign code (E1).
        f(unsafe { &mut *self.bound.get() })
    }

    /// Queues a bound task of this core.
    #[inline]
    pub(crate) fn push_bound(&self, task: NonNull<Header>) {
        if self.urgent.is_open() {
            return self.urgent.push(task);
        }
        self.bound(|queue| queue.tasks.push_back(task));
    }

    /// Queues a stealable task.
    #[inline]
    pub(crate) fn push_stealable(&self, task: NonNull<Header>) {
        if self.urgent.is_open() {
            return self.urgent.push(task);
        }
        let shared = self.shared();
        if shared.overflow.len() > 0 || shared.ring.push(task).is_err() {
            shared.overflow.push(task);
        }
        if shared.ring.len() == 2 {
            self.wake_watcher();
        }
    }

    /// There is more than one task to run: somebody should keep an eye on this core.
    #[inline]
    pub(super) fn wake_watcher(&self) {
        self.runtime(|runtime| {
            if runtime.cores().len() > 1 && !runtime.has_watcher() {
                runtime.call_watcher(self.shared().index);
            }
        });
    }

    /// Calls `f` with the runtime, unless the thread has entered another one meanwhile.
    fn runtime<R>(&self, f: impl FnOnce(&Shared) -> R) -> Option<R> {
        with_context(|context| context.filter(|c| c.is_of(self)).map(|c| f(&c.shared)))
    }

    #[inline]
    fn pop_bound(&self) -> Option<NonNull<Header>> {
        self.bound(|queue| {
            if queue.seeded {
                return self.pop_drawn(queue);
            }
            queue.tasks.pop_front()
        })
    }

    #[cold]
    fn pop_drawn(&self, queue: &mut BoundQueue) -> Option<NonNull<Header>> {
        if queue.tasks.is_empty() {
            return None;
        }
        let index = (self.random() % queue.tasks.len() as u64) as usize;
        queue.tasks.remove(index)
    }

    fn pop_stealable(&self) -> Option<NonNull<Header>> {
        let shared = self.shared();
        if let Some(task) = shared.ring.pop() {
            return Some(task);
        }
        if shared.overflow.len() == 0 {
            return None;
        }
        // The ring is empty: it takes as much as the overflow list has for it.
        let mut first = None;
        shared.overflow.take(CAPACITY, |task| {
            if first.is_none() {
                first = Some(task);
            } else if let Err(task) = shared.ring.push(task) {
                unreachable!("{task:p} does not fit an empty ring");
            }
        });
        first
    }

    #[inline]
    fn pop(&self) -> Option<NonNull<Header>> {
        if !self.urgent.is_empty() {
            if let Some(task) = self.urgent.pop(self.queued() == 0) {
                return Some(task);
            }
        }
        if self.single {
            return self.pop_bound();
        }
        let bound_first = self.bound_first.get();
        self.bound_first.set(!bound_first);
        if bound_first {
            self.pop_bound().or_else(|| self.pop_stealable())
        } else {
            self.pop_stealable().or_else(|| self.pop_bound())
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.bound(|queue| queue.tasks.is_empty())
            && self.shared().backlog() == 0
            && self.urgent.is_empty()
    }

    /// Tasks in the ordinary queues, about.
    fn queued(&self) -> usize {
        self.bound(|queue| queue.tasks.len()) + self.shared().backlog()
    }

    /// Takes what other threads have sent.
    fn take_mail(&self) {
        let shared = self.shared();
        if !shared.mail.is_empty() {
            shared.mail.take().for_each(|task| self.push_stealable(task));
        }
        if !shared.bound_mail.is_empty() {
            for task in shared.bound_mail.take() {
                // SAFETY: the mailbox's reference keeps the task alive until `release`.
                let header = unsafe { task.as_ref() };
                if header.state.take_mail() == crate::task::state::Next::Enqueue {
                    self.push_bound(task);
                }
                // SAFETY: the mailbox's reference ends here.
                unsafe { release(task) };
            }
        }
    }

    /// Reads the clock.
    fn read_clock(&self, runtime: &Shared) -> u64 {
        let now = runtime.clock.now_ns();
        self.now_ns.set(now);
        now
    }

    /// Every few polls: has enough time gone by to look around? How many polls there are between two
    /// of these glances follows from how long the last ones took.
    fn glance(&self, runtime: &Shared) {
        let before = self.glanced_ns.get();
        let now = self.read_clock(runtime);
        self.glanced_ns.set(now);
        let interval = u64::from(self.interval.get());
        self.count_polls(interval);
        // Long polls are forgotten slowly: the short ones between them say nothing.
        let forgotten = self.poll_ns.get() - self.poll_ns.get() / 16;
        let each = (now.saturating_sub(before) / interval).max(forgotten).max(1);
        self.poll_ns.set(each);
        let next = (TARGET_NS / each).clamp(1, u64::from(MAX_INTERVAL)) as u32;
        self.interval.set(next);
        self.until_glance.set(next - 1);
        if now.saturating_sub(self.looked_ns.get()) >= TARGET_NS {
            self.look_around(runtime, now);
        } else if now == before && runtime.clock.is_paused() {
            self.glance_in_virtual_time(runtime, now);
        }
    }

    /// Virtual time stands still while there is work, so that it is never time to look around: after a number
    /// of polls it is done, or a task that only gives way would keep the others from I/O and from other threads.
    #[cold]
    fn glance_in_virtual_time(&self, runtime: &Shared, now: u64) {
        self.still.set(self.still.get() + 1);
        if self.still.get() >= STILL_GLANCES {
            self.still.set(0);
            self.look_around(runtime, now);
        }
    }

    /// Looks at mail, timers and I/O while there is other work.
    #[cold]
    fn look_around(&self, runtime: &Shared, now: u64) {
        self.looked_ns.set(now);
        // A seed alone decides the order of tasks.
        self.urgent.set_open(self.queued() > CROWD && !self.bound(|queue| queue.seeded));
        self.take_mail();
        self.shared().timers.fire(now, TIMER_BATCH);
        self.urgent.set_open(false);
        // Sockets stand in line: where the crowd is one of sockets, too, those that are quick would
        // otherwise be served twice while the others wait.
        self.poll_io(Some(Duration::ZERO));
        // A busy core keeps no watch.
        runtime.stop_watching(self.shared().index);
        if self.shared().backlog() >= 2 {
            self.wake_watcher();
        }
    }

    /// Turns the reactor, if there is one; `false` if there is none.
    fn poll_io(&self, timeout: Option<Duration>) -> bool {
        let Some(reactor) = self.shared().reactor() else { return false };
        let mut events = self.events.borrow_mut();
        let events = events.get_or_insert_with(Events::new);
        if let Err(error) = reactor.turn(events, timeout) {
            // A broken selector is beyond repair; without a pause this would be a busy loop.
            say(format_args!("the reactor of core {} failed: {error}", self.shared().index));
            self.shared().parker.park_timeout(LAST_NAP);
        }
        true
    }

    /// Runs tasks until `main` says that it is done, or, without a main future, until the runtime has
    /// shut down and nothing is left, or another thread wants the core.
    ///
    /// `main` is called with the main task's header when that is to be polled.
    pub(crate) fn run(&self, runtime: &Shared, main: Option<Main<'_>>) {
        self.stuck.set_main(main.is_some());
        AbortOnUnwind::during(|| self.run_loop(runtime, main));
        self.stuck.set_main(false);
    }

    /// Why the main future is to fail, if it waits for what never comes.
    pub(crate) fn take_stuck(&self) -> Option<String> {
        self.stuck.take_report()
    }

    fn run_loop(&self, runtime: &Shared, mut main: Option<Main<'_>>) {
        self.read_clock(runtime);
        // A task that woke itself is queued after the glance: what that finds comes first.
        let mut again: Option<NonNull<Header>> = None;
        loop {
            let left = self.until_glance.get();
            if left == 0 {
                self.glance(runtime);
            } else {
                self.until_glance.set(left - 1);
            }
            if let Some(task) = again.take() {
                self.push_again(task);
            }
            let Some(task) = self.pop() else {
                if main.is_none() && (runtime.is_over() || self.is_to_be_given_up(runtime)) {
                    return;
                }
                self.wait_for_work(runtime, None, main.is_none());
                if let (true, Some(main)) = (self.stuck.has_report(), &main) {
                    // SAFETY: the main header lives as long as this loop.
                    unsafe { schedule(main.header) };
                }
                continue;
            };
            match &mut main {
                Some(main) if main.header == task => match (main.poll)(self) {
                    Polled::Over => return,
                    Polled::Again => again = Some(task),
                    Polled::Pending => {}
                },
                // SAFETY: it came off a queue of this core, which this thread has (E3).
                _ => again = unsafe { harness::run(task, self) }.then_some(task),
            }
        }
    }

    /// Runs a task that came off a queue of this core, and queues it again if need be.
    fn run_one(&self, task: NonNull<Header>) {
        // SAFETY: it came off a queue of this core, which this thread has (E3).
        if unsafe { harness::run(task, self) } {
            self.push_again(task);
        }
    }

    /// Queues a task that was woken while it ran.
    fn push_again(&self, task: NonNull<Header>) {
        // SAFETY: queued by its state, so alive (E3).
        if unsafe { task.as_ref() }.state.is_bound() {
            self.push_bound(task);
        } else {
            self.push_stealable(task);
        }
    }

    /// A thread in `block_on` wants this core. It gets it if nothing here is tied to this thread.
    fn is_to_be_given_up(&self, runtime: &Shared) -> bool {
        self.shared().take_request() && self.locals.get() == 0 && runtime.is_core_wanted()
    }

    /// Runs what is left of a runtime that shuts down, until nothing is, or until `deadline`.
    pub(crate) fn run_to_the_end(&self, runtime: &Shared, deadline: Option<std::time::Instant>) {
        AbortOnUnwind::during(|| self.run_rest(runtime, deadline));
    }

    fn run_rest(&self, runtime: &Shared, deadline: Option<std::time::Instant>) {
        loop {
            let left = deadline.map(|d| d.saturating_duration_since(std::time::Instant::now()));
            while let Some(task) = self.pop() {
                self.run_one(task);
                if deadline.is_some_and(|d| std::time::Instant::now() >= d)
                    && !self.abandons_cleanups()
                {
                    return;
                }
            }
            if runtime.is_over() || left.is_some_and(|left| left.is_zero()) {
                return;
            }
            self.wait_for_work(runtime, left, true);
        }
    }

    /// The queues are empty: finds something to do, or sleeps, for at most `limit`. Whoever `may_end`
    /// is not to sleep when the runtime is over.
    fn wait_for_work(&self, runtime: &Shared, limit: Option<Duration>, may_end: bool) {
        self.take_mail();
        if !self.is_idle() {
            return;
        }
        let now = self.read_clock(runtime);
        if self.shared().timers.fire(now, TIMER_BATCH).count > 0 && !self.is_idle() {
            return;
        }
        let nap = self.watch(runtime);
        if !self.is_idle() {
            return;
        }
        let nap = match (nap, limit) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if self.linger(runtime) {
            self.shared().park.wake_up();
        } else {
            self.sleep(runtime, nap, may_end);
        }
        let now = self.read_clock(runtime);
        self.looked_ns.set(now);
        self.glanced_ns.set(now);
        // After a sleep polls are taken for long ones until they have proved to be short.
        self.poll_ns.set(TARGET_NS);
        self.interval.set(1);
        self.until_glance.set(0);
        // A sleep counts as progress: the watcher must not take the next poll for a long one.
        self.count_polls(1);
        self.shared().timers.fire(now, TIMER_BATCH);
    }

    /// Waits a few microseconds for a sender, if that has been worth it lately.
    fn linger(&self, runtime: &Shared) -> bool {
        // Virtual time stands still meanwhile, and a seed must decide everything.
        !runtime.clock.is_paused() && self.linger.wait(|| self.shared().park.is_notified())
    }

    fn count_polls(&self, count: u64) {
        let polls = &self.shared().polls;
        // Ordering: Relaxed, one writer; the watcher takes samples.
        polls.store(polls.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }

    /// Sleeps until something is sent, a timer is due, or `nap` is over.
    fn sleep(&self, runtime: &Shared, nap: Option<Duration>, may_end: bool) {
        let shared = self.shared();
        let in_reactor = shared.reactor().is_some();
        // Ordering: Relaxed, published by the park word.
        shared.in_reactor.store(in_reactor, Ordering::Relaxed);
        if !shared.park.fall_asleep() {
            return;
        }
        if shared.has_mail()
            || shared.reactor().is_some() != in_reactor
            || (may_end && runtime.is_over())
        {
            shared.park.wake_up();
            return;
        }
        let deadline = shared.timers.next_deadline_ns();
        if runtime.clock.is_paused() {
            self.sleep_in_virtual_time(runtime, deadline, nap);
        } else {
            let until_timer =
                deadline.map(|at| Duration::from_nanos(at.saturating_sub(runtime.clock.now_ns())));
            let timeout = match (until_timer, nap) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            self.sleep_for(timeout);
        }
        shared.park.wake_up();
    }

    fn sleep_for(&self, timeout: Option<Duration>) {
        if self.poll_io(timeout) {
            return;
        }
        match timeout {
            Some(timeout) => {
                self.shared().parker.park_timeout(timeout);
            }
            None => self.shared().parker.park(),
        }
    }

    /// Everything is idle and time is virtual: I/O first, then the clock jumps to the next timer,
    /// unless blocking calls are still under way.
    fn sleep_in_virtual_time(
        &self,
        runtime: &Shared,
        deadline: Option<u64>,
        nap: Option<Duration>,
    ) {
        self.poll_io(Some(Duration::ZERO));
        if !self.is_idle() || self.shared().has_mail() {
            return;
        }
        if runtime.clock.jump(deadline, runtime.has_blocking_work()) {
            return;
        }
        if deadline.is_some() {
            self.sleep_for(nap);
        } else if !self.stuck.fails_main(runtime, self.shared()) {
            self.stuck.sleep(nap, |nap| self.sleep_for(nap));
        }
    }

    /// Whether there are tasks that must not leave this thread.
    pub(crate) fn has_local_tasks(&self) -> bool {
        self.locals.get() > 0
    }

    /// Cancels the tasks that must not leave this thread, and runs until they are gone.
    pub(crate) fn end_local_tasks(&self, runtime: &Shared) {
        AbortOnUnwind::during(|| {
            self.ends_locals.set(true);
            let mut cancelled = 0;
            while self.locals.get() > 0 {
                // Those that are there, and then those that they spawn.
                if self.locals.get() != cancelled {
                    self.cancel_local_tasks();
                    cancelled = self.locals.get();
                }
                match self.pop() {
                    Some(task) => self.run_one(task),
                    None => self.wait_for_work(runtime, None, false),
                }
            }
            self.ends_locals.set(false);
        });
    }

    fn cancel_local_tasks(&self) {
        // A cleanup on its own is left to end by itself, unless there is no time for it.
        let spares = !self.abandons_cleanups();
        let mut local = Vec::new();
        self.shared().for_each_task_ptr(|task| {
            // SAFETY: on the list, so alive while that is locked.
            let state = unsafe { &task.as_ref().state };
            if state.is_local() && !state.is_cancelled() && !(spares && state.is_shielded()) {
                // SAFETY: as above; the canceller takes a reference of its own.
                local.push(unsafe { Canceller::of(task) });
            }
        });
        for task in &local {
            task.cancel();
        }
    }

    /// Whether a task is cancelled for good: nothing in it may absorb the request.
    pub(crate) fn cancels_for_good(&self, local: bool) -> bool {
        (local && self.ends_locals.get())
            || self.shared().runtime().is_none_or(|runtime| runtime.is_closing())
    }

    /// A `!Send` task of this thread was spawned.
    pub(crate) fn on_local_spawn(&self) {
        self.locals.set(self.locals.get() + 1);
    }

    /// A `!Send` task of this thread is done.
    pub(crate) fn on_local_end(&self) {
        self.locals.set(self.locals.get() - 1);
    }

    /// Puts the core back into its slot and marks it as off: `true` if it needs a thread.
    #[must_use]
    pub(crate) fn put_back(self: Box<Self>) -> bool {
        let shared = self.shared_ref();
        let busy = !self.is_idle();
        debug_assert!(!self.has_local_tasks(), "a core goes to another thread without local tasks");
        let mut slot = shared.slot.lock();
        *slot = Some(self);
        // With the slot locked, so that whoever takes the core next marks it as awake after this.
        // What is sent from now on finds the core off; what was sent before is seen below.
        let notified = shared.park.turn_off();
        drop(slot);
        // Who asked for the reactor may be about to register something.
        busy || (notified && shared.reactor().is_some()) || shared.has_something_left()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        debug_assert!(self.is_idle(), "a core goes with nothing in its queues");
        // SAFETY: the credit is given up once, here (E2). The slot's owner holds another count.
        unsafe { CoreShared::release(self.shared, self.credit.get()) };
    }
}

/// A state for the generator, which must not be 0: different seeds, different states (the finalizer of
/// SplitMix64, after Stafford).
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)).max(1)
}

/// The main future of a `block_on`, as the run loop sees it.
pub(crate) struct Main<'a> {
    pub(crate) header: NonNull<Header>,
    /// Polls it.
    pub(crate) poll: &'a mut dyn FnMut(&Core) -> Polled,
}

/// What a poll of the main future came to.
pub(crate) enum Polled {
    Pending,
    /// It was woken meanwhile.
    Again,
    Over,
}
