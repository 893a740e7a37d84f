//! The methods of streams.

use std::future::Future;
use std::time::Duration;

use futures_core::Stream;

use super::buffered::{BufferUnordered, Buffered, ForEachConcurrent};
use super::chunks::Chunks;
use super::each::{Enumerate, Filter, FilterMap, Map, Then};
use super::end::{Close, Collect, Fold, ForEach, Next};
use super::part::{Skip, Take, TakeWhile};
use super::timed::{Throttle, Timeout};
use super::together::{Chain, Merge, Zip};

/// What can be done with any [`Stream`].
///
/// The names are those of the other crates that have such a trait; import one of them at a time. Closures return
/// plain values, unless the method says that they return a future.
///
/// # Cancel safety
///
/// Safe for all methods that return a stream: whatever they have taken stays in the stream that they return. Those
/// that return a future say so for themselves.
pub trait StreamExt: Stream {
    /// Waits for the next item; `None` at the end.
    ///
    /// A stream that is not [`Unpin`] is pinned before, by [`std::pin::pin!`] or [`Box::pin`].
    ///
    /// # Cancel safety
    ///
    /// Safe: no item is taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, iter};
    ///
    /// # corio_runtime::run(async {
    /// let mut stream = iter(["a", "b"]);
    /// while let Some(item) = stream.next().await {
    ///     println!("{item}");
    /// }
    /// # });
    /// ```
    #[doc(alias("__anext__", "anext"))]
    fn next(&mut self) -> Next<'_, Self>
    where
        Self: Unpin,
    {
        Next::new(self)
    }

    /// Changes each item.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, iter};
    ///
    /// # corio_runtime::run(async {
    /// let doubled: Vec<_> = iter([1, 2]).map(|n| n * 2).collect().await;
    /// assert_eq!(doubled, [2, 4]);
    /// # });
    /// ```
    fn map<T, F: FnMut(Self::Item) -> T>(self, f: F) -> Map<Self, F>
    where
        Self: Sized,
    {
        Map::new(self, f)
    }

    /// Leaves out the items for which `f` says `false`.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, iter};
    ///
    /// # corio_runtime::run(async {
    /// let even: Vec<_> = iter(1..6).filter(|n| n % 2 == 0).collect().await;
    /// assert_eq!(even, [2, 4]);
    /// # });
    /// ```
    fn filter<F: FnMut(&Self::Item) -> bool>(self, f: F) -> Filter<Self, F>
    where
        Self: Sized,
    {
        Filter::new(self, f)
    }

    /// Changes the items for which `f` has an answer, and leaves out the others.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, iter};
    ///
    /// # corio_runtime::run(async {
    /// let numbers: Vec<_> = iter(["1", "two", "3"]).filter_map(|s| s.parse::<u8>().ok()).collect().await;
    /// assert_eq!(numbers, [1, 3]);
    /// # });
    /// ```
    fn filter_map<T, F: FnMut(Self::Item) -> Option<T>>(self, f: F) -> FilterMap<Self, F>
    where
        Self: Sized,
    {
        FilterMap::new(self, f)
    }

    /// Makes a future of each item, and gives its output. One runs at a time.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, iter};
    ///
    /// # corio_runtime::run(async {
    /// let sum: u32 = iter([1, 2]).then(|n| async move { n + 10 }).fold(0, |a, b| a + b).await;
    /// assert_eq!(sum, 23);
    /// # });
    /// ```
    fn then<F, Fut>(self, f: F) -> Then<Self, F, Fut>
    where
        Self: Sized,
        F: FnMut(Self::Item) -> Fut,
        Fut: Future,
    {
        Then::new(self, f)
    }

    /// Numbers the items, from 0 on.
    fn enumerate(self) -> Enumerate<Self>
    where
        Self: Sized,
    {
        Enumerate::new(self)
    }

    /// Ends after `count` items.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, iter};
    ///
    /// # corio_runtime::run(async {
    /// assert_eq!(iter(1..).skip(2).take(2).collect::<Vec<_>>().await, [3, 4]);
    /// # });
    /// ```
    fn take(self, count: usize) -> Take<Self>
    where
        Self: Sized,
    {
        Take::new(self, count)
    }

