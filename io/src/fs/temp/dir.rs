//! Temporary directories.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::removal::Removal;
use crate::fs::{Call, name};

/// A directory that is removed with everything in it, when this is dropped or [closed](Self::close).
#[derive(Debug)]
pub struct TempDir(Removal);

/// Makes a temporary directory where the system wants them.
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
/// use corio_io::fs;
///
/// # corio_runtime::run(async {
/// let dir = fs::temp::dir().await?;
/// let path = dir.path().to_path_buf();
/// fs::write(path.join("file"), "inside").await?;
/// dir.close().await?;
/// assert!(!fs::exists(&path).await?);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias("mkdtemp", "TemporaryDirectory"))]
#[track_caller]
pub fn dir() -> Call<TempDir> {
    dir_in(std::env::temp_dir())
}

/// Makes a temporary directory in the directory `parent`.
///
/// # Errors
///
/// Those of [`dir`].
///
/// # Cancel safety
///
/// Safe: what was made is removed.
#[track_caller]
pub fn dir_in(parent: impl AsRef<Path>) -> Call<TempDir> {
    Call::on_path("make a temporary directory in", parent, |parent| {
        let make = |path: &Path| std::fs::DirBuilder::new().mode(0o700).create(path);
        let ((), path) = name::unused(parent, "corio-".as_ref(), "".as_ref(), make)?;
        Ok(TempDir(Removal::new(path, |path| std::fs::remove_dir_all(path))))
    })
}

impl TempDir {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Keeps the directory; returns where it is.
    #[doc(alias = "into_path")]
    pub fn keep(self) -> PathBuf {
        self.0.keep()
    }

    /// Removes the directory and everything in it.
    ///
    /// # Errors
    ///
    /// Those of [`remove_dir_all`](crate::fs::remove_dir_all); that it is gone already is none.
    ///
    /// # Cancel safety
    ///
    /// Safe: it is removed all the same.
    #[track_caller]
    pub fn close(self) -> Call<()> {
        self.0.call()
    }
}

impl AsRef<Path> for TempDir {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}
