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
}

/// How many threads run tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// [`WORKERS`] threads beside the one in `block_on`.
    Multi,
    /// The one thread in `block_on`.
    Current,
}

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
pub(crate) const ALL: [Runtime; 7] = [
    runtime(Library::Corio, Flavor::Multi, "corio-multi"),
    runtime(Library::Tokio, Flavor::Multi, "tokio-multi"),
    runtime(Library::Smol, Flavor::Multi, "smol-multi"),
    runtime(Library::Corio, Flavor::Current, "corio-current"),
    runtime(Library::Tokio, Flavor::Current, "tokio-current"),
    runtime(Library::Smol, Flavor::Current, "smol-current"),
    runtime(Library::Bare, Flavor::Current, "bare"),
];

impl Runtime {
    /// Finds a runtime by its name.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        ALL.into_iter().find(|runtime| runtime.name == name).ok_or_else(|| {
            let names: Vec<_> = ALL.iter().map(|runtime| runtime.name).collect();
            format!("no runtime is called {name:?}; there are {}", names.join(", "))
        })
    }

    /// The tokio runtime that this one is held against.
    pub(crate) fn baseline(self) -> Self {
        let index = if self.flavor == Flavor::Multi { 1 } else { 4 };
        ALL[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runtime_is_found_by_its_name() {
        for runtime in ALL {
            assert_eq!(Runtime::named(runtime.name), Ok(runtime));
        }
        assert!(Runtime::named("tokyo").unwrap_err().contains("tokio-multi"));
    }

    #[test]
    fn the_baseline_is_tokio_of_the_same_flavour() {
        for runtime in ALL {
            assert_eq!(runtime.baseline().library, Library::Tokio);
            assert_eq!(runtime.baseline().flavor, runtime.flavor);
        }
    }
}
