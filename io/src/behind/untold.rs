//! Errors of what is never dropped: the standard streams.
//!
//! A failed write is told by the next write or flush. Of a program that ends without either, the end of the
//! runtime is the last moment at which somebody can be told.

use std::pin::Pin;
use std::task::{Context, Poll};

use corio_runtime::Handle;
use corio_runtime::say::say;
use corio_sync::prim::Arc;

use super::AnyBehind;
use crate::background;

/// A task that waits until somebody has asked for the error. If the runtime ends before, it tells.
pub(super) struct Untold {
    behind: Arc<AnyBehind>,
    done: bool,
}

impl Untold {
    /// Watches over the error of `behind`, if there is one, and nobody does yet.
    pub(super) fn watch(behind: &Arc<AnyBehind>, runtime: &Handle) {
        let mut out = behind.out.lock();
        if out.error.is_none() || std::mem::replace(&mut out.watched, true) {
            return;
        }
        drop(out);
        // When the runtime is closing, or has ended, the task is dropped here, and tells.
        background::spawn_on(runtime, Box::pin(Self { behind: behind.clone(), done: false }));
    }
}

impl Future for Untold {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (this, waker) = (self.get_mut(), cx.waker().clone());
        let mut out = this.behind.out.lock();
        if out.error.is_none() {
            out.watched = false;
            this.done = true;
            return Poll::Ready(());
        }
        let old = out.watcher.replace(waker);
        drop(out);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut out = self.behind.out.lock();
        out.watched = false;
        let (error, watcher) = (out.error.take(), out.watcher.take());
        drop(out);
        drop(watcher);
        if let Some(error) = error {
            say(format_args!("{error}; nobody has asked (`flush().await` would have told it)"));
        }
    }
}
