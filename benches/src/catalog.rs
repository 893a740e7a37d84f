//! The list of workloads: names, what they do, and what their counts must come to.

use crate::net::client::Mode;
use crate::rt;
use crate::runtime::Library;
use crate::sample::Metric;
use crate::work_body::Place;

/// What a workload is, and so how it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Operations in a loop inside one process: `body` in `place`, in whole batches, each operation
    /// counted `counts` times by the work.
    Loop { body: &'static str, place: Place, batch: u64, counts: u64 },
    /// This many sleeping tasks, with their lateness.
    Sleeps { tasks: u64 },
    /// A ticker of 1 kHz beside a hog, with its lateness.
    HoggedTicker,
    /// Memory of this many parked tasks.
    ParkedTasks { tasks: u64 },
    /// Building a runtime, one task, and taking it down, again and again in one process.
    StartStop,
    /// A whole process, from its start to its end.
    ColdStart,
    /// A server process and a load process.
    Server { mode: Mode, size: usize, connections: usize, hogged: bool },
}

/// One line of the comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    /// The name on the command line and in files.
    pub(crate) name: &'static str,
    /// The heading it stands under.
    pub(crate) group: &'static str,
    /// What one operation is.
    pub(crate) about: &'static str,
    /// How it is measured.
    pub(crate) kind: Kind,
    /// Whether the quick form has it, too.
    pub(crate) quick: bool,
}

impl Workload {
    /// The figures that are read off a sample of this workload.
    pub(crate) fn metrics(&self) -> &'static [Metric] {
        use Metric::{Bytes, Cpu, CpuPerMillion, P50, P99, P999, Rate, Wall};
        match self.kind {
            Kind::Loop { .. } | Kind::StartStop | Kind::ColdStart => &[Wall, Cpu],
            Kind::Sleeps { .. } => &[Cpu, P50, P99, P999],
            Kind::HoggedTicker => &[P50, P99, P999],
            Kind::ParkedTasks { .. } => &[Bytes],
            Kind::Server { mode: Mode::Idle, .. } => &[Bytes],
            Kind::Server { hogged: true, .. } => &[Rate, P50, P99, P999],
            Kind::Server { .. } => &[Rate, CpuPerMillion, P50, P99, P999],
        }
    }

    /// Whether `library` can do it.
    pub(crate) fn suits(&self, library: Library) -> bool {
        match self.kind {
            Kind::Loop { body, .. } => rt::has(library, body),
            // smol's executor is one of the process and is never taken down.
            Kind::StartStop => !matches!(library, Library::Smol | Library::Bare),
            Kind::ColdStart => true,
            Kind::Server { hogged, .. } => library != Library::Bare || !hogged,
            Kind::Sleeps { .. } | Kind::HoggedTicker | Kind::ParkedTasks { .. } => {
                library != Library::Bare
            }
        }
    }

    /// What the work must count for `ops` operations.
    pub(crate) fn expected_count(&self, ops: u64) -> u64 {
        match self.kind {
            Kind::Loop { counts, .. } => ops * counts,
            _ => ops,
        }
    }
}

/// Finds a workload by its name.
pub(crate) fn named(name: &str) -> Result<Workload, String> {
    all()
        .into_iter()
        .find(|workload| workload.name == name)
        .ok_or_else(|| format!("no workload is called {name:?}; `corio-bench list` shows them all"))
}

/// Every workload, in the order of the report.
pub(crate) fn all() -> Vec<Workload> {
    let mut list = Vec::new();
    tasks(&mut list);
    channels(&mut list);
    locks(&mut list);
    time(&mut list);
    start_and_memory(&mut list);
    servers(&mut list);
    list
}

