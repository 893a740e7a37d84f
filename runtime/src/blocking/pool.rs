//! Threads for calls that block.
//!
//! A thread without a call parks on a stack, so that the one that ran last, whose memory is warm, runs
//! next and the others get old enough to end. `submit` takes a thread off the stack and hands it the
//! job in its own slot: no queue, no second thread that wakes up for nothing. Only when all threads
//! are busy and no more may be started, jobs queue, first in, first out.
//!
//! Going to sleep against being handed a job: both take place with the lock held. A thread whose time
//! is up ends only if it still finds itself on the stack; if it does not, somebody has taken it off
//! and a job is on its way.
//!
//! Jobs that wait for other jobs deadlock when all threads wait ([`Pool::oldest_queued`] shows it).
//!
//! The invariants of the file:
//! - **P1** `Slot::job` is touched by its thread alone, except by whoever took the slot off the stack,
//!   until it unparks the thread, and by whoever made the slot, until the thread is started.
//! - **P2** A queued job is never left behind: while there is one, a thread is live or starting, each
//!   live thread looks at the queue before it parks or ends, and the last start that fails empties it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use corio_sync::prim::thread::{self, JoinHandle};
use corio_sync::prim::{Arc, Condvar, Linger, Mutex, MutexGuard, Parker, UnsafeCell};

use crate::sorted::SortedMap;
use crate::task::header::{catch, drop_payload};
use crate::threads;

mod job;

pub(crate) use job::Job;

/// A callback of the user's.
pub(crate) type Callback = Box<dyn Fn() + Send + Sync>;
/// Starts a thread that calls the closure.
pub(crate) type Spawn = Box<
    dyn Fn(thread::Builder, Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> + Send + Sync,
>;

/// How a pool makes and keeps its threads.
pub(crate) struct Config {
    /// As many calls run at once.
    pub(crate) max_threads: usize,
    /// A thread without a call ends after this time.
    pub(crate) keep_alive: Duration,
    /// Names the next thread.
    pub(crate) name: Box<dyn Fn() -> String + Send + Sync>,
    pub(crate) stack_size: Option<usize>,
    /// Called first and last on each thread.
    pub(crate) on_start: Option<Callback>,
    pub(crate) on_stop: Option<Callback>,
    /// Called, on a thread of the pool, each time the pool has nothing to do any more.
    pub(crate) on_idle: Option<Callback>,
    /// Starts a thread; a test puts one here that fails.
    pub(crate) spawn: Spawn,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("max_threads", &self.max_threads)
            .field("keep_alive", &self.keep_alive)
            .field("stack_size", &self.stack_size)
            .finish_non_exhaustive()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_threads: 512,
            keep_alive: Duration::from_secs(10),
            name: Box::new(|| "corio-blocking".to_owned()),
            stack_size: None,
            on_start: None,
            on_stop: None,
            on_idle: None,
            spawn: Box::new(threads::start),
        }
    }
}

/// A job that was not taken, and why.
#[derive(Debug)]
pub(crate) struct SpawnRefused(pub(crate) Job, pub(crate) io::Error);

/// How many threads and jobs a pool has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Threads that take jobs, started or starting.
    pub(crate) threads: usize,
    /// Threads without a job.
    pub(crate) idle: usize,
    /// Jobs that wait for a thread.
    pub(crate) queued: usize,
}

impl Counts {
    /// Jobs that have a thread.
    pub(crate) fn running(&self) -> usize {
        self.threads - self.idle
    }

    /// Whether a job is queued or has a thread.
    pub(crate) fn is_busy(&self) -> bool {
        self.running() + self.queued > 0
    }
}

/// Threads for calls that block. Dropping it closes it and waits for nothing.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    state: Mutex<State>,
    /// Notified when a thread of a closed pool has ended.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The threads without a job, the last one to park on top.
    idle: Vec<Arc<Slot>>,
    queue: VecDeque<Queued>,
    /// How many threads take jobs: those that start, run and are idle, but not those that end.
    live: usize,
    /// All threads, also those that end, by number.
    threads: SortedMap<u64, Record>,
    next_id: u64,
    closed: bool,
    /// The handles of threads that have ended, or are about to without taking the lock again.
    ended: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Queued {
    job: Job,
    since: Instant,
}

