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
use std::fmt;
use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};
use std::time::Duration;

use corio_sync::hooks::TaskHead;
use corio_sync::prim::statics::OnceLock;
use corio_sync::prim::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering, Parker, SpinLock};

use super::abort::AbortOnUnwind;
use super::cells::Cells;
use super::context::with_context;
use super::mailbox::Mailbox;
use super::park::{ParkState, Wake};
use super::ring::{CAPACITY, Ring};
use super::shared::Shared;
use super::watchdog::PollStamp;
use crate::reactor::{Events, Reactor};
use crate::say::say;
use crate::task::harness;
use crate::task::header::Header;
use crate::task::id;
use crate::task::join::Canceller;
use crate::task::waker::release;
use crate::time::timers::Timers;

/// The most polls between two looks at the clock. Whatever the polls before took, a change to long
/// ones is noticed after so many of them.
const MAX_INTERVAL: u32 = 16;
/// Time between two looks at timers, mail and I/O while there is other work.
const TARGET_NS: u64 = 30_000;
/// Timers fired before other work gets its turn.
const TIMER_BATCH: usize = 1024;
/// Counts of `cells` taken at a time.
const CREDIT: usize = 256;
/// A sibling's backlog is worth taking when it would keep it busy for this long.
const WORTH_STEALING_NS: u64 = 500_000;
/// The watcher's naps: the first and the longest.
const FIRST_NAP: Duration = Duration::from_micros(100);
const LAST_NAP: Duration = Duration::from_millis(10);

/// The part of a core that any thread may touch.
pub(crate) struct CoreShared {
    /// Its place among the runtime's cores.
    pub(crate) index: usize,
    runtime: Weak<Shared>,
    pub(crate) park: ParkState,
    /// Where the core's thread sleeps while there is no reactor.
    parker: Parker,
    /// Whether the thread sleeps in the reactor rather than in `parker`. Written by the core's thread
    /// before it announces its sleep, read by whoever finds it asleep.
    in_reactor: AtomicBool,
    /// Stealable tasks sent by other threads.
    mail: Mailbox<Header>,
    /// Bound tasks woken by other threads; each holds a reference.
    bound_mail: Mailbox<Header>,
    ring: Ring<Header>,
    overflow: Overflow,
    tasks: SpinLock<TaskList>,
    pub(crate) timers: Timers,
    reactor: OnceLock<Arc<Reactor>>,
    /// Guards the making of the reactor.
    making_reactor: Mutex<()>,
    /// Polls since the start. Written by the core's thread, read by the watcher.
    polls: AtomicU64,
    /// The poll that is under way, where somebody asked for long ones to be reported.
    pub(crate) poll_stamp: PollStamp,
    /// Set once, when shutdown will not wait for cleanups any longer.
    abandon: AtomicBool,
    /// A thread in `block_on` asks for the core: its worker gives it up when it has nothing to do.
    wanted: AtomicBool,
    /// The core itself while no thread runs it.
    pub(crate) slot: Mutex<Option<Box<Core>>>,
    cells: AtomicUsize,
}

// SAFETY: the raw pointers in it are tasks, whose state says who may touch them (T1, T2, E3).
unsafe impl Send for CoreShared {}
// SAFETY: as above; everything else in it is made for sharing.
unsafe impl Sync for CoreShared {}

/// The tasks of a core, from spawn to completion, wherever they run. Holds a reference to each.
#[derive(Default)]
struct TaskList {
    tasks: Vec<NonNull<Header>>,
    /// Set at shutdown: nothing is added any more.
    closed: bool,
}

/// Tasks that did not fit the ring, in order.
#[derive(Default)]
struct Overflow {
    tasks: SpinLock<VecDeque<NonNull<Header>>>,
    /// Written with the lock held; read without.
    len: AtomicUsize,
}

impl Overflow {
    #[inline]
    fn len(&self) -> usize {
        // Ordering: Relaxed, the owner wrote it, or it is a hint.
        self.len.load(Ordering::Relaxed)
    }

    fn push(&self, task: NonNull<Header>) {
        let mut tasks = self.tasks.lock();
        tasks.push_back(task);
        // Ordering: Relaxed, see `len`.
        self.len.store(tasks.len(), Ordering::Relaxed);
    }

    /// Takes at most `limit` tasks, oldest first.
    fn take(&self, limit: usize, mut f: impl FnMut(NonNull<Header>)) {
        let mut tasks = self.tasks.lock();
        let count = limit.min(tasks.len());
        tasks.drain(..count).for_each(&mut f);
        // Ordering: Relaxed, see `len`.
        self.len.store(tasks.len(), Ordering::Relaxed);
    }
}

