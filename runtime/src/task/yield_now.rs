//! Letting others run.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use corio_sync::hooks::{self, Site, WaitKind};

/// Lets every other task that is ready run before this one goes on. asyncio's `sleep(0)`.
///
/// The task goes to the end of the queue; timers and I/O are looked at in between when their time has
/// come. It costs no system call.
///
/// # Cancel safety
///
/// Safe.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// corio_runtime::yield_now().await;
/// # });
/// ```
#[track_caller]
#[doc(alias("sleep", "checkpoint"))]
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false, site: Site::caller() }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct YieldNow {
    yielded: bool,
    site: Site,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        hooks::set_wait(self.site, WaitKind::Yield);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
