//! Buffers around readers and writers: fewer system calls for many small reads and writes.

mod reader;
mod stream;
mod writer;

pub use reader::BufReader;
pub use stream::BufStream;
pub use writer::BufWriter;

/// The size of a buffer unless `with_capacity` says otherwise.
const DEFAULT_CAPACITY: usize = 8 << 10;

/// Passes the write half of the traits on to the field `inner` of a pinned projection.
macro_rules! forward_write {
    () => {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<Result<usize>> {
            self.project().inner.poll_write(cx, buf)
        }
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<Result<usize>> {
            self.project().inner.poll_write_vectored(cx, bufs)
        }
        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            self.project().inner.poll_flush(cx)
        }
        fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            self.project().inner.poll_close(cx)
        }
    };
}

/// Passes the read half of the traits on to the field `inner` of a pinned projection.
macro_rules! forward_read {
    () => {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<Result<usize>> {
            self.project().inner.poll_read(cx, buf)
        }
        fn poll_read_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &mut [IoSliceMut<'_>],
        ) -> Poll<Result<usize>> {
            self.project().inner.poll_read_vectored(cx, bufs)
        }
    };
}

/// Passes the buffer half of the traits on to the field `inner` of a pinned projection.
macro_rules! forward_buf_read {
    () => {
        fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&[u8]>> {
            self.project().inner.poll_fill_buf(cx)
        }
        fn consume(self: Pin<&mut Self>, n: usize) {
            self.project().inner.consume(n);
        }
    };
}

use {forward_buf_read, forward_read, forward_write};