#[derive(Debug)]
struct Record {
    name: String,
    /// Missing until `spawn` has returned in the thread that called it.
    handle: Option<JoinHandle<()>>,
    /// It runs a call that nobody waits for at the end.
    may_be_left: bool,
}

/// Where a thread waits for its next job.
#[derive(Debug)]
struct Slot {
    id: u64,
    parker: Parker,
    job: UnsafeCell<Option<Job>>,
}

// SAFETY: `job` is handed back and forth as P1 says; everything else is made for sharing.
unsafe impl Sync for Slot {}
// SAFETY: a `Job` may be sent.
unsafe impl Send for Slot {}

thread_local! {
    /// The pool whose thread this is (the address of its `Shared`), and the thread's number in it.
    static CURRENT: Cell<(usize, u64)> = const { Cell::new((0, 0)) };
    static LINGER: Linger = const { Linger::new() };
}

impl Slot {
    fn new(id: u64, job: Job) -> Self {
        Self { id, parker: Parker::new(), job: UnsafeCell::new(Some(job)) }
    }

    /// # Safety
    ///
    /// The caller may touch the job (P1).
    unsafe fn take(&self) -> Option<Job> {
        // SAFETY: says the caller.
        self.job.with_mut(|slot| unsafe { (*slot).take() })
    }

    /// Gives the thread a job.
    ///
    /// # Safety
    ///
    /// The caller took the slot off the stack (P1).
    unsafe fn hand_over(&self, job: Job) {
        // SAFETY: the thread waits for our unpark, and nobody else has the slot (P1).
        self.job.with_mut(|slot| unsafe { *slot = Some(job) });
        self.parker.unpark();
    }
}

impl State {
    fn counts(&self) -> Counts {
        Counts { threads: self.live, idle: self.idle.len(), queued: self.queue.len() }
    }

    /// Forgets a thread that ends; gives the handles of the ones that ended before it.
    fn remove(&mut self, id: u64) -> Vec<JoinHandle<()>> {
        let handle = self.threads.remove(id).and_then(|record| record.handle);
        // It cannot join itself; the next one to end, or the shutdown, does.
        std::mem::replace(&mut self.ended, handle.into_iter().collect())
    }
}

impl Pool {
    /// A pool without threads; they start when they are needed.
    pub(crate) fn new(config: Config) -> Self {
        assert!(config.max_threads > 0, "a blocking pool of 0 threads could run nothing");
        let state = Mutex::new(State::default());
        Self { shared: Arc::new(Shared { config, state, ended: Condvar::new() }) }
    }

    /// Runs `job` on a thread of the pool: an idle one, a new one, or, when `max_threads` are busy,
    /// the first one to become idle.
    ///
    /// # Errors
    ///
    /// When the pool is closed, and when there is no thread and the system gives none (B01). The
    /// job comes back with the error.
    pub(crate) fn submit(&self, job: Job) -> Result<(), SpawnRefused> {
        let mut state = self.shared.state.lock();
        if state.closed {
            drop(state);
            let why = "the runtime is shutting down: it takes no more blocking calls";
            return Err(SpawnRefused(job, io::Error::other(why)));
        }
        if let Some(slot) = state.idle.pop() {
            drop(state);
            // SAFETY: off the stack (P1).
            unsafe { slot.hand_over(job) };
            return Ok(());
        }
        if state.live >= self.shared.config.max_threads {
            state.queue.push_back(Queued { job, since: Instant::now() });
            return Ok(());
        }
        self.start_thread(state, job)
    }

