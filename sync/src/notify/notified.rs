//! The wait for a notification.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use super::{By, Notify};
use crate::hooks::{self, Caller, WaitKind};
use crate::waitlist::{Waiter, project};

/// The wait, with a borrowed or a shared `Notify`.
pub(super) struct Notifying<N: Deref<Target = Notify>> {
    notify: N,
    /// The round of `notify_waiters` in which this was made: a later one is for this too.
    round: usize,
    done: bool,
    caller: Caller,
    waiter: Waiter<By>,
}

impl<N: Deref<Target = Notify> + Unpin> Notifying<N> {
    #[track_caller]
    #[inline]
    pub(super) fn new(notify: N) -> Self {
        let round = notify.round();
        Self { notify, round, done: false, caller: Caller::here(), waiter: Waiter::new(By::One) }
    }

    /// Takes a notification that is there already; tells whether there was one.
    #[inline]
    fn take(self: Pin<&mut Self>) -> bool {
        project!(self => this, waiter);
        this.done = waiter.is_idle() && this.notify.take(this.round);
        this.done
    }

    /// Joins the line with `waker`, unless there is a notification by now.
    fn join_line(self: Pin<&mut Self>, waker: Waker) -> Poll<()> {
        project!(self => this, waiter);
        let now = this.notify.join_line(this.round, waiter.as_mut(), waker);
        this.done = now.is_ready();
        now
    }

    fn enable(mut self: Pin<&mut Self>) -> bool {
        if self.done || self.waiter.is_chosen() || self.as_mut().take() {
            return true;
        }
        self.waiter.is_idle() && self.join_line(Waker::noop().clone()).is_ready()
    }

    #[inline]
    fn poll_notified(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.done {
            return Poll::Ready(());
        }
        ready!(hooks::poll_budget(cx));
        if !self.as_mut().take() {
            ready!(self.wait(cx));
        }
        hooks::spend();
        Poll::Ready(())
    }

    /// What a poll does that found no notification.
    #[cold]
    fn wait(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let notified = if self.waiter.is_idle() {
            self.as_mut().join_line(cx.waker().clone())
        } else {
            project!(self.as_mut() => this, waiter);
            waiter.poll_chosen(cx, |f| f(&mut this.notify.waiters.lock())).map(|()| {
                waiter.as_mut().reset();
                this.done = true;
            })
        };
        if notified.is_pending() {
            hooks::set_wait(self.caller.site(), WaitKind::Notify);
        }
        notified
    }
}

impl<N: Deref<Target = Notify>> Drop for Notifying<N> {
    #[inline]
    fn drop(&mut self) {
        if !self.waiter.is_idle() {
            self.notify.leave_line(&self.waiter);
        }
    }
}

macro_rules! notified {
    ($(#[$doc:meta])* $name:ident [$($life:lifetime)?] $handle:ty) => {
        $(#[$doc])*
        #[must_use = "futures do nothing unless you `.await` them"]
        pub struct $name$(<$life>)? {
            pub(super) wait: Notifying<$handle>,
        }

        impl$(<$life>)? $name$(<$life>)? {
            /// Joins the line now instead of at the first poll; tells whether it is notified.
            ///
            /// A `notify_one` that comes after this call may be for this future.
            pub fn enable(self: Pin<&mut Self>) -> bool {
                project!(self => this, wait);
                wait.as_mut().enable()
            }
        }

        impl$(<$life>)? Future for $name$(<$life>)? {
            type Output = ();

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
                project!(self => this, wait);
                wait.as_mut().poll_notified(cx)
            }
        }

        impl$(<$life>)? fmt::Debug for $name$(<$life>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut f = f.debug_struct(stringify!($name));
                f.field("at", &self.wait.caller).field("waiter", &self.wait.waiter).finish()
            }
        }
    };
}

notified! {
    /// Future of [`Notify::notified`].
    Notified ['a] &'a Notify
}

notified! {
    /// Future of [`Notify::notified_owned`].
    OwnedNotified [] Arc<Notify>
}
