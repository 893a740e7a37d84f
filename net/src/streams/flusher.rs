//! Who sends what a writer could not send at once.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use corio_runtime::cleanup::adopt;
use corio_runtime::reactor::Wait;
use corio_sync::hooks::WaitKind;
use corio_sync::prim::Arc;

use super::conn::Conn;
use super::error::Failure;
use super::outgoing::Goal;
use crate::rt::{Sleep, sleep};

/// For so long a connection that is closed, or whose writer is dropped, may make no progress.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// So long, all in all, the end of a runtime waits for what is unsent.
pub(crate) const LAST: Duration = Duration::from_secs(1);

/// Sends what is buffered. There is one for each connection while the system takes no more, and none
/// otherwise: it costs nothing where the peer keeps up.
pub(crate) struct Flusher {
    conn: Arc<Conn>,
    wait: Wait,
    /// There once time is limited; and how much was unsent when it began.
    patience: Option<(Pin<Box<Sleep>>, usize)>,
    /// The runtime ends.
    last: bool,
    done: bool,
}

impl Flusher {
    pub(crate) fn new(conn: Arc<Conn>) -> Self {
        let wait = Wait::here(WaitKind::Write);
        Self { conn, wait, patience: None, last: false, done: false }
    }

    /// Whether the time for what is unsent is over.
    fn poll_patience(&mut self, unsent: usize, cx: &mut Context<'_>) -> Poll<()> {
        let goes_on = |(_, before): &(_, usize)| *before == unsent || self.last;
        if !self.patience.as_ref().is_some_and(goes_on) {
            let time = if self.last { LAST } else { GRACE };
            self.patience = Some((Box::pin(sleep(time)), unsent));
        }
        match &mut self.patience {
            Some((sleep, _)) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl Future for Flusher {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let waker = cx.waker().clone();
        let mut out = this.conn.out();
        let work = out.poll_work(this.conn.transport(), this.wait, cx);
        let work = work.map_err(|error| this.conn.named(error));
        if work.is_ready() {
            out.flushing = false;
            let failed = match &work {
                Poll::Ready(Err(error)) => Some(Failure::from(error)),
                _ => None,
            };
            this.done = true;
            let old = out.flusher.take();
            if let Some(failure) = failed {
                this.conn.fail_holding(out, failure);
            } else {
                let (wake, _) = out.settle(work);
                let ended = out.end.is_some();
                drop(out);
                this.conn.after(wake, ended);
            }
            drop(old);
            return Poll::Ready(());
        }
        let (wake, _) = out.settle(work);
        let old = out.flusher.replace(waker);
        let limited = out.abandoned || out.goal == Goal::Close || this.last;
        let unsent = out.buffered();
        let over = out.end.is_some();
        if over {
            out.flushing = false;
        }
        drop(out);
        drop(old);
        wake.wake();
        if over {
            // Aborted: nothing is left to send.
            this.done = true;
            return Poll::Ready(());
        }
        if limited && this.poll_patience(unsent, cx).is_ready() {
            this.done = true;
            let text = if this.last {
                "the runtime ended, and the peer did not take them".to_owned()
            } else {
                format!("the peer took nothing for {GRACE:?}")
            };
            this.conn.fail_because(io::ErrorKind::TimedOut, &text);
            this.conn.abort();
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if self.last {
            let text = "the runtime has been shut down";
            return self.conn.fail_because(io::ErrorKind::NotConnected, text);
        }
        // Its task was cancelled, which only the end of the runtime does: a last attempt.
        let mut last = Flusher::new(self.conn.clone());
        last.last = true;
        adopt(last);
    }
}