fn tasks(list: &mut Vec<Workload>) {
    use Place::{Main, Worker};
    let mut add = |name, body, place, batch, about| {
        list.push(workload("tasks", name, about, Kind::Loop { body, place, batch, counts: 1 }));
    };
    let batch = "spawn 1,000 tasks, then await them; from main";
    add("spawn_await_1000_main", "spawn_await_1000", Main, 1000, batch);
    let batch = "spawn 1,000 tasks, then await them; from a task";
    add("spawn_await_1000_worker", "spawn_await_1000", Worker, 1000, batch);
    add("spawn_await_1_main", "spawn_await_1", Main, 1, "spawn a task and await it; from main");
    let one = "spawn a task and await it; from a task";
    add("spawn_await_1_worker", "spawn_await_1", Worker, 1, one);
    let batch = "spawn 1,000 tasks without their handles, wait for the last; from main";
    add("spawn_detached_main", "spawn_detached", Main, 1000, batch);
    let batch = "spawn 1,000 tasks without their handles, wait for the last; from a task";
    add("spawn_detached_worker", "spawn_detached", Worker, 1000, batch);
    add("chained_spawn", "chained_spawn", Worker, 1, "each task spawns the next and ends");
    add("yield_1", "yield_1", Worker, 1, "one task gives way");
    add("yield_1000", "yield_1000", Worker, 1000, "1,000 tasks give way in turn");
    let trip = "a round trip between two tasks, over two channels";
    add("ping_pong_tasks", "ping_pong_tasks", Worker, 1, trip);
    let trip = "a round trip between main and a task, over two channels";
    add("ping_pong_main", "ping_pong_main", Main, 1, trip);
    let trip = "a round trip between a plain thread and a task, over two channels";
    add("ping_pong_thread", "ping_pong_thread", Main, 1, trip);
    let calls = "a call in the pool for blocking code, awaited";
    add("spawn_blocking_1", "spawn_blocking_1", Worker, 1, calls);
    let calls = "100 calls in the pool for blocking code, then awaited";
    add("spawn_blocking_100", "spawn_blocking_100", Worker, 100, calls);
}

fn channels(list: &mut Vec<Workload>) {
    let mut add = |name, batch, counts, about| {
        let kind = Kind::Loop { body: name, place: Place::Worker, batch, counts };
        list.push(workload("channels", name, about, kind));
    };
    add("oneshot", 1, 1, "make a oneshot channel, send and receive, in one task");
    add("oneshot_task", 1, 1, "receive from a task spawned to send");
    add("mpsc_1_64", 1, 1, "a message, 1 sender, capacity 64");
    add("mpsc_1_1024", 1, 1, "a message, 1 sender, capacity 1,024");
    add("mpsc_1_unbounded", 1, 1, "a message, 1 sender, unbounded");
    add("mpsc_4_64", 4, 1, "a message, 4 senders, capacity 64");
    add("mpsc_4_1024", 4, 1, "a message, 4 senders, capacity 1,024");
    add("mpsc_4_unbounded", 4, 1, "a message, 4 senders, unbounded");
    add("mpsc_100_64", 100, 1, "a message, 100 senders, capacity 64");
    add("mpsc_100_1024", 100, 1, "a message, 100 senders, capacity 1,024");
    add("mpsc_100_unbounded", 100, 1, "a message, 100 senders, unbounded");
    add("broadcast_4", 1000, 4, "a message to 4 receivers");
    add("watch", 1, 1, "a round trip over two watches");
    add("watch_8", 1, 8, "a value seen and confirmed by 8 tasks");
}

fn locks(list: &mut Vec<Workload>) {
    let mut add = |name, batch, about| {
        let kind = Kind::Loop { body: name, place: Place::Worker, batch, counts: 1 };
        list.push(workload("locks", name, about, kind));
    };
    add("mutex", 1, "lock and unlock, nobody in the way");
    add("mutex_8", 8, "lock and unlock, 8 tasks");
    add("mutex_8_held", 8, "lock, give way, unlock, 8 tasks");
    add("rwlock", 1, "read lock and unlock, nobody in the way");
    add("rwlock_8", 64, "lock, give way, unlock, 8 tasks, 1 write to 7 reads");
    add("semaphore", 1, "acquire and release, nobody in the way");
    add("semaphore_8", 8, "acquire, give way, release, 8 tasks, 2 permits");
    add("notify", 1, "notify, then wait for it, in one task");
    add("notify_8", 8, "wait, then notify the next in a ring of 8 tasks");
}