    /// Starts a thread with `job` as its first.
    #[cold]
    fn start_thread(&self, mut state: MutexGuard<'_, State>, job: Job) -> Result<(), SpawnRefused> {
        let shared = &self.shared;
        let name = (shared.config.name)();
        let id = state.next_id;
        state.next_id += 1;
        state.live += 1;
        state.threads.insert(id, Record { name: name.clone(), handle: None, may_be_left: false });
        drop(state);

        let mut builder = thread::Builder::new().name(name);
        if let Some(size) = shared.config.stack_size {
            builder = builder.stack_size(size);
        }
        let slot = Arc::new(Slot::new(id, job));
        let (theirs, main) = (slot.clone(), shared.clone());
        let started = (shared.config.spawn)(builder, Box::new(move || main.run_thread(&theirs)));

        let mut state = shared.state.lock();
        match started {
            Ok(handle) => {
                match state.threads.get_mut(id) {
                    Some(record) => record.handle = Some(handle),
                    // It has ended already.
                    None => state.ended.push(handle),
                }
                Ok(())
            }
            Err(error) => {
                state.threads.remove(id);
                state.live -= 1;
                // SAFETY: we made the slot, and its thread was not started (P1).
                let job = unsafe { slot.take() }.expect("nobody ran, so nobody took the job");
                self.place_without_start(state, job, error)
            }
        }
    }

    /// Finds a place for a job whose thread the system refused.
    fn place_without_start(
        &self,
        mut state: MutexGuard<'_, State>,
        job: Job,
        error: io::Error,
    ) -> Result<(), SpawnRefused> {
        if let Some(slot) = state.idle.pop() {
            drop(state);
            // SAFETY: off the stack (P1).
            unsafe { slot.hand_over(job) };
            return Ok(());
        }
        if state.live > 0 && !state.closed {
            state.queue.push_back(Queued { job, since: Instant::now() });
            return Ok(());
        }
        // Others that waited for a start which failed have nobody left to run them (P2).
        let stranded = std::mem::take(&mut state.queue);
        self.shared.ended.notify_all();
        drop(state);
        drop(stranded);
        let text = format!(
            "the system refused a thread for a blocking call ({error}), and there is none yet: raise \
             the limit on threads (ulimit -u, pids.max) or try again later"
        );
        Err(SpawnRefused(job, io::Error::new(error.kind(), text)))
    }

    /// How many threads and jobs there are.
    pub(crate) fn counts(&self) -> Counts {
        self.shared.state.lock().counts()
    }

    /// For how long the oldest queued job has been waiting for a thread. Long waits mean that the pool
    /// is too small, or that its jobs wait for one another (B05).
    pub(crate) fn oldest_queued(&self) -> Option<Duration> {
        let state = self.shared.state.lock();
        state.queue.front().map(|queued| queued.since.elapsed())
    }

    /// Takes no more jobs, refuses the queued ones, and lets idle threads end.
    pub(crate) fn close(&self) {
        let mut state = self.shared.state.lock();
        state.closed = true;
        let queue = std::mem::take(&mut state.queue);
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        for slot in idle {
            slot.parker.unpark();
        }
        // Last, without the lock: a refused job may do anything.
        for queued in queue {
            quietly(|| drop(queued));
        }
    }

