//! Going through a stream: one item, or all of them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::another_turn;
use crate::cleanup::{CleanupWait, SinkGuard};

/// The future of [`next`](super::StreamExt::next).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Next<'a, S: ?Sized> {
    stream: &'a mut S,
}

impl<'a, S: ?Sized> Next<'a, S> {
    pub(super) fn new(stream: &'a mut S) -> Self {
        Self { stream }
    }
}

impl<S: Stream + Unpin + ?Sized> Future for Next<'_, S> {
    type Output = Option<S::Item>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(&mut *self.stream).poll_next(cx)
    }
}

/// The future of [`close`](super::StreamExt::close).
#[must_use = "futures do nothing unless they are awaited"]
pub struct Close<S> {
    /// Until the first poll.
    stream: Option<S>,
    caught: CleanupWait,
}

impl<S> Close<S> {
    #[track_caller]
    pub(super) fn new(stream: S) -> Self {
        Self { stream: Some(stream), caught: CleanupWait::nothing() }
    }
}

// The stream is moved no more than it was before, and dropped.
impl<S> Unpin for Close<S> {}

impl<S> Future for Close<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if let Some(stream) = this.stream.take() {
            let sink = SinkGuard::enter();
            drop(stream);
            sink.finish_into(&mut this.caught);
        }
        Pin::new(&mut this.caught).poll(cx)
    }
}

impl<S> fmt::Debug for Close<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Close").field("begun", &self.stream.is_none()).finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`collect`](super::StreamExt::collect).
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Collect<S, C> {
        #[pin]
        stream: S,
        items: C,
    }
}

impl<S, C: Default> Collect<S, C> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, items: C::default() }
    }
}

impl<S: Stream, C: Default + Extend<S::Item>> Future for Collect<S, C> {
    type Output = C;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C> {
        let mut this = self.project();
        while let Some(item) = ready!(this.stream.as_mut().poll_next(cx)) {
            this.items.extend(Some(item));
            ready!(another_turn(cx));
        }
        Poll::Ready(std::mem::take(this.items))
    }
}

impl<S: fmt::Debug, C> fmt::Debug for Collect<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Collect").field(&self.stream).finish()
    }
}

pin_project! {
    /// The future of [`fold`](super::StreamExt::fold).
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Fold<S, T, F> {
        #[pin]
        stream: S,
        // `None` at the end.
        value: Option<T>,
        f: F,
    }
}

impl<S, T, F> Fold<S, T, F> {
    pub(super) fn new(stream: S, value: T, f: F) -> Self {
        Self { stream, value: Some(value), f }
    }
}

impl<S: Stream, T, F: FnMut(T, S::Item) -> T> Future for Fold<S, T, F> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut this = self.project();
        loop {
            let item = ready!(this.stream.as_mut().poll_next(cx));
            let Some(value) = this.value.take() else {
                panic!("a `fold` was polled after it had given its result")
            };
            let Some(item) = item else { return Poll::Ready(value) };
            *this.value = Some((this.f)(value, item));
            ready!(another_turn(cx));
        }
    }
}

impl<S: fmt::Debug, T, F> fmt::Debug for Fold<S, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fold").field(&self.stream).finish()
    }
}

pin_project! {
    /// The future of [`for_each`](super::StreamExt::for_each).
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct ForEach<S, F, Fut> {
        #[pin]
        stream: S,
        f: F,
        #[pin]
        running: Option<Fut>,
    }
}

impl<S, F, Fut> ForEach<S, F, Fut> {
    pub(super) fn new(stream: S, f: F) -> Self {
        Self { stream, f, running: None }
    }
}

impl<S, F, Fut> Future for ForEach<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output = ()>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        loop {
            if let Some(running) = this.running.as_mut().as_pin_mut() {
                ready!(running.poll(cx));
                this.running.set(None);
                ready!(another_turn(cx));
            }
            match ready!(this.stream.as_mut().poll_next(cx)) {
                Some(item) => this.running.set(Some((this.f)(item))),
                None => return Poll::Ready(()),
            }
        }
    }
}

impl<S: fmt::Debug, F, Fut> fmt::Debug for ForEach<S, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForEach").field(&self.stream).finish()
    }
}
