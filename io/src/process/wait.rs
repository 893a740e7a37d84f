//! Waiting for a child to end.

use std::fmt;
use std::future::Future;
use std::io::{ErrorKind, Result};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use corio_runtime::Handle;
use corio_runtime::reactor::{self, Direction, Interest, Registered, Registration};
use corio_runtime::signal::{self, Signal, SignalKind};
use corio_runtime::time::{Sleep, sleep};
use corio_sync::hooks::{self, Site, WaitKind};

use super::shared::Shared;

/// How often a child is looked after when the system has no better way to offer.
pub(super) const LOOK: Duration = Duration::from_millis(10);

/// Waits until a child has ended; made by [`ChildHandle::wait`](super::ChildHandle::wait).
///
/// It borrows nothing, and may be polled again after it was ready.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Wait {
    child: Arc<Shared>,
    watch: Watch,
    site: Site,
}

/// How the wait learns that the child may have ended.
enum Watch {
    /// It has not looked yet.
    Not,
    /// The child's descriptor becomes readable.
    Descriptor(Registered<OwnedFd>),
    /// A SIGCHLD comes.
    Signal(Signal),
    /// Some time has passed.
    Clock(Sleep),
}

impl Wait {
    pub(super) fn new(child: Arc<Shared>, site: Site) -> Self {
        Self { child, watch: Watch::Not, site }
    }

    /// The best way that has not failed.
    fn watch(&self) -> Result<Watch> {
        if let (Watch::Not, Some(pidfd)) = (&self.watch, self.child.pidfd()) {
            // A descriptor of its own, since several may wait, each in its own reactor.
            if let Ok(pidfd) = pidfd.try_clone_to_owned() {
                let registration = Registration::new_unready(Interest::Read);
                let pidfd = Registered::with_registration(pidfd, registration);
                return Ok(Watch::Descriptor(pidfd));
            }
        }
        match signal::signal(SignalKind::child()) {
            Ok(signal) => Ok(Watch::Signal(signal)),
            Err(_) if Handle::try_current().is_ok() => Ok(Watch::Clock(sleep(LOOK))),
            Err(error) => Err(error),
        }
    }
}

impl Future for Wait {
    type Output = Result<ExitStatus>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(hooks::poll_budget(cx));
        if let Poll::Ready(found) = this.child.look() {
            hooks::spend();
            return Poll::Ready(found);
        }
        loop {
            let maybe = match &mut this.watch {
                Watch::Not => Poll::Ready(()),
                Watch::Descriptor(pidfd) => {
                    let wait = reactor::Wait { site: this.site, kind: WaitKind::Process };
                    let looked = pidfd.poll_io(Direction::Read, wait, cx, |_| {
                        match this.child.look() {
                            Poll::Ready(found) => Ok(found),
                            // A descriptor that was ready without need is waited for again.
                            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
                        }
                    });
                    if let Ok(found) = ready!(looked) {
                        return Poll::Ready(found);
                    }
                    // There is no reactor on this thread, or it has been shut down.
                    this.watch = this.watch()?;
                    continue;
                }
                Watch::Signal(signal) => signal.poll_recv(cx),
                Watch::Clock(clock) => {
                    let poll = Pin::new(&mut *clock).poll(cx);
                    if poll.is_ready() {
                        *clock = sleep(LOOK);
                    }
                    poll
                }
            };
            if maybe.is_pending() {
                hooks::set_wait(this.site, WaitKind::Process);
                return Poll::Pending;
            }
            if let Watch::Not = this.watch {
                // A child that ends before the watch is there is seen by the look after it.
                this.watch = this.watch()?;
            }
            if let Poll::Ready(found) = this.child.look() {
                hooks::spend();
                return Poll::Ready(found);
            }
        }
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("child", &self.child).field("at", &self.site).finish()
    }
}
