//! The children that a scope has been given and its future has not taken up yet.

use std::task::{Context, Waker};

use corio_sync::prim::SpinLock;

use crate::structured::first_panic::FirstPanic;
use crate::wake::wake;

/// The children that were spawned and that the scope's future has not taken up yet.
pub(super) struct Spawned<C>(SpinLock<Queue<C>>);

pub(super) struct Queue<C> {
    pub(super) children: Vec<C>,
    /// Told when there is a child, or an order to stop.
    runner: Option<Waker>,
    /// The children are to be dropped.
    pub(super) cancelled: bool,
}

impl<C> Spawned<C> {
    pub(super) fn new() -> Self {
        Self(SpinLock::new(Queue { children: Vec::new(), runner: None, cancelled: false }))
    }

    /// Changes the queue and tells the runner.
    pub(super) fn change(&self, change: impl FnOnce(&mut Queue<C>)) {
        let runner = {
            let mut queue = self.0.lock();
            change(&mut queue);
            queue.runner.take()
        };
        if let Some(runner) = runner {
            wake(runner);
        }
    }

    /// Takes up what was spawned; `true` if the children are to be dropped.
    pub(super) fn take(&self, to: &mut Vec<C>, cx: &Context<'_>) -> bool {
        let waker = cx.waker().clone();
        let mut queue = self.0.lock();
        to.append(&mut queue.children);
        let old = queue.runner.replace(waker);
        let cancelled = std::mem::take(&mut queue.cancelled);
        drop(queue);
        drop(old);
        cancelled
    }

    /// Whether everything was taken up.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().children.is_empty()
    }

    /// Drops what was not taken up. Dropping a child may spawn others, and may panic: the rest is dropped
    /// all the same, since nobody else would do it, and the first panic comes out at the end.
    fn clear(&self) {
        let mut panics = FirstPanic::default();
        loop {
            let (children, runner) = {
                let mut queue = self.0.lock();
                (std::mem::take(&mut queue.children), queue.runner.take())
            };
            if children.is_empty() && runner.is_none() {
                return panics.release();
            }
            for child in children {
                panics.catch(|| drop(child));
            }
            panics.catch(|| drop(runner));
        }
    }
}

/// Empties the scope when the future that made it ends, however it does.
pub(super) struct Clear<'a, C>(pub(super) &'a Spawned<C>);

impl<C> Drop for Clear<'_, C> {
    fn drop(&mut self) {
        self.0.clear();
    }
}
