//! Starting a program and waiting for its end, in one call.

use std::fmt;
use std::future::Future;
use std::io::{Error, Result};
use std::pin::Pin;
use std::process::ExitStatus;
use std::task::{Context, Poll};

use corio_sync::hooks::Site;

use super::child::Child;
use super::wait::Wait;

/// Waits until a program has ended; made by [`Command::status`](super::Command::status).
#[must_use = "dropping it kills the child"]
pub struct Status {
    /// It is dropped, and so perhaps killed, with this.
    child: Option<Child>,
    /// Or why there is nothing to wait for; `None` once that has been said.
    wait: std::result::Result<Wait, Option<Error>>,
    site: Site,
}

impl Status {
    pub(super) fn new(child: Result<Child>, site: Site) -> Self {
        match child {
            Ok(mut child) => {
                child.stdin = None;
                let wait = child.handle().wait_at(site);
                Self { child: Some(child), wait: Ok(wait), site }
            }
            Err(error) => Self { child: None, wait: Err(Some(error)), site },
        }
    }
}

impl Future for Status {
    type Output = Result<ExitStatus>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match &mut this.wait {
            Ok(wait) => Pin::new(wait).poll(cx),
            Err(error) => Poll::Ready(Err(error.take().unwrap_or_else(|| {
                panic!(
                    "the `status` made at {} was polled after it was ready",
                    this.site.location()
                )
            }))),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status").field("child", &self.child).finish_non_exhaustive()
    }
}
