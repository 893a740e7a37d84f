//! The waits for a reader-writer lock.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::raw::{Kind, RawRwLock, Want};
use super::{
    OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard,
};
use crate::hooks::{self, Caller, WaitKind};
use crate::waitlist::{Waiter, project};

/// A borrowed or a shared owner of a lock.
pub(super) trait HasRaw {
    fn raw(&self) -> &RawRwLock;
}

impl<T: ?Sized> HasRaw for &RwLock<T> {
    #[inline]
    fn raw(&self) -> &RawRwLock {
        &self.raw
    }
}

impl<T: ?Sized> HasRaw for Arc<RwLock<T>> {
    #[inline]
    fn raw(&self) -> &RawRwLock {
        &self.raw
    }
}

/// The wait itself. One for an upgrade owns the upgradable right until it is ready.
pub(super) struct Waiting<L: HasRaw> {
    lock: Option<L>,
    kind: Kind,
    caller: Caller,
    waiter: Waiter<Want>,
}

impl<L: HasRaw + Unpin> Waiting<L> {
    #[track_caller]
    #[inline]
    pub(super) fn new(lock: L, kind: Kind) -> Self {
        Self {
            lock: Some(lock),
            kind,
            caller: Caller::here(),
            waiter: Waiter::new(Want { kind, task: 0 }),
        }
    }

    /// Ready when the lock is held, with the lock.
    #[inline]
    fn poll_lock(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<L> {
        ready!(hooks::poll_budget(cx));
        project!(self => this, waiter);
        let raw = this.lock.as_ref().expect("polled after it was ready").raw();
        let turn = if !waiter.is_idle() {
            waiter.poll_chosen(cx, |f| raw.lock_list(f))
        } else if raw.try_lock(this.kind) || raw.contend(this.kind) {
            Poll::Ready(())
        } else {
            raw.join_line(waiter.as_mut(), cx, this.kind)
        };
        if turn.is_pending() {
            hooks::set_wait_on(this.caller.site(), WaitKind::RwLock, raw.writer());
            return Poll::Pending;
        }
        waiter.reset();
        hooks::spend();
        Poll::Ready(this.lock.take().expect("it was there above"))
    }
}

impl<L: HasRaw> Drop for Waiting<L> {
    #[inline]
    fn drop(&mut self) {
        let Some(lock) = &self.lock else { return };
        if !self.waiter.is_idle() {
            lock.raw().leave_line(&self.waiter, self.kind);
        } else if self.kind == Kind::Upgrade {
            lock.raw().unlock(Kind::Upgradable);
        }
    }
}

macro_rules! wait {
    ($(#[$doc:meta])* $name:ident [$($gen:tt)*] $handle:ty => $guard:ident) => {
        $(#[$doc])*
        #[must_use = "futures do nothing unless you `.await` them"]
        pub struct $name<$($gen)* T: ?Sized> {
            pub(super) wait: Waiting<$handle>,
        }

        impl<$($gen)* T: ?Sized> Future for $name<$($gen)* T> {
            type Output = $guard<$($gen)* T>;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                project!(self => this, wait);
                Poll::Ready($guard::new(ready!(wait.as_mut().poll_lock(cx))))
            }
        }

        impl<$($gen)* T: ?Sized> fmt::Debug for $name<$($gen)* T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut f = f.debug_struct(stringify!($name));
                f.field("at", &self.wait.caller).field("waiter", &self.wait.waiter).finish()
            }
        }
    };
}

wait! {
    /// Future of [`RwLock::read`].
    RwLockRead ['a,] &'a RwLock<T> => RwLockReadGuard
}
wait! {
    /// Future of [`RwLock::write`].
    RwLockWrite ['a,] &'a RwLock<T> => RwLockWriteGuard
}
wait! {
    /// Future of [`RwLock::upgradable_read`].
    RwLockUpgradableRead ['a,] &'a RwLock<T> => RwLockUpgradableReadGuard
}
wait! {
    /// Future of [`RwLockUpgradableReadGuard::upgrade`].
    RwLockUpgrade ['a,] &'a RwLock<T> => RwLockWriteGuard
}
wait! {
    /// Future of [`RwLock::read_owned`].
    RwLockReadOwned [] Arc<RwLock<T>> => OwnedRwLockReadGuard
}
wait! {
    /// Future of [`RwLock::write_owned`].
    RwLockWriteOwned [] Arc<RwLock<T>> => OwnedRwLockWriteGuard
}
wait! {
    /// Future of [`RwLock::upgradable_read_owned`].
    RwLockUpgradableReadOwned [] Arc<RwLock<T>> => OwnedRwLockUpgradableReadGuard
}
wait! {
    /// Future of [`OwnedRwLockUpgradableReadGuard::upgrade`].
    RwLockUpgradeOwned [] Arc<RwLock<T>> => OwnedRwLockWriteGuard
}