impl CoreShared {
    /// A core that no thread runs, with its `Core` in the slot. The caller holds one count.
    pub(crate) fn allocate(
        index: usize,
        single: bool,
        runtime: Weak<Shared>,
        seed: u64,
    ) -> NonNull<Self> {
        let shared = Box::new(Self {
            index,
            runtime,
            park: ParkState::off(),
            parker: Parker::new(),
            in_reactor: AtomicBool::new(false),
            mail: Mailbox::new(),
            bound_mail: Mailbox::new(),
            ring: Ring::new(),
            overflow: Overflow::default(),
            tasks: SpinLock::new(TaskList::default()),
            timers: Timers::new(),
            reactor: OnceLock::new(),
            making_reactor: Mutex::new(()),
            polls: AtomicU64::new(0),
            poll_stamp: PollStamp::new(),
            abandon: AtomicBool::new(false),
            wanted: AtomicBool::new(false),
            slot: Mutex::new(None),
            cells: AtomicUsize::new(1 + CREDIT),
        });
        let shared = NonNull::from(Box::leak(shared));
        let core = Box::new(Core::new(shared, single, seed));
        // SAFETY: just made, and not shared yet.
        *unsafe { shared.as_ref() }.slot.lock() = Some(core);
        shared
    }

    /// Gives `count` counts back; frees the core with the last (E2).
    ///
    /// # Safety
    ///
    /// The caller owns that many counts.
    pub(crate) unsafe fn release(this: NonNull<Self>, count: usize) {
        // SAFETY: the caller's counts keep it alive.
        let shared = unsafe { this.as_ref() };
        // Ordering: AcqRel: the last user sees everybody's accesses before it frees.
        if shared.cells.fetch_sub(count, Ordering::AcqRel) == count {
            // SAFETY: nobody has a count any more, and `allocate` made it.
            drop(unsafe { Box::from_raw(this.as_ptr()) });
        }
    }

    /// The runtime, unless it is gone.
    pub(crate) fn runtime(&self) -> Option<Arc<Shared>> {
        self.runtime.upgrade()
    }

    /// Something was put where the core will look: sees to it that it looks.
    #[inline]
    pub(crate) fn notify(&self) {
        match self.park.notify() {
            Wake::Nothing => {}
            Wake::Thread => self.unpark(),
            Wake::Start => self.start(),
        }
    }

    #[cold]
    fn unpark(&self) {
        // Ordering: Relaxed: written before the core's thread announced its sleep, which the caller
        // has seen through the park word.
        if self.in_reactor.load(Ordering::Relaxed) {
            if let Some(reactor) = self.reactor.get() {
                reactor.notify();
            }
        } else {
            self.parker.unpark();
        }
    }

    #[cold]
    fn start(&self) {
        match self.runtime.upgrade() {
            Some(runtime) => runtime.find_thread_for(self.index),
            None => self.refuse_mail(),
        }
    }

    /// The runtime is gone: nobody will read what is sent, and each item holds a reference.
    ///
    /// The word is OFF before the mailbox is emptied, so a later sender finds OFF, and empties it
    /// itself.
    pub(crate) fn refuse_mail(&self) {
        self.park.turn_off();
        for task in self.bound_mail.take() {
            // SAFETY: the mailbox's reference ends here. It is not what keeps this core: the caller
            // has a count, or a waker of a task that has one.
            unsafe { release(task) };
        }
    }

    /// Sends a stealable task whose state has just become "queued".
    pub(crate) fn post(&self, task: NonNull<Header>) {
        // SAFETY: queued once, by the caller (E3).
        if unsafe { self.mail.push(task) } {
            self.notify();
        }
    }

    /// Sends a bound task that has just been marked as notified, with a reference.
    pub(crate) fn post_bound(&self, task: NonNull<Header>) {
        // SAFETY: notified once, by the caller, with a reference for the mailbox.
        if unsafe { self.bound_mail.push(task) } {
            self.notify();
        }
    }

    fn has_mail(&self) -> bool {
        !self.mail.is_empty() || !self.bound_mail.is_empty()
    }

    /// Stealable tasks that wait in the core's queues, about.
    #[inline]
    pub(crate) fn backlog(&self) -> usize {
        self.ring.len() + self.overflow.len()
    }

