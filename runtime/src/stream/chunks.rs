//! Several items at a time.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{another_turn, held, left_of, sum};

pin_project! {
    /// The stream of [`chunks`](super::StreamExt::chunks).
    #[must_use = "streams do nothing unless they are polled"]
    pub struct Chunks<S: Stream> {
        #[pin]
        stream: S,
        items: Vec<S::Item>,
        size: usize,
        over: bool,
    }
}

impl<S: Stream> Chunks<S> {
    #[track_caller]
    pub(super) fn new(stream: S, size: usize) -> Self {
        assert!(size > 0, "chunks of 0 items would never come: ask for at least 1");
        Self { stream, items: Vec::new(), size, over: false }
    }
}

impl<S: Stream> Stream for Chunks<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<S::Item>>> {
        let mut this = self.project();
        while !*this.over && this.items.len() < *this.size {
            match this.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => this.items.push(item),
                Poll::Ready(None) => {
                    *this.over = true;
                    break;
                }
                Poll::Pending => return Poll::Pending,
            }
            if this.items.len() < *this.size && another_turn(cx).is_pending() {
                return Poll::Pending;
            }
        }
        let items = std::mem::take(this.items);
        Poll::Ready(if items.is_empty() { None } else { Some(items) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (low, high) = sum(left_of(&self.stream, self.over), held(self.items.len()));
        (low.div_ceil(self.size), high.map(|high| high.div_ceil(self.size)))
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for Chunks<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks")
            .field("stream", &self.stream)
            .field("gathered", &self.items.len())
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
