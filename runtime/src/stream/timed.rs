//! Streams and time: how long an item may take, and how quickly they may follow one another.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::time::{Elapsed, Sleep, sleep};

pin_project! {
    /// The stream of [`timeout`](super::StreamExt::timeout).
    #[derive(Debug)]
    #[must_use = "streams do nothing unless they are polled"]
    pub struct Timeout<S> {
        #[pin]
        stream: S,
        limit: Duration,
        // There while somebody waits for an item.
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl<S> Timeout<S> {
    pub(super) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, sleep: None }
    }
}

impl<S: Stream> Stream for Timeout<S> {
    type Item = Result<S::Item, Elapsed>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Poll::Ready(item) = this.stream.poll_next(cx) {
            this.sleep.set(None);
            return Poll::Ready(item.map(Ok));
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(sleep(*this.limit)));
        }
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        this.sleep.set(None);
        Poll::Ready(Some(Err(Elapsed::after(Some(*this.limit)))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // There may be any number of errors between the items.
        (self.stream.size_hint().0, None)
    }
}

pin_project! {
    /// The stream of [`throttle`](super::StreamExt::throttle).
    #[derive(Debug)]
    #[must_use = "streams do nothing unless they are polled"]
    pub struct Throttle<S> {
        #[pin]
        stream: S,
        pause: Duration,
        // There from an item on, until the next one may come.
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl<S> Throttle<S> {
    pub(super) fn new(stream: S, pause: Duration) -> Self {
        Self { stream, pause, sleep: None }
    }
}

impl<S: Stream> Stream for Throttle<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.poll(cx));
            this.sleep.set(None);
        }
        let item = ready!(this.stream.poll_next(cx));
        if item.is_some() {
            this.sleep.set(Some(sleep(*this.pause)));
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
