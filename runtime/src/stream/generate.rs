//! A stream made of a piece of code that emits its items: an asynchronous generator.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use corio_sync::hooks::{self, Site, WaitKind};
use corio_sync::prim::{Arc, Mutex};
use futures_core::Stream;
use pin_project_lite::pin_project;

/// Makes a stream of what `body` emits.
///
/// The body runs while the stream is polled, in the task that polls it: from one item to the next, and no
/// further. When it returns, the stream ends. Dropping the stream drops the body where it is; a
/// [`finally`](crate::structured::finally) in it has its cleanup run.
///
/// Python's `async def` with `yield`.
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
/// let mut countdown = pin!(generate(|y| async move {
///     for n in (0..3).rev() {
///         sleep(Duration::from_millis(1)).await;
///         y.emit(n).await;
///     }
/// }));
/// while let Some(n) = countdown.next().await {
///     println!("{n}");
/// }
/// # });
/// ```
#[doc(alias("yield", "async_generator", "async_stream"))]
pub fn generate<T, F, Fut>(body: F) -> Generate<T, Fut>
where
    F: FnOnce(Yielder<T>) -> Fut,
    Fut: Future<Output = ()>,
{
    let (consumer, yielder) = pair();
    Generate { consumer, body: Some(body(yielder)) }
}

/// Makes a stream of what `body` emits, and of the error that it ends with, if it does.
///
/// As [`generate`], with `?` in the body: the items are `Ok`, and an error is the last of them.
///
/// # Examples
///
/// ```
/// use corio_runtime::stream::{StreamExt, try_generate};
///
/// # corio_runtime::run(async {
/// let numbers = try_generate(|y| async move {
///     for word in ["1", "2", "three", "4"] {
///         y.emit(word.parse::<u32>()?).await;
///     }
///     Ok::<_, std::num::ParseIntError>(())
/// });
/// let numbers: Vec<_> = numbers.collect().await;
/// assert_eq!(numbers[..2], [Ok(1), Ok(2)]);
/// assert!(numbers[2].is_err() && numbers.len() == 3);
/// # });
/// ```
pub fn try_generate<T, E, F, Fut>(body: F) -> TryGenerate<T, Fut>
where
    F: FnOnce(Yielder<T>) -> Fut,
    Fut: Future<Output = Result<(), E>>,
{
    let (consumer, yielder) = pair();
    TryGenerate { consumer, body: Some(body(yielder)) }
}

/// Where an item lies between the body and whoever polls the stream.
struct Place<T> {
    item: Option<T>,
    /// How many items have been put here, and how many of them are gone.
    put: u64,
    gone: u64,
    /// Whoever polls the stream, or has polled it last.
    consumer: Option<Waker>,
    /// The stream is being polled: when its body has been, it looks here by itself.
    polling: bool,
    /// Those who wait for their item to be taken, or for the place to be free, and whether they are in the body.
    emitters: Vec<(bool, Waker)>,
    /// The stream has ended, or is gone: what is emitted is dropped.
    closed: bool,
}

impl<T> Default for Place<T> {
    fn default() -> Self {
        Self {
            item: None,
            put: 0,
            gone: 0,
            consumer: None,
            polling: false,
            emitters: Vec::new(),
            closed: false,
        }
    }
}

type Shared<T> = Arc<Mutex<Place<T>>>;

/// The stream's side of the place.
struct Consumer<T>(Shared<T>);

fn pair<T>() -> (Consumer<T>, Yielder<T>) {
    let place = Arc::new(Mutex::new(Place::default()));
    (Consumer(place.clone()), Yielder { place })
}

/// What the body of [`generate`] emits its items with.
pub struct Yielder<T> {
    place: Shared<T>,
}

impl<T> Yielder<T> {
    /// Gives `item` to whoever polls the stream, and waits until the next one is asked for.
    ///
    /// The yielder may be shared with tasks that the body spawns. What has not been taken when the stream ends,
    /// and what is emitted after that, is dropped, and nobody waits any more.
    ///
    /// # Cancel safety
    ///
    /// Safe, but an item that has not been taken is dropped with the call.
    #[track_caller]
    pub fn emit(&self, item: T) -> Emit<'_, T> {
        Emit { place: &self.place, state: State::New(item), site: Site::caller() }
    }
}

impl<T> fmt::Debug for Yielder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").finish_non_exhaustive()
    }
}

/// The future of [`Yielder::emit`].
#[must_use = "an item is emitted when this is awaited"]
pub struct Emit<'a, T> {
    place: &'a Shared<T>,
    state: State<T>,
    site: Site,
}

enum State<T> {
    New(T),
    /// It is the item of this number.
    Put(u64),
    Done,
}

// The item is not pinned.
impl<T> Unpin for Emit<'_, T> {}

