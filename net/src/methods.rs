//! The everyday methods of streams and their halves, and futures-io's traits for them.
//!
//! Written once: `read_methods!` and `write_methods!` are for a type that has
//! [`HasCore`](crate::stream_core::HasCore); a whole stream gets both, and `stream_methods!` besides.

/// Reading, for a stream or its reading half.
macro_rules! read_methods {
    ([$($generics:tt)*] $stream:ty) => {
        impl $($generics)* $stream {
            /// Reads some bytes into `buffer` and returns how many, waiting until there is one.
            ///
            /// 0 means that the peer has ended its side (or that `buffer` is empty).
            ///
            /// # Errors
            ///
            /// Those of the system's `recv`: the connection was reset, or timed out.
            ///
            /// # Cancel safety
            ///
            /// Safe: nothing has been read.
            #[track_caller]
            pub fn read<'b>(
                &'b self,
                buffer: &'b mut [u8],
            ) -> impl Future<Output = io::Result<usize>> + Send {
                let wait = Wait::here(WaitKind::Read);
                poll_fn(move |cx| self.core().poll_read(wait, cx, buffer))
            }

            /// Reads into several buffers, filling one after the other; at most 1024 are looked at.
            ///
            /// # Errors
            ///
            /// Those of [`read`](Self::read).
            ///
            /// # Cancel safety
            ///
            /// Safe: nothing has been read.
            #[track_caller]
            pub fn read_vectored<'b>(
                &'b self,
                buffers: &'b mut [IoSliceMut<'b>],
            ) -> impl Future<Output = io::Result<usize>> + Send {
                let wait = Wait::here(WaitKind::Read);
                poll_fn(move |cx| self.core().poll_read_vectored(wait, cx, buffers))
            }

            /// Reads until `buffer` is full.
            ///
            /// # Errors
            ///
            /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) when the stream ends before; else those of
            /// [`read`](Self::read).
            ///
            /// # Cancel safety
            ///
            /// Unsafe: what was read so far is in `buffer`, and nothing says how much. Use
            /// [`read`](Self::read) where that matters.
            #[track_caller]
            pub fn read_exact<'b>(
                &'b self,
                buffer: &'b mut [u8],
            ) -> impl Future<Output = io::Result<()>> + Send {
                self.core().read_exact(Wait::here(WaitKind::Read), buffer)
            }

            /// Reads until the stream ends, appends to `buffer`, and returns how many bytes came.
            ///
            /// The peer decides how much that is: of one that is not trusted, read with a limit.
            ///
            /// # Errors
            ///
            /// Those of [`read`](Self::read); what came before is in `buffer`.
            ///
            /// # Cancel safety
            ///
            /// Safe: what was read is at the end of `buffer`.
            #[track_caller]
            pub fn read_to_end<'b>(
                &'b self,
                buffer: &'b mut Vec<u8>,
            ) -> impl Future<Output = io::Result<usize>> + Send {
                self.core().read_to_end(Wait::here(WaitKind::Read), buffer)
            }

            /// Reads what is there now.
            ///
            /// # Errors
            ///
            /// [`WouldBlock`](io::ErrorKind::WouldBlock) when nothing is; else those of
            /// [`read`](Self::read).
            pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                self.core().io().try_io(Direction::Read, |s| s.read(buffer))
            }

            /// Reads what is there now into several buffers.
            ///
            /// # Errors
            ///
            /// Those of [`try_read`](Self::try_read).
            pub fn try_read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                let count = buffers.len().min(MAX_VECTORS);
                let buffers = &mut buffers[..count];
                self.core().io().try_io(Direction::Read, |s| s.read_vectored(buffers))
            }

            /// Waits until a read is worth trying: there is something to read, or the stream has ended.
            ///
            /// A stream that has not been read from is assumed readable; [`try_read`](Self::try_read)
            /// finds out.
            ///
            /// # Errors
            ///
            /// When there is no runtime, or it has been shut down.
            ///
            /// # Cancel safety
            ///
            /// Safe.
            #[track_caller]
            pub fn readable(&self) -> impl Future<Output = io::Result<()>> + Send {
                let wait = Wait::here(WaitKind::Readiness);
                poll_fn(move |cx| {
                    self.core().io().poll_ready(Direction::Read, wait, cx).map_ok(|_| ())
                })
            }

            /// Waits until a read is worth trying; the poll form of [`readable`](Self::readable).
            ///
            /// # Errors
            ///
            /// Those of [`readable`](Self::readable).
            #[track_caller]
            pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let wait = Wait::here(WaitKind::Readiness);
                self.core().io().poll_ready(Direction::Read, wait, cx).map_ok(|_| ())
            }
        }

        impl $($generics)* AsyncRead for $stream {
            #[track_caller]
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_read(Wait::here(WaitKind::Read), cx, buffer)
            }

            #[track_caller]
            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffers: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_read_vectored(Wait::here(WaitKind::Read), cx, buffers)
            }
        }
    };
}

