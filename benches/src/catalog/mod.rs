//! The list of workloads: names, what they do, and what their counts must come to.
//!
//! A family of workloads is a file here, which names them, and one or more files in `src/work/`,
//! which do the work. A new family is a line in [`all`], a file here and its files there.

mod outside;
mod servers;
mod structure;
mod sync;
mod tasks;
mod time;

use crate::net::client::Mode;
use crate::python;
use crate::rt;
use crate::runtime::{Flavor, Library, Runtime};
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
    /// One task that sleeps for a millisecond again and again, with its lateness.
    Naps,
    /// A ticker of 1 kHz beside others, with its lateness.
    Ticker { beside: Beside },
    /// Memory of this many parked tasks.
    ParkedTasks { tasks: u64 },
    /// Heap memory of this many things.
    Heap { things: u64 },
    /// Building a runtime, one task, and taking it down, again and again in one process.
    StartStop,
    /// A whole process, from its start to its end.
    ColdStart,
    /// A server process and a load process.
    Server { mode: Mode, size: usize, connections: usize, hogged: bool },
    /// An echo server of streams, and a load process.
    Streams { size: usize, connections: usize },
}

/// What keeps the runtime busy beside a ticker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// One task that computes for 10 ms at a time.
    Hog,
    /// This many tasks that compute for some microseconds at a time.
    Busy { tasks: u64 },
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
    /// How many times better than tokio corio means to be at least.
    pub(crate) floor: f64,
}

impl Workload {
    fn new(group: &'static str, name: &'static str, about: &'static str, kind: Kind) -> Self {
        Self { name, group, about, kind, quick: true, floor: 1.0 }
    }

    /// The figures that are read off a sample of this workload.
    pub(crate) fn metrics(&self) -> &'static [Metric] {
        use Metric::{Bytes, Cpu, CpuPerMillion, P50, P99, P999, Rate, Wall};
        match self.kind {
            Kind::Loop { .. } | Kind::StartStop | Kind::ColdStart => &[Wall, Cpu],
            Kind::Sleeps { .. } => &[Cpu, P50, P99, P999],
            Kind::Naps | Kind::Ticker { .. } => &[P50, P99, P999],
            Kind::ParkedTasks { .. } | Kind::Heap { .. } => &[Bytes],
            Kind::Server { mode: Mode::Idle, .. } => &[Bytes],
            Kind::Server { hogged: true, .. } => &[Rate, P50, P99, P999],
            Kind::Server { .. } | Kind::Streams { .. } => &[Rate, CpuPerMillion, P50, P99, P999],
        }
    }

    /// Whether `runtime` can do it, and whether that would say anything.
    pub(crate) fn suits(&self, runtime: Runtime) -> bool {
        let Runtime { library, flavor, .. } = runtime;
        match self.kind {
            // With two threads of their own, these run on two single-threaded runtimes.
            Kind::Loop { place: Place::Threads, .. } if flavor == Flavor::Multi => false,
            Kind::Loop { body, .. } if matches!(library, Library::Python(_)) => {
                python::line_length(body).is_some()
            }
            Kind::Loop { body, .. } => rt::body(library, body).is_some(),
            // A channel takes the same room under any executor.
            Kind::Heap { .. } => {
                flavor == Flavor::Current && rt::hold(library, self.name).is_some()
            }
            _ if matches!(library, Library::With(_)) => false,
            Kind::Streams { .. } => library != Library::Bare,
            _ if matches!(library, Library::Python(_)) => false,
            // smol's executor is one of the process and is never taken down.
            Kind::StartStop => !matches!(library, Library::Smol | Library::Bare),
            Kind::ColdStart => true,
            Kind::Server { hogged, .. } => library != Library::Bare || !hogged,
            Kind::Sleeps { .. } | Kind::Naps | Kind::Ticker { .. } | Kind::ParkedTasks { .. } => {
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
    tasks::list(&mut list);
    structure::list(&mut list);
    sync::channels(&mut list);
    sync::locks(&mut list);
    sync::threads(&mut list);
    sync::memory(&mut list);
    time::list(&mut list);
    servers::start_and_memory(&mut list);
    servers::echo(&mut list);
    outside::streams(&mut list);
    outside::files(&mut list);
    outside::processes(&mut list);
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{self, Peer};
    use std::collections::HashSet;

    /// Whether `library` takes part in `workload` in any flavour.
    fn takes_part(library: Library, workload: &Workload) -> bool {
        let mut runtimes = runtime::with_peers().filter(|runtime| runtime.library == library);
        runtimes.any(|runtime| workload.suits(runtime))
    }

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
    fn corio_has_everything_and_tokio_all_but_a_channel_of_many_receivers() {
        for workload in all() {
            assert!(takes_part(Library::Corio, &workload), "{}", workload.name);
            let many = workload.name.starts_with("mpmc");
            assert_eq!(takes_part(Library::Tokio, &workload), !many, "{}", workload.name);
        }
    }

    #[test]
    fn smol_has_all_but_what_it_has_no_name_for() {
        // What a name in this list begins with is nothing that smol has; nor is its runtime ever
        // taken down.
        let lacks = ["broadcast", "watch", "notify", "mpsc_1_reserve", "mpsc_1_many", "group"];
        let lacks = |name: &str| {
            lacks.iter().any(|start| name.starts_with(start))
                || ["join_10", "join_10_ready", "start_stop"].contains(&name)
        };
        for workload in all() {
            let name = workload.name;
            assert_eq!(takes_part(Library::Smol, &workload), !lacks(name), "{name}");
        }
    }

    #[test]
    fn the_bare_program_echoes_and_starts() {
        for workload in all().iter().filter(|workload| takes_part(Library::Bare, workload)) {
            let fits = match workload.kind {
                Kind::ColdStart => true,
                Kind::Server { hogged, .. } => !hogged,
                _ => false,
            };
            assert!(fits, "{}", workload.name);
        }
    }

    #[test]
    fn each_peer_takes_part_in_what_it_is_made_for() {
        let takes_part = |peer, name| takes_part(Library::With(peer), &named(name).unwrap());
        for (peer, _) in Flavor::Multi.peers() {
            assert!(takes_part(peer, "mpsc_1_64"), "{peer:?}");
            assert!(!takes_part(peer, "spawn_await_1_main"), "{peer:?}");
            let locks = matches!(peer, Peer::Tokio | Peer::Async);
            assert_eq!(takes_part(peer, "mutex"), locks, "{peer:?}");
            let bounded_only = peer == Peer::Tachyonix;
            assert_eq!(takes_part(peer, "mpsc_1_unbounded"), !bounded_only, "{peer:?}");
        }
        assert!(takes_part(Peer::Flume, "mpmc_4_64") && !takes_part(Peer::Tokio, "mpmc_4_64"));
    }

    #[test]
    fn two_threads_are_two_runtimes_of_one_thread() {
        let workload = named("mpsc_threads_64").unwrap();
        for flavor in runtime::FLAVORS {
            assert_eq!(workload.suits(flavor.corio()), flavor == Flavor::Current);
        }
    }

    #[test]
    fn counts_follow_the_operations() {
        assert_eq!(named("broadcast_4").unwrap().expected_count(1000), 4000);
        assert_eq!(named("echo_64_1").unwrap().expected_count(7), 7);
    }
}
