//! Several futures of a stream at once, within the task that polls it.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{another_turn, held, left_of, sum};
use crate::structured::pool::Pool;

#[track_caller]
fn check_limit(limit: usize) -> usize {
    assert!(limit > 0, "with a limit of 0 nothing would ever run: allow at least 1");
    limit
}

/// Takes items of `stream` for as long as fewer than `limit` are `running`. `start` gives how many are with
/// the one that it gets; `over` is set at the end of the stream.
fn refill<S: Stream>(
    mut stream: Pin<&mut S>,
    over: &mut bool,
    limit: usize,
    mut running: usize,
    cx: &mut Context<'_>,
    mut start: impl FnMut(S::Item) -> usize,
) {
    while !*over && running < limit {
        match stream.as_mut().poll_next(cx) {
            Poll::Ready(Some(item)) => {
                running = start(item);
                // An endless stream that is always ready would be all that is ever done here.
                if another_turn(cx).is_pending() {
                    return;
                }
            }
            Poll::Ready(None) => *over = true,
            Poll::Pending => return,
        }
    }
}

pin_project! {
    /// The stream of [`buffer_unordered`](super::StreamExt::buffer_unordered).
    #[must_use = "streams do nothing unless they are polled"]
    pub struct BufferUnordered<S: Stream> {
        #[pin]
        stream: S,
        pool: Pool<S::Item>,
        limit: usize,
        over: bool,
    }
}

impl<S: Stream<Item: Future>> BufferUnordered<S> {
    #[track_caller]
    pub(super) fn new(stream: S, limit: usize) -> Self {
        Self { stream, pool: Pool::new(), limit: check_limit(limit), over: false }
    }
}

impl<S: Stream<Item: Future>> Stream for BufferUnordered<S> {
    type Item = <S::Item as Future>::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        refill(this.stream, this.over, *this.limit, this.pool.len(), cx, |future| {
            this.pool.push(future);
            this.pool.len()
        });
        if *this.over && this.pool.is_empty() {
            return Poll::Ready(None);
        }
        this.pool.poll(cx, |_, output| ControlFlow::Break(output)).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        sum(left_of(&self.stream, self.over), held(self.pool.len()))
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for BufferUnordered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferUnordered")
            .field("stream", &self.stream)
            .field("running", &self.pool.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The stream of [`buffered`](super::StreamExt::buffered).
    #[must_use = "streams do nothing unless they are polled"]
    pub struct Buffered<S: Stream>
    where
        S::Item: Future,
    {
        #[pin]
        stream: S,
        pool: Pool<S::Item>,
        // In the order of the stream: the future's key, and its output once it has ended.
        order: VecDeque<(u32, Option<<S::Item as Future>::Output>)>,
        limit: usize,
        over: bool,
    }
}

impl<S: Stream<Item: Future>> Buffered<S> {
    #[track_caller]
    pub(super) fn new(stream: S, limit: usize) -> Self {
        let limit = check_limit(limit);
        Self { stream, pool: Pool::new(), order: VecDeque::new(), limit, over: false }
    }
}

impl<S: Stream<Item: Future>> Stream for Buffered<S> {
    type Item = <S::Item as Future>::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        refill(this.stream, this.over, *this.limit, this.order.len(), cx, |future| {
            this.order.push_back((this.pool.push(future), None));
            this.order.len()
        });
        if *this.over && this.order.is_empty() {
            return Poll::Ready(None);
        }
        let order = this.order;
        loop {
            if let Some((_, Some(_))) = order.front() {
                return Poll::Ready(order.pop_front().and_then(|(_, output)| output));
            }
            // A key is used again only when its future has ended: then its place has the output.
            ready!(this.pool.poll(cx, |key, output| {
                let place = order.iter_mut().find(|(k, output)| *k == key && output.is_none());
                if let Some((_, place)) = place {
                    *place = Some(output);
                }
                ControlFlow::Break(())
            }));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        sum(left_of(&self.stream, self.over), held(self.order.len()))
    }
}

impl<S: Stream<Item: Future> + fmt::Debug> fmt::Debug for Buffered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffered")
            .field("stream", &self.stream)
            .field("running", &self.pool.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`for_each_concurrent`](super::StreamExt::for_each_concurrent).
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct ForEachConcurrent<S, F, Fut> {
        #[pin]
        stream: S,
        f: F,
        pool: Pool<Fut>,
        limit: usize,
        over: bool,
    }
}

impl<S, F, Fut> ForEachConcurrent<S, F, Fut> {
    #[track_caller]
    pub(super) fn new(stream: S, limit: Option<usize>, f: F) -> Self {
        let limit = check_limit(limit.unwrap_or(usize::MAX));
        Self { stream, f, pool: Pool::new(), limit, over: false }
    }
}

impl<S, F, Fut> Future for ForEachConcurrent<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output = ()>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        loop {
            let (stream, running) = (this.stream.as_mut(), this.pool.len());
            refill(stream, this.over, *this.limit, running, cx, |item| {
                this.pool.push((this.f)(item));
                this.pool.len()
            });
            if *this.over && this.pool.is_empty() {
                return Poll::Ready(());
            }
            // As soon as one has ended there is room for another.
            ready!(this.pool.poll(cx, |_, ()| ControlFlow::Break(())));
        }
    }
}

impl<S: fmt::Debug, F, Fut> fmt::Debug for ForEachConcurrent<S, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForEachConcurrent")
            .field("stream", &self.stream)
            .field("running", &self.pool.len())
            .finish_non_exhaustive()
    }
}