    /// Ends at the first item for which `f` says `false`. That item is dropped.
    fn take_while<F: FnMut(&Self::Item) -> bool>(self, f: F) -> TakeWhile<Self, F>
    where
        Self: Sized,
    {
        TakeWhile::new(self, f)
    }

    /// Leaves out the first `count` items.
    fn skip(self, count: usize) -> Skip<Self>
    where
        Self: Sized,
    {
        Skip::new(self, count)
    }

    /// Gathers `size` items at a time; fewer only at the end.
    ///
    /// # Panics
    ///
    /// When `size` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, iter};
    ///
    /// # corio_runtime::run(async {
    /// let chunks: Vec<_> = iter(1..6).chunks(2).collect().await;
    /// assert_eq!(chunks, [vec![1, 2], vec![3, 4], vec![5]]);
    /// # });
    /// ```
    #[doc(alias("batched", "batch"))]
    #[track_caller]
    fn chunks(self, size: usize) -> Chunks<Self>
    where
        Self: Sized,
    {
        Chunks::new(self, size)
    }

    /// Gives the items of this stream, and then those of `other`.
    fn chain<S: Stream<Item = Self::Item>>(self, other: S) -> Chain<Self, S>
    where
        Self: Sized,
    {
        Chain::new(self, other)
    }

    /// Gives the items of both streams as they come, until both have ended.
    ///
    /// They are asked first by turns, so that one that always has an item does not hold up the other.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, iter};
    ///
    /// # corio_runtime::run(async {
    /// let both: Vec<_> = iter(["a", "b"]).merge(iter(["x"])).collect().await;
    /// assert_eq!(both, ["a", "x", "b"]);
    /// # });
    /// ```
    fn merge<S: Stream<Item = Self::Item>>(self, other: S) -> Merge<Self, S>
    where
        Self: Sized,
    {
        Merge::new(self, other)
    }

    /// Gives an item of each stream at a time, until one of them has ended.
    ///
    /// Both are waited for at once. When one ends, an item of the other that had no partner is dropped.
    fn zip<S: Stream>(self, other: S) -> Zip<Self, S>
    where
        Self: Sized,
    {
        Zip::new(self, other)
    }

    /// Runs up to `limit` of the futures that are the items at once, and gives their outputs in the order of the
    /// items.
    ///
    /// They run in the task that polls the stream, and while it is polled. A finished one counts until its output
    /// is taken.
    ///
    /// # Panics
    ///
    /// When `limit` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, iter};
    /// use corio_runtime::time::sleep;
    /// use std::time::Duration;
    ///
    /// # corio_runtime::run(async {
    /// let waits = iter([3, 1, 2]).map(|ms| async move {
    ///     sleep(Duration::from_millis(ms)).await;
    ///     ms
    /// });
    /// assert_eq!(waits.buffered(2).collect::<Vec<_>>().await, [3, 1, 2]);
    /// # });
    /// ```
    #[doc(alias("map", "imap"))]
    #[track_caller]
    fn buffered(self, limit: usize) -> Buffered<Self>
    where
        Self: Sized,
        Self::Item: Future,
    {
        Buffered::new(self, limit)
    }

    /// Runs up to `limit` of the futures that are the items at once, and gives their outputs as they come.
    ///
    /// They run in the task that polls the stream, and while it is polled.
    ///
    /// # Panics
    ///
    /// When `limit` is 0.
    #[doc(alias("imap_unordered", "FuturesUnordered"))]
    #[track_caller]
    fn buffer_unordered(self, limit: usize) -> BufferUnordered<Self>
    where
        Self: Sized,
        Self::Item: Future,
    {
        BufferUnordered::new(self, limit)
    }

