//! What a child of a scope has come to, and the handle that tells.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use corio_sync::hooks::{self, Site, WaitKind};
use corio_sync::prim::SpinLock;

use crate::wake::wake;

/// A child's future that leaves its output in a slot, and the handle on that slot.
#[track_caller]
pub(super) fn child_of<F: Future>(future: F) -> (impl Future<Output = ()>, ScopedTask<F::Output>) {
    let slot = Arc::new(SpinLock::new(Slot { state: SlotState::Running, waiting: None }));
    let fill = Fill(slot.clone());
    let child = async move {
        let output = future.await;
        fill.set(SlotState::Done(output));
    };
    (child, ScopedTask { slot, site: Site::caller() })
}

/// What a child has come to.
struct Slot<T> {
    state: SlotState<T>,
    waiting: Option<Waker>,
}

enum SlotState<T> {
    Running,
    Done(T),
    /// The child was dropped before it was done, or its output was taken.
    Gone,
}

/// Fills a child's slot when the child ends.
struct Fill<T>(Arc<SpinLock<Slot<T>>>);

impl<T> Fill<T> {
    fn set(&self, state: SlotState<T>) {
        let mut slot = self.0.lock();
        if matches!(slot.state, SlotState::Running) {
            slot.state = state;
        }
        let waiting = slot.waiting.take();
        drop(slot);
        if let Some(waiting) = waiting {
            wake(waiting);
        }
    }
}

impl<T> Drop for Fill<T> {
    fn drop(&mut self) {
        self.set(SlotState::Gone);
    }
}

/// A child of a [`scope`](super::scope): await it for its output, or drop it and let the child run on.
///
/// # Cancel safety
///
/// Safe: the output stays until it is taken.
///
/// # Panics
///
/// When it is awaited after the child was dropped by [`Scope::cancel`](super::Scope::cancel), or after it has
/// given its output; [`is_finished`](Self::is_finished) tells the first.
pub struct ScopedTask<T> {
    slot: Arc<SpinLock<Slot<T>>>,
    site: Site,
}

impl<T> ScopedTask<T> {
    /// Whether the child has ended.
    pub fn is_finished(&self) -> bool {
        !matches!(self.slot.lock().state, SlotState::Running)
    }
}

impl<T> Future for ScopedTask<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone();
        let mut slot = self.slot.lock();
        match std::mem::replace(&mut slot.state, SlotState::Gone) {
            SlotState::Done(output) => Poll::Ready(output),
            SlotState::Running => {
                slot.state = SlotState::Running;
                let old = slot.waiting.replace(waker);
                drop(slot);
                drop(old);
                hooks::set_wait(self.site, WaitKind::Task);
                Poll::Pending
            }
            SlotState::Gone => {
                drop(slot);
                panic!(
                    "the child spawned at {} was cancelled, or has given its output already",
                    self.site.location()
                );
            }
        }
    }
}

impl<T> fmt::Debug for ScopedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTask")
            .field("spawned_at", &self.site)
            .field("finished", &self.is_finished())
            .finish()
    }
}
