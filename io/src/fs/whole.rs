//! Whole files: read at once, written at once, replaced at once.

use std::io::{Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use corio_runtime::blocking;

use super::{Call, cached, name};

/// Reads a whole file.
///
/// A small one that the system has in memory is read at once, the others on a thread for blocking calls. For
/// many small files at a time, [`batch`](super::batch) spares hand-offs.
///
/// # Errors
///
/// Those of [`std::fs::read`], with the path in the message.
///
/// # Cancel safety
///
/// Safe: nothing is changed.
///
/// # Examples
///
/// ```
/// use corio_io::fs;
///
/// # corio_runtime::run(async {
/// let dir = fs::temp::dir().await?;
/// let path = dir.path().join("greeting");
/// fs::write(&path, "hello").await?;
/// assert_eq!(fs::read(&path).await?, b"hello");
/// dir.close().await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> Call<Vec<u8>> {
    let known = path.as_ref().to_path_buf();
    Call::on_path("read", path, cached::read_by_call).trying(move || cached::read(&known))
}

/// Reads a whole file that holds text.
///
/// # Errors
///
/// Those of [`std::fs::read_to_string`], with the path in the message; `InvalidData` when it is not UTF-8.
///
/// # Cancel safety
///
/// Safe: nothing is changed.
#[track_caller]
pub fn read_to_string(path: impl AsRef<Path>) -> Call<String> {
    let known = path.as_ref().to_path_buf();
    Call::on_path("read", path, |path| std::fs::read_to_string(path))
        .trying(move || String::from_utf8(cached::read(&known)?).ok())
}

/// Writes a file: makes it, or replaces what is in it.
///
/// Who reads it meanwhile may see a part; [`write_atomic`] avoids that.
///
/// # Errors
///
/// Those of [`std::fs::write`], with the path in the message; some of it may have been written.
///
/// # Cancel safety
///
/// Safe: see [`Call`].
#[track_caller]
pub fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]> + Send + 'static) -> Call<()> {
    Call::on_path("write", path, move |path| std::fs::write(path, contents.as_ref()))
}

/// Replaces a file, or makes it, so that at any moment its contents are all old or all new, even if
/// the machine stops.
///
/// A new file is written in the same directory, brought to the disk, and renamed. It has the
/// permissions of the old one, and the writing user as its owner; other hard links keep the old
/// contents. If the path is a symbolic link, what it points at is replaced. Whatever goes wrong, the
/// new file is removed (but not if the program is killed: its name begins with `.` and the name of the
/// file, and ends in `.tmp`).
///
/// # Errors
///
/// Those of the system's calls, with the path in the message: no permission to make files in the
/// directory, no space. The old contents are then still there.
///
/// # Cancel safety
///
/// Safe: the file is replaced completely or not at all. A dropped call stops if it has not come to the
/// renaming.
///
/// # Examples
///
/// ```
/// use corio_io::fs;
///
/// # corio_runtime::run(async {
/// let dir = fs::temp::dir().await?;
/// let path = dir.path().join("settings");
/// fs::write_atomic(&path, "colour = blue\n").await?;
/// assert_eq!(fs::read_to_string(&path).await?, "colour = blue\n");
/// dir.close().await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn write_atomic(
    path: impl AsRef<Path>,
    contents: impl AsRef<[u8]> + Send + 'static,
) -> Call<()> {
    Call::on_path("replace", path, move |path| replace(path, contents.as_ref()))
}

/// As much is written between two looks at whether the call is cancelled.
const STEP: usize = 1 << 20;

/// Removes the new file unless it has become the old one.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // The error that led here is the one to be told.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    // What a link points at; a path where nothing is stays as it is.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let old = match std::fs::metadata(&path) {
        Ok(metadata) => Some(metadata.permissions()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    if old.is_some() {
        // Nobody else reads it before it has the old one's permissions.
        options.mode(0o600);
    }
    let (mut file, temp) = name::unused(dir, &prefix, ".tmp".as_ref(), |path| options.open(path))?;
    let mut unfinished = Unfinished(Some(temp));
    for part in contents.chunks(STEP) {
        blocking::check_cancelled().map_err(std::io::Error::other)?;
        file.write_all(part)?;
    }
    if let Some(permissions) = old {
        file.set_permissions(permissions)?;
    }
    file.sync_all()?;
    drop(file);
    blocking::check_cancelled().map_err(std::io::Error::other)?;
    if let Some(temp) = &unfinished.0 {
        std::fs::rename(temp, &path)?;
    }
    unfinished.0 = None;
    // The new name is on the disk only when the directory is.
    std::fs::File::open(dir)?.sync_all()
}
