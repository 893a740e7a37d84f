//! Temporary files.

use std::io::Result;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::removal::Removal;
use crate::fs::{Call, File, name};

/// A file, open for reading and writing, that is removed when this is dropped or
/// [closed](Self::close_and_remove).
///
/// It is a [`File`] for all that files can do.
#[derive(Debug)]
pub struct TempFile {
    // The order of the fields is the order of their drop: first closed, then removed.
    file: File,
    removal: Removal,
}

/// Makes a temporary file where the system wants them.
///
/// # Errors
///
/// Those of the system, with the path in the message.
///
/// # Cancel safety
///
/// Safe: what was made is removed.
///
/// # Examples
///
/// ```
/// use corio_io::{SeekFrom, fs};
///
/// # corio_runtime::run(async {
/// let mut file = fs::temp::file().await?;
/// file.write_all(b"for a while").await?;
/// file.seek(SeekFrom::Start(4)).await?;
/// let mut text = String::new();
/// file.read_to_string(&mut text).await?;
/// assert_eq!(text, "a while");
/// file.close_and_remove().await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias("mkstemp", "NamedTemporaryFile"))]
#[track_caller]
pub fn file() -> Call<TempFile> {
    file_in(std::env::temp_dir())
}

/// Makes a temporary file in the directory `parent`.
///
/// # Errors
///
/// Those of [`file()`].
///
/// # Cancel safety
///
/// Safe: what was made is removed.
#[track_caller]
pub fn file_in(parent: impl AsRef<Path>) -> Call<TempFile> {
    Call::on_path("make a temporary file in", parent, |parent| {
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let make = |path: &Path| options.open(path);
        let (file, path) = name::unused(parent, "corio-".as_ref(), "".as_ref(), make)?;
        let file = File::opened(file, Some(&path));
        Ok(TempFile { file, removal: Removal::new(path, |path| std::fs::remove_file(path)) })
    })
}

impl TempFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.removal.path()
    }

    /// Keeps the file; returns it and where it is.
    pub fn keep(self) -> (File, PathBuf) {
        (self.file, self.removal.keep())
    }

    /// Writes what is under way, closes the file and removes it.
    ///
    /// # Errors
    ///
    /// Those of [`File::close`], and of the removal; that it is gone already is none.
    ///
    /// # Cancel safety
    ///
    /// Safe: it is removed all the same.
    pub async fn close_and_remove(self) -> Result<()> {
        let Self { mut file, removal } = self;
        let closed = file.close().await;
        removal.call().await?;
        closed
    }
}

impl Deref for TempFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl DerefMut for TempFile {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.file
    }
}
