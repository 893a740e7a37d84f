//! What is done to an open file besides reading and writing.

use std::fs::{FileTimes, Metadata, Permissions};
use std::io::Result;
use std::task::ready;
use std::time::SystemTime;

use corio_sync::hooks::{Site, WaitKind};

use super::File;
use crate::fs::Call;
use crate::support::noted;

impl File {
    /// One call on the file, after everything that was written before.
    #[track_caller]
    fn call<T: Send + 'static>(
        &self,
        what: &'static str,
        call: impl FnOnce(&std::fs::File) -> Result<T> + Send + 'static,
    ) -> Call<T> {
        let inner = self.inner().cloned();
        Call::new(move || {
            let inner = inner?;
            let _turn = inner.turn();
            call(&inner.sink.file).map_err(|error| inner.sink.named(what, error))
        })
    }

    /// One call as above, that reports the error of an earlier write instead.
    #[track_caller]
    fn call_after_writes(
        &self,
        what: &'static str,
        call: impl FnOnce(&std::fs::File) -> Result<()> + Send + 'static,
    ) -> Call<()> {
        let inner = self.inner().cloned().ok();
        self.call(what, move |file| match inner.and_then(|inner| inner.take_error()) {
            Some(error) => Err(error),
            None => call(file),
        })
    }

    /// Sees to it that what was written, and what is known about the file, survives a power failure.
    ///
    /// # Errors
    ///
    /// That of a write before it; those of the system's `fsync`. After such a failure nobody knows what
    /// is on the disk.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is lost, and nothing is certain; call again.
    #[doc(alias = "fsync")]
    #[track_caller]
    pub fn sync_all(&self) -> Call<()> {
        self.call_after_writes("bring to the disk", std::fs::File::sync_all)
    }

    /// Like [`sync_all`](Self::sync_all), for the contents alone: times and the like may be older.
    ///
    /// # Errors
    ///
    /// Those of `sync_all`.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is lost, and nothing is certain; call again.
    #[doc(alias = "fdatasync")]
    #[track_caller]
    pub fn sync_data(&self) -> Call<()> {
        self.call_after_writes("bring to the disk", std::fs::File::sync_data)
    }

    /// Cuts the file, or extends it with zeros, to `size` bytes. The position stays.
    ///
    /// # Errors
    ///
    /// That of a write before it; those of the system's `ftruncate`.
    ///
    /// # Cancel safety
    ///
    /// Safe: see [`Call`].
    #[doc(alias("truncate", "ftruncate"))]
    #[track_caller]
    pub fn set_len(&self, size: u64) -> Call<()> {
        self.call_after_writes("set the length of", move |file| file.set_len(size))
    }

    /// Returns what is known about the file, everything written before included.
    ///
    /// # Errors
    ///
    /// Those of the system's `fstat`.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is changed.
    #[doc(alias = "fstat")]
    #[track_caller]
    pub fn metadata(&self) -> Call<Metadata> {
        self.call("look at", std::fs::File::metadata)
    }

    /// Changes the permissions of the file.
    ///
    /// # Errors
    ///
    /// Those of the system's `fchmod`.
    ///
    /// # Cancel safety
    ///
    /// Safe: see [`Call`].
    #[doc(alias = "fchmod")]
    #[track_caller]
    pub fn set_permissions(&self, permissions: Permissions) -> Call<()> {
        self.call("change the permissions of", |file| file.set_permissions(permissions))
    }

    /// Changes the times at which the file was last read and changed.
    ///
    /// # Errors
    ///
    /// Those of the system's `futimens`.
    ///
    /// # Cancel safety
    ///
    /// Safe: see [`Call`].
    #[track_caller]
    pub fn set_times(&self, times: FileTimes) -> Call<()> {
        self.call("set the times of", move |file| file.set_times(times))
    }

    /// Changes the time at which the file was last changed.
    ///
    /// # Errors
    ///
    /// Those of [`set_times`](Self::set_times).
    ///
    /// # Cancel safety
    ///
    /// Safe: see [`Call`].
    #[track_caller]
    pub fn set_modified(&self, time: SystemTime) -> Call<()> {
        self.set_times(FileTimes::new().set_modified(time))
    }

    /// Makes another handle of the same open file: the two share one position.
    ///
    /// What was written through this one is written first.
    ///
    /// # Errors
    ///
    /// Those of the writes before; the system has no descriptor left.
    ///
    /// # Cancel safety
    ///
    /// Safe: no byte is lost.
    #[doc(alias = "dup")]
    #[track_caller]
    pub fn try_clone(&mut self) -> impl Future<Output = Result<Self>> + Send {
        let site = Site::caller();
        std::future::poll_fn(move |cx| {
            ready!(self.poll_settled(site, cx))?;
            let inner = self.inner()?;
            ready!(noted(inner.poll_flush(cx), site, WaitKind::Blocking))?;
            let file = inner.sink.file.try_clone();
            let file = file.map_err(|error| inner.sink.named("make another handle of", error))?;
            Ok(Self::opened(file, inner.sink.path())).into()
        })
    }
}
