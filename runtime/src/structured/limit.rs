//! Children of a group that wait for their turn.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use corio_sync::{AcquireOwned, OwnedSemaphorePermit, Semaphore};
use pin_project_lite::pin_project;

/// A turn to run, from the time it is asked for to the time it is over.
enum Turn {
    Waiting(Pin<Box<AcquireOwned>>),
    Running(
        #[expect(dead_code, reason = "it is dropped at the end of the turn")] OwnedSemaphorePermit,
    ),
}

impl Turn {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Waiting(acquire) = self {
            match std::task::ready!(acquire.as_mut().poll(cx)) {
                Ok(permit) => *self = Self::Running(permit),
                Err(_) => unreachable!("a group's semaphore is never closed"),
            }
        }
        Poll::Ready(())
    }
}

pin_project! {
    /// A child's future; in a group with a limit it starts when it is its turn, and its turn lasts
    /// until it is dropped.
    pub(super) struct Gate<F> {
        #[pin]
        future: F,
        // `None` in a group without a limit. In a box, since most groups have none.
        turn: Option<Box<Turn>>,
    }
}

impl<F> Gate<F> {
    #[track_caller]
    pub(super) fn new(future: F, limit: Option<&Arc<Semaphore>>) -> Self {
        let Some(limit) = limit else { return Self { future, turn: None } };
        // In a closure, that would be the place which introspection shows, and not the caller's.
        let turn = Turn::Waiting(Box::pin(Arc::clone(limit).acquire_owned()));
        Self { future, turn: Some(Box::new(turn)) }
    }
}

impl<F: Future> Future for Gate<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(turn) = this.turn {
            std::task::ready!(turn.poll(cx));
        }
        this.future.poll(cx)
    }
}
