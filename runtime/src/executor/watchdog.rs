//! Reports polls that last too long: a thread that looks at the cores now and then.
//!
//! A core that is watched says, before each poll, which task it polls, and counts; the thread sees a
//! count that stands still. It is started only where `Builder::blocking_threshold` asks for it, and a
//! core that is not watched pays one branch for a poll.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use corio_sync::hooks::{Site, TaskHead};
use corio_sync::prim::{AtomicU32, AtomicU64, Mutex, Ordering, Parker, thread};

use super::shared::Shared;
use crate::say::say;
use crate::task::TaskId;
use crate::threads;

/// What a core says of the poll that is under way.
#[derive(Debug)]
pub(crate) struct PollStamp {
    /// Odd during a poll. Written by the core's thread.
    count: AtomicU64,
    /// The task's id, and where it was spawned (a `Site` word). Valid during a poll.
    id: AtomicU64,
    site: AtomicU32,
}

impl PollStamp {
    pub(crate) fn new() -> Self {
        Self { count: AtomicU64::new(0), id: AtomicU64::new(0), site: AtomicU32::new(0) }
    }

    /// The core's thread begins to poll `task`.
    pub(crate) fn begin(&self, task: &TaskHead) {
        // Ordering: Relaxed, then Release: who sees the new count sees the task. Pairs with `read`.
        self.id.store(task.id, Ordering::Relaxed);
        self.site.store(task.spawn_site().to_bits(), Ordering::Relaxed);
        self.count.store(self.count.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// The poll has ended.
    pub(crate) fn end(&self) {
        // Ordering: Relaxed, one writer.
        self.count.store(self.count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// The poll that is under way: its count, and whose it is.
    fn read(&self) -> Option<(u64, TaskId, &'static Location<'static>)> {
        // Ordering: Acquire, pairs with `begin`. The poll may end between this load and the next two,
        // which then are of another one: `watch` reports only a count that it has seen for long.
        let count = self.count.load(Ordering::Acquire);
        if count % 2 == 0 {
            return None;
        }
        // Ordering: Relaxed for both, ordered by `count`.
        let id = self.id.load(Ordering::Relaxed);
        // SAFETY: only `begin` writes the word, from a task's head, which holds `Site` words.
        let at = unsafe { Site::locate(self.site.load(Ordering::Relaxed)) }?;
        Some((count, TaskId(id), at))
    }
}

/// A poll that lasts longer than the threshold, as [`Builder::on_long_poll`](super::Builder) sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LongPoll {
    /// The task's id.
    pub id: TaskId,
    /// Where the task was spawned.
    pub spawned_at: &'static Location<'static>,
    /// The worker that it holds up.
    pub worker: usize,
    /// For how long at least, so far.
    pub elapsed: Duration,
}

impl fmt::Display for LongPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "task {} (spawned at {}) has held worker {} up for {} ms in one poll: \
             move what blocks to `spawn_blocking`, or `yield_now` in between",
            self.id,
            self.spawned_at,
            self.worker,
            self.elapsed.as_millis()
        )
    }
}

/// The thread, while it runs.
#[derive(Debug, Default)]
pub(crate) struct Watchdog(Mutex<Option<Running>>);

#[derive(Debug)]
struct Running {
    thread: thread::JoinHandle<()>,
    stop: Arc<Parker>,
}

impl Watchdog {
    /// Starts the thread, unless it runs; without a thread nothing is reported.
    pub(crate) fn start(&self, runtime: Weak<Shared>, threshold: Duration) {
        let mut running = self.0.lock();
        if running.is_some() {
            return;
        }
        let stop = Arc::new(Parker::new());
        let stopped = stop.clone();
        let builder = thread::Builder::new().name("corio-watchdog".to_owned());
        match threads::start(builder, Box::new(move || watch(&runtime, threshold, &stopped))) {
            Ok(thread) => *running = Some(Running { thread, stop }),
            Err(error) => say(format_args!("cannot start the watchdog: {error}")),
        }
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        let Some(Running { thread, stop }) = self.0.lock().take() else { return };
        stop.unpark();
        if thread.thread().id() != thread::current().id() {
            // Nothing in it panics; if something did, the panic hook has shown it.
            let _ = thread.join();
        }
    }
}

fn watch(runtime: &Weak<Shared>, threshold: Duration, stop: &Parker) {
    let period = (threshold / 4).clamp(Duration::from_millis(1), Duration::from_secs(1));
    // For each core, the poll that was under way at the last look, since when, and whether it has
    // been reported.
    let mut seen: Vec<(u64, Instant, bool)> = Vec::new();
    while !stop.park_timeout(period) {
        let Some(runtime) = runtime.upgrade() else { return };
        let now = Instant::now();
        seen.resize(runtime.cores().len(), (0, now, false));
        for (core, seen) in runtime.cores().iter().zip(&mut seen) {
            let Some((count, id, spawned_at)) = core.poll_stamp.read() else { continue };
            if count != seen.0 {
                *seen = (count, now, false);
                continue;
            }
            let elapsed = now - seen.1;
            if elapsed >= threshold && !seen.2 {
                seen.2 = true;
                runtime.config.report(&LongPoll { id, spawned_at, worker: core.index, elapsed });
            }
        }
    }
}
