//! The wait of a sender for the last receiver to go, in the channels that go on without receivers.

/// Makes the future `Closed` of a channel: `$list` gives the line of those who wait, from what its lock
/// protects, and `$deserted` says whether there is no receiver.
macro_rules! closed {
    (
        $kind:expr, $lock:ident,
        |$in_lock:ident| $list:expr,
        |$shared:ident, $locked:ident| $deserted:expr
    ) => {
        /// Future of [`Sender::closed`].
        #[must_use = "futures do nothing unless you `.await` them"]
        pub struct Closed<'a, T> {
            shared: &'a Shared<T>,
            site: Site,
            waiter: Waiter<()>,
        }

        impl<T> Sender<T> {
            /// Waits until there is no receiver.
            ///
            /// # Cancel safety
            ///
            /// Safe.
            #[track_caller]
            pub fn closed(&self) -> Closed<'_, T> {
                Closed { shared: &self.shared, site: Site::caller(), waiter: Waiter::new(()) }
            }
        }

        impl<T> Future for Closed<'_, T> {
            type Output = ();

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
                ready!(hooks::poll_budget(cx));
                project!(self => this, waiter);
                let $shared = this.shared;
                if !waiter.is_idle() {
                    let gone = waiter.poll_chosen(cx, |f| {
                        let mut $in_lock = $shared.$lock.lock();
                        f(&mut $list);
                    });
                    if gone.is_ready() {
                        return Poll::Ready(());
                    }
                } else {
                    let waker = cx.waker().clone();
                    let mut $locked = $shared.$lock.lock();
                    if $deserted {
                        drop($locked);
                        return Poll::Ready(());
                    }
                    let $in_lock = &mut *$locked;
                    waiter.push(&mut $list, waker, ());
                }
                hooks::set_wait(this.site, $kind);
                Poll::Pending
            }
        }

        impl<T> Drop for Closed<'_, T> {
            fn drop(&mut self) {
                if !self.waiter.is_idle() {
                    let mut $in_lock = self.shared.$lock.lock();
                    let waker = self.waiter.remove(&mut $list);
                    drop($in_lock);
                    drop(waker);
                }
            }
        }

        impl<T> fmt::Debug for Closed<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut f = f.debug_struct("Closed");
                f.field("at", &self.site).field("waiter", &self.waiter).finish()
            }
        }
    };
}
pub(crate) use closed;
