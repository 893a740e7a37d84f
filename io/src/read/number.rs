//! Numbers: [`ReadNumber`] and the methods `read_u8` to `read_f64_le`.

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks::Site;
use futures_io::AsyncRead;

use super::poll_fill;

/// The future of `read_u8`, `read_u16`, … and of their `_le` forms: `N` bytes made into a `T`.
#[must_use = "futures do nothing unless they are awaited"]
pub struct ReadNumber<'a, R: ?Sized, T, const N: usize> {
    reader: &'a mut R,
    bytes: [u8; N],
    filled: usize,
    make: fn([u8; N]) -> T,
    site: Site,
}

debug_sizes!([R: ?Sized, T, const N: usize] ReadNumber<'_, R, T, N> as "ReadNumber", f => {
    filled: f.filled,
    wanted: N,
});

impl<'a, R: ?Sized, T, const N: usize> ReadNumber<'a, R, T, N> {
    pub(super) fn new(reader: &'a mut R, make: fn([u8; N]) -> T, site: Site) -> Self {
        Self { reader, bytes: [0; N], filled: 0, make, site }
    }
}

impl<R: AsyncRead + Unpin + ?Sized, T, const N: usize> Future for ReadNumber<'_, R, T, N> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        ready!(poll_fill(this.reader, cx, &mut this.bytes, &mut this.filled, this.site))?;
        Poll::Ready(Ok((this.make)(this.bytes)))
    }
}

/// For each line `type bytes name name_le`: the methods that read one, big end first and little.
macro_rules! read_number_methods {
    ($($type:ident $bytes:literal $name:ident $($name_le:ident)?),* $(,)?) => {$(
        read_number_methods!(@one $type $bytes $name from_be_bytes
            concat!("Reads a big-endian `", stringify!($type), "`."));
        $(read_number_methods!(@one $type $bytes $name_le from_le_bytes
            concat!("Reads a little-endian `", stringify!($type), "`."));)?
    )*};
    (@one $type:ident $bytes:literal $name:ident $make:ident $doc:expr) => {
        #[doc = $doc]
        ///
        /// # Cancel safety
        ///
        /// Safe for a single byte. Unsafe for more: the bytes that a dropped call has read are lost.
        ///
        /// # Errors
        ///
        /// `UnexpectedEof` when the input ends first; otherwise as [`read`](Self::read).
        #[track_caller]
        fn $name(&mut self) -> ReadNumber<'_, Self, $type, $bytes>
        where
            Self: Unpin,
        {
            ReadNumber::new(self, $type::$make, Site::caller())
        }
    };
}
pub(super) use read_number_methods;