impl<T> Future for Emit<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        // A waker is foreign code: it is cloned and woken while the lock is free.
        let waker = cx.waker().clone();
        let mut place = this.place.lock();
        // The task that polls the stream may also poll this beside it, if the yielder was moved out of the body.
        let by_consumer = place.consumer.as_ref().is_some_and(|known| known.will_wake(&waker));
        let in_body = place.polling && by_consumer;
        let mut consumer = None;
        match std::mem::replace(&mut this.state, State::Done) {
            State::New(item) if place.closed => {
                drop(place);
                drop(item);
                return Poll::Ready(());
            }
            State::Done => return Poll::Ready(()),
            State::Put(number) if place.gone >= number => return Poll::Ready(()),
            State::Put(number) => this.state = State::Put(number),
            State::New(item) if place.item.is_some() => this.state = State::New(item),
            State::New(item) => {
                place.item = Some(item);
                place.put += 1;
                this.state = State::Put(place.put);
                if !place.polling {
                    consumer = place.consumer.take();
                }
            }
        }
        let is_known = |known: &(bool, Waker)| known.0 == in_body && known.1.will_wake(&waker);
        if !place.emitters.iter().any(is_known) {
            place.emitters.push((in_body, waker));
        }
        drop(place);
        if let Some(consumer) = consumer {
            consumer.wake();
        }
        // A body that its consumer polls makes nobody wait: the consumer has its item.
        if !in_body {
            hooks::set_wait(this.site, WaitKind::Channel);
        }
        Poll::Pending
    }
}

impl<T> Drop for Emit<'_, T> {
    fn drop(&mut self) {
        let State::Put(number) = self.state else { return };
        let mut place = self.place.lock();
        if place.gone >= number {
            return;
        }
        place.gone = number;
        let (item, emitters) = (place.item.take(), std::mem::take(&mut place.emitters));
        drop(place);
        drop(item);
        emitters.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl<T> fmt::Debug for Emit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let emitted = !matches!(self.state, State::New(_));
        f.debug_struct("Emit").field("emitted", &emitted).finish()
    }
}

impl<T> Consumer<T> {
    /// Lets the body go on to its next item. `Err` is what it has ended with.
    fn poll<Fut: Future>(
        &self,
        mut body: Pin<&mut Option<Fut>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, Option<Fut::Output>>> {
        let Some(running) = body.as_mut().as_pin_mut() else { return Poll::Ready(Err(None)) };
        let waker = cx.waker().clone();
        let (emitters, old) = {
            let mut place = self.0.lock();
            place.polling = true;
            (std::mem::take(&mut place.emitters), place.consumer.replace(waker))
        };
        drop(old);
        // Those in the body are polled below in any case.
        for (in_body, waker) in emitters {
            if !in_body {
                waker.wake();
            }
        }
        if let Poll::Ready(output) = running.poll(cx) {
            body.set(None);
            self.close();
            return Poll::Ready(Err(Some(output)));
        }
        let mut place = self.0.lock();
        place.polling = false;
        let Some(item) = place.item.take() else { return Poll::Pending };
        place.gone = place.put;
        drop(place);
        hooks::spend();
        Poll::Ready(Ok(item))
    }

    fn close(&self) {
        let mut place = self.0.lock();
        place.closed = true;
        place.gone = place.put;
        let (item, emitters) = (place.item.take(), std::mem::take(&mut place.emitters));
        let consumer = place.consumer.take();
        drop(place);
        drop((item, consumer));
        emitters.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Nobody knows how many items a body will emit; one that has returned emits none.
fn hint<Fut>(body: &Option<Fut>) -> (usize, Option<usize>) {
    (0, if body.is_some() { None } else { Some(0) })
}

pin_project! {
    /// The stream of [`generate`].
    #[must_use = "streams do nothing unless they are polled"]
    pub struct Generate<T, Fut> {
        consumer: Consumer<T>,
        // `None` when it has returned.
        #[pin]
        body: Option<Fut>,
    }
}

impl<T, Fut: Future<Output = ()>> Stream for Generate<T, Fut> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        ready!(hooks::poll_budget(cx));
        let this = self.project();
        this.consumer.poll(this.body, cx).map(Result::ok)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        hint(&self.body)
    }
}

impl<T, Fut> fmt::Debug for Generate<T, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generate").field("over", &self.body.is_none()).finish_non_exhaustive()
    }
}

pin_project! {
    /// The stream of [`try_generate`].
    #[must_use = "streams do nothing unless they are polled"]
    pub struct TryGenerate<T, Fut> {
        consumer: Consumer<T>,
        // `None` when it has returned.
        #[pin]
        body: Option<Fut>,
    }
}

impl<T, E, Fut: Future<Output = Result<(), E>>> Stream for TryGenerate<T, Fut> {
    type Item = Result<T, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(hooks::poll_budget(cx));
        let this = self.project();
        Poll::Ready(match ready!(this.consumer.poll(this.body, cx)) {
            Ok(item) => Some(Ok(item)),
            Err(Some(Err(error))) => Some(Err(error)),
            Err(_) => None,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        hint(&self.body)
    }
}

impl<T, Fut> fmt::Debug for TryGenerate<T, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryGenerate").field("over", &self.body.is_none()).finish_non_exhaustive()
    }
}
