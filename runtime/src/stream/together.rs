//! Two streams as one: one after the other, side by side, in pairs.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{held, left_of, sum};

pin_project! {
    /// The stream of [`chain`](super::StreamExt::chain).
    #[derive(Debug)]
    #[must_use = "streams do nothing unless they are polled"]
    pub struct Chain<A, B> {
        // Until its end.
        #[pin]
        first: Option<A>,
        #[pin]
        second: B,
    }
}

impl<A, B> Chain<A, B> {
    pub(super) fn new(first: A, second: B) -> Self {
        Self { first: Some(first), second }
    }
}

impl<A: Stream, B: Stream<Item = A::Item>> Stream for Chain<A, B> {
    type Item = A::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A::Item>> {
        let mut this = self.project();
        if let Some(first) = this.first.as_mut().as_pin_mut() {
            if let Some(item) = ready!(first.poll_next(cx)) {
                return Poll::Ready(Some(item));
            }
            this.first.set(None);
        }
        this.second.poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let first = self.first.as_ref().map_or(held(0), A::size_hint);
        sum(first, self.second.size_hint())
    }
}

pin_project! {
    /// The stream of [`merge`](super::StreamExt::merge).
    #[derive(Debug)]
    #[must_use = "streams do nothing unless they are polled"]
    pub struct Merge<A, B> {
        #[pin]
        a: A,
        #[pin]
        b: B,
        // Which of them have not ended.
        open: (bool, bool),
        // They are asked first by turns.
        b_first: bool,
    }
}

impl<A, B> Merge<A, B> {
    pub(super) fn new(a: A, b: B) -> Self {
        Self { a, b, open: (true, true), b_first: false }
    }
}

/// Asks one of two streams; `None` if it has nothing to give now.
fn ask<S: Stream>(stream: Pin<&mut S>, open: &mut bool, cx: &mut Context<'_>) -> Option<S::Item> {
    if !*open {
        return None;
    }
    match stream.poll_next(cx) {
        Poll::Ready(None) => {
            *open = false;
            None
        }
        Poll::Ready(item) => item,
        Poll::Pending => None,
    }
}

impl<A: Stream, B: Stream<Item = A::Item>> Stream for Merge<A, B> {
    type Item = A::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A::Item>> {
        let this = self.project();
        let (open_a, open_b) = (&mut this.open.0, &mut this.open.1);
        let b_first = std::mem::replace(this.b_first, !*this.b_first);
        let item = if b_first {
            ask(this.b, open_b, cx).or_else(|| ask(this.a, open_a, cx))
        } else {
            ask(this.a, open_a, cx).or_else(|| ask(this.b, open_b, cx))
        };
        match item {
            None if *this.open != (false, false) => Poll::Pending,
            item => Poll::Ready(item),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        sum(left_of(&self.a, !self.open.0), left_of(&self.b, !self.open.1))
    }
}

pin_project! {
    /// The stream of [`zip`](super::StreamExt::zip).
    #[must_use = "streams do nothing unless they are polled"]
    pub struct Zip<A: Stream, B: Stream> {
        #[pin]
        a: A,
        #[pin]
        b: B,
        // An item of one that waits for that of the other.
        from_a: Option<A::Item>,
        from_b: Option<B::Item>,
        over: bool,
    }
}

impl<A: Stream, B: Stream> Zip<A, B> {
    pub(super) fn new(a: A, b: B) -> Self {
        Self { a, b, from_a: None, from_b: None, over: false }
    }
}

/// Fetches an item unless there is one; `false` at the end of the stream.
fn fetch<S: Stream>(
    stream: Pin<&mut S>,
    place: &mut Option<S::Item>,
    cx: &mut Context<'_>,
) -> bool {
    if place.is_none() {
        if let Poll::Ready(item) = stream.poll_next(cx) {
            *place = item;
            return place.is_some();
        }
    }
    true
}

impl<A: Stream, B: Stream> Stream for Zip<A, B> {
    type Item = (A::Item, B::Item);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if *this.over {
            return Poll::Ready(None);
        }
        // Both are asked, so that both can be under way.
        if !fetch(this.a, this.from_a, cx) || !fetch(this.b, this.from_b, cx) {
            *this.over = true;
            return Poll::Ready(None);
        }
        match (this.from_a.take(), this.from_b.take()) {
            (Some(a), Some(b)) => Poll::Ready(Some((a, b))),
            (a, b) => {
                (*this.from_a, *this.from_b) = (a, b);
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.over {
            return held(0);
        }
        let a = sum(self.a.size_hint(), held(self.from_a.iter().len()));
        let b = sum(self.b.size_hint(), held(self.from_b.iter().len()));
        let high = match (a.1, b.1) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        (a.0.min(b.0), high)
    }
}

impl<A: Stream + fmt::Debug, B: Stream + fmt::Debug> fmt::Debug for Zip<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zip").field("a", &self.a).field("b", &self.b).finish_non_exhaustive()
    }
}
