//! What becomes of a socket that we close while its peer may still send.
//!
//! A system answers what comes to a socket that is closed, or was unread when it was closed, with a reset, and
//! that can destroy what we have sent before the peer has read it. So a socket whose peer has not ended its side
//! is kept for a while after ours is shut down, and what comes is thrown away. RFC 9112 (9.6) asks this of
//! servers that answer before they have read all of a request.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use corio_io::background;
use corio_runtime::Handle;
use corio_runtime::cleanup::adopt;
use corio_runtime::reactor::Wait;
use corio_runtime::time::Instant;
use corio_sync::hooks::WaitKind;

use super::flusher::{GRACE, LAST};
use super::transport::Transport;
use crate::rt::{Sleep, sleep};

/// So long a peer may be silent before its socket is closed.
const SILENCE: Duration = Duration::from_secs(2);

/// So many bytes of a peer are thrown away.
const MOST: usize = 16 * 1024 * 1024;

/// How much is read at a time.
const PART: usize = 8 * 1024;

/// How many parts are thrown away at once, by whoever closes the socket.
const AT_ONCE: usize = 16;

/// Keeps `socket` open until its peer has ended its side. Without a runtime it is closed at once.
pub(super) fn linger(socket: Transport, runtime: Option<&Handle>) {
    let Some(runtime) = runtime.cloned().or_else(|| Handle::try_current().ok()) else { return };
    let mut linger = Linger::new(socket);
    if linger.begin() {
        background::spawn_on(&runtime, Box::pin(linger));
    }
}

struct Linger {
    socket: Transport,
    wait: Wait,
    /// How many bytes may still be thrown away.
    left: usize,
    /// When the peer last sent something that nobody reads: what it has of our answer may yet be lost to a
    /// reset.
    heard: Option<Instant>,
    /// There from the first wait on: the end of the peer's silence, and that of all patience.
    patience: Option<(Sleep, Instant)>,
    /// The runtime ends.
    last: bool,
    /// Nothing is owed to the peer any more, or nothing yet: whoever drops it just closes the socket.
    done: bool,
}

impl Linger {
    fn new(socket: Transport) -> Self {
        let wait = Wait::here(WaitKind::Read);
        Self { socket, wait, left: MOST, heard: None, patience: None, last: false, done: true }
    }

    /// Throws away what is there; `false` if the peer has ended its side.
    fn begin(&mut self) -> bool {
        let mut waste = [0; PART];
        for _ in 0..AT_ONCE {
            match self.socket.try_read(&mut waste) {
                Ok(count) if count > 0 => self.count(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                _ => return false,
            }
        }
        self.done = false;
        true
    }

    fn count(&mut self, count: usize) {
        self.heard = Some(Instant::now());
        self.left = self.left.saturating_sub(count);
    }

    /// Whether the peer has had its time.
    fn poll_patience(&mut self, came: bool, cx: &mut Context<'_>) -> Poll<()> {
        let (span, most) = if self.last { (LAST, LAST) } else { (SILENCE, GRACE) };
        // At the end of the runtime the silence before it counts.
        let before = self.heard.filter(|_| self.last);
        let (silence, end) = self.patience.get_or_insert_with(|| {
            let now = Instant::now();
            let left = (before.unwrap_or(now) + span).saturating_duration_since(now);
            (sleep(left), now + most)
        });
        if came {
            let until = (Instant::now() + span).min(*end);
            silence.reset(until);
        }
        Pin::new(silence).poll(cx)
    }
}

impl Future for Linger {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let (mut waste, mut came) = ([0; PART], false);
        while this.left > 0 {
            match this.socket.poll_read(this.wait, cx, &mut waste) {
                Poll::Ready(Ok(count)) if count > 0 => {
                    this.count(count);
                    came = true;
                }
                Poll::Pending if this.poll_patience(came, cx).is_pending() => return Poll::Pending,
                // The peer has ended its side, or is gone, or its time is over.
                _ => break,
            }
        }
        this.done = true;
        Poll::Ready(())
    }
}

impl Drop for Linger {
    fn drop(&mut self) {
        if self.done || self.last {
            return;
        }
        // Its task was cancelled, which only the end of the runtime does. A peer that sends, or did so a moment
        // ago, has what is left of that moment to read our answer; one that has been silent for longer has it
        // by now. What has come since the last look counts. After the end there is no such moment.
        let goes_on = self.begin() && self.heard.is_some_and(|heard| heard.elapsed() < LAST);
        if goes_on && Handle::try_current().is_ok() {
            let mut last = Linger::new(std::mem::replace(&mut self.socket, Transport::gone()));
            (last.last, last.done, last.heard) = (true, false, self.heard);
            adopt(last);
        }
    }
}
