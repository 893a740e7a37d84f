//! Something at a path that is to be removed.

use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use corio_runtime::Handle;

use crate::background::BlockingCall;
use crate::fs::Call;
use crate::fs::call::with_path;
use corio_runtime::say::say;

/// A path, and how what is there is removed; dropping it has it removed.
#[derive(Debug)]
pub(super) struct Removal {
    path: PathBuf,
    remove: fn(&Path) -> Result<()>,
    /// It is removed already, or to be kept.
    over: bool,
}

impl Removal {
    pub(super) fn new(path: PathBuf, remove: fn(&Path) -> Result<()>) -> Self {
        Self { path, remove, over: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn keep(mut self) -> PathBuf {
        self.over = true;
        std::mem::take(&mut self.path)
    }

    /// Removes it and says what happened.
    #[track_caller]
    pub(super) fn call(self) -> Call<()> {
        // A call that is dropped drops this with it.
        Call::new(move || self.now())
    }

    fn now(mut self) -> Result<()> {
        self.over = true;
        match (self.remove)(&self.path) {
            // Somebody else was quicker.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result.map_err(|error| with_path(error, "remove the temporary", &self.path)),
        }
    }

    fn now_or_say(self) {
        if let Err(error) = self.now() {
            say(format_args!("{error}"));
        }
    }
}

/// Removes what it holds when it is dropped, on whatever thread that is.
struct Background(Option<Removal>);

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(removal) = self.0.take() {
            removal.now_or_say();
        }
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let removal = Self::new(std::mem::take(&mut self.path), self.remove);
        let call = Background(Some(removal));
        // A runtime that takes no more calls drops it, which removes as well.
        match Handle::try_current() {
            Ok(runtime) => drop(BlockingCall::new(move || drop(call)).start(&runtime)),
            Err(_) => drop(call),
        }
    }
}
