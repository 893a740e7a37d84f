//! The file itself, as the threads for blocking calls see it.

use std::fs::File;
use std::io::{Result, Write};
use std::path::Path;

use corio_sync::prim::Arc;

use crate::behind::Sink;

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
}

impl Sink for Inner {
    const WHOLE: bool = false;
    const STAYS: bool = false;

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
