//! A runtime as its threads share it: the cores, the clock, the threads, and the end of it all.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use corio_sync::hooks::Site;
use corio_sync::prim::{AtomicBool, AtomicUsize, Condvar, Mutex, Ordering, Parker, thread};

use super::builder::Config;
use super::context::Context;
use super::core::{Core, CoreRef, CoreShared};
use super::mains::Mains;
use super::metrics::RuntimeMetrics;
use super::watchdog::Watchdog;
use crate::blocking::{self, BlockingPool};
use crate::cleanup::AdoptedEntry;
use crate::say::say;
use crate::task::header::Plain;
use crate::task::join::Canceller;
use crate::task::spawn::{Options, spawn};
use crate::threads;
use crate::time::clock::Clock;

/// What all threads of a runtime share.
pub(crate) struct Shared {
    /// Each with one count (E2 of the cores).
    cores: Box<[CoreRef]>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) config: Config,
    pub(crate) blocking: BlockingPool,
    /// The index of the core that watches the others, plus one; 0 for none.
    watcher: AtomicUsize,
    pub(crate) mains: Mains,
    watchdog: Watchdog,
    /// It has been said that worker threads cannot be started.
    told_of_threads: AtomicBool,
    /// Set once, when shutdown begins.
    closing: AtomicBool,
    threads: Mutex<Threads>,
    /// Notified when a worker thread ends, and when a closing core's last task is gone.
    progress: Condvar,
    /// Threads in `block_on` that found no free core: told when one may be free.
    waiting: Mutex<Vec<Arc<Parker>>>,
    /// Threads in `block_on` that have asked a sleeping worker for its core.
    requests: Mutex<Vec<Arc<Request>>>,
}

/// A thread in `block_on` that waits for a worker's core.
#[derive(Default)]
struct Request {
    /// The core, before `answered` is unparked. Who takes the request off the list answers it.
    core: Mutex<Option<Box<Core>>>,
    answered: Parker,
}

#[derive(Default)]
struct Threads {
    handles: Vec<thread::JoinHandle<()>>,
    running: usize,
    /// Of those, the ones without a core.
    spare: usize,
    /// Cores that such a thread is to take.
    assigned: VecDeque<Box<Core>>,
}

