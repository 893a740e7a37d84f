//! The methods that every reader has, and the futures and adaptors they return.

mod chain;
mod exact;
mod number;
mod once;
mod take;
mod to_end;

use std::io::IoSliceMut;

use corio_sync::hooks::Site;
use futures_io::AsyncRead;

pub use chain::Chain;
pub use exact::ReadExact;
pub use number::ReadNumber;
pub use once::{Read, ReadVectored};
pub use take::Take;
pub use to_end::{ReadToEnd, ReadToString};

pub(crate) use exact::poll_fill;

use number::read_number_methods;

/// Reads from any [`AsyncRead`].
///
/// # Examples
///
/// ```
/// use corio_io::AsyncReadExt;
///
/// # corio_io::example(async {
/// let mut packet: &[u8] = &[0, 3, b'a', b'b', b'c'];
/// let len = packet.read_u16().await?;
/// let mut name = vec![0; len.into()];
/// packet.read_exact(&mut name).await?;
/// assert_eq!(name, b"abc");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub trait AsyncReadExt: AsyncRead {
    /// Reads some bytes into `buf`; returns how many, 0 at the end of the input.
    ///
    /// One read: it waits until something is there, and takes at most as much as fits. With an
    /// empty `buf` the answer 0 says nothing about the end.
    ///
    /// # Cancel safety
    ///
    /// Safe: a `read` that is dropped has taken no byte.
    ///
    /// # Errors
    ///
    /// Those of the reader, and `InvalidData` if it claims more bytes than `buf` holds.
    #[track_caller]
    fn read<'a>(&'a mut self, buf: &'a mut [u8]) -> Read<'a, Self>
    where
        Self: Unpin,
    {
        Read { reader: self, buf, site: Site::caller() }
    }

    /// Reads some bytes into `bufs`, one after the other; returns how many.
    ///
    /// # Cancel safety
    ///
    /// Safe: a `read_vectored` that is dropped has taken no byte.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[track_caller]
    fn read_vectored<'a, 'b>(
        &'a mut self,
        bufs: &'a mut [IoSliceMut<'b>],
    ) -> ReadVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        ReadVectored { reader: self, bufs, site: Site::caller() }
    }

    /// Fills `buf`.
    ///
    /// # Cancel safety
    ///
    /// Unsafe: what a dropped `read_exact` has read is in `buf`, and nobody knows how much it is.
    /// Poll it by reference (`select!` over `&mut future`), or collect with [`read`](Self::read).
    ///
    /// # Errors
    ///
    /// `UnexpectedEof`, with the number of bytes that came, when the input ends before `buf` is full;
    /// otherwise as [`read`](Self::read). The bytes that came are in `buf` in any case.
    #[doc(alias = "readexactly")]
    #[track_caller]
    fn read_exact<'a>(&'a mut self, buf: &'a mut [u8]) -> ReadExact<'a, Self>
    where
        Self: Unpin,
    {
        ReadExact { reader: self, buf, filled: 0, site: Site::caller() }
    }

    /// Reads to the end of the input and appends it to `buf`; returns how many bytes came.
    ///
    /// There is no limit: for a peer's input use [`read_to_end_limited`](Self::read_to_end_limited).
    ///
    /// # Cancel safety
    ///
    /// Safe: what a dropped `read_to_end` has read is in `buf`, and another call goes on from there.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); the bytes that came before the error are in `buf`.
    #[track_caller]
    fn read_to_end<'a>(&'a mut self, buf: &'a mut Vec<u8>) -> ReadToEnd<'a, Self>
    where
        Self: Unpin,
    {
        ReadToEnd::new(self, buf, Site::caller())
    }

    /// Reads to the end of the input, which may be at most `limit` bytes away.
    ///
    /// The same as `read_to_end(buf).max_length(limit)`.
    ///
    /// # Cancel safety
    ///
    /// Safe: what a dropped call has read is in `buf`. The limit of another call starts anew.
    ///
    /// # Errors
    ///
    /// `InvalidData` when the input is longer than `limit`: `buf` then has its first `limit` bytes,
    /// and one more byte may have been taken from the reader. Otherwise as [`read`](Self::read).
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::AsyncReadExt;
    ///
    /// # corio_io::example(async {
    /// let mut body = Vec::new();
    /// let flood = corio_io::repeat(0).read_to_end_limited(&mut body, 1000).await;
    /// assert_eq!(flood.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    /// # });
    /// ```
    #[track_caller]
    fn read_to_end_limited<'a>(
        &'a mut self,
        buf: &'a mut Vec<u8>,
        limit: usize,
    ) -> ReadToEnd<'a, Self>
    where
        Self: Unpin,
    {
        ReadToEnd::new(self, buf, Site::caller()).max_length(limit)
    }

    /// Reads to the end of the input and appends it to `text`; returns how many bytes came.
    ///
    /// There is no limit unless [`max_length`](ReadToString::max_length) sets one.
    ///
    /// # Cancel safety
    ///
    /// Unsafe: what a dropped `read_to_string` has read is lost. Use [`read_to_end`](Self::read_to_end).
    ///
    /// # Errors
    ///
    /// `InvalidData` when the input is not UTF-8; otherwise as [`read`](Self::read). After any error
    /// `text` is as it was.
    #[track_caller]
    fn read_to_string<'a>(&'a mut self, text: &'a mut String) -> ReadToString<'a, Self>
    where
        Self: Unpin,
    {
        ReadToString::new(self, text, Site::caller())
    }

    /// Makes a reader that ends after `limit` bytes of this one.
    ///
    /// To go on with this reader later, take from `&mut reader`.
    ///
    /// ```
    /// use corio_io::AsyncReadExt;
    ///
    /// # corio_io::example(async {
    /// let mut input: &[u8] = b"headbody";
    /// let mut head = String::new();
    /// (&mut input).take(4).read_to_string(&mut head).await?;
    /// assert_eq!((head.as_str(), input), ("head", &b"body"[..]));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    fn take(self, limit: u64) -> Take<Self>
    where
        Self: Sized,
    {
        Take::new(self, limit)
    }

    /// Makes a reader that goes on with `next` where this one ends.
    ///
    /// ```
    /// use corio_io::AsyncReadExt;
    ///
    /// # corio_io::example(async {
    /// let mut text = String::new();
    /// b"to be, ".chain(&b"or not"[..]).read_to_string(&mut text).await?;
    /// assert_eq!(text, "to be, or not");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    fn chain<R: AsyncRead>(self, next: R) -> Chain<Self, R>
    where
        Self: Sized,
    {
        Chain::new(self, next)
    }

    read_number_methods! {
        u8 1 read_u8, u16 2 read_u16 read_u16_le, u32 4 read_u32 read_u32_le,
        u64 8 read_u64 read_u64_le, u128 16 read_u128 read_u128_le,
        i8 1 read_i8, i16 2 read_i16 read_i16_le, i32 4 read_i32 read_i32_le,
        i64 8 read_i64 read_i64_le, i128 16 read_i128 read_i128_le,
        f32 4 read_f32 read_f32_le, f64 8 read_f64 read_f64_le,
    }
}

impl<R: AsyncRead + ?Sized> AsyncReadExt for R {}
