//! How a runtime is to be made.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::runtime::Runtime;
use super::shared::Shared;
use super::watchdog::LongPoll;
use crate::say::say;
use crate::task::TaskId;
use crate::task::header::{catch, drop_payload};
use crate::time::clock::Clock;

type Hook = Arc<dyn Fn() + Send + Sync>;
type LongPollHook = Arc<dyn Fn(&LongPoll) + Send + Sync>;
type PanicHook = Arc<dyn Fn(&UnawaitedPanic<'_>) + Send + Sync>;

/// The longest thread name that every system shows whole is shorter; this is what we accept.
const MAX_NAME: usize = 64;
/// More workers than this is a mistake in the argument.
const MAX_WORKERS: usize = 1 << 12;

/// A panic of a task that nobody awaits, as [`Builder::on_panic`] sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UnawaitedPanic<'a> {
    /// The task's id.
    pub id: TaskId,
    /// The task's name, if it has one.
    pub name: Option<&'a str>,
    /// Where the task was spawned.
    pub spawned_at: &'static std::panic::Location<'static>,
}

impl fmt::Display for UnawaitedPanic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = self.name {
            write!(f, " \"{name}\"")?;
        }
        write!(f, " (spawned at {}) panicked and nobody awaited it", self.spawned_at)
    }
}

/// The settings of a runtime, once checked.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) multi_thread: bool,
    pub(crate) cores: usize,
    pub(crate) max_blocking_threads: usize,
    pub(crate) thread_keep_alive: Duration,
    pub(crate) thread_name: String,
    pub(crate) thread_stack_size: Option<usize>,
    pub(crate) pin_workers: bool,
    pub(crate) seed: Option<u64>,
    /// Nobody has the runtime but through handles.
    pub(crate) is_private: bool,
    pub(crate) blocking_threshold: Option<Duration>,
    pub(crate) on_thread_start: Option<Hook>,
    pub(crate) on_thread_stop: Option<Hook>,
    pub(crate) on_panic: Option<PanicHook>,
    pub(crate) on_long_poll: Option<LongPollHook>,
}

impl Config {
    pub(crate) fn worker_name(&self, index: usize) -> String {
        format!("{}-{index}", self.thread_name)
    }

    pub(crate) fn blocking_name(&self) -> String {
        format!("{}-blocking", self.thread_name)
    }

    pub(crate) fn call_thread_start(&self) {
        call(self.on_thread_start.as_ref(), "on_thread_start");
    }

    pub(crate) fn call_thread_stop(&self) {
        call(self.on_thread_stop.as_ref(), "on_thread_stop");
    }

    /// Reports a poll that lasts too long.
    pub(crate) fn report(&self, poll: &LongPoll) {
        match &self.on_long_poll {
            Some(hook) => guarded("on_long_poll", || hook(poll)),
            None => say(format_args!("{poll}")),
        }
    }

    /// Reports a panic that nobody awaits.
    pub(crate) fn report_panic(&self, panic: &UnawaitedPanic<'_>) {
        match &self.on_panic {
            Some(hook) => guarded("on_panic", || hook(panic)),
            None => say(format_args!("{panic}")),
        }
    }
}

/// Calls a hook of the user's; a panic in it must not cost the runtime a thread.
fn call(hook: Option<&Hook>, name: &str) {
    if let Some(hook) = hook {
        guarded(name, || hook());
    }
}

fn guarded(name: &str, hook: impl FnOnce()) {
    if let Err(payload) = catch(hook) {
        say(format_args!("the hook `{name}` panicked; the thread goes on"));
        drop_payload(payload);
    }
}

/// Makes a [`Runtime`] with other settings than the default ones.
///
/// # Examples
///
/// ```
/// use corio_runtime::runtime::Builder;
///
/// let runtime = Builder::new_current_thread().thread_name("small").build()?;
/// assert_eq!(runtime.block_on(async { 6 * 7 }), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a builder makes nothing until `build` is called"]
pub struct Builder {
    config: Config,
    workers: Option<usize>,
    start_paused: bool,
}

impl Builder {
    fn new(multi_thread: bool) -> Self {
        Self {
            config: Config {
                multi_thread,
                cores: 1,
                max_blocking_threads: 512,
                thread_keep_alive: Duration::from_secs(10),
                thread_name: "corio".to_owned(),
                thread_stack_size: None,
                pin_workers: false,
                seed: None,
                is_private: false,
                blocking_threshold: None,
                on_thread_start: None,
                on_thread_stop: None,
                on_panic: None,
                on_long_poll: None,
            },
            workers: None,
            start_paused: false,
        }
    }

    /// The runtime's owner shows it to nobody.
    pub(crate) fn private(mut self) -> Self {
        self.config.is_private = true;
        self
    }

    /// A runtime whose workers steal from each other; the thread in `block_on` is one of them.
    pub fn new_multi_thread() -> Self {
        Self::new(true)
    }

    /// A runtime that runs everything on the thread that calls `block_on`.
    pub fn new_current_thread() -> Self {
        Self::new(false)
    }

    /// How many workers there are: threads that run tasks, the one in `block_on` included.
    ///
    /// By default one for each processor that this process may use, by its affinity mask and its
    /// cgroup's quota.
    pub fn worker_threads(mut self, count: usize) -> Self {
        self.workers = Some(count);
        self
    }

    /// The most threads for blocking calls; further calls wait for one. 512 by default.
    pub fn max_blocking_threads(mut self, count: usize) -> Self {
        self.config.max_blocking_threads = count;
        self
    }

