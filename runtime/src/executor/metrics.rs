//! What a runtime counts, read from where it is counted anyway: nothing is counted for this alone.

use std::time::Duration;

use super::shared::Shared;

/// A snapshot of a runtime's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuntimeMetrics {
    /// Workers, the thread in `block_on` included, running or not.
    pub workers: usize,
    /// Worker threads that have been started and have not ended.
    pub worker_threads: usize,
    /// Tasks that are not done.
    pub tasks: usize,
    /// Timers that are armed.
    pub timers: usize,
    /// Sockets and other descriptors that are registered.
    pub registrations: usize,
    /// Threads for blocking calls.
    pub blocking_threads: usize,
    /// Those of them that wait for a call.
    pub idle_blocking_threads: usize,
    /// Blocking calls that wait for a thread.
    pub queued_blocking_calls: usize,
    /// For how long the first of those has been waiting. A long wait means that there are too few
    /// threads, or that calls wait for one another.
    pub oldest_queued_blocking_call: Option<Duration>,
}

impl RuntimeMetrics {
    pub(crate) fn of(shared: &Shared) -> Self {
        let cores = shared.cores();
        let blocking = shared.blocking.counts();
        Self {
            workers: cores.len(),
            worker_threads: shared.running_threads(),
            tasks: shared.task_count(),
            timers: cores.iter().map(|c| c.timers.len()).sum(),
            registrations: cores.iter().filter_map(|c| c.reactor()).map(|r| r.registered()).sum(),
            blocking_threads: blocking.threads,
            idle_blocking_threads: blocking.idle,
            queued_blocking_calls: blocking.queued,
            oldest_queued_blocking_call: shared.blocking.oldest_queued(),
        }
    }
}
