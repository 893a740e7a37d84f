//! What is in a directory, as a stream.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{FileType, Metadata};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{self, Site};
use futures_core::Stream;

use super::Call;
use super::call::{poll_task, start, with_path};
use crate::background::Running;

/// As many entries are fetched by one call.
const BATCH: usize = 512;

/// Opens a directory, to stream what is in it.
///
/// Entries come in no particular order, `.` and `..` not at all. What is made or removed meanwhile may
/// come or not; everything else comes once.
///
/// # Errors
///
/// Those of [`std::fs::read_dir`], with the path in the message.
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
/// fs::write(dir.path().join("a"), "").await?;
/// let mut entries = fs::read_dir(dir.path()).await?;
/// while let Some(entry) = entries.next_entry().await? {
///     assert!(entry.file_name() == "a" && entry.file_type()?.is_file());
/// }
/// dir.close().await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias("scandir", "listdir"))]
#[track_caller]
pub fn read_dir(path: impl AsRef<Path>) -> Call<ReadDir> {
    let path = path.as_ref().to_path_buf();
    Call::new(move || match std::fs::read_dir(&path) {
        Ok(dir) => {
            let batch = fetch(dir);
            Ok(ReadDir { path, entries: batch.entries, rest: Rest::of(batch.dir) })
        }
        Err(error) => Err(with_path(error, "list the directory", &path)),
    })
}

/// The entries of a directory: a `Stream` of `Result<DirEntry>`, made by [`read_dir`].
///
/// They are fetched in batches, so most of them cost no hand-off. Dropping it closes the directory.
pub struct ReadDir {
    path: PathBuf,
    entries: VecDeque<Result<DirEntry>>,
    rest: Rest,
}

/// Where the entries come from that have not been fetched yet.
enum Rest {
    Idle(std::fs::ReadDir),
    Fetching(Running<Batch>),
    End,
}

impl Rest {
    fn of(dir: Option<std::fs::ReadDir>) -> Self {
        dir.map_or(Self::End, Self::Idle)
    }
}

struct Batch {
    entries: VecDeque<Result<DirEntry>>,
    /// None at the end.
    dir: Option<std::fs::ReadDir>,
}

fn fetch(mut dir: std::fs::ReadDir) -> Batch {
    let mut entries = VecDeque::new();
    while entries.len() < BATCH {
        match dir.next() {
            Some(entry) => entries.push_back(entry.map(DirEntry::new)),
            None => return Batch { entries, dir: None },
        }
    }
    Batch { entries, dir: Some(dir) }
}

impl ReadDir {
    /// Returns the next entry, or `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of the system, for the entry that could not be read; the next call goes on.
    ///
    /// # Cancel safety
    ///
    /// Safe: no entry is lost.
    #[track_caller]
    pub fn next_entry(&mut self) -> impl Future<Output = Result<Option<DirEntry>>> + Send {
        let site = Site::caller();
        std::future::poll_fn(move |cx| self.poll_entry(site, cx).map(Option::transpose))
    }

    fn poll_entry(&mut self, site: Site, cx: &mut Context<'_>) -> Poll<Option<Result<DirEntry>>> {
        loop {
            if !self.entries.is_empty() {
                ready!(hooks::poll_budget(cx));
                hooks::spend();
                return Poll::Ready(self.entries.pop_front());
            }
            match &mut self.rest {
                Rest::End => return Poll::Ready(None),
                Rest::Idle(_) => {
                    let Rest::Idle(dir) = std::mem::replace(&mut self.rest, Rest::End) else {
                        unreachable!("it was just looked at")
                    };
                    match start(move || fetch(dir)) {
                        Ok(task) => self.rest = Rest::Fetching(task),
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
                Rest::Fetching(task) => {
                    let batch = ready!(poll_task(task, site, cx));
                    self.rest = Rest::End;
                    match batch {
                        Ok(batch) => {
                            self.entries = batch.entries;
                            self.rest = Rest::of(batch.dir);
                        }
                        Err(error) => {
                            let error = with_path(error, "list the directory", &self.path);
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                }
            }
        }
    }
}

impl Stream for ReadDir {
    type Item = Result<DirEntry>;

    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_entry(Site::caller(), cx)
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadDir").field("path", &self.path).finish_non_exhaustive()
    }
}

/// An entry of a directory.
#[derive(Debug)]
pub struct DirEntry {
    entry: std::fs::DirEntry,
    /// Looked up with the entry: most file systems say it there.
    file_type: Result<FileType>,
}

impl DirEntry {
    fn new(entry: std::fs::DirEntry) -> Self {
        let file_type = entry.file_type();
        Self { entry, file_type }
    }

    /// The path of the directory, as it was given, with the name of the entry.
    pub fn path(&self) -> PathBuf {
        self.entry.path()
    }

    /// The name of the entry.
    pub fn file_name(&self) -> OsString {
        self.entry.file_name()
    }

    /// What kind of file it is; a symbolic link is one.
    ///
    /// # Errors
    ///
    /// When that was not known and could not be found out, for instance because it is gone: those of
    /// [`symlink_metadata`](super::symlink_metadata), with the path in the message, the same each time.
    pub fn file_type(&self) -> Result<FileType> {
        match &self.file_type {
            Ok(file_type) => Ok(*file_type),
            Err(error) => {
                let again = match error.raw_os_error() {
                    Some(number) => Error::from_raw_os_error(number),
                    None => Error::new(error.kind(), error.to_string()),
                };
                Err(with_path(again, "find out the type of", &self.path()))
            }
        }
    }

    /// Returns what is known about the file; symbolic links are not followed.
    ///
    /// # Errors
    ///
    /// Those of [`symlink_metadata`](super::symlink_metadata).
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is changed.
    #[track_caller]
    pub fn metadata(&self) -> Call<Metadata> {
        super::symlink_metadata(self.path())
    }

    /// The number of its inode.
    pub fn ino(&self) -> u64 {
        std::os::unix::fs::DirEntryExt::ino(&self.entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw_os_error;

    #[test]
    fn an_error_keeps_its_number_and_names_the_entry() {
        let dir = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
        let mut entry = DirEntry::new(dir.into_iter().next().unwrap().unwrap());
        entry.file_type = Err(Error::from_raw_os_error(libc::ESTALE));
        for _ in 0..2 {
            let error = entry.file_type().unwrap_err();
            assert_eq!(raw_os_error(&error), Some(libc::ESTALE));
            assert_eq!(error.kind(), Error::from_raw_os_error(libc::ESTALE).kind());
            assert!(error.to_string().contains(&entry.path().display().to_string()), "{error}");
        }
        entry.file_type = Err(Error::new(std::io::ErrorKind::InvalidData, "odd"));
        let error = entry.file_type().unwrap_err();
        assert!(
            error.kind() == std::io::ErrorKind::InvalidData && error.to_string().ends_with(": odd")
        );
    }
}
