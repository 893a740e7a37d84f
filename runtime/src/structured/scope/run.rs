//! The body of a scope and its children, side by side in one task.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use corio_sync::hooks;

use super::spawned::Spawned;
use crate::cleanup::{CleanupWait, SinkGuard};
use crate::structured::pool::Pool;

/// The body and the children that run.
pub(super) struct Run<'a, B: Future, C> {
    /// In a pool, for a waker of its own: the children's wake-ups are not the body's.
    body: Pool<B>,
    output: Option<B::Output>,
    spawned: &'a Spawned<C>,
    children: Pool<C>,
    fresh: Vec<C>,
    caught: CleanupWait,
}

// Everything that is pinned is in a box or a pool.
impl<B: Future, C> Unpin for Run<'_, B, C> {}

impl<'a, B: Future, C: Future<Output = ()>> Run<'a, B, C> {
    pub(super) fn new(body: B, spawned: &'a Spawned<C>) -> Self {
        Self {
            body: Pool::from_iter([body]),
            output: None,
            spawned,
            children: Pool::new(),
            fresh: Vec::new(),
            caught: CleanupWait::nothing(),
        }
    }

    /// Polls the children; ready when there is none.
    fn poll_children(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let cancelled = self.spawned.take(&mut self.fresh, cx);
            for child in self.fresh.drain(..) {
                self.children.push(child);
            }
            if cancelled {
                let sink = SinkGuard::enter();
                self.children.clear();
                sink.finish_into(&mut self.caught);
            }
            let _: Poll<()> = self.children.poll(cx, |_, ()| ControlFlow::Continue(()));
            // A child may have spawned others, which may be ready at once; they are polled now, as
            // far as the task's budget goes.
            if self.spawned.is_empty() {
                break;
            }
            ready!(hooks::poll_budget(cx));
        }
        ready!(Pin::new(&mut self.caught).poll(cx));
        if self.children.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<B: Future, C: Future<Output = ()>> Future for Run<'_, B, C> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let this = self.get_mut();
        if this.output.is_none() {
            if let Poll::Ready(output) = this.body.poll(cx, |_, out| ControlFlow::Break(out)) {
                this.output = Some(output);
            }
        }
        ready!(this.poll_children(cx));
        match this.output.take() {
            Some(output) => Poll::Ready(output),
            None => Poll::Pending,
        }
    }
}
