//! The time in which what a connection sends comes from elsewhere than its buffer.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;

use corio_runtime::reactor::Wait;
use corio_sync::prim::Arc;

use super::conn::Conn;
use super::error::Failure;
use super::outgoing::{Outgoing, too_much, write_zero};
use super::waiters::Key;
use super::writer::{Waiting, drains, poll_line};

/// Keeps back what others write until it is dropped, so that nothing gets into the midst of a file.
pub(crate) struct Hold<'a> {
    conn: &'a Arc<Conn>,
    wait: Wait,
    /// Its place among those who are told of a close.
    key: Key,
}

impl<'a> Hold<'a> {
    /// Waits until everything is sent that was written before, a file included.
    pub(crate) async fn of(conn: &'a Arc<Conn>, wait: Wait) -> io::Result<Self> {
        let mut waiting = Waiting::new(conn);
        poll_fn(|cx| waiting.poll(wait, cx, seize)).await?;
        Ok(Self { conn, wait, key: Key::default() })
    }

    /// Waits for `sending`; for no longer than until the connection ends or is closed.
    pub(crate) async fn run<R>(
        mut self,
        sending: impl Future<Output = io::Result<R>>,
    ) -> io::Result<R> {
        let mut sending = pin!(sending);
        poll_fn(|cx| {
            let Self { conn, wait, key } = &mut self;
            match poll_line(conn, drains, key, *wait, cx, |conn, out| out.closed(conn)) {
                Poll::Ready(error) => Poll::Ready(Err(error)),
                Poll::Pending => sending.as_mut().poll(cx),
            }
        })
        .await
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.conn.release(self.key);
    }
}

fn seize(conn: &Conn, out: &mut Outgoing) -> Option<io::Result<()>> {
    if let Err(error) = out.check_open(conn) {
        return Some(Err(error));
    }
    out.held = out.is_idle() && out.is_settled();
    out.held.then_some(Ok(()))
}

/// Writes `data` past the buffer of `conn`, of which the caller has the hold.
pub(crate) async fn write_past(conn: &Conn, wait: Wait, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        let written = poll_fn(|cx| conn.transport().poll_write(wait, cx, data)).await;
        let checked = match written {
            Ok(0) => Err(write_zero(data.len())),
            Ok(count) if count > data.len() => Err(too_much()),
            other => other,
        };
        match checked {
            Ok(count) => data = &data[count..],
            Err(error) => {
                let error = conn.named(error);
                conn.fail(Failure::from(&error));
                return Err(error);
            }
        }
    }
    Ok(())
}
