//! Reading and writing at a given place: the position neither counts nor moves.

use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::FileExt;

use super::File;
use crate::fs::call::{outcome, start};

/// Refuses the largest offsets, which mean something else to the system.
fn check_offset(offset: u64) -> Result<()> {
    if i64::try_from(offset).is_err() {
        let text = format!("no file has an offset of {offset}: {} is the largest", i64::MAX);
        return Err(Error::new(ErrorKind::InvalidInput, text));
    }
    Ok(())
}

impl File {
    /// Reads some bytes at `offset`; returns how many, 0 at the end of the file.
    ///
    /// The position is not moved, and several may read at once.
    ///
    /// # Errors
    ///
    /// Those of the system's `pread`, with the path in the message; an offset beyond the system's is
    /// [`InvalidInput`](ErrorKind::InvalidInput).
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
    /// let mut file = fs::temp::file().await?;
    /// file.write_all(b"0123456789").await?;
    /// let mut three = [0; 3];
    /// assert_eq!(file.read_at(&mut three, 4).await?, 3);
    /// assert_eq!(&three, b"456");
    /// file.close_and_remove().await?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "pread")]
    pub async fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let inner = self.inner()?;
        check_offset(offset).map_err(|error| inner.sink.named("read", error))?;
        if inner.is_clean() {
            if let Some(n) = self.reading.read_at_once(&inner.sink.file, buf, offset) {
                return Ok(n);
            }
        }
        let (inner, len) = (inner.clone(), buf.len());
        let read = start(move || {
            let _turn = inner.turn();
            let mut bytes = vec![0; len];
            loop {
                match inner.sink.file.read_at(&mut bytes, offset) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Ok(n) => return Ok((bytes, n)),
                    Err(error) => return Err(inner.sink.named("read", error)),
                }
            }
        })?;
        let (bytes, n) = outcome(read.await)??;
        buf[..n].copy_from_slice(&bytes[..n]);
        Ok(n)
    }

    /// Writes all of `data` at `offset`. The position is not moved.
    ///
    /// (On Linux, a file that is open for appending is written at its end.)
    ///
    /// # Errors
    ///
    /// Those of the system's `pwrite`, with the path in the message; some of `data` may have been written,
    /// but nothing of it at an offset beyond the system's ([`InvalidInput`](ErrorKind::InvalidInput)).
    ///
    /// # Cancel safety
    ///
    /// Safe: once it has begun, all of `data` is written.
    #[doc(alias = "pwrite")]
    pub async fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()> {
        let (inner, data) = (self.inner()?.clone(), data.to_vec());
        check_offset(offset).map_err(|error| inner.sink.named("write to", error))?;
        let write = start(move || {
            let _turn = inner.turn();
            let written = inner.sink.file.write_all_at(&data, offset);
            written.map_err(|error| inner.sink.named("write to", error))
        })?;
        outcome(write.await)?
    }
}