/// Writing, for a stream or its writing half.
macro_rules! write_methods {
    ([$($generics:tt)*] $stream:ty) => {
        impl $($generics)* $stream {
            /// Writes some of `data` and returns how many bytes, waiting until one can be taken.
            ///
            /// # Errors
            ///
            /// Those of the system's `send`: the peer has closed ([`BrokenPipe`](io::ErrorKind::BrokenPipe))
            /// or reset the connection. No signal is raised.
            ///
            /// # Cancel safety
            ///
            /// Safe: nothing has been written.
            #[track_caller]
            pub fn write<'b>(
                &'b self,
                data: &'b [u8],
            ) -> impl Future<Output = io::Result<usize>> + Send {
                let wait = Wait::here(WaitKind::Write);
                poll_fn(move |cx| self.core().poll_write(wait, cx, data))
            }

            /// Writes from several buffers, one after the other; at most 1024 are looked at.
            ///
            /// # Errors
            ///
            /// Those of [`write`](Self::write).
            ///
            /// # Cancel safety
            ///
            /// Safe: nothing has been written.
            #[track_caller]
            pub fn write_vectored<'b>(
                &'b self,
                data: &'b [IoSlice<'b>],
            ) -> impl Future<Output = io::Result<usize>> + Send {
                let wait = Wait::here(WaitKind::Write);
                poll_fn(move |cx| self.core().poll_write_vectored(wait, cx, data))
            }

            /// Writes all of `data`.
            ///
            /// # Errors
            ///
            /// Those of [`write`](Self::write); some of `data` may have been written.
            ///
            /// # Cancel safety
            ///
            /// Unsafe: some of `data` may have been written, and nothing says how much. Use
            /// [`write`](Self::write) where that matters.
            #[track_caller]
            pub fn write_all<'b>(
                &'b self,
                data: &'b [u8],
            ) -> impl Future<Output = io::Result<()>> + Send {
                self.core().write_all(Wait::here(WaitKind::Write), data)
            }

            /// Writes all of several buffers; `data` is left advanced to its end.
            ///
            /// # Errors
            ///
            /// Those of [`write_all`](Self::write_all).
            ///
            /// # Cancel safety
            ///
            /// Unsafe: some of the data may have been written, and nothing says how much.
            #[track_caller]
            pub fn write_all_vectored<'b>(
                &'b self,
                data: &'b mut [IoSlice<'b>],
            ) -> impl Future<Output = io::Result<()>> + Send {
                self.core().write_all_vectored(Wait::here(WaitKind::Write), data)
            }

            /// Does nothing: what was written is with the system already.
            ///
            /// # Errors
            ///
            /// None.
            ///
            /// # Cancel safety
            ///
            /// Safe.
            pub fn flush(&self) -> Ready<io::Result<()>> {
                ready(Ok(()))
            }

            /// Writes what can be taken now.
            ///
            /// # Errors
            ///
            /// [`WouldBlock`](io::ErrorKind::WouldBlock) when nothing can; else those of
            /// [`write`](Self::write).
            pub fn try_write(&self, data: &[u8]) -> io::Result<usize> {
                self.core().io().try_io(Direction::Write, |s| s.write(data))
            }

            /// Writes what can be taken now, from several buffers.
            ///
            /// # Errors
            ///
            /// Those of [`try_write`](Self::try_write).
            pub fn try_write_vectored(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
                let data = &data[..data.len().min(MAX_VECTORS)];
                self.core().io().try_io(Direction::Write, |s| s.write_vectored(data))
            }

            /// Waits until a write is worth trying.
            ///
            /// A stream that has not been written to is assumed writable;
            /// [`try_write`](Self::try_write) finds out.
            ///
            /// # Errors
            ///
            /// When there is no runtime, or it has been shut down.
            ///
            /// # Cancel safety
            ///
            /// Safe.
            #[track_caller]
            pub fn writable(&self) -> impl Future<Output = io::Result<()>> + Send {
                let wait = Wait::here(WaitKind::Readiness);
                poll_fn(move |cx| {
                    self.core().io().poll_ready(Direction::Write, wait, cx).map_ok(|_| ())
                })
            }

            /// Waits until a write is worth trying; the poll form of [`writable`](Self::writable).
            ///
            /// # Errors
            ///
            /// Those of [`writable`](Self::writable).
            #[track_caller]
            pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let wait = Wait::here(WaitKind::Readiness);
                self.core().io().poll_ready(Direction::Write, wait, cx).map_ok(|_| ())
            }
        }

        impl $($generics)* AsyncWrite for $stream {
            #[track_caller]
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_write(Wait::here(WaitKind::Write), cx, data)
            }

            #[track_caller]
            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_write_vectored(Wait::here(WaitKind::Write), cx, data)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            /// Shuts the writing side down.
            fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.core().shutdown(Shutdown::Write))
            }
        }
    };
}

