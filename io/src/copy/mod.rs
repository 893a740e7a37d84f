//! Everything from a reader to a writer.
//!
//! *Which one do I want?* [`copy()`] for any reader; [`copy_buf`] when the reader has a buffer of its
//! own, or when the copy may be dropped half-way and go on later; [`copy_bidirectional`] for a proxy.

mod both;
mod buffered;
mod one;

use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::{Site, WaitKind};
use futures_io::AsyncWrite;

use crate::support::noted;

pub use both::{CopyBidirectional, copy_bidirectional};
pub use buffered::{CopyBuf, copy_buf};
pub use one::{Copy, copy};

/// Whether the writer may hold bytes back, and the flush that lets them go.
#[derive(Debug, Default)]
struct Unflushed(bool);

impl Unflushed {
    /// Flushes if something was written since the last flush.
    ///
    /// A copy calls this when the reader has nothing for now: the peer that waits for these bytes may
    /// be the one whose answer the reader waits for.
    fn poll_flush<W: AsyncWrite + ?Sized>(
        &mut self,
        writer: Pin<&mut W>,
        cx: &mut Context<'_>,
        site: Site,
    ) -> Poll<std::io::Result<()>> {
        if !self.0 {
            return Poll::Ready(Ok(()));
        }
        let poll = noted(writer.poll_flush(cx), site, WaitKind::Write);
        self.0 = poll.is_pending();
        poll
    }
}