    /// Adds a task to the list; `false` if the runtime is shutting down and the task is no cleanup, nor
    /// belongs to one.
    #[inline]
    pub(crate) fn add_task(&self, task: NonNull<Header>) -> bool {
        let mut list = self.tasks.lock();
        // SAFETY: the caller is making the task.
        let header = unsafe { task.as_ref() };
        if list.closed && !header.state.is_shielded() {
            let of_cleanup = super::context::current_header()
                .is_some_and(|current| current.state.is_closing() || current.state.is_shielded());
            if !of_cleanup {
                return false;
            }
            // What a cleanup does during shutdown is waited for like the cleanup itself.
            header.state.shield();
        }
        // Ordering: Relaxed, under the lock.
        header.list_index.store(list.tasks.len() as u32, Ordering::Relaxed);
        list.tasks.push(task);
        true
    }

    /// Takes a completed task off the list; its reference is the caller's now.
    #[inline]
    pub(crate) fn remove_task(&self, task: NonNull<Header>) {
        let mut list = self.tasks.lock();
        // SAFETY: on the list, so alive.
        // Ordering: Relaxed, under the lock.
        let index = unsafe { task.as_ref() }.list_index.load(Ordering::Relaxed) as usize;
        debug_assert_eq!(list.tasks[index], task);
        list.tasks.swap_remove(index);
        if let Some(moved) = list.tasks.get(index) {
            // SAFETY: on the list, so alive.
            // Ordering: Relaxed, under the lock.
            unsafe { moved.as_ref() }.list_index.store(index as u32, Ordering::Relaxed);
        }
        let last = list.closed && list.tasks.is_empty();
        drop(list);
        if last {
            self.last_task_gone();
        }
    }

    #[cold]
    fn last_task_gone(&self) {
        if let Some(runtime) = self.runtime.upgrade() {
            runtime.core_drained();
        }
    }

    /// How many tasks the list holds.
    pub(crate) fn task_count(&self) -> usize {
        self.tasks.lock().tasks.len()
    }

    /// Calls `f` with each task on the list, which it must not keep.
    pub(crate) fn for_each_task(&self, mut f: impl FnMut(&Header)) {
        for task in &self.tasks.lock().tasks {
            // SAFETY: on the list, so alive while the lock is held.
            f(unsafe { task.as_ref() });
        }
    }

    /// From now on cleanups are dropped.
    pub(crate) fn abandon_cleanups(&self) {
        // Ordering: Relaxed, see `Core::abandons_cleanups`.
        self.abandon.store(true, Ordering::Relaxed);
    }

    /// Calls `f` with a pointer to each task on the list; the list is locked meanwhile.
    pub(crate) fn for_each_task_ptr(&self, f: impl FnMut(NonNull<Header>)) {
        self.tasks.lock().tasks.iter().copied().for_each(f);
    }

    /// Takes over what was sent to `other`, which cannot get a thread.
    pub(crate) fn adopt_mail_of(&self, other: &CoreShared) {
        other.mail.take().for_each(|task| self.post(task));
    }

    /// Refuses new tasks, and calls `f` with each that is there.
    pub(crate) fn close(&self, mut f: impl FnMut(NonNull<Header>)) {
        let mut list = self.tasks.lock();
        list.closed = true;
        list.tasks.iter().copied().for_each(&mut f);
    }

    /// The core's reactor, made if need be.
    pub(crate) fn reactor_or_new(&self, own_thread: bool) -> io::Result<Arc<Reactor>> {
        if let Some(reactor) = self.reactor.get() {
            if !own_thread {
                // It may belong to a core that no thread runs.
                self.notify();
            }
            return Ok(reactor.clone());
        }
        let guard = self.making_reactor.lock();
        if let Some(reactor) = self.reactor.get() {
            return Ok(reactor.clone());
        }
        let reactor = match Reactor::new() {
            Ok(reactor) => Arc::new(reactor),
            // Out of descriptors: a sibling's reactor serves as well, only less well placed.
            Err(error) => {
                let runtime = self.runtime.upgrade();
                let runtime = runtime.as_deref();
                let lends = |core: &&CoreRef| core.reactor().is_some();
                let lender = runtime.and_then(|r| r.cores().iter().find(lends));
                let other = lender.and_then(|core| {
                    core.notify();
                    core.reactor().cloned()
                });
                return other.ok_or(error);
            }
        };
        let _ = self.reactor.set(reactor.clone());
        drop(guard);
        if !own_thread {
            // A thread that sleeps in `parker` must move to the reactor, and one must run the core.
            self.notify();
        }
        Ok(reactor)
    }

