//! The part of a core that any thread may touch: its mailboxes and its stealable queue, its list of
//! tasks, its timers and reactor, and the word that wakes it.
//!
//! See `core` for the invariants E1 to E3.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

use corio_sync::prim::statics::OnceLock;
use corio_sync::prim::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering, Parker, SpinLock};

use super::core::{CREDIT, Core};
use super::mailbox::Mailbox;
use super::park::{ParkState, Wake};
use super::ring::Ring;
use super::shared::Shared;
use super::watchdog::PollStamp;
use crate::reactor::Reactor;
use crate::task::header::Header;
use crate::task::waker::release;
use crate::time::timers::Timers;

/// The part of a core that any thread may touch.
pub(crate) struct CoreShared {
    /// Its place among the runtime's cores.
    pub(crate) index: usize,
    pub(super) runtime: Weak<Shared>,
    pub(crate) park: ParkState,
    /// Where the core's thread sleeps while there is no reactor.
    pub(super) parker: Parker,
    /// Whether the thread sleeps in the reactor rather than in `parker`. Written by the core's thread
    /// before it announces its sleep, read by whoever finds it asleep.
    pub(super) in_reactor: AtomicBool,
    /// Stealable tasks sent by other threads.
    pub(super) mail: Mailbox<Header>,
    /// Bound tasks woken by other threads; each holds a reference.
    pub(super) bound_mail: Mailbox<Header>,
    pub(super) ring: Ring<Header>,
    pub(super) overflow: Overflow,
    pub(super) tasks: SpinLock<TaskList>,
    pub(crate) timers: Timers,
    pub(super) reactor: OnceLock<Arc<Reactor>>,
    /// Guards the making of the reactor.
    pub(super) making_reactor: Mutex<()>,
    /// Polls since the start. Written by the core's thread, read by the watcher.
    pub(super) polls: AtomicU64,
    /// Its thread is in a call that takes long, and knew that it would be.
    away: AtomicBool,
    /// The poll that is under way, where somebody asked for long ones to be reported.
    pub(crate) poll_stamp: PollStamp,
    /// Set once, when shutdown will not wait for cleanups any longer.
    pub(super) abandon: AtomicBool,
    /// A thread in `block_on` asks for the core: its worker gives it up when it has nothing to do.
    pub(super) wanted: AtomicBool,
    /// The core itself while no thread runs it.
    pub(crate) slot: Mutex<Option<Box<Core>>>,
    pub(super) cells: AtomicUsize,
}

// SAFETY: the raw pointers in it are tasks, whose state says who may touch them (T1, T2, E3).
unsafe impl Send for CoreShared {}
// SAFETY: as above; everything else in it is made for sharing.
unsafe impl Sync for CoreShared {}

/// The tasks of a core, from spawn to completion, wherever they run. Holds a reference to each.
#[derive(Default)]
pub(super) struct TaskList {
    pub(super) tasks: Vec<NonNull<Header>>,
    /// Set at shutdown: nothing is added any more but cleanups, and what they spawn.
    pub(super) closed: bool,
    /// Set when shutdown is over: nobody runs the core's tasks, so nothing is added at all.
    ended: bool,
}

/// Tasks that did not fit the ring, in order.
#[derive(Default)]
pub(super) struct Overflow {
    tasks: SpinLock<VecDeque<NonNull<Header>>>,
    /// Written with the lock held; read without.
    len: AtomicUsize,
}

impl Overflow {
    #[inline]
    pub(super) fn len(&self) -> usize {
        // Ordering: Relaxed, the owner wrote it, or it is a hint.
        self.len.load(Ordering::Relaxed)
    }

    pub(super) fn push(&self, task: NonNull<Header>) {
        let mut tasks = self.tasks.lock();
        tasks.push_back(task);
        // Ordering: Relaxed, see `len`.
        self.len.store(tasks.len(), Ordering::Relaxed);
    }

    /// Takes at most `limit` tasks, oldest first.
    pub(super) fn take(&self, limit: usize, mut f: impl FnMut(NonNull<Header>)) {
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
            away: AtomicBool::new(false),
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
    pub(super) fn unpark(&self) {
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
    pub(super) fn start(&self) {
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

    pub(crate) fn has_mail(&self) -> bool {
        !self.mail.is_empty() || !self.bound_mail.is_empty()
    }

    /// Stealable tasks that wait in the core's queues, about.
    #[inline]
    pub(crate) fn backlog(&self) -> usize {
        self.ring.len() + self.overflow.len()
    }

    /// Adds a task to the list; `false` if the runtime is shutting down and the task is no cleanup, nor
    /// belongs to one, or if its shutdown is over.
    #[inline]
    pub(crate) fn add_task(&self, task: NonNull<Header>) -> bool {
        let mut list = self.tasks.lock();
        // SAFETY: the caller is making the task.
        let header = unsafe { task.as_ref() };
        if list.closed {
            if list.ended || !is_of_cleanup(header) {
                return false;
            }
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

    /// Has all cores of a runtime refuse tasks from now on, if none has any left or if it `must`; tells whether they
    /// do.
    ///
    /// All or none: what is left on one may spawn on the others. Nobody else holds two of these locks.
    pub(crate) fn end_all(cores: &[CoreRef], must: bool) -> bool {
        let mut lists: Vec<_> = cores.iter().map(|core| core.tasks.lock()).collect();
        let ended = must || lists.iter().all(|list| list.tasks.is_empty());
        lists.iter_mut().for_each(|list| list.ended |= ended);
        ended
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
    pub(super) fn take_request(&self) -> bool {
        // Ordering: Relaxed, ordered by the park word; the load keeps the common case from writing.
        self.wanted.load(Ordering::Relaxed) && self.wanted.swap(false, Ordering::Relaxed)
    }

    /// Whether anything may still happen on the core, so that it needs a thread.
    pub(super) fn has_something_left(&self) -> bool {
        self.has_mail()
            || self.task_count() > 0
            || self.timers.len() > 0
            || self.reactor().is_some_and(|r| r.registered() > 0)
    }

    /// The core's thread goes into a long call, or comes out of it.
    pub(super) fn set_away(&self, away: bool) {
        // Ordering: Relaxed, a hint for the watcher; who is woken for it sees it through the park word.
        self.away.store(away, Ordering::Relaxed);
    }

    /// Whether the core's thread is in a long call.
    pub(super) fn is_away(&self) -> bool {
        // Ordering: Relaxed, see `set_away`.
        self.away.load(Ordering::Relaxed)
    }

    /// Polls since the start.
    pub(crate) fn polls(&self) -> u64 {
        // Ordering: Relaxed, a sample.
        self.polls.load(Ordering::Relaxed)
    }
}

/// Whether a new task is a cleanup, or is spawned by one. What a cleanup does during shutdown is waited for like the
/// cleanup itself.
#[cold]
fn is_of_cleanup(task: &Header) -> bool {
    task.state.is_shielded()
        || super::context::current_header()
            .is_some_and(|current| current.state.is_closing() || current.state.is_shielded())
}

impl fmt::Debug for CoreShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("index", &self.index).finish_non_exhaustive()
    }
}

/// A counted pointer to a core.
pub(crate) struct CoreRef(pub(super) NonNull<CoreShared>);

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
