//! The methods that every writer has, and the futures they return.

mod all;
mod number;
mod once;

use std::io::IoSlice;

use corio_sync::hooks::Site;
use futures_io::AsyncWrite;

pub(crate) use all::poll_drain;

pub use all::{WriteAll, WriteAllVectored};
pub use number::WriteNumber;
pub use once::{Close, Flush, Write, WriteVectored};

use number::write_number_methods;

/// Writes to any [`AsyncWrite`].
///
/// # Examples
///
/// ```
/// use corio_io::AsyncWriteExt;
///
/// # corio_io::example(async {
/// let mut packet = Vec::new();
/// packet.write_u16(3).await?;
/// packet.write_all(b"abc").await?;
/// assert_eq!(packet, [0, 3, b'a', b'b', b'c']);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncWriteExt: AsyncWrite {
    /// Writes some bytes of `buf`; returns how many.
    ///
    /// One write: it waits until the writer takes something. What is buffered on the way goes out with
    /// [`flush`](Self::flush).
    ///
    /// # Cancel safety
    ///
    /// Safe: a `write` that is dropped has written nothing.
    ///
    /// # Errors
    ///
    /// Those of the writer, and `InvalidData` if it claims more bytes than it was given.
    #[track_caller]
    fn write<'a>(&'a mut self, buf: &'a [u8]) -> Write<'a, Self>
    where
        Self: Unpin,
    {
        Write { writer: self, buf, site: Site::caller() }
    }

    /// Writes some bytes of `bufs`, one after the other; returns how many.
    ///
    /// # Cancel safety
    ///
    /// Safe: a `write_vectored` that is dropped has written nothing.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[track_caller]
    fn write_vectored<'a, 'b>(&'a mut self, bufs: &'a [IoSlice<'b>]) -> WriteVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        WriteVectored { writer: self, bufs, site: Site::caller() }
    }

    /// Writes all of `buf`.
    ///
    /// # Cancel safety
    ///
    /// Unsafe: a dropped `write_all` has written some of `buf`, and nobody knows how much. Poll it by
    /// reference (`select!` over `&mut future`), or loop over [`write`](Self::write).
    ///
    /// # Errors
    ///
    /// `WriteZero`, with the number of bytes that went out, when the writer takes no more; otherwise
    /// as [`write`](Self::write).
    #[doc(alias = "sendall")]
    #[track_caller]
    fn write_all<'a>(&'a mut self, buf: &'a [u8]) -> WriteAll<'a, Self>
    where
        Self: Unpin,
    {
        WriteAll { writer: self, buf, done: 0, site: Site::caller() }
    }

    /// Writes all of `bufs`, one after the other.
    ///
    /// The slices are moved forward as bytes go out, so they are used up afterwards.
    ///
    /// # Cancel safety
    ///
    /// Unsafe for the bytes behind `bufs`, but `bufs` itself says what is left: call again with it.
    ///
    /// # Errors
    ///
    /// As [`write_all`](Self::write_all); `bufs` says what is left.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::{AsyncWriteExt, IoSlice};
    ///
    /// # corio_io::example(async {
    /// let mut out = Vec::new();
    /// let mut parts = [IoSlice::new(b"head "), IoSlice::new(b"body")];
    /// out.write_all_vectored(&mut parts).await?;
    /// assert_eq!(out, b"head body");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "writelines")]
    #[track_caller]
    fn write_all_vectored<'a, 'b>(
        &'a mut self,
        bufs: &'a mut [IoSlice<'b>],
    ) -> WriteAllVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        WriteAllVectored::new(self, bufs, Site::caller())
    }

    /// Sees to it that everything written so far has left this program's buffers.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is lost; flush again.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    #[doc(alias = "drain")]
    #[track_caller]
    fn flush(&mut self) -> Flush<'_, Self>
    where
        Self: Unpin,
    {
        Flush { writer: self, site: Site::caller() }
    }

    /// Flushes, and tells the other side that no more will come.
    ///
    /// The reading direction of the same stream, if there is one, goes on.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is lost; close again.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    #[doc(alias = "shutdown")]
    #[doc(alias = "write_eof")]
    #[track_caller]
    fn close(&mut self) -> Close<'_, Self>
    where
        Self: Unpin,
    {
        Close { writer: self, site: Site::caller() }
    }

    write_number_methods! {
        u8 1 write_u8, u16 2 write_u16 write_u16_le, u32 4 write_u32 write_u32_le,
        u64 8 write_u64 write_u64_le, u128 16 write_u128 write_u128_le,
        i8 1 write_i8, i16 2 write_i16 write_i16_le, i32 4 write_i32 write_i32_le,
        i64 8 write_i64 write_i64_le, i128 16 write_i128 write_i128_le,
        f32 4 write_f32 write_f32_le, f64 8 write_f64 write_f64_le,
    }
}

impl<W: AsyncWrite + ?Sized> AsyncWriteExt for W {}
