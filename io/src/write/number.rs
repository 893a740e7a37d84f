//! Numbers: [`WriteNumber`] and the methods `write_u8` to `write_f64_le`.

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::Site;
use futures_io::AsyncWrite;

use super::all::poll_drain;

/// The future of `write_u8`, `write_u16`, … and of their `_le` forms: the `N` bytes of a number.
#[must_use = "futures do nothing unless they are awaited"]
pub struct WriteNumber<'a, W: ?Sized, const N: usize> {
    writer: &'a mut W,
    bytes: [u8; N],
    done: usize,
    site: Site,
}

debug_sizes!([W: ?Sized, const N: usize] WriteNumber<'_, W, N> as "WriteNumber", f => {
    done: f.done,
    len: N,
});

impl<'a, W: ?Sized, const N: usize> WriteNumber<'a, W, N> {
    pub(super) fn new(writer: &'a mut W, bytes: [u8; N], site: Site) -> Self {
        Self { writer, bytes, done: 0, site }
    }
}

impl<W: AsyncWrite + Unpin + ?Sized, const N: usize> Future for WriteNumber<'_, W, N> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        poll_drain(Pin::new(&mut *this.writer), cx, &this.bytes, &mut this.done, this.site)
    }
}

/// For each line `type bytes name name_le`: the methods that write one, big end first and little.
macro_rules! write_number_methods {
    ($($type:ident $bytes:literal $name:ident $($name_le:ident)?),* $(,)?) => {$(
        write_number_methods!(@one $type $bytes $name to_be_bytes
            concat!("Writes a big-endian `", stringify!($type), "`."));
        $(write_number_methods!(@one $type $bytes $name_le to_le_bytes
            concat!("Writes a little-endian `", stringify!($type), "`."));)?
    )*};
    (@one $type:ident $bytes:literal $name:ident $make:ident $doc:expr) => {
        #[doc = $doc]
        ///
        /// # Cancel safety
        ///
        /// Safe for a single byte. Unsafe for more: a dropped call may have written some of them.
        ///
        /// # Errors
        ///
        /// As [`write_all`](Self::write_all).
        #[track_caller]
        fn $name(&mut self, number: $type) -> WriteNumber<'_, Self, $bytes>
        where
            Self: Unpin,
        {
            WriteNumber::new(self, number.$make(), Site::caller())
        }
    };
}
pub(super) use write_number_methods;
