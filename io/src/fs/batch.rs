//! Many small operations in few hand-offs.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use corio_sync::hooks::{self, Site};
use corio_sync::prim::Arc;
use futures_core::Stream;

use super::call::{poll_task, start};
use crate::background::Running;

/// As many items go to a thread at once.
const CHUNK: usize = 64;

/// A thread gives back what it has done after this time, so that a few large items neither hold up the
/// others nor fill the memory.
const SLICE: Duration = Duration::from_millis(2);

/// As many threads work on a batch.
const THREADS: usize = 4;

/// Calls `f`, which blocks, for each of `items` on threads for blocking calls, many with one hand-off; a
/// stream of the results in the order of the items.
///
/// `f` uses `std::fs`. Handing a thousand small files to a thread one by one takes longer than reading
/// them; in a batch the hand-offs are hardly to be seen. At most four threads work on one batch, ahead
/// of the consumer by no more than a chunk each.
///
/// # Cancel safety
///
/// [`next_result`](Batch::next_result) is safe: no result is lost. A batch that is dropped finishes what has begun, at
/// most one item on each thread.
///
/// # Panics
///
/// A panic of `f` goes on in the task that asks for its result.
///
/// # Examples
///
/// ```
/// use corio_io::fs;
///
/// # corio_runtime::run(async {
/// let dir = fs::temp::dir().await?;
/// let paths: Vec<_> = (0..100).map(|i| dir.path().join(i.to_string())).collect();
///
/// let written = fs::batch(paths.clone(), |path| std::fs::write(&path, "x")).collect().await?;
/// assert!(written.iter().all(Result::is_ok));
///
/// let mut texts = fs::batch(paths, std::fs::read);
/// while let Some(text) = texts.next_result().await? {
///     assert_eq!(text?, b"x");
/// }
/// dir.close().await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub fn batch<I, T, F>(items: I, f: F) -> Batch<I::Item, T>
where
    I: IntoIterator,
    I::IntoIter: Send + 'static,
    I::Item: Send + 'static,
    T: Send + 'static,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
{
    Batch {
        items: Some(Box::new(items.into_iter())),
        f: Arc::new(f),
        ready: VecDeque::new(),
        running: VecDeque::new(),
    }
}

/// The results of a [`batch`], in the order of its items: a `Stream` of `io::Result<T>`.
///
/// The outer `Result` is an error only when a call cannot be made: there is no runtime, or it is being
/// shut down, or the system gives no thread.
#[must_use = "streams do nothing unless they are asked"]
pub struct Batch<I, T> {
    /// None at the end.
    items: Option<Box<dyn Iterator<Item = I> + Send>>,
    f: Arc<dyn Fn(I) -> T + Send + Sync>,
    ready: VecDeque<T>,
    /// In the order of the items.
    running: VecDeque<Part<I, T>>,
}

type Part<I, T> = Running<Finished<I, T>>;

/// What a thread has done, and what it had no time for.
struct Finished<I, T> {
    done: VecDeque<T>,
    rest: VecDeque<I>,
}

impl<I: Send + 'static, T: Send + 'static> Batch<I, T> {
    /// Returns the next result, or `None` after the last.
    ///
    /// # Errors
    ///
    /// When a call cannot be made; the batch is then at its end.
    ///
    /// # Cancel safety
    ///
    /// Safe: no result is lost.
    #[track_caller]
    pub fn next_result(&mut self) -> impl Future<Output = std::io::Result<Option<T>>> + Send {
        let site = Site::caller();
        std::future::poll_fn(move |cx| self.poll_result(site, cx).map(Option::transpose))
    }

    /// Returns all results.
    ///
    /// # Errors
    ///
    /// Those of [`next_result`](Self::next_result).
    ///
    /// # Cancel safety
    ///
    /// Unsafe: the results so far are lost, though what they stand for is done. Loop over
    /// [`next_result`](Self::next_result) where that matters.
    #[track_caller]
    pub fn collect(mut self) -> impl Future<Output = std::io::Result<Vec<T>>> + Send {
        let site = Site::caller();
        let mut all = Vec::new();
        std::future::poll_fn(move |cx| {
            while let Some(result) = ready!(self.poll_result(site, cx)) {
                all.push(result?);
            }
            Poll::Ready(Ok(std::mem::take(&mut all)))
        })
    }

    fn poll_result(
        &mut self,
        site: Site,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<T>>> {
        loop {
            if !self.ready.is_empty() {
                ready!(hooks::poll_budget(cx));
                hooks::spend();
                return Poll::Ready(self.ready.pop_front().map(Ok));
            }
            if let Err(error) = self.top_up() {
                return Poll::Ready(Some(Err(self.end(error))));
            }
            let Some(first) = self.running.front_mut() else { return Poll::Ready(None) };
            match ready!(poll_task(first, site, cx)) {
                Ok(part) => {
                    self.running.pop_front();
                    self.ready = part.done;
                    if !part.rest.is_empty() {
                        match self.part(part.rest) {
                            Ok(task) => self.running.push_front(task),
                            Err(error) => return Poll::Ready(Some(Err(self.end(error)))),
                        }
                    }
                }
                Err(error) => return Poll::Ready(Some(Err(self.end(error)))),
            }
        }
    }

    /// Keeps the threads busy.
    fn top_up(&mut self) -> std::io::Result<()> {
        while self.running.len() < THREADS {
            let Some(items) = &mut self.items else { return Ok(()) };
            let chunk: VecDeque<I> = items.take(CHUNK).collect();
            if chunk.len() < CHUNK {
                self.items = None;
            }
            if !chunk.is_empty() {
                let part = self.part(chunk)?;
                self.running.push_back(part);
            }
        }
        Ok(())
    }

    fn part(&self, mut rest: VecDeque<I>) -> std::io::Result<Part<I, T>> {
        let f = self.f.clone();
        start(move || {
            let begin = Instant::now();
            let mut done = VecDeque::with_capacity(rest.len());
            while let Some(item) = rest.pop_front() {
                done.push_back(f(item));
                let stop = corio_runtime::blocking::check_cancelled().is_err();
                if stop || begin.elapsed() >= SLICE {
                    break;
                }
            }
            Finished { done, rest }
        })
    }

    #[cold]
    fn end(&mut self, error: std::io::Error) -> std::io::Error {
        self.items = None;
        self.cancel();
        error
    }
}

impl<I, T> Batch<I, T> {
    fn cancel(&mut self) {
        for part in self.running.drain(..) {
            part.cancel();
        }
    }
}

impl<I, T> Drop for Batch<I, T> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<I, T> Unpin for Batch<I, T> {}

impl<I: Send + 'static, T: Send + 'static> Stream for Batch<I, T> {
    type Item = std::io::Result<T>;

    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_result(Site::caller(), cx)
    }
}

impl<I, T> fmt::Debug for Batch<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("ready", &self.ready.len())
            .field("running", &self.running.len())
            .field("at_end", &self.items.is_none())
            .finish_non_exhaustive()
    }
}