fn time(list: &mut Vec<Workload>) {
    let mut add = |name, about, kind| list.push(workload("time", name, about, kind));
    let timeout = |body| Kind::Loop { body, place: Place::Worker, batch: 1, counts: 1 };
    let about = "a timeout over a future that is ready";
    add("timeout_ready", about, timeout("timeout_ready"));
    let about = "a timeout over a future that is pending once";
    add("timeout_pending", about, timeout("timeout_pending"));
    let about = "100,000 tasks sleep until deadlines spread over half a second; lateness";
    add("sleeps_100k", about, Kind::Sleeps { tasks: 100_000 });
    let about = "a ticker of 1 kHz beside a task that computes 10 ms at a time; lateness";
    add("hog_ticker", about, Kind::HoggedTicker);
}

fn start_and_memory(list: &mut Vec<Workload>) {
    let mut add = |name, about, kind| list.push(workload("start and memory", name, about, kind));
    add("start_stop", "build a runtime, run a task, drop it", Kind::StartStop);
    add("cold_start", "a process that runs one task", Kind::ColdStart);
    add("task_memory", "memory of a task that waits", Kind::ParkedTasks { tasks: 100_000 });
    let idle = Kind::Server { mode: Mode::Idle, size: 64, connections: 5_000, hogged: false };
    let about = "memory of a connection that waits, with a buffer of 64 bytes";
    add("connection_memory", about, idle);
}

/// The echo cells: (name, bytes, connections, quick).
const ECHO: [(&str, usize, usize, bool); 16] = [
    ("echo_64_1", 64, 1, true),
    ("echo_64_50", 64, 50, true),
    ("echo_64_1000", 64, 1_000, true),
    ("echo_64_10000", 64, 10_000, false),
    ("echo_1k_1", 1 << 10, 1, false),
    ("echo_1k_50", 1 << 10, 50, true),
    ("echo_1k_1000", 1 << 10, 1_000, false),
    ("echo_1k_10000", 1 << 10, 10_000, false),
    ("echo_10k_1", 10 << 10, 1, false),
    ("echo_10k_50", 10 << 10, 50, true),
    ("echo_10k_1000", 10 << 10, 1_000, false),
    ("echo_10k_10000", 10 << 10, 10_000, false),
    ("echo_64k_1", 64 << 10, 1, false),
    ("echo_64k_50", 64 << 10, 50, true),
    ("echo_64k_1000", 64 << 10, 1_000, false),
    ("echo_64k_10000", 64 << 10, 10_000, false),
];

fn servers(list: &mut Vec<Workload>) {
    for (name, size, connections, quick) in ECHO {
        let kind = Kind::Server { mode: Mode::Echo, size, connections, hogged: false };
        let about = "TCP echo: bytes and connections as in the name";
        list.push(Workload { name, group: "echo", about, kind, quick });
    }
    let hogged = Kind::Server { mode: Mode::Echo, size: 64, connections: 50, hogged: true };
    let about = "echo of 64 bytes, 50 connections, beside a task that computes 10 ms at a time";
    list.push(workload("echo", "hog_echo", about, hogged));
    let churn = Kind::Server { mode: Mode::Churn, size: 64, connections: 16, hogged: false };
    let about = "connect, one echo of 64 bytes, close; 16 at once";
    list.push(workload("echo", "churn", about, churn));
}

fn workload(group: &'static str, name: &'static str, about: &'static str, kind: Kind) -> Workload {
    Workload { name, group, about, kind, quick: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_found() {
        let mut seen = HashSet::new();
        for workload in all() {
            assert!(seen.insert(workload.name), "{} twice", workload.name);
            assert_eq!(named(workload.name).unwrap().kind, workload.kind);
        }
        assert!(named("nothing").unwrap_err().contains("corio-bench list"));
    }

    #[test]
    fn tokio_has_everything_and_the_others_most() {
        let suiting = |library| all().iter().filter(|workload| workload.suits(library)).count();
        assert_eq!(suiting(Library::Tokio), all().len());
        // Broadcast, two of watch, two of notify, and taking a runtime down.
        assert_eq!(suiting(Library::Smol), all().len() - 6);
        // The echo cells, churn, the memory of a connection, and the cold start.
        assert_eq!(suiting(Library::Bare), ECHO.len() + 3);
    }

    #[test]
    fn counts_follow_the_operations() {
        assert_eq!(named("broadcast_4").unwrap().expected_count(1000), 4000);
        assert_eq!(named("echo_64_1").unwrap().expected_count(7), 7);
    }
}