/// What a whole stream has besides reading and writing.
macro_rules! stream_methods {
    ($stream:ident) => {
        read_methods!([] $stream);
        write_methods!([] $stream);

        impl $stream {
            /// Shuts down one side of the connection, or both.
            ///
            /// Shutting down the writing side tells the peer that nothing more comes: its reads end.
            /// Doing it again, or after the connection has ended, changes nothing and is no error.
            ///
            /// # Errors
            ///
            /// Those of the system's `shutdown`.
            pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                self.core().shutdown(how)
            }

            /// Ends our side: shuts the writing side down, as `AsyncWrite::poll_close` does.
            ///
            /// The descriptor is closed when the stream is dropped. Dropping it while bytes from the
            /// peer are unread resets the connection, and destroys what we sent last; see
            /// [`close_gracefully`](Self::close_gracefully).
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

            /// Closes the stream so that the peer gets all that was written.
            ///
            /// The writing side is shut down; then what the peer still sends is read and thrown away,
            /// until it ends its side, until `limit` bytes of it have come, or until the connection
            /// fails. Returns whether the peer ended its side. Put a timeout around it: a silent peer
            /// keeps it waiting.
            ///
            /// # Errors
            ///
            /// Those of the system's `shutdown` and `recv`.
            ///
            /// # Cancel safety
            ///
            /// Safe: the stream is closed at once.
            #[track_caller]
            pub fn close_gracefully(
                self,
                limit: usize,
            ) -> impl Future<Output = io::Result<bool>> + Send {
                let wait = Wait::here(WaitKind::Read);
                async move {
                    self.core().shutdown(Shutdown::Write)?;
                    let (mut left, mut waste) = (limit, [0; 4096]);
                    while left > 0 {
                        let most = left.min(waste.len());
                        let part = &mut waste[..most];
                        let count = poll_fn(|cx| self.core().poll_read(wait, cx, part)).await?;
                        if count == 0 {
                            return Ok(true);
                        }
                        left -= count;
                    }
                    Ok(false)
                }
            }

            /// Sends `count` bytes of `file`, from `offset`, and returns how many: fewer if the file is
            /// shorter.
            ///
            /// On Linux the system moves them (`sendfile`); elsewhere, and for what it cannot move, they
            /// are read and written. The file's own position does not change. Reading from a disk may hold
            /// up the thread for as long as the disk takes.
            ///
            /// # Errors
            ///
            /// Those of [`write`](Self::write), and of reading the file.
            ///
            /// # Cancel safety
            ///
            /// Unsafe: some of the file may be sent, and nothing says how much.
            #[track_caller]
            #[doc(alias = "sock_sendfile")]
            pub fn send_file<'a>(
                &'a self,
                file: &'a std::fs::File,
                offset: u64,
                count: u64,
            ) -> impl Future<Output = io::Result<u64>> + Send {
                crate::send_file::send(self, file, offset, count, Wait::here(WaitKind::Write))
            }

            /// Waits until an operation in `direction` is worth trying.
            ///
            /// # Errors
            ///
            /// When there is no runtime, or it has been shut down.
            ///
            /// # Cancel safety
            ///
            /// Safe.
            #[track_caller]
            pub fn ready(
                &self,
                direction: Direction,
            ) -> impl Future<Output = io::Result<Readiness>> + Send {
                self.core().io().ready(direction)
            }

            /// Tries an operation of the caller's own on the socket, once.
            ///
            /// If it fails with [`WouldBlock`](io::ErrorKind::WouldBlock), the next wait in
            /// `direction` waits for an event. A raw call that goes past this (or past
            /// [`async_io`](Self::async_io)) can leave a later wait waiting for ever.
            ///
            /// # Errors
            ///
            /// Those of `operation`.
            pub fn try_io<R>(
                &self,
                direction: Direction,
                operation: impl FnOnce() -> io::Result<R>,
            ) -> io::Result<R> {
                self.core().io().try_io(direction, |_| operation())
            }

            /// Performs an operation of the caller's own on the socket as soon as it does not block.
            ///
            /// # Errors
            ///
            /// Those of `operation`.
            ///
            /// # Cancel safety
            ///
            /// Safe: the operation has not happened.
            #[track_caller]
            pub fn async_io<R>(
                &self,
                direction: Direction,
                mut operation: impl FnMut() -> io::Result<R>,
            ) -> impl Future<Output = io::Result<R>> {
                let wait = Wait::here(match direction {
                    Direction::Read => WaitKind::Read,
                    Direction::Write => WaitKind::Write,
                });
                poll_fn(move |cx| self.core().io().poll_io(direction, wait, cx, |_| operation()))
            }

            /// Splits the stream into halves that borrow it, to read and write in one task.
            pub fn split(&mut self) -> (ReadHalf<'_, Self>, WriteHalf<'_, Self>) {
                (ReadHalf::new(self), WriteHalf::new(self))
            }

            /// Splits the stream into halves that can move to different tasks.
            ///
            /// Dropping the writing half shuts the writing side down.
            pub fn into_split(self) -> (OwnedReadHalf<Self>, OwnedWriteHalf<Self>) {
                split::into_split(self)
            }

            /// Takes the error that the socket has to report, if there is one.
            ///
            /// # Errors
            ///
            /// Those of the system's `getsockopt`.
            pub fn take_error(&self) -> io::Result<Option<io::Error>> {
                SockRef::from(self.core()).take_error()
            }
        }

        impl AsyncRead for &$stream {
            #[track_caller]
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_read(Wait::here(WaitKind::Read), cx, buffer)
            }

            #[track_caller]
            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffers: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_read_vectored(Wait::here(WaitKind::Read), cx, buffers)
            }
        }

        impl AsyncWrite for &$stream {
            #[track_caller]
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_write(Wait::here(WaitKind::Write), cx, data)
            }

            #[track_caller]
            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_write_vectored(Wait::here(WaitKind::Write), cx, data)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.core().shutdown(Shutdown::Write))
            }
        }

        socket_traits!($stream, |stream| stream.core());
    };
}