    /// Waits until every thread of the closed pool has ended, for no longer than `deadline`; gives
    /// the names of those that have not. It does not wait for calls that may be left; called on a thread
    /// of the pool, not for itself either.
    pub(crate) fn join(&self, deadline: Option<Instant>) -> Vec<String> {
        let shared = &self.shared;
        let own = CURRENT.get();
        // (In a model, all threads share this one's locals.)
        let is_ours = !cfg!(corio_loom) && own.0 == self.shared.address();
        let own = is_ours.then_some(own.1);
        let mut state = shared.state.lock();
        debug_assert!(state.closed, "close the pool before joining it");
        loop {
            let ended = std::mem::take(&mut state.ended);
            if !ended.is_empty() {
                drop(state);
                join_all(ended);
                state = shared.state.lock();
                continue;
            }
            let others = |state: &State| {
                let others = state
                    .threads
                    .iter()
                    .filter(|(id, record)| Some(*id) != own && !record.may_be_left);
                others.map(|(_, record)| record.name.clone()).collect::<Vec<_>>()
            };
            let stuck = others(&state);
            if stuck.is_empty() {
                return stuck;
            }
            state = match deadline.map(|d| d.saturating_duration_since(Instant::now())) {
                None => shared.ended.wait(state),
                Some(Duration::ZERO) => return stuck,
                Some(left) => shared.ended.wait_timeout(state, left),
            };
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// A thread's life.
    fn run_thread(&self, slot: &Arc<Slot>) {
        CURRENT.set((self.address(), slot.id));
        self.call(&self.config.on_start);
        // SAFETY: our slot, and whoever made it is done with it, since we run (P1).
        let mut next = unsafe { slot.take() };
        while let Some(job) = next {
            let may_be_left = job.may_be_left;
            if may_be_left {
                self.note_may_be_left(slot.id, true);
            }
            quietly(|| job.run());
            if may_be_left {
                self.note_may_be_left(slot.id, false);
            }
            next = self.next_job(slot);
        }
        self.call(&self.config.on_stop);
        let mut state = self.state.lock();
        let before = state.remove(slot.id);
        let closed = state.closed;
        drop(state);
        if closed {
            self.ended.notify_all();
        }
        join_all(before);
    }

    /// The thread begins or ends a call that may be left.
    fn note_may_be_left(&self, id: u64, on: bool) {
        let mut state = self.state.lock();
        if let Some(record) = state.threads.get_mut(id) {
            record.may_be_left = on;
        }
        if state.closed {
            // Whoever joins counts again.
            self.ended.notify_all();
        }
    }

    /// Waits for a job; `None` when the thread is to end, and no longer counts as live.
    fn next_job(&self, slot: &Arc<Slot>) -> Option<Job> {
        let mut state = self.state.lock();
        if let Some(queued) = state.queue.pop_front() {
            return Some(queued.job);
        }
        if state.closed {
            state.live -= 1;
            return None;
        }
        state.idle.push(slot.clone());
        let is_busy = state.counts().is_busy();
        drop(state);
        if !is_busy {
            self.call(&self.config.on_idle);
        }
        let is_here = LINGER.with(|linger| slot.parker.linger(linger));
        if !is_here && !park(&slot.parker, self.config.keep_alive) {
            let mut state = self.state.lock();
            if let Some(at) = state.idle.iter().position(|other| other.id == slot.id) {
                state.idle.remove(at);
                state.live -= 1;
                return None;
            }
            drop(state);
            // Taken off the stack: by `submit`, with a job, or by `close`.
            slot.parker.park();
        }
        // SAFETY: our slot, and whoever took it off the stack has unparked us (P1).
        let job = unsafe { slot.take() };
        if job.is_none() {
            self.state.lock().live -= 1;
        }
        job
    }

    fn call(&self, callback: &Option<Callback>) {
        if let Some(callback) = callback {
            quietly(callback);
        }
    }
}

/// Parks for `time`, whole; tells whether it was unparked.
fn park(parker: &Parker, time: Duration) -> bool {
    if cfg!(corio_loom) {
        // A model checker's time never runs out by itself; in a model it has run out at once, before
        // or after whatever the others do.
        thread::yield_now();
        return parker.try_take();
    }
    let start = Instant::now();
    loop {
        let left = time.saturating_sub(start.elapsed());
        if parker.park_timeout(left) {
            return true;
        }
        if start.elapsed() >= time {
            return false;
        }
    }
}

/// Runs foreign code whose panic must not end the thread; the panic hook has reported it.
fn quietly(f: impl FnOnce()) {
    if let Err(payload) = catch(f) {
        drop_payload(payload);
    }
}

fn join_all(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        // A thread of ours catches the panics of what it calls.
        let _ = handle.join();
    }
}

#[cfg(test)]
mod tests;