    pub(crate) fn reactor(&self) -> Option<&Arc<Reactor>> {
        self.reactor.get()
    }

    /// Ends timers and reactor; who waits on them is told. Threads are gone, or about to go.
    pub(crate) fn shut_down(&self) {
        self.timers.shutdown();
        if let Some(reactor) = self.reactor.get() {
            reactor.shutdown();
        }
    }

    /// Asks the worker that runs the core, and sleeps, to give it up.
    pub(crate) fn ask_for_it(&self) {
        // Ordering: Relaxed, published by the park word.
        self.wanted.store(true, Ordering::Relaxed);
        self.notify();
    }

    /// Takes the request; `true` if there was one.
    #[inline]
    fn take_request(&self) -> bool {
        // Ordering: Relaxed, ordered by the park word; the load keeps the common case from writing.
        self.wanted.load(Ordering::Relaxed) && self.wanted.swap(false, Ordering::Relaxed)
    }

    /// Whether anything may still happen on the core, so that it needs a thread.
    fn has_something_left(&self) -> bool {
        self.has_mail()
            || self.task_count() > 0
            || self.timers.len() > 0
            || self.reactor().is_some_and(|r| r.registered() > 0)
    }

    /// Polls since the start.
    pub(crate) fn polls(&self) -> u64 {
        // Ordering: Relaxed, a sample.
        self.polls.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for CoreShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("index", &self.index).finish_non_exhaustive()
    }
}

/// A counted pointer to a core.
pub(crate) struct CoreRef(NonNull<CoreShared>);

// SAFETY: `CoreShared` is `Send` and `Sync`, and the count is atomic.
unsafe impl Send for CoreRef {}
// SAFETY: as above.
unsafe impl Sync for CoreRef {}

impl CoreRef {
    /// # Safety
    ///
    /// `core` is alive: somebody holds a count of it.
    pub(crate) unsafe fn new(core: NonNull<CoreShared>) -> Self {
        // SAFETY: the caller's promise.
        // Ordering: Relaxed, a count is made from a count.
        unsafe { core.as_ref() }.cells.fetch_add(1, Ordering::Relaxed);
        Self(core)
    }

    pub(crate) fn as_ptr(&self) -> NonNull<CoreShared> {
        self.0
    }
}

impl Deref for CoreRef {
    type Target = CoreShared;
    #[inline]
    fn deref(&self) -> &CoreShared {
        // SAFETY: its count keeps it alive (E2).
        unsafe { self.0.as_ref() }
    }
}

impl Clone for CoreRef {
    fn clone(&self) -> Self {
        // SAFETY: its count keeps it alive (E2).
        unsafe { Self::new(self.0) }
    }
}

impl Drop for CoreRef {
    fn drop(&mut self) {
        super::context::with_core(|here| match here {
            Some(here) => here.on_dealloc(self.0),
            // SAFETY: its count ends here (E2).
            None => unsafe { CoreShared::release(self.0, 1) },
        });
    }
}

impl fmt::Debug for CoreRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

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
    now_ns: Cell<u64>,
    /// When the last glance was, and the last look around.
    glanced_ns: Cell<u64>,
    looked_ns: Cell<u64>,
    rng: Cell<u64>,
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
    events: RefCell<Option<Events>>,
    /// What the watcher saw at its last nap's end: (polls, ns) for each core.
    seen: RefCell<Vec<(u64, u64)>>,
    nap: Cell<Duration>,
}

// SAFETY: a `Core` goes from thread to thread only through its slot's lock (E1).
unsafe impl Send for Core {}

impl Core {
    fn new(shared: NonNull<CoreShared>, single: bool, seed: u64) -> Self {
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
            rng: Cell::new(mixed(seed)),
            next_id: Cell::new(0),
            last_id: Cell::new(0),
            memory: Cells::new(),
            credit: Cell::new(CREDIT),
            locals: Cell::new(0),
            ends_locals: Cell::new(false),
            events: RefCell::new(None),
            seen: RefCell::new(Vec::new()),
            nap: Cell::new(FIRST_NAP),
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
    pub(crate) fn random(&self) -> u64 {
        let mut x = self.rng.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.rng.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
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
        self.bound(|queue| queue.tasks.push_back(task));
    }

    /// Queues a stealable task.
    #[inline]
    pub(crate) fn push_stealable(&self, task: NonNull<Header>) {
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
    fn wake_watcher(&self) {
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
            if queue.seeded && !queue.tasks.is_empty() {
                let index = (self.random() % queue.tasks.len() as u64) as usize;
                return queue.tasks.remove(index);
            }
            queue.tasks.pop_front()
        })
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

    fn is_idle(&self) -> bool {
        self.bound(|queue| queue.tasks.is_empty()) && self.shared().backlog() == 0
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
        }
    }