    /// Says so when an item takes longer than `limit`, and goes on.
    ///
    /// The time begins when somebody waits for an item that is not there, and begins anew after each error.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, generate};
    /// use corio_runtime::time::sleep;
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// # corio_runtime::run(async {
    /// let late = generate(|y| async move {
    ///     sleep(Duration::from_millis(15)).await;
    ///     y.emit("at last").await;
    /// });
    /// let mut late = pin!(late.timeout(Duration::from_millis(10)));
    /// assert!(late.next().await.unwrap().is_err());
    /// while let Some(item) = late.next().await {
    ///     if let Ok(item) = item {
    ///         assert_eq!(item, "at last");
    ///     }
    /// }
    /// # });
    /// ```
    fn timeout(self, limit: Duration) -> Timeout<Self>
    where
        Self: Sized,
    {
        Timeout::new(self, limit)
    }

    /// Lets at least `pause` pass after an item before the next one is asked for.
    fn throttle(self, pause: Duration) -> Throttle<Self>
    where
        Self: Sized,
    {
        Throttle::new(self, pause)
    }

    /// Drops the stream, and waits until the cleanups that this leaves behind have run: those of a generator that
    /// is in the midst of its body, for one.
    ///
    /// A stream that is just dropped leaves them to its task, which is not done before they are.
    ///
    /// # Cancel safety
    ///
    /// Safe: the cleanups run in any case.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_runtime::stream::{StreamExt, generate};
    /// use corio_runtime::structured::finally;
    ///
    /// # corio_runtime::run(async {
    /// let mut numbers = Box::pin(generate(|y| async move {
    ///     let body = async {
    ///         for n in 0.. {
    ///             y.emit(n).await;
    ///         }
    ///     };
    ///     finally(body, || async { println!("cleaned up") }).await;
    /// }));
    /// assert_eq!(numbers.next().await, Some(0));
    /// numbers.close().await;
    /// println!("and only then this");
    /// # });
    /// ```
    #[doc(alias = "aclose")]
    #[track_caller]
    fn close(self) -> Close<Self>
    where
        Self: Sized,
    {
        Close::new(self)
    }

    /// Gathers all items in a collection.
    ///
    /// # Cancel safety
    ///
    /// Unsafe: the items that were gathered are dropped. A loop over [`next`](Self::next) keeps them.
    fn collect<C: Default + Extend<Self::Item>>(self) -> Collect<Self, C>
    where
        Self: Sized,
    {
        Collect::new(self)
    }

    /// Makes one value of all items, beginning with `value`.
    ///
    /// # Cancel safety
    ///
    /// Unsafe: the value so far is dropped. A loop over [`next`](Self::next) keeps it.
    #[doc(alias = "reduce")]
    fn fold<T, F: FnMut(T, Self::Item) -> T>(self, value: T, f: F) -> Fold<Self, T, F>
    where
        Self: Sized,
    {
        Fold::new(self, value, f)
    }

    /// Makes a future of each item and awaits it, before the next item is asked for.
    ///
    /// # Cancel safety
    ///
    /// Unsafe: the future of an item that was taken is dropped where it is.
    fn for_each<F, Fut>(self, f: F) -> ForEach<Self, F, Fut>
    where
        Self: Sized,
        F: FnMut(Self::Item) -> Fut,
        Fut: Future<Output = ()>,
    {
        ForEach::new(self, f)
    }

    /// Makes a future of each item and runs up to `limit` of them at once; `None` is no limit.
    ///
    /// They run in the task that awaits this. For several threads, spawn them in a
    /// [`TaskGroup`](crate::structured::TaskGroup) with a limit.
    ///
    /// # Panics
    ///
    /// When the limit is 0.
    ///
    /// # Cancel safety
    ///
    /// Unsafe: the futures of items that were taken are dropped where they are.
    #[track_caller]
    fn for_each_concurrent<F, Fut>(
        self,
        limit: impl Into<Option<usize>>,
        f: F,
    ) -> ForEachConcurrent<Self, F, Fut>
    where
        Self: Sized,
        F: FnMut(Self::Item) -> Fut,
        Fut: Future<Output = ()>,
    {
        ForEachConcurrent::new(self, limit.into(), f)
    }
}

impl<S: Stream + ?Sized> StreamExt for S {}
