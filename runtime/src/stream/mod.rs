//! Values that come one after the other, and what is done with them: asyncio's `async for`.
//!
//! *How do I write one?* [`generate`] makes a stream of a piece of code that emits values, as an asynchronous
//! generator does; [`iter`] of what is there already. Receivers, queues, intervals, signals, listeners and lines are
//! streams by themselves.
//!
//! *And what can I do with it?* [`StreamExt`] has the methods; `while let Some(item) = stream.next().await` is the
//! loop.
//!
//! | I want to | use |
//! |---|---|
//! | change or choose the items | [`map`](StreamExt::map), [`filter`](StreamExt::filter), [`filter_map`](StreamExt::filter_map), [`then`](StreamExt::then), [`enumerate`](StreamExt::enumerate) |
//! | have a part of them | [`take`](StreamExt::take), [`take_while`](StreamExt::take_while), [`skip`](StreamExt::skip) |
//! | have several at a time | [`chunks`](StreamExt::chunks) |
//! | put streams together | [`merge`](StreamExt::merge), [`zip`](StreamExt::zip), [`chain`](StreamExt::chain) |
//! | work on several at once | [`buffered`](StreamExt::buffered), [`buffer_unordered`](StreamExt::buffer_unordered), [`for_each_concurrent`](StreamExt::for_each_concurrent) |
//! | limit the time, or the speed | [`timeout`](StreamExt::timeout), [`throttle`](StreamExt::throttle) |
//! | go through all of them | [`for_each`](StreamExt::for_each), [`fold`](StreamExt::fold), [`collect`](StreamExt::collect) |
//!
//! A stream keeps what it has: a [`next`](StreamExt::next) that is dropped has taken no item, also where items are
//! worked on meanwhile. Dropping the stream drops the work; cleanups that this leaves behind run as always, and
//! [`close`](StreamExt::close) waits for them.
//!
//! # Examples
//!
//! ```
//! use corio_runtime::stream::{StreamExt, generate};
//!
//! # corio_runtime::run(async {
//! let squares = generate(|y| async move {
//!     for n in 1..5 {
//!         y.emit(n * n).await;
//!     }
//! });
//! assert_eq!(squares.filter(|n| n % 2 == 0).collect::<Vec<_>>().await, [4, 16]);
//! # });
//! ```

mod buffered;
mod chunks;
mod each;
mod end;
mod ext;
mod generate;
mod iter;
mod part;
mod timed;
mod together;

pub use futures_core::Stream;

pub use buffered::{BufferUnordered, Buffered, ForEachConcurrent};
pub use chunks::Chunks;
pub use each::{Enumerate, Filter, FilterMap, Map, Then};
pub use end::{Close, Collect, Fold, ForEach, Next};
pub use ext::StreamExt;
pub use generate::{Emit, Generate, TryGenerate, Yielder, generate, try_generate};
pub use iter::{Iter, iter};
pub use part::{Skip, Take, TakeWhile};
pub use timed::{Throttle, Timeout};
pub use together::{Chain, Merge, Zip};

use std::task::{Context, Poll, ready};

use corio_sync::hooks;

/// How many items are to come: at least, and at most if that is known.
type Hint = (usize, Option<usize>);

/// The items that one part has, and those that another has.
fn sum(a: Hint, b: Hint) -> Hint {
    let high = a.1.zip(b.1).and_then(|(a, b)| a.checked_add(b));
    (a.0.saturating_add(b.0), high)
}

/// So many items that are here already.
fn held(count: usize) -> Hint {
    (count, Some(count))
}

/// What `stream` has still to give, which is nothing once it is `over`.
fn left_of<S: Stream>(stream: &S, over: bool) -> Hint {
    if over { held(0) } else { stream.size_hint() }
}

/// Asks for another turn of a loop inside one poll: a stream of others may be ready for ever.
#[inline]
fn another_turn(cx: &mut Context<'_>) -> Poll<()> {
    ready!(hooks::poll_budget(cx));
    hooks::spend();
    Poll::Ready(())
}
