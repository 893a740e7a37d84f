//! The plain code that the expansions of `select!`, `join!` and `try_join!` call.
//!
//! Not an interface for people: it changes with the macros. What the expansions need of a runtime
//! (the cleanup sink, randomness, the budget) is elsewhere; nothing here knows one.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

/// What a future that may fail is made of. The bounds are there for the compiler's message.
#[inline]
pub fn fallible<I, T, E>(future: I) -> I::IntoFuture
where
    I: IntoFuture<Output = Result<T, E>>,
{
    future.into_future()
}

/// As std's `poll_fn`, but each is awaited in one place, where its poll is inlined: no call, and no output
/// that goes through memory.
#[inline]
pub fn poll_here<T, F>(poll: F) -> PollHere<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin,
{
    PollHere(poll)
}

/// The future of [`poll_here`].
pub struct PollHere<F>(F);

impl<T, F> Future for PollHere<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin,
{
    type Output = T;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        (self.0)(cx)
    }
}

impl<F> fmt::Debug for PollHere<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollHere").finish_non_exhaustive()
    }
}

/// Panics at the place of a `select!` that has no branch left to wait for.
#[cold]
#[track_caller]
pub fn all_disabled() -> ! {
    panic!(
        "every branch of this `select!` is disabled (by its guard, or because its value did not \
         match its pattern): add an `else => ..` branch that says what to do then"
    )
}

pin_project! {
    /// Futures, or cells with futures, one behind the other; the last `tail` is `()`.
    #[derive(Debug)]
    #[allow(missing_docs, reason = "the macro takes no comments on fields")]
    #[project = ListProj]
    pub struct List<H, T> {
        #[pin]
        pub head: H,
        #[pin]
        pub tail: T,
    }
}

/// The first of a pinned list and the others.
#[inline]
pub fn split<H, T>(list: Pin<&mut List<H, T>>) -> (Pin<&mut H>, Pin<&mut T>) {
    let ListProj { head, tail } = list.project();
    (head, tail)
}

pin_project! {
    /// The branches of a `select!`.
    #[allow(missing_docs, reason = "the macro takes no comments on fields")]
    #[project = SelectProj]
    pub enum Select<B, L, O, W> {
        /// The futures, and a bit for each that is still to be polled.
        Running {
            enabled: B,
            #[pin]
            futures: L,
        },
        /// All futures are dropped, and what they owe is waited for with the winner's output.
        Owing {
            owing: Box<(Option<O>, W)>,
        },
        /// All futures are dropped.
        Done,
    }
}

impl<B, L, O, W> Select<B, L, O, W> {
    /// Branches that have not been polled.
    #[inline]
    pub fn new(enabled: B, futures: L) -> Self {
        Self::Running { enabled, futures }
    }
}

impl<B, L, O, W> fmt::Debug for Select<B, L, O, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running { .. } => "Running",
            Self::Owing { .. } => "Owing",
            Self::Done => "Done",
        })
    }
}

/// The parts of a `select!` whose futures are there.
#[inline]
pub fn running<B, L, O, W>(select: Pin<&mut Select<B, L, O, W>>) -> Option<(&mut B, Pin<&mut L>)> {
    match select.project() {
        SelectProj::Running { enabled, futures } => Some((enabled, futures)),
        SelectProj::Owing { .. } | SelectProj::Done => None,
    }
}

/// Waits for `wait` before `out` is given out.
#[cold]
#[inline(never)]
pub fn owe<B, L, O, W: Future + Unpin>(
    mut select: Pin<&mut Select<B, L, O, W>>,
    out: O,
    wait: W,
    cx: &mut Context<'_>,
) -> Poll<O> {
    select.set(Select::Owing { owing: Box::new((Some(out), wait)) });
    poll_owing(select, cx)
}

/// Polls a `select!` whose futures are gone.
///
/// # Panics
///
/// When it is done.
#[cold]
#[inline(never)]
pub fn poll_owing<B, L, O, W: Future + Unpin>(
    mut select: Pin<&mut Select<B, L, O, W>>,
    cx: &mut Context<'_>,
) -> Poll<O> {
    if let SelectProj::Owing { owing } = select.as_mut().project() {
        let (out, wait) = &mut **owing;
        ready!(Pin::new(wait).poll(cx));
        let out = out.take();
        select.set(Select::Done);
        if let Some(out) = out {
            return Poll::Ready(out);
        }
    }
    unreachable!("a `select!` that is done is not polled")
}

pin_project! {
    /// A future, and in the same place its value when it is done.
    #[allow(missing_docs, reason = "the macro takes no comments on fields")]
    #[project = Proj]
    #[project_replace = Owned]
    pub enum MaybeDone<F, T> {
        /// To be polled.
        Running {
            #[pin]
            future: F,
        },
        /// Not to be polled again.
        Done {
            value: T,
        },
        /// The value is gone; also what becomes of a future that is dropped early.
        Taken,
    }
}

impl<F, T> MaybeDone<F, T> {
    /// A future that is not yet polled.
    #[inline]
    pub fn new(future: F) -> Self {
        Self::Running { future }
    }
}

impl<F, T> fmt::Debug for MaybeDone<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running { .. } => "Running",
            Self::Done { .. } => "Done",
            Self::Taken => "Taken",
        })
    }
}

/// The list of a `join!` that is not done.
///
/// # Panics
///
/// When it is done.
#[inline]
pub fn borrow_list<'a, L>(list: &'a mut Option<Pin<&mut L>>) -> Pin<&'a mut L> {
    match list {
        Some(list) => list.as_mut(),
        None => unreachable!("a `join!` that is done is not polled"),
    }
}

/// The list of a `join!` that is done.
///
/// # Panics
///
/// When it was taken before.
#[inline]
pub fn take_list<'l, L>(list: &mut Option<Pin<&'l mut L>>) -> Pin<&'l mut L> {
    match list.take() {
        Some(list) => list,
        None => unreachable!("a `join!` is done once"),
    }
}

/// Polls the future unless it is done. True: it is done.
#[inline]
pub fn poll_done<F: Future>(
    slot: &mut Pin<&mut MaybeDone<F, F::Output>>,
    cx: &mut Context<'_>,
) -> bool {
    if let Proj::Running { future } = slot.as_mut().project() {
        let Poll::Ready(value) = future.poll(cx) else { return false };
        slot.set(MaybeDone::Done { value });
    }
    true
}

/// Polls the future unless it is done. An error is handed out, a value is kept.
#[inline]
pub fn poll_ok<F, T, E>(
    slot: &mut Pin<&mut MaybeDone<F, T>>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), E>>
where
    F: Future<Output = Result<T, E>>,
{
    if let Proj::Running { future } = slot.as_mut().project() {
        let result = ready!(future.poll(cx));
        let (after, result) = match result {
            Ok(value) => (MaybeDone::Done { value }, Ok(())),
            Err(error) => (MaybeDone::Taken, Err(error)),
        };
        slot.set(after);
        return Poll::Ready(result);
    }
    Poll::Ready(Ok(()))
}

/// Takes the value of a future that is done.
///
/// # Panics
///
/// When it is not done, or its value was taken before.
#[inline]
pub fn take_value<F, T>(slot: &mut Pin<&mut MaybeDone<F, T>>) -> T {
    match slot.as_mut().project_replace(MaybeDone::Taken) {
        Owned::Done { value } => value,
        Owned::Running { .. } | Owned::Taken => unreachable!("the future has no value to take"),
    }
}
