//! An open file.

mod at;
mod at_once;
mod inner;
mod ops;
mod reading;

use std::fmt;
use std::io::{Error, ErrorKind, Result, SeekFrom};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::{Site, WaitKind};
use corio_sync::prim::Arc;
use futures_io::{AsyncRead, AsyncSeek, AsyncWrite};

use super::{Call, OpenOptions, cached};
use crate::behind::Behind;
use crate::seek::{AsyncSeekExt, Seek};
use crate::support::noted;
use inner::Inner;
use reading::{Ended, Reading};

/// An open file: std's `File`, without holding up the thread.
///
/// # Writing
///
/// A `write` takes bytes at once, up to 2 MiB, and they are written in their order in the background;
/// only a full buffer makes it wait. So **an error of a write is reported by a later one, or by
/// [`flush`](Self::flush), [`sync_all`](Self::sync_all) or [`close`](Self::close)**: end with one of
/// them. After a success of these nothing is outstanding. After an error, which says how much was
/// written, the rest of what had been taken is gone, and the file can be used again.
///
/// A file that is dropped while bytes are outstanding still has them written, and the runtime waits for
/// that at its end; an error is then told on stderr. Whatever else is done to the file (a read, a
/// seek, `metadata`) comes after the writes before it.
///
/// # Reading
///
/// Reads whose bytes are in the system's cache are done at once, in pieces of at most 128 KiB; the
/// others on a thread for blocking calls. For lines, and for many small reads, put it into a
/// [`BufReader`](crate::BufReader). Of a pipe or a terminal make a
/// [`pipe::Receiver`](crate::pipe::Receiver): a file would keep a thread, and the end of the runtime,
/// waiting for input.
///
/// # Errors
///
/// Whatever fails says what was being done, and to which file if the file was opened by its path;
/// [`raw_os_error`](crate::raw_os_error) finds the system's number in it.
///
/// # Cancel safety
///
/// `read` and `write` are safe: a dropped `write` has taken nothing, and bytes that a dropped `read` was
/// about to get are kept for the next one; if a seek or a write comes first, the position is as
/// if they had not been read.
///
/// # Examples
///
/// ```
/// use corio_io::fs::{self, File};
///
/// # corio_runtime::run(async {
/// let dir = fs::temp::dir().await?;
/// let path = dir.path().join("notes");
/// let mut file = File::create(&path).await?;
/// file.write_all(b"remember this").await?;
/// file.close().await?;
///
/// let mut file = File::open(&path).await?;
/// let mut text = String::new();
/// file.read_to_string(&mut text).await?;
/// assert_eq!(text, "remember this");
/// dir.close().await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub struct File {
    /// None once it is closed.
    inner: Option<Arc<Behind<Inner>>>,
    reading: Reading,
}

inherent_read!(File);
inherent_write!(File);