impl Shared {
    pub(crate) fn new(config: Config, clock: Clock, seed: u64) -> Arc<Self> {
        Arc::new_cyclic(|this| {
            let cores = (0..config.cores)
                .map(|index| {
                    let seed =
                        seed.wrapping_add((index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                    let core = CoreShared::allocate(index, config.cores == 1, this.clone(), seed);
                    // SAFETY: just made, and its first count is ours to pass on.
                    let counted = unsafe { CoreRef::new(core) };
                    // SAFETY: `counted` holds one, so the first can be given back.
                    unsafe { CoreShared::release(core, 1) };
                    counted
                })
                .collect();
            Self {
                cores,
                clock: Arc::new(clock),
                blocking: BlockingPool::new(&config, notify_when_idle(this.clone())),
                config,
                watcher: AtomicUsize::new(0),
                mains: Mains::default(),
                watchdog: Watchdog::default(),
                told_of_threads: AtomicBool::new(false),
                closing: AtomicBool::new(false),
                threads: Mutex::new(Threads::default()),
                progress: Condvar::new(),
                waiting: Mutex::new(Vec::new()),
                requests: Mutex::new(Vec::new()),
            }
        })
    }

    pub(crate) fn cores(&self) -> &[CoreRef] {
        &self.cores
    }

    /// Whether there is one core only, so that every task is bound to it.
    #[inline]
    pub(crate) fn is_single(&self) -> bool {
        self.cores.len() == 1
    }

    // ---- cores and threads ----

    /// Takes a core that no thread runs.
    pub(crate) fn take_free_core(&self) -> Option<Box<Core>> {
        self.cores.iter().find_map(|core| {
            let mut slot = core.slot.lock();
            let taken = slot.take()?;
            core.park.wake_up();
            Some(taken)
        })
    }

    /// Takes a core for this thread: one that no thread runs, or else one whose worker sleeps and
    /// gives it up.
    pub(crate) fn take_core(&self) -> Option<Box<Core>> {
        if let Some(core) = self.take_free_core() {
            return Some(core);
        }
        if !self.config.multi_thread {
            return None;
        }
        let asleep = self.cores.iter().find(|c| c.park.is_asleep())?;
        let request = Arc::new(Request::default());
        self.requests.lock().push(request.clone());
        asleep.ask_for_it();
        if !request.answered.park_timeout(ANSWER) {
            // The worker is needed by now; main is polled beside the runtime.
            let mut requests = self.requests.lock();
            let before = requests.len();
            requests.retain(|r| !Arc::ptr_eq(r, &request));
            if requests.len() < before {
                return None;
            }
            // Somebody is answering it at this moment.
            drop(requests);
            request.answered.park();
        }
        let core = request.core.lock().take();
        debug_assert!(core.is_some(), "an answer is a core");
        core
    }

    /// Whether a thread in `block_on` waits for a core.
    pub(crate) fn is_core_wanted(&self) -> bool {
        !self.requests.lock().is_empty()
    }

    /// Gives a core that its worker leaves to a thread that has asked for one; gives it back if there
    /// is none any more.
    fn hand_over(&self, core: Box<Core>) -> Option<Box<Core>> {
        let Some(request) = self.requests.lock().pop() else { return Some(core) };
        *request.core.lock() = Some(core);
        request.answered.unpark();
        None
    }

    /// Something was sent to a core that no thread runs.
    pub(crate) fn find_thread_for(self: &Arc<Self>, index: usize) {
        self.wake_waiting();
        // Without workers the next `block_on` finds it.
        if self.config.multi_thread {
            self.start_worker(index);
        }
    }

    /// Starts a thread for a core, unless somebody has taken the core meanwhile.
    fn start_worker(self: &Arc<Self>, index: usize) {
        let Some(core) = self.cores[index].slot.lock().take() else { return };
        let core = {
            let mut threads = self.threads.lock();
            if threads.spare > threads.assigned.len() {
                threads.assigned.push_back(core);
                self.progress.notify_all();
                return;
            }
            threads.running += 1;
            core
        };
        let runtime = self.clone();
        // The core waits in a slot of its own, so that it is not lost with a thread that cannot start.
        let parcel = Arc::new(Mutex::new(Some(core)));
        let for_thread = parcel.clone();
        let mut builder = thread::Builder::new().name(self.config.worker_name(index));
        if let Some(size) = self.config.thread_stack_size {
            builder = builder.stack_size(size);
        }
        let main = move || {
            let core = for_thread.lock().take().expect("the core was put there for this thread");
            runtime.work(core);
        };
        match threads::start(builder, Box::new(main)) {
            Ok(handle) => self.threads.lock().handles.push(handle),
            Err(error) => {
                // It is tried again whenever there is work for it; it is told once.
                // Ordering: Relaxed, a flag that guards nothing.
                if !self.told_of_threads.swap(true, Ordering::Relaxed) {
                    say(format_args!("cannot start worker thread {index}: {error}"));
                }
                self.thread_ended();
                let core = parcel.lock().take().expect("no thread has taken the core");
                self.stop_watching(index);
                // What was sent to it goes to a core that has a thread, if there is one.
                let _ = core.put_back();
                if let Some(other) = self.cores.iter().find(|c| !c.park.is_off()) {
                    other.adopt_mail_of(&self.cores[index]);
                }
            }
        }
    }

    /// The life of a worker thread.
    fn work(self: Arc<Self>, core: Box<Core>) {
        struct Ended<'a>(&'a Shared);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                self.0.thread_ended();
            }
        }
        let _ended = Ended(&self);
        if self.config.pin_workers {
            super::affinity::pin_current_thread(core.shared().index);
        }
        self.config.call_thread_start();
        core.shared().park.wake_up();
        let mut next = Some(core);
        while let Some(core) = next {
            next = self.run_core(core).or_else(|| self.next_assignment());
        }
        self.config.call_thread_stop();
    }

    /// Runs a core on this worker thread until shutdown, or until another thread takes it over. Gives
    /// it back if that thread was gone.
    fn run_core(self: &Arc<Self>, core: Box<Core>) -> Option<Box<Core>> {
        let index = core.shared().index;
        let context = Context::new(self.clone(), Some(&core));
        // SAFETY: it stays where it is, and leaves below; nothing in between unwinds: polls and
        // wakers are caught.
        unsafe { context.join() };
        core.run(self, None);
        context.leave();
        self.stop_watching(index);
        if !self.is_over() {
            return self.hand_over(core);
        }
        if core.put_back() && !self.is_over() {
            // Something was sent while this thread was leaving.
            self.start_worker(index);
        }
        None
    }

    /// Waits, as a worker thread without a core, for one that needs a thread. `None` at the end.
    fn next_assignment(&self) -> Option<Box<Core>> {
        let mut threads = self.threads.lock();
        threads.spare += 1;
        let core = loop {
            if let Some(core) = threads.assigned.pop_front() {
                break Some(core);
            }
            if self.is_closing() {
                break None;
            }
            threads = self.progress.wait(threads);
        };
        threads.spare -= 1;
        drop(threads);
        if let Some(core) = &core {
            core.shared().park.wake_up();
        }
        core
    }

    fn thread_ended(&self) {
        self.threads.lock().running -= 1;
        self.progress.notify_all();
    }

    /// A thread gives its core back after a `block_on`.
    pub(crate) fn give_core_back(self: &Arc<Self>, core: Box<Core>) {
        let index = core.shared().index;
        self.stop_watching(index);
        let needs_thread = core.put_back();
        self.wake_waiting();
        if needs_thread && !self.is_over() {
            if self.config.multi_thread {
                self.start_worker(index);
            } else if self.is_closing() {
                // Nobody else may come to run what was cancelled in the main future's last poll.
                self.drive_free_cores(Some(Instant::now() + GRACE));
            }
        }
        if self.is_closing() {
            self.progress.notify_all();
        }
    }

    /// The parker is told whenever a core may have become free.
    pub(crate) fn wait_for_core(&self, parker: Arc<Parker>) {
        self.waiting.lock().push(parker);
    }

    pub(crate) fn stop_waiting_for_core(&self, parker: &Arc<Parker>) {
        self.waiting.lock().retain(|p| !Arc::ptr_eq(p, parker));
    }

    pub(crate) fn wake_waiting(&self) {
        for parker in self.waiting.lock().iter() {
            parker.unpark();
        }
    }

    /// The core whose timers and reactor serve threads that have no core.
    pub(crate) fn core_for_strangers(&self) -> CoreRef {
        self.cores[0].clone()
    }

    /// The core to which a thread without one sends a new task: an idle one, else a running one by
    /// turns, else one without a thread.
    pub(crate) fn core_for_spawn(&self) -> CoreRef {
        if self.is_single() {
            return self.cores[0].clone();
        }
        if let Some(asleep) = self.cores.iter().find(|c| c.park.is_asleep()) {
            return asleep.clone();
        }
        let awake = self.cores.iter().filter(|c| c.park.is_awake()).count();
        if awake > 0 {
            let turn = crate::task::id::take_turn() % awake;
            if let Some(core) = self.cores.iter().filter(|c| c.park.is_awake()).nth(turn) {
                return core.clone();
            }
        }
        self.cores[0].clone()
    }

    // ---- the watcher ----

    #[inline]
    pub(crate) fn has_watcher(&self) -> bool {
        // Ordering: Relaxed, a hint; `call_watcher` decides.
        self.watcher.load(Ordering::Relaxed) != 0
    }

    /// Gets a core other than `from` to watch, if one has nothing to do.
    pub(crate) fn call_watcher(&self, from: usize) {
        let idle = |c: &&CoreRef| c.index != from && c.park.is_asleep();
        let off = |c: &&CoreRef| c.index != from && c.park.is_off();
        let Some(core) = self.cores.iter().find(idle).or_else(|| self.cores.iter().find(off))
        else {
            return;
        };
        // Ordering: Relaxed, the word carries nothing but itself.
        let mine =
            self.watcher.compare_exchange(0, core.index + 1, Ordering::Relaxed, Ordering::Relaxed);
        if mine.is_ok() {
            core.notify();
        }
    }

    /// The core `from` goes into a long call with tasks behind it: the watcher is to look now, if it naps, or, where
    /// there is none, a core that has nothing to do.
    pub(crate) fn call_for(&self, from: usize) {
        // It may have become the watcher while it was idle.
        self.stop_watching(from);
        // Ordering: Relaxed, a hint.
        match self.watcher.load(Ordering::Relaxed).checked_sub(1) {
            None => self.call_watcher(from),
            // One that is awake may have looked already: it goes round once more instead of to sleep.
            Some(watcher) => self.cores[watcher].notify(),
        }
    }

    /// Whether the core `index` is the watcher.
    pub(crate) fn is_watcher(&self, index: usize) -> bool {
        // Ordering: Relaxed, only that core's thread takes it from itself.
        self.watcher.load(Ordering::Relaxed) == index + 1
    }

    /// Whether the core `index` is the watcher, or becomes it because there is none.
    pub(crate) fn become_watcher(&self, index: usize) -> bool {
        // Ordering: Relaxed, as above.
        match self.watcher.compare_exchange(0, index + 1, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => true,
            Err(now) => now == index + 1,
        }
    }

    /// The core `index` watches no longer, if it did.
    #[inline]
    pub(crate) fn stop_watching(&self, index: usize) {
        // Ordering: Relaxed, as above; the load keeps the common case from writing.
        if self.watcher.load(Ordering::Relaxed) == index + 1 {
            self.watcher.store(0, Ordering::Relaxed);
        }
    }

    // ---- tasks ----

    /// Runs a cleanup that no task could adopt.
    pub(crate) fn spawn_cleanup(self: &Arc<Self>, cleanup: AdoptedEntry) {
        let options = Options { shielded: true, ..Options::at(Site::caller()) };
        drop(spawn(self, cleanup, Plain, options));
    }

    /// Whether blocking calls are queued or under way.
    pub(crate) fn has_blocking_work(&self) -> bool {
        self.blocking.is_busy()
    }

    /// Worker threads that have not ended.
    pub(crate) fn running_threads(&self) -> usize {
        self.threads.lock().running
    }

    /// From now on the order in which tasks run is drawn from the cores' generators.
    pub(crate) fn seed_queues(&self) {
        for core in &self.cores {
            if let Some(core) = core.slot.lock().as_mut() {
                core.set_seeded();
            }
        }
    }

    /// Starts to report polls that last longer than `threshold`.
    pub(crate) fn watch_polls(self: &Arc<Self>, threshold: Duration) {
        for core in &self.cores {
            if let Some(core) = core.slot.lock().as_mut() {
                core.set_watched();
            }
        }
        self.watchdog.start(Arc::downgrade(self), threshold);
    }

    pub(crate) fn task_count(&self) -> usize {
        self.cores.iter().map(|c| c.task_count()).sum()
    }

    // ---- shutdown ----

    pub(crate) fn is_closing(&self) -> bool {
        // Ordering: Acquire, pairs with the Release in `close`.
        self.closing.load(Ordering::Acquire)
    }

    /// Whether shutdown has begun and every task is done.
    pub(crate) fn is_over(&self) -> bool {
        self.is_closing() && self.task_count() == 0
    }

    /// Refuses new tasks and cancels those that are there.
    fn close(&self) {
        // Ordering: Release, pairs with `is_closing`.
        self.closing.store(true, Ordering::Release);
        for core in &self.cores {
            let mut all = Vec::new();
            core.close(|task| {
                // SAFETY: the task is on the list, which is locked; the canceller has a reference.
                if !unsafe { task.as_ref() }.state.is_shielded() {
                    // SAFETY: as above.
                    all.push(unsafe { Canceller::of(task) });
                }
            });
            // Not under the list's lock: this may start threads.
            for task in &all {
                task.cancel();
            }
        }
        self.notify_all();
    }

    fn notify_all(&self) {
        for core in &self.cores {
            if !core.park.is_off() {
                core.notify();
            }
        }
        // A waiter is either before its look at the flags or waits already.
        drop(self.threads.lock());
        self.progress.notify_all();
    }

    /// From now on cleanups are dropped instead of run.
    fn abandon_cleanups(&self) {
        for core in &self.cores {
            core.abandon_cleanups();
            // A task that only has cleanups left is polled once more, and dropped; a cleanup on its
            // own is cancelled after all.
            let mut all = Vec::new();
            // SAFETY: the task is on the list, which is locked; the canceller has a reference.
            core.for_each_task_ptr(|task| all.push(unsafe { Canceller::of(task) }));
            all.iter().for_each(Canceller::cancel_again);
        }
        self.notify_all();
    }

    /// A closing core's last task is gone: whoever waits for the end looks again.
    #[cold]
    pub(crate) fn core_drained(&self) {
        if self.task_count() == 0 {
            self.notify_all();
        }
    }

    /// Ends the runtime: cancels every task, runs their cleanups until `deadline` (for ever without
    /// one), joins the threads. `false` if something is still running when it returns.
    ///
    /// On a thread that is running tasks nothing is waited for, since those tasks would wait with it:
    /// another thread does all this.
    pub(crate) fn shut_down(self: &Arc<Self>, deadline: Option<Instant>) -> bool {
        self.close();
        let busy = super::context::runs_a_core()
            || super::context::current_header().is_some()
            // A blocking call of this runtime is one of those that would be waited for.
            || blocking::current_call_is_of(self);
        if busy {
            return self.shut_down_elsewhere(deadline);
        }
        loop {
            let mut ended = self.drive_to_the_end(deadline);
            if !ended {
                self.abandon_cleanups();
                // Dropping takes no time, unless something never comes back from a poll.
                ended = self.drive_to_the_end(Some(Instant::now() + GRACE));
            }
            let blocking = self.blocking.join(deadline);
            // A thread of the user's may have left a cleanup since.
            if self.end_cores(!ended) {
                return self.finish_shutdown(ended) && blocking;
            }
        }
    }

    /// Refuses all tasks from now on, if none is left or if it `must`: nobody would run them. `false` if some
    /// core has tasks.
    fn end_cores(&self, must: bool) -> bool {
        CoreShared::end_all(&self.cores, must)
    }

    /// `shut_down`, on a thread of its own; without one, cleanups are dropped.
    fn shut_down_elsewhere(self: &Arc<Self>, deadline: Option<Instant>) -> bool {
        let runtime = self.clone();
        let name = format!("{}-shutdown", self.config.thread_name);
        let builder = thread::Builder::new().name(name);
        let main = move || {
            runtime.shut_down(deadline);
        };
        if let Err(error) = threads::start(builder, Box::new(main)) {
            say(format_args!("cannot start a thread for a runtime's shutdown: {error}"));
            self.shut_down_in_background();
        }
        false
    }

    /// Ends the runtime and waits for nothing: tasks of cores without a thread are dropped here, the
    /// worker threads drop theirs and end.
    pub(crate) fn shut_down_in_background(self: &Arc<Self>) -> bool {
        self.close();
        self.blocking.close();
        self.abandon_cleanups();
        self.drive_free_cores(Some(Instant::now() + GRACE));
        self.end_cores(true);
        self.finish_shutdown(false)
    }

    /// Runs cores that have no thread, until their tasks are done.
    fn drive_free_cores(self: &Arc<Self>, deadline: Option<Instant>) {
        while let Some(core) = self.take_free_core() {
            let context = Context::new(self.clone(), Some(&core));
            // SAFETY: it stays where it is, and leaves below.
            unsafe { context.join() };
            core.run_to_the_end(self, deadline);
            if core.has_local_tasks() {
                // No time is left for their cleanups, and no other thread may run them.
                core.shared().abandon_cleanups();
                core.end_local_tasks(self);
            }
            context.leave();
            // What is left in it is looked for by the next turn, here or of the caller's.
            let _ = core.put_back();
            if self.task_count() == 0 || deadline.is_some_and(|d| Instant::now() >= d) {
                break;
            }
        }
    }

    /// Runs free cores on this thread and waits for the others, until all tasks are done.
    fn drive_to_the_end(self: &Arc<Self>, deadline: Option<Instant>) -> bool {
        loop {
            // A core may have become free since, with something in it.
            self.drive_free_cores(deadline);
            let threads = self.threads.lock();
            if threads.running == 0 && self.task_count() == 0 {
                return true;
            }
            let left = match deadline {
                Some(at) => match at.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => left.min(TICK),
                    _ => return false,
                },
                None => TICK,
            };
            // With a bound, so that a missed notice costs a moment and not the end.
            drop(self.progress.wait_timeout(threads, left));
        }
    }

    /// Nobody has the runtime any more, so nothing may be left of what was counted in it. Sockets, timers
    /// and handles that outlive it have been taken out of it.
    fn check_ledger(&self) {
        let left = RuntimeMetrics::of(self);
        // Blocking calls that never return are left behind, each a task and a thread of the pool's.
        let abandoned = left.blocking_threads - left.idle_blocking_threads;
        let empty = RuntimeMetrics {
            workers: left.workers,
            tasks: left.tasks.min(abandoned),
            blocking_threads: left.blocking_threads,
            idle_blocking_threads: left.idle_blocking_threads,
            ..RuntimeMetrics::default()
        };
        assert_eq!(left, empty, "a runtime ended with something in it");
        for core in &self.cores {
            let (backlog, has_mail) = (core.backlog(), core.has_mail());
            assert!(
                backlog == 0 && !has_mail,
                "core {} ended with {backlog} tasks queued, mail: {has_mail}",
                core.index
            );
        }
    }

    fn finish_shutdown(&self, join: bool) -> bool {
        self.watchdog.stop();
        let handles = std::mem::take(&mut self.threads.lock().handles);
        if join {
            for handle in handles {
                // A worker's panic is caught where it happens; nothing else ends it early.
                let _ = handle.join();
            }
        }
        for core in &self.cores {
            core.shut_down();
        }
        join
    }
}

/// What to do when the last blocking call has ended: virtual time may go on.
fn notify_when_idle(runtime: Weak<Shared>) -> impl Fn() + Send + Sync + 'static {
    move || {
        if let Some(runtime) = runtime.upgrade().filter(|r| r.clock.is_paused()) {
            runtime.cores[0].notify();
        }
    }
}

/// How long a thread in `block_on` waits for a sleeping worker's answer.
const ANSWER: Duration = Duration::from_millis(2);
/// How long shutdown waits for tasks that were told to drop everything.
const GRACE: Duration = Duration::from_millis(100);
/// The longest wait between two looks at what is left.
const TICK: Duration = Duration::from_millis(50);

impl Drop for Shared {
    fn drop(&mut self) {
        self.watchdog.stop();
        for core in &self.cores {
            core.shut_down();
            // The core's credit goes with it; it must not be dropped under its slot's lock.
            let taken = core.slot.lock().take();
            drop(taken);
            core.refuse_mail();
        }
        // A double panic would hide the first.
        if cfg!(debug_assertions) && !std::thread::panicking() {
            self.check_ledger();
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("multi_thread", &self.config.multi_thread)
            .field("cores", &self.cores.len())
            .finish_non_exhaustive()
    }
}