/// `AsFd` and `AsRawFd`, through an expression that has them.
macro_rules! socket_traits {
    ($socket:ident, |$this:ident| $inner:expr) => {
        impl AsFd for $socket {
            fn as_fd(&self) -> BorrowedFd<'_> {
                let $this = self;
                $inner.as_fd()
            }
        }

        impl AsRawFd for $socket {
            fn as_raw_fd(&self) -> RawFd {
                self.as_fd().as_raw_fd()
            }
        }
    };
}

/// The sizes of the system's buffers, through a field that has `AsFd`.
macro_rules! buffer_size_methods {
    ($field:ident) => {
        /// Asks the system for a receive buffer of `bytes`; it may give another size.
        ///
        /// # Errors
        ///
        /// Those of the system's `setsockopt`.
        pub fn set_recv_buffer_size(&self, bytes: usize) -> io::Result<()> {
            SockRef::from(&self.$field).set_recv_buffer_size(bytes)
        }

        /// The size of the receive buffer.
        ///
        /// # Errors
        ///
        /// Those of the system's `getsockopt`.
        pub fn recv_buffer_size(&self) -> io::Result<usize> {
            SockRef::from(&self.$field).recv_buffer_size()
        }

        /// Asks the system for a send buffer of `bytes`; it may give another size.
        ///
        /// # Errors
        ///
        /// Those of the system's `setsockopt`.
        pub fn set_send_buffer_size(&self, bytes: usize) -> io::Result<()> {
            SockRef::from(&self.$field).set_send_buffer_size(bytes)
        }

        /// The size of the send buffer.
        ///
        /// # Errors
        ///
        /// Those of the system's `getsockopt`.
        pub fn send_buffer_size(&self) -> io::Result<usize> {
            SockRef::from(&self.$field).send_buffer_size()
        }
    };
}

pub(crate) use {buffer_size_methods, read_methods, socket_traits, stream_methods, write_methods};

/// What the code of the macros refers to.
pub(crate) mod prelude {
    pub(crate) use std::future::{Future, Ready, poll_fn, ready};
    pub(crate) use std::io::{self, IoSlice, IoSliceMut};
    pub(crate) use std::net::Shutdown;
    pub(crate) use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
    pub(crate) use std::pin::Pin;
    pub(crate) use std::task::{Context, Poll};

    pub(crate) use corio_runtime::reactor::{Direction, Readiness, Wait};
    pub(crate) use corio_sync::hooks::WaitKind;
    pub(crate) use futures_io::{AsyncRead, AsyncWrite};
    pub(crate) use socket2::SockRef;

    pub(crate) use crate::methods::{
        buffer_size_methods, read_methods, socket_traits, stream_methods, write_methods,
    };
    pub(crate) use crate::socket::{MAX_VECTORS, Socket as _};
    pub(crate) use crate::split::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
    pub(crate) use crate::stream_core::HasCore;
}
