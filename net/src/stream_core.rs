//! What every stream is made of: a stream socket and its registration.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use corio_runtime::reactor::{Direction, Registered, Wait};
use corio_runtime::sys;

use crate::socket::{MAX_VECTORS, Socket, read_up_to};

/// How much `read_to_end` takes before other tasks have a turn.
const CHUNK: usize = 256 * 1024;

pub struct Core<S: Socket>(Registered<S>);

/// A stream or a half of one; sealed.
pub trait HasCore {
    type Socket: Socket;
    fn core(&self) -> &Core<Self::Socket>;
}

impl<S: Socket> Core<S> {
    /// Takes a socket that is in non-blocking mode.
    pub(crate) fn new(socket: S) -> Self {
        Self(Registered::new(socket))
    }

    /// Takes a socket that has waited already, for its connection.
    pub(crate) fn from_registered(io: Registered<S>) -> Self {
        Self(io)
    }

    pub(crate) fn io(&self) -> &Registered<S> {
        &self.0
    }

    pub(crate) fn socket(&self) -> &S {
        self.0.get_ref()
    }

    pub(crate) fn into_socket(self) -> S {
        self.0.into_inner()
    }

    #[inline]
    pub(crate) fn poll_read(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if !S::SHORT_READ_DRAINS {
            return self.0.poll_io(Direction::Read, wait, cx, |s| s.read(buffer));
        }
        let len = buffer.len();
        self.0.poll_stream_io(Direction::Read, wait, len, cx, |s| s.read(buffer))
    }

    /// Reads up to `size` bytes into `bytes`, which is empty. Memory is taken when there may be something to read.
    pub(crate) fn poll_read_new(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
        bytes: &mut Vec<u8>,
        size: usize,
    ) -> Poll<io::Result<usize>> {
        let read = |s: &S| {
            bytes.reserve_exact(size);
            sys::read_within(s.as_fd(), bytes, size)
        };
        if !S::SHORT_READ_DRAINS {
            return self.0.poll_io(Direction::Read, wait, cx, read);
        }
        self.0.poll_stream_io(Direction::Read, wait, size, cx, read)
    }

    pub(crate) fn poll_read_vectored(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = buffers.len().min(MAX_VECTORS);
        let buffers = &mut buffers[..count];
        if buffers.iter().all(|buffer| buffer.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.0.poll_io(Direction::Read, wait, cx, |s| s.read_vectored(buffers))
    }

    #[inline]
    pub(crate) fn poll_write(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.0.poll_stream_io(Direction::Write, wait, data.len(), cx, |s| s.write(data))
    }

    pub(crate) fn poll_write_vectored(
        &self,
        wait: Wait,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let data = &data[..data.len().min(MAX_VECTORS)];
        let len = data.iter().map(|part| part.len()).sum();
        if len == 0 {
            return Poll::Ready(Ok(0));
        }
        self.0.poll_stream_io(Direction::Write, wait, len, cx, |s| s.write_vectored(data))
    }

    pub(crate) async fn read_exact(&self, wait: Wait, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            let rest = &mut buffer[filled..];
            let count = std::future::poll_fn(|cx| self.poll_read(wait, cx, rest)).await?;
            if count == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("the stream ended after {filled} of {} bytes", buffer.len()),
                ));
            }
            filled += count;
        }
        Ok(())
    }

    pub(crate) async fn read_to_end(&self, wait: Wait, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let before = buffer.len();
        loop {
            let read = self.0.io(Direction::Read, wait, |s| read_up_to(s.as_fd(), CHUNK, buffer));
            if read.await? < CHUNK {
                return Ok(buffer.len() - before);
            }
        }
    }

    pub(crate) async fn write_all(&self, wait: Wait, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            let count = std::future::poll_fn(|cx| self.poll_write(wait, cx, data)).await?;
            if count == 0 {
                return Err(write_zero(data.len()));
            }
            data = &data[count..];
        }
        Ok(())
    }

    pub(crate) async fn write_all_vectored(
        &self,
        wait: Wait,
        mut data: &mut [IoSlice<'_>],
    ) -> io::Result<()> {
        // Empty parts at the front would make a write of nothing look like a closed stream.
        IoSlice::advance_slices(&mut data, 0);
        while !data.is_empty() {
            let count = std::future::poll_fn(|cx| self.poll_write_vectored(wait, cx, data)).await?;
            if count == 0 {
                return Err(write_zero(data.iter().map(|part| part.len()).sum()));
            }
            IoSlice::advance_slices(&mut data, count);
        }
        Ok(())
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket().shutdown(how)
    }
}

fn write_zero(left: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::WriteZero,
        format!("the stream takes no more bytes, and {left} are left to write"),
    )
}

impl<S: Socket> AsFd for Core<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl<S: Socket> fmt::Debug for Core<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
