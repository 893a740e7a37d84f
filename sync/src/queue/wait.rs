//! The waits at a queue.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::{PutError, QueueShutDown, Storage, Tally};
use crate::chan::{Ask, Chan, Place, Turn};
use crate::hooks::{self, Caller, WaitKind};
use crate::waitlist::{Waiter, project};

/// Future of [`QueueOf::put`](super::QueueOf::put).
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Put<'a, S: Storage> {
    chan: &'a Chan<Tally<S>>,
    item: Option<S::Item>,
    caller: Caller,
    waiter: Waiter<Ask>,
}

impl<'a, S: Storage> Put<'a, S> {
    #[track_caller]
    pub(super) fn new(chan: &'a Chan<Tally<S>>, item: S::Item) -> Self {
        Self { chan, item: Some(item), caller: Caller::here(), waiter: Waiter::new(Ask::NONE) }
    }

    /// Takes the item back; the wait goes on for nothing until it is dropped.
    pub(super) fn abandon(self: Pin<&mut Self>) -> S::Item {
        project!(self => this, waiter);
        let _ = waiter;
        this.item.take().expect("it was not put in")
    }
}

impl<S: Storage> Future for Put<'_, S> {
    type Output = Result<(), PutError<S::Item>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, waiter);
        let item = &mut this.item;
        let put = ready!(this.chan.poll_slots(waiter, cx, this.caller, 1, |state| {
            state.put(item.take().expect("polled after it was ready"))
        }));
        Poll::Ready(match put {
            Ok(()) => Ok(()),
            Err(_) => Err(PutError(item.take().expect("polled after it was ready"))),
        })
    }
}

/// Future of [`QueueOf::get`](super::QueueOf::get).
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Get<'a, S: Storage> {
    chan: &'a Chan<Tally<S>>,
    caller: Caller,
    waiter: Waiter<Turn>,
}

impl<'a, S: Storage> Get<'a, S> {
    #[track_caller]
    pub(super) fn new(chan: &'a Chan<Tally<S>>) -> Self {
        Self { chan, caller: Caller::here(), waiter: Waiter::new(Turn::NONE) }
    }
}

impl<S: Storage> Future for Get<'_, S> {
    type Output = Result<S::Item, QueueShutDown>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        project!(self => this, waiter);
        let next = this.chan.poll_take(waiter.as_mut(), cx, this.caller);
        next.map(|item| item.ok_or(QueueShutDown(())))
    }
}

/// Future of [`QueueOf::join`](super::QueueOf::join).
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Join<'a, S: Storage> {
    chan: &'a Chan<Tally<S>>,
    caller: Caller,
    waiter: Waiter<()>,
}

impl<'a, S: Storage> Join<'a, S> {
    #[track_caller]
    pub(super) fn new(chan: &'a Chan<Tally<S>>) -> Self {
        Self { chan, caller: Caller::here(), waiter: Waiter::new(()) }
    }

    fn leave(&self) {
        let waker = self.waiter.remove(&mut self.chan.lock().storage.joiners);
        drop(waker);
    }
}

impl<S: Storage> Future for Join<'_, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(hooks::poll_budget(cx));
        project!(self => this, waiter);
        let chan = this.chan;
        if !waiter.is_idle() {
            let done = waiter.poll_chosen(cx, |f| f(&mut chan.lock().storage.joiners));
            if done.is_ready() {
                return Poll::Ready(());
            }
        } else {
            let waker = cx.waker().clone();
            let mut state = chan.lock();
            if state.storage.unfinished == 0 {
                drop(state);
                return Poll::Ready(());
            }
            waiter.push(&mut state.storage.joiners, waker, ());
        }
        hooks::set_wait(this.caller.site(), WaitKind::Queue);
        Poll::Pending
    }
}

macro_rules! wait {
    ($name:ident, |$this:ident| $leave:expr) => {
        impl<S: Storage> Drop for $name<'_, S> {
            fn drop(&mut self) {
                let $this = self;
                if !$this.waiter.is_idle() {
                    $leave;
                }
            }
        }

        impl<S: Storage> fmt::Debug for $name<'_, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut f = f.debug_struct(stringify!($name));
                f.field("at", &self.caller).field("waiter", &self.waiter).finish()
            }
        }
    };
}

wait!(Put, |put| put.chan.leave_slots(&put.waiter));
wait!(Get, |get| get.chan.leave_take(&get.waiter));
wait!(Join, |join| join.leave());

/// The items of a queue, as a stream; from [`QueueOf::stream`](super::QueueOf::stream).
#[must_use = "streams do nothing unless they are polled"]
pub struct QueueStream<S: Storage> {
    chan: Arc<Chan<Tally<S>>>,
    caller: Caller,
    place: Place,
}

impl<S: Storage> QueueStream<S> {
    #[track_caller]
    pub(super) fn new(chan: Arc<Chan<Tally<S>>>) -> Self {
        Self { chan, caller: Caller::here(), place: Place::new() }
    }
}

impl<S: Storage> Stream for QueueStream<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = &mut *self;
        this.place.poll_next(&this.chan, cx, this.caller)
    }
}

impl<S: Storage> Drop for QueueStream<S> {
    fn drop(&mut self) {
        self.place.leave(&self.chan);
    }
}

impl<S: Storage> fmt::Debug for QueueStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueStream").field("at", &self.caller).finish()
    }
}
