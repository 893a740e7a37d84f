//! The runtimes under comparison, by name.

/// Whose runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    /// This project's.
    Corio,
    /// The one that all ratios are taken against.
    Tokio,
    /// smol's executor, timers, sockets and channels.
    Smol,
    /// No runtime: a single-threaded program written for the one purpose, as the limit.
    Bare,
    /// corio's executor with the channels and locks of another crate.
    With(Peer),
    /// Python's asyncio, in the workloads of streams.
    Python(EventLoop),
}

/// What drives asyncio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventLoop {
    /// asyncio's own event loop.
    Asyncio,
    /// The event loop of the module `uvloop`.
    Uvloop,
}

/// A crate whose channels or locks work on any executor, and so on corio's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// `tokio::sync`.
    Tokio,
    /// `async-channel` and `async-lock`.
    Async,
    /// `kanal`.
    Kanal,
    /// `crossfire`.
    Crossfire,
    /// `flume`.
    Flume,
    /// `tachyonix`.
    Tachyonix,
}

impl Peer {
    /// The heading of its column.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::Async => "async-*",
            Self::Kanal => "kanal",
            Self::Crossfire => "crossfire",
            Self::Flume => "flume",
            Self::Tachyonix => "tachyonix",
        }
    }
}

/// How many threads run tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// [`WORKERS`] threads beside the one in `block_on`.
    Multi,
    /// The one thread in `block_on`.
    Current,
}

/// Both flavours, in the order of the report.
pub(crate) const FLAVORS: [Flavor; 2] = [Flavor::Multi, Flavor::Current];

/// The threads of a multi-thread runtime.
pub(crate) const WORKERS: usize = 2;

/// A library in one of its flavours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Runtime {
    /// Whose.
    pub(crate) library: Library,
    /// With how many threads.
    pub(crate) flavor: Flavor,
    /// The name on the command line and in files.
    pub(crate) name: &'static str,
}

const fn runtime(library: Library, flavor: Flavor, name: &'static str) -> Runtime {
    Runtime { library, flavor, name }
}

/// Every runtime, in the order of the tables.
pub(crate) const ALL: [Runtime; 9] = [
    runtime(Library::Corio, Flavor::Multi, "corio-multi"),
    runtime(Library::Tokio, Flavor::Multi, "tokio-multi"),
    runtime(Library::Smol, Flavor::Multi, "smol-multi"),
    runtime(Library::Corio, Flavor::Current, "corio-current"),
    runtime(Library::Tokio, Flavor::Current, "tokio-current"),
    runtime(Library::Smol, Flavor::Current, "smol-current"),
    runtime(Library::Bare, Flavor::Current, "bare"),
    runtime(Library::Python(EventLoop::Asyncio), Flavor::Current, "asyncio"),
    runtime(Library::Python(EventLoop::Uvloop), Flavor::Current, "uvloop"),
];

const fn with(peer: Peer, multi: &'static str, current: &'static str) -> [Runtime; 2] {
    let library = Library::With(peer);
    [runtime(library, Flavor::Multi, multi), runtime(library, Flavor::Current, current)]
}

/// corio's executor with the channels and locks of other crates, each in both flavours.
pub(crate) const PEERS: [[Runtime; 2]; 6] = [
    with(Peer::Tokio, "with-tokio-multi", "with-tokio-current"),
    with(Peer::Async, "with-async-multi", "with-async-current"),
    with(Peer::Kanal, "with-kanal-multi", "with-kanal-current"),
    with(Peer::Crossfire, "with-crossfire-multi", "with-crossfire-current"),
    with(Peer::Flume, "with-flume-multi", "with-flume-current"),
    with(Peer::Tachyonix, "with-tachyonix-multi", "with-tachyonix-current"),
];

/// The runtimes, then corio's with the primitives of other crates.
pub(crate) fn with_peers() -> impl Iterator<Item = Runtime> {
    ALL.into_iter().chain(PEERS.into_iter().flatten())
}

impl Runtime {
    /// Finds a runtime by its name.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        with_peers().find(|runtime| runtime.name == name).ok_or_else(|| {
            let names: Vec<_> = with_peers().map(|runtime| runtime.name).collect();
            format!("no runtime is called {name:?}; there are {}", names.join(", "))
        })
    }
}

impl Flavor {
    /// The tokio runtime that others are held against.
    pub(crate) fn baseline(self) -> Runtime {
        match self {
            Self::Multi => ALL[1],
            Self::Current => ALL[4],
        }
    }

    /// The runtime under judgement.
    pub(crate) fn corio(self) -> Runtime {
        match self {
            Self::Multi => ALL[0],
            Self::Current => ALL[3],
        }
    }

    /// The runtimes that stand side by side: those of this flavour, and the program without any.
    pub(crate) fn side_by_side(self) -> impl Iterator<Item = Runtime> {
        let beside =
            move |runtime: &Runtime| runtime.flavor == self || runtime.library == Library::Bare;
        ALL.into_iter().filter(beside)
    }

    /// corio's executor in this flavour with the primitives of other crates.
    pub(crate) fn peers(self) -> impl Iterator<Item = (Peer, Runtime)> {
        with_peers().filter(move |runtime| runtime.flavor == self).filter_map(|runtime| {
            let Library::With(peer) = runtime.library else { return None };
            Some((peer, runtime))
        })
    }

    /// The heading.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Multi => format!("multi-thread, {WORKERS} workers"),
            Self::Current => "current-thread".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runtime_is_found_by_its_name() {
        for runtime in with_peers() {
            assert_eq!(Runtime::named(runtime.name), Ok(runtime));
        }
        assert!(Runtime::named("tokyo").unwrap_err().contains("tokio-multi"));
    }

    #[test]
    fn corio_is_held_against_tokio_of_the_same_flavour() {
        for flavor in FLAVORS {
            for (library, runtime) in
                [(Library::Tokio, flavor.baseline()), (Library::Corio, flavor.corio())]
            {
                assert_eq!((runtime.library, runtime.flavor), (library, flavor));
            }
        }
    }

    #[test]
    fn every_peer_runs_in_both_flavours() {
        for flavor in FLAVORS {
            let peers: Vec<_> = flavor.peers().collect();
            assert_eq!(peers.len(), PEERS.len());
            for (peer, runtime) in peers {
                assert_eq!((runtime.library, runtime.flavor), (Library::With(peer), flavor));
                assert!(runtime.name.starts_with("with-"), "{}", runtime.name);
            }
        }
    }

    #[test]
    fn the_bare_program_stands_beside_both_flavours() {
        for flavor in FLAVORS {
            let names: Vec<_> = flavor.side_by_side().map(|runtime| runtime.name).collect();
            assert_eq!(names[3], "bare");
            let python = names.contains(&"asyncio") && names.contains(&"uvloop");
            assert_eq!(python, flavor == Flavor::Current, "{names:?}");
        }
    }
}