    /// Looks at mail, timers and I/O while there is other work.
    #[cold]
    fn look_around(&self, runtime: &Shared, now: u64) {
        self.looked_ns.set(now);
        self.take_mail();
        self.shared().timers.fire(now, TIMER_BATCH);
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
        AbortOnUnwind::during(|| self.run_loop(runtime, main));
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
        self.sleep(runtime, nap, may_end);
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
        if !runtime.clock.jump(deadline, runtime.has_blocking_work()) {
            self.sleep_for(nap);
        }
    }

    /// Looks after the other cores while this one has nothing to do; tells how long to nap before the
    /// next look, or `None` if that is somebody else's duty or nobody's.
    ///
    /// One idle core at a time is the watcher. It takes work from a sibling that has been in one poll
    /// since the last look, or whose backlog would keep it busy for long; small work is left where it
    /// is, since it would be gone before it arrived. The idea of an observer that samples a counter of
    /// the others is Go's `sysmon`.
    fn watch(&self, runtime: &Shared) -> Option<Duration> {
        let cores = runtime.cores();
        if cores.len() == 1 {
            return None;
        }
        let own = self.shared().index;
        let anyone_awake = cores.iter().any(|c| c.index != own && c.park.is_awake());
        // With nobody to watch over, a core sleeps without a timeout (the kernel's timer is a tenth of
        // a small request); but one that watches goes on for a while, so that bursts do not have to
        // call it each time.
        if !anyone_awake && !runtime.is_watcher(own) || !runtime.become_watcher(own) {
            return None;
        }
        let now = self.now_ns.get();
        let mut seen = self.seen.borrow_mut();
        seen.resize(cores.len(), (u64::MAX, 0));
        let mut hogged = false;
        for (core, seen) in cores.iter().zip(seen.iter_mut()) {
            if core.index == own {
                continue;
            }
            let awake = core.park.is_awake();
            let polls = core.polls();
            let (before, at) = std::mem::replace(seen, (polls, now));
            let elapsed = now.saturating_sub(at);
            if !awake || before == u64::MAX || elapsed < FIRST_NAP.as_nanos() as u64 / 2 {
                continue;
            }
            let backlog = core.backlog() as u64;
            let stuck = polls == before;
            let each = elapsed / (polls - before).max(1);
            if stuck {
                hogged |= self.serve(core, now);
            }
            if backlog >= 1 && (stuck || (backlog >= 2 && backlog * each > WORTH_STEALING_NS)) {
                self.steal_from(core);
            }
        }
        if !self.is_idle() || hogged {
            self.nap.set(FIRST_NAP);
        } else {
            self.nap.set((self.nap.get() * 2).min(LAST_NAP));
        }
        if !self.is_idle() || (!anyone_awake && self.nap.get() == LAST_NAP) {
            seen.clear();
            self.nap.set(FIRST_NAP);
            runtime.stop_watching(own);
            return None;
        }
        Some(self.nap.get())
    }

    /// Takes half of a sibling's stealable tasks.
    fn steal_from(&self, core: &CoreShared) {
        let shared = self.shared();
        let overflow = core.overflow.len();
        if overflow > 0 {
            // Not straight from one list to the other: nobody holds two of these locks.
            let mut taken = Vec::with_capacity(overflow.div_ceil(2));
            core.overflow.take(taken.capacity(), |task| taken.push(task));
            taken.into_iter().for_each(|task| shared.overflow.push(task));
        }
        core.ring.steal_half(|task| {
            if shared.ring.push(task).is_err() {
                shared.overflow.push(task);
            }
        });
    }

    /// Does what a sibling in a long poll cannot: takes its mail, fires its timers, serves its I/O.
    fn serve(&self, core: &CoreShared, now: u64) -> bool {
        if !core.mail.is_empty() {
            core.mail.take().for_each(|task| self.push_stealable(task));
        }
        let mut served = core.timers.fire(now, TIMER_BATCH).count > 0;
        if let Some(reactor) = core.reactor() {
            let mut events = self.events.borrow_mut();
            let events = events.get_or_insert_with(Events::new);
            served |= reactor.turn(events, Some(Duration::ZERO)).is_ok_and(|n| n > 0);
        }
        served || core.backlog() > 0
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
