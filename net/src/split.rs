//! The two sides of a stream as two values.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::methods::prelude::*;

/// A stream that can be split; sealed.
pub trait Stream: HasCore + AsFd + fmt::Debug + Send + Sync + Sized + 'static {
    type Addr;
    fn local(&self) -> io::Result<Self::Addr>;
    fn peer(&self) -> io::Result<Self::Addr>;
}

/// The reading half of a stream, borrowed from it.
pub struct ReadHalf<'a, T>(&'a T);

/// The writing half of a stream, borrowed from it.
pub struct WriteHalf<'a, T>(&'a T);

/// The reading half of a stream, on its own.
pub struct OwnedReadHalf<T: Stream>(Arc<T>);

/// The writing half of a stream, on its own. Dropping it shuts the writing side down.
pub struct OwnedWriteHalf<T: Stream> {
    stream: Arc<T>,
    /// Cleared when the half goes without the peer being told.
    shut_down_on_drop: bool,
}

pub(crate) fn into_split<T: Stream>(stream: T) -> (OwnedReadHalf<T>, OwnedWriteHalf<T>) {
    let stream = Arc::new(stream);
    (OwnedReadHalf(stream.clone()), OwnedWriteHalf { stream, shut_down_on_drop: true })
}

impl<'a, T: Stream> ReadHalf<'a, T> {
    pub(crate) fn new(stream: &'a T) -> Self {
        Self(stream)
    }
}

impl<'a, T: Stream> WriteHalf<'a, T> {
    pub(crate) fn new(stream: &'a T) -> Self {
        Self(stream)
    }
}

macro_rules! half {
    ([$($generics:tt)*] $half:ty, |$this:ident| $stream:expr) => {
        impl $($generics)* HasCore for $half {
            type Socket = T::Socket;

            fn core(&self) -> &crate::stream_core::Core<T::Socket> {
                self.as_ref().core()
            }
        }

        impl $($generics)* AsRef<T> for $half {
            /// The whole stream, for its options.
            fn as_ref(&self) -> &T {
                let $this = self;
                $stream
            }
        }

        impl $($generics)* $half {
            /// Our address.
            ///
            /// # Errors
            ///
            /// Those of the system's `getsockname`.
            pub fn local_addr(&self) -> io::Result<T::Addr> {
                self.as_ref().local()
            }

            /// The peer's address.
            ///
            /// # Errors
            ///
            /// Those of the system's `getpeername`: the connection may have ended.
            pub fn peer_addr(&self) -> io::Result<T::Addr> {
                self.as_ref().peer()
            }
        }

        impl $($generics)* fmt::Debug for $half {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.as_ref().fmt(f)
            }
        }
    };
}

half!([<T: Stream>] ReadHalf<'_, T>, |half| half.0);
half!([<T: Stream>] WriteHalf<'_, T>, |half| half.0);
half!([<T: Stream>] OwnedReadHalf<T>, |half| &half.0);
half!([<T: Stream>] OwnedWriteHalf<T>, |half| &half.stream);

read_methods!([<T: Stream>] ReadHalf<'_, T>);
read_methods!([<T: Stream>] OwnedReadHalf<T>);
write_methods!([<T: Stream>] WriteHalf<'_, T>);
write_methods!([<T: Stream>] OwnedWriteHalf<T>);

impl<T: Stream> OwnedReadHalf<T> {
    /// Puts the halves of one stream together again.
    ///
    /// # Errors
    ///
    /// Gives both halves back when they are of different streams.
    pub fn reunite(self, write: OwnedWriteHalf<T>) -> Result<T, ReuniteError<T>> {
        if !Arc::ptr_eq(&self.0, &write.stream) {
            return Err(ReuniteError(self, write));
        }
        write.forget();
        // The two halves were the only owners, and this is the last.
        Arc::try_unwrap(self.0).map_err(|_| unreachable!("a stream has two halves"))
    }
}

impl<T: Stream> OwnedWriteHalf<T> {
    /// Puts the halves of one stream together again.
    ///
    /// # Errors
    ///
    /// Gives both halves back when they are of different streams.
    pub fn reunite(self, read: OwnedReadHalf<T>) -> Result<T, ReuniteError<T>> {
        read.reunite(self)
    }

    /// Drops the half without shutting the writing side down; the peer learns of the end when the
    /// reading half goes.
    pub fn forget(mut self) {
        self.shut_down_on_drop = false;
    }

    /// Shuts the writing side down now.
    ///
    /// # Errors
    ///
    /// Those of the system's `shutdown`.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn close(&self) -> Ready<io::Result<()>> {
        ready(self.core().shutdown(Shutdown::Write))
    }
}

impl<T: Stream> Drop for OwnedWriteHalf<T> {
    fn drop(&mut self) {
        if self.shut_down_on_drop {
            // The connection may be gone already; there is nobody to tell.
            let _ = self.stream.core().shutdown(Shutdown::Write);
        }
    }
}

/// Two halves that are not of one stream.
pub struct ReuniteError<T: Stream>(pub OwnedReadHalf<T>, pub OwnedWriteHalf<T>);

impl<T: Stream> fmt::Debug for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReuniteError").field(&self.0).field(&self.1).finish()
    }
}

impl<T: Stream> fmt::Display for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are of different streams: reunite each with its own other half")
    }
}

impl<T: Stream> Error for ReuniteError<T> {}