impl File {
    pub(super) fn opened(file: std::fs::File, path: Option<&Path>) -> Self {
        let inner = Arc::new(Behind::new(Inner::new(file, path)));
        Self { inner: Some(inner), reading: Reading::new() }
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::open`], with the path in the message.
    ///
    /// # Cancel safety
    ///
    /// Safe: it is closed again.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Call<Self> {
        let known = path.as_ref().to_path_buf();
        let open = |path: &Path| {
            let file = std::fs::File::open(path)?;
            cached::learn(&file);
            Ok(Self::opened(file, Some(path)))
        };
        Call::on_path("open", path, open)
            .trying(move || Some(Self::opened(cached::open(&known)?, Some(&known))))
    }

    /// Opens a file for writing: makes it, or empties it.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::create`], with the path in the message.
    ///
    /// # Cancel safety
    ///
    /// Safe, but the file may have been made or emptied.
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> Call<Self> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path)
    }

    /// Makes a file that is not there, and opens it for reading and writing.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::create_new`], with the path in the message.
    ///
    /// # Cancel safety
    ///
    /// Safe, but the file may have been made.
    #[track_caller]
    pub fn create_new(path: impl AsRef<Path>) -> Call<Self> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// How a file is to be opened: the same as [`OpenOptions::new`].
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Takes a file of std's.
    pub fn from_std(file: std::fs::File) -> Self {
        Self::opened(file, None)
    }

    /// Writes what is outstanding and gives the file as std's, at the position where this one is.
    ///
    /// # Errors
    ///
    /// Those of the writes that were outstanding; `InvalidInput` when it is closed.
    ///
    /// # Cancel safety
    ///
    /// Safe: the writes go on, and the file is closed after them.
    pub async fn into_std(mut self) -> Result<std::fs::File> {
        let site = Site::caller();
        std::future::poll_fn(|cx| {
            ready!(self.poll_settled(site, cx))?;
            noted(self.inner()?.poll_flush(cx), site, WaitKind::Blocking)
        })
        .await?;
        let Some(inner) = self.inner.take() else { return Err(closed()) };
        let file = inner.sink.file.clone();
        drop(inner);
        // A call that is about to end may have it too.
        Arc::try_unwrap(file).or_else(|shared| shared.try_clone())
    }

    /// Moves to `to`; returns the new position, counted from the start.
    ///
    /// # Cancel safety
    ///
    /// Safe, but a dropped `seek` may or may not have moved: seek again, from the start or the end.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a position before the start, and the system's others, with the path in the
    /// message; that of a write before it.
    #[track_caller]
    pub fn seek(&mut self, to: SeekFrom) -> Seek<'_, Self> {
        AsyncSeekExt::seek(self, to)
    }

    fn inner(&self) -> Result<&Arc<Behind<Inner>>> {
        self.inner.as_ref().ok_or_else(closed)
    }

    /// Waits for a read that is under way, and goes back over what it has read too much: the position is
    /// then what the user takes it for.
    fn poll_settled(&mut self, site: Site, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.reading.poll_idle(site, cx));
        let inner = self.inner.as_ref().ok_or_else(closed)?;
        self.reading.go_back(&inner.sink.file);
        Poll::Ready(Ok(()))
    }
}

#[cold]
fn closed() -> Error {
    Error::new(ErrorKind::InvalidInput, "this file is closed: use it before `close`")
}

impl AsyncRead for File {
    #[track_caller]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        let this = &mut *self;
        let inner = this.inner.as_ref().ok_or_else(closed)?;
        this.reading.poll_read(inner, Site::caller(), cx, buf)
    }
}

impl AsyncWrite for File {
    #[track_caller]
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        ready!(self.poll_settled(Site::caller(), cx))?;
        self.inner()?.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &self.inner {
            Some(inner) => inner.poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Waits until everything is written, and closes the file.
    ///
    /// Errors that a file system reports only at the very end, as one over a network may, are those of
    /// `sync_all`: call it first where that matters.
    #[track_caller]
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.reading.poll_idle(Site::caller(), cx));
        let flushed = ready!(self.as_mut().poll_flush(cx));
        self.inner = None;
        Poll::Ready(flushed)
    }
}

impl AsyncSeek for File {
    #[track_caller]
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<Result<u64>> {
        let this = &mut *self;
        let site = Site::caller();
        if let Some(Ended::Seek(target, result)) = ready!(this.reading.poll_idle(site, cx)) {
            // It may be one that was dropped, with another target.
            if target == to {
                return Poll::Ready(result);
            }
        }
        let inner = this.inner.as_ref().ok_or_else(closed)?;
        this.reading.go_back(&inner.sink.file);
        ready!(noted(inner.poll_flush(cx), site, WaitKind::Blocking))?;
        if matches!(to, SeekFrom::Start(_) | SeekFrom::Current(_)) {
            // This sets a number in the system's memory; only the length may have to be asked for.
            return Poll::Ready(inner.sink.seek(to));
        }
        this.reading.start_seek(inner, to)?;
        self.poll_seek(cx, to)
    }
}

impl From<std::fs::File> for File {
    fn from(file: std::fs::File) -> Self {
        Self::from_std(file)
    }
}

impl AsFd for File {
    /// # Panics
    ///
    /// When the file is closed.
    #[track_caller]
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.inner {
            Some(inner) => inner.sink.file.as_fd(),
            None => panic!("this file is closed and has no descriptor any more"),
        }
    }
}

impl AsRawFd for File {
    /// # Panics
    ///
    /// When the file is closed.
    #[track_caller]
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("File").field(&self.inner).finish()
    }
}