    /// How long a thread for blocking calls waits for another call before it ends. 10 s by default.
    pub fn thread_keep_alive(mut self, duration: Duration) -> Self {
        self.config.thread_keep_alive = duration;
        self
    }

    /// What the threads' names start with. `corio` by default.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.config.thread_name = name.into();
        self
    }

    /// The stack size of the runtime's threads, in bytes. std's by default.
    pub fn thread_stack_size(mut self, bytes: usize) -> Self {
        self.config.thread_stack_size = Some(bytes);
        self
    }

    /// Called on each thread of the runtime when it starts.
    pub fn on_thread_start(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.config.on_thread_start = Some(Arc::new(f));
        self
    }

    /// Called on each thread of the runtime before it ends.
    pub fn on_thread_stop(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.config.on_thread_stop = Some(Arc::new(f));
        self
    }

    /// Called for each panic of a task that nobody awaits, instead of a line on stderr.
    pub fn on_panic(mut self, f: impl Fn(&UnawaitedPanic<'_>) + Send + Sync + 'static) -> Self {
        self.config.on_panic = Some(Arc::new(f));
        self
    }

    /// Ties each worker thread to one processor.
    pub fn pin_workers(mut self, pin: bool) -> Self {
        self.config.pin_workers = pin;
        self
    }

    /// Starts with the clock paused: virtual time, see [`time::pause`](crate::time::pause). For a
    /// current-thread runtime.
    pub fn start_paused(mut self, paused: bool) -> Self {
        self.start_paused = paused;
        self
    }

    /// Draws every scheduling choice from `seed`: the same seed, the same interleaving. For a
    /// current-thread runtime.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = Some(seed);
        self
    }

    /// Reports each poll that lasts longer than `threshold`, with the task, its spawn site and how
    /// long: on stderr, or to [`on_long_poll`](Self::on_long_poll). Off by default; a thread of its
    /// own does it. asyncio's `slow_callback_duration`.
    #[doc(alias = "slow_callback_duration")]
    pub fn blocking_threshold(mut self, threshold: Duration) -> Self {
        self.config.blocking_threshold = Some(threshold);
        self
    }

    /// Called for each poll that lasts longer than `blocking_threshold`, instead of a line on stderr.
    pub fn on_long_poll(mut self, f: impl Fn(&LongPoll) + Send + Sync + 'static) -> Self {
        self.config.on_long_poll = Some(Arc::new(f));
        self
    }

    /// Makes the runtime. It starts no thread (but for the one of `blocking_threshold`) and opens no
    /// descriptor: both come when first needed.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, naming the value: for no workers, absurdly many, or no blocking threads; for a
    /// thread name that the system cannot take; for more than one worker on a current-thread runtime;
    /// for virtual time or a seed on a multi-thread one.
    pub fn build(mut self) -> io::Result<Runtime> {
        self.check()?;
        let clock = Clock::new(!self.config.multi_thread);
        if self.start_paused {
            clock.pause().map_err(invalid)?;
        }
        let seed = self.config.seed.unwrap_or_else(seed_of_the_moment);
        let shared = Shared::new(self.config, clock, seed);
        if shared.config.seed.is_some() {
            shared.seed_queues();
        }
        if self.start_paused {
            for core in shared.cores() {
                core.timers.set_exact();
            }
        }
        if let Some(threshold) = shared.config.blocking_threshold {
            shared.watch_polls(threshold);
        }
        Ok(Runtime::from_shared(shared))
    }

    fn check(&mut self) -> io::Result<()> {
        let config = &mut self.config;
        let workers = self.workers;
        if workers == Some(0) {
            return Err(invalid("worker_threads(0): a runtime needs at least 1 worker"));
        }
        if let Some(n) = workers.filter(|n| *n > MAX_WORKERS) {
            return Err(invalid(format!(
                "worker_threads({n}): at most {MAX_WORKERS} workers are supported"
            )));
        }
        if !config.multi_thread && workers.is_some_and(|n| n != 1) {
            return Err(invalid(format!(
                "worker_threads({}): a current-thread runtime has one worker; \
                 use `Builder::new_multi_thread`",
                workers.unwrap_or_default()
            )));
        }
        if config.max_blocking_threads == 0 {
            return Err(invalid("max_blocking_threads(0): blocking calls need at least 1 thread"));
        }
        let name = &config.thread_name;
        if name.len() > MAX_NAME {
            return Err(invalid(format!(
                "thread_name({name:.20?}...) is {} bytes long; at most {MAX_NAME} are supported",
                name.len()
            )));
        }
        if name.contains('\0') {
            return Err(invalid(format!("thread_name({name:?}) contains a NUL byte")));
        }
        if config.multi_thread && self.start_paused {
            return Err(invalid(
                "start_paused(true): virtual time needs one thread; \
                 use `Builder::new_current_thread`",
            ));
        }
        if config.multi_thread && config.seed.is_some() {
            return Err(invalid(
                "seed(..): a seeded schedule needs one thread; use `Builder::new_current_thread`",
            ));
        }
        config.cores = match (config.multi_thread, workers) {
            (false, _) => 1,
            (true, Some(n)) => n,
            // It looks at the affinity mask and the cgroup's quota.
            (true, None) => std::thread::available_parallelism().map_or(1, usize::from),
        };
        Ok(())
    }
}

fn invalid(text: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// A seed for a runtime that was given none.
fn seed_of_the_moment() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // std's hasher keys come from the system's randomness.
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("multi_thread", &self.config.multi_thread)
            .field("worker_threads", &self.workers)
            .field("thread_name", &self.config.thread_name)
            .finish_non_exhaustive()
    }
}
