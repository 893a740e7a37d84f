//! Whole files: read at once, written at once, replaced at once.

use std::fs::FileType;
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use corio_runtime::blocking;

use super::{Call, cached, name};
use crate::support::not_utf8;

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
    let text = |path: &Path| {
        String::from_utf8(cached::read_by_call(path)?)
            .map_err(|error| not_utf8("the file", error.utf8_error().valid_up_to()))
    };
    Call::on_path("read", path, text).trying(move || String::from_utf8(cached::read(&known)?).ok())
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
/// contents. If the path is a symbolic link, what it points at is replaced, or made if nothing is there.
/// Whatever goes wrong, the new file is removed (but not if the program is killed: its name begins with
/// `.corio-` and ends in `.tmp`).
///
/// Only regular files are replaced. A device, a fifo or a socket would be gone for everybody who uses it,
/// so it is refused; [`write()`] writes through a device or a fifo.
///
/// # Errors
///
/// Those of the system's calls, with the path in the message: no permission to make files in the
/// directory, no space. `InvalidInput` if a device, a fifo or a socket is there, `IsADirectory` if a
/// directory is. What was there is then still there.
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

/// So many links are followed to where nothing is; Linux itself follows as many.
const LINKS: u32 = 40;

/// Where the new file belongs, all links followed, and the permissions of the one that is there.
fn destination(path: &Path) -> Result<(PathBuf, Option<std::fs::Permissions>)> {
    let mut path = path.to_path_buf();
    for _ in 0..=LINKS {
        match std::fs::metadata(&path) {
            Ok(there) => {
                replaceable(there.file_type())?;
                let real = match std::fs::canonicalize(&path) {
                    // It may have been removed just now, which hinders nobody from making it.
                    Err(_) if !path.is_symlink() => path,
                    real => real?,
                };
                return Ok((real, Some(there.permissions())));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // Nothing is there, but perhaps a link that says where it should be, seen from its own directory.
        match std::fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // No link: there is nothing, or since a moment ago something else.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => {
                return Ok((path, None));
            }
            Err(error) => return Err(error),
        }
    }
    // The system refuses loops before; this is for links that change while they are followed.
    Err(Error::from_raw_os_error(libc::ELOOP))
}

/// Fails for what renaming a file over it would take away from its users.
fn replaceable(there: FileType) -> Result<()> {
    const WRITE: &str = "`fs::write` writes through it";
    let (what, way_out) = if there.is_fifo() {
        ("a fifo", WRITE)
    } else if there.is_char_device() {
        ("a character device", WRITE)
    } else if there.is_block_device() {
        ("a block device", WRITE)
    } else if there.is_socket() {
        ("a socket", "connect to it to send what is to be written")
    } else if there.is_dir() {
        return Err(Error::from_raw_os_error(libc::EISDIR));
    } else {
        return Ok(());
    };
    let text = format!("it is {what}, and only a regular file can be replaced; {way_out}");
    Err(Error::new(ErrorKind::InvalidInput, text))
}

fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    let (path, old) = destination(path)?;
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    if old.is_some() {
        // Nobody else reads it before it has the old one's permissions.
        options.mode(0o600);
    }
    // Not named after the file, whose name may be as long as names can be.
    let make = |path: &Path| options.open(path);
    let (mut file, temp) = name::unused(dir, ".corio-".as_ref(), ".tmp".as_ref(), make)?;
    let mut unfinished = Unfinished(Some(temp));
    for part in contents.chunks(STEP) {
        blocking::check_cancelled().map_err(Error::other)?;
        file.write_all(part)?;
    }
    if let Some(permissions) = old {
        file.set_permissions(permissions)?;
    }
    file.sync_all()?;
    drop(file);
    blocking::check_cancelled().map_err(Error::other)?;
    if let Some(temp) = &unfinished.0 {
        std::fs::rename(temp, &path)?;
    }
    unfinished.0 = None;
    // The new name is on the disk only when the directory is.
    std::fs::File::open(dir)?.sync_all()
}
