//! The file itself, as the threads for blocking calls see it.

use std::fs::File;
use std::io::{Error, Result, Seek, SeekFrom, Write};
use std::path::Path;

use corio_sync::prim::Arc;

use crate::behind::Sink;
use crate::fs::call::with_path;

pub(super) struct Inner {
    pub(super) file: Arc<File>,
    /// What it was opened as, for messages.
    path: Option<Box<Path>>,
}

impl Inner {
    pub(super) fn new(file: File, path: Option<&Path>) -> Self {
        Self { file: Arc::new(file), path: path.map(Box::from) }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Moves the system's position.
    pub(super) fn seek(&self, to: SeekFrom) -> Result<u64> {
        (&*self.file).seek(to).map_err(|error| self.named("seek in", error))
    }

    /// `error`, with what could not be done and to which file, as far as that is known.
    #[cold]
    pub(super) fn named(&self, what: &str, error: Error) -> Error {
        match &self.path {
            Some(path) => with_path(error, what, path),
            None => error,
        }
    }
}

impl Sink for Inner {
    fn takes_whole(&self) -> bool {
        false
    }

    fn stays(&self) -> bool {
        false
    }

    fn write(&self, bytes: &[u8]) -> Result<usize> {
        (&*self.file).write(bytes)
    }

    fn name(&self) -> String {
        match &self.path {
            Some(path) => path.display().to_string(),
            None => "a file".to_owned(),
        }
    }
}
