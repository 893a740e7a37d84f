//! A value that is set once, and waited for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::blocking;
use crate::event::{Event, EventWait};
use crate::hooks::{self, Caller, WaitKind};
use crate::once_cell::{OnceCell, SetError};
use crate::prim::const_fn;
use crate::waitlist::project;

/// A value that somebody sets once, and any number wait for.
///
/// Where those who wait should make the value themselves, [`OnceCell`]; where they cannot borrow it, or it may
/// fail or be cancelled, [`Promise`](crate::Promise).
///
/// # Examples
///
/// ```
/// use corio_sync::SetOnce;
///
/// static LIMIT: SetOnce<u32> = SetOnce::new();
///
/// let waiter = std::thread::spawn(|| *LIMIT.blocking_wait());
/// LIMIT.set(7)?;
/// assert_eq!(waiter.join().unwrap(), 7);
/// assert_eq!(LIMIT.set(8).unwrap_err().into_inner(), 8);
/// # Ok::<(), corio_sync::SetError<u32>>(())
/// ```
pub struct SetOnce<T> {
    cell: OnceCell<T>,
    /// Set when the cell is full.
    is_set: Event,
}

impl<T> SetOnce<T> {
    const_fn! {
        /// Makes one that is not set.
        #[doc(alias = "const_new")]
        pub fn new() -> Self {
            Self { cell: OnceCell::new(), is_set: Event::new() }
        }
    }

    /// Sets the value and wakes everybody who waits, in order of arrival.
    ///
    /// # Errors
    ///
    /// [`SetError`] with the value, when there is one, or another thread is setting one.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        self.cell.set(value)?;
        self.is_set.set();
        Ok(())
    }

    /// Whether the value is there.
    pub fn initialized(&self) -> bool {
        self.cell.initialized()
    }

    /// The value, if it is there.
    pub fn get(&self) -> Option<&T> {
        self.cell.get()
    }

    /// Waits until the value is there.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    #[track_caller]
    pub fn wait(&self) -> SetOnceWait<'_, T> {
        SetOnceWait { cell: &self.cell, caller: Caller::here(), wait: self.is_set.wait() }
    }

    /// Waits until the value is there, blocking this thread.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_wait(&self) -> &T {
        hooks::forbid_blocking("SetOnce::blocking_wait");
        blocking::block_on(self.wait())
    }

    /// Takes the value out.
    pub fn into_inner(self) -> Option<T> {
        self.cell.into_inner()
    }
}

impl<T> Default for SetOnce<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for SetOnce<T> {
    fn from(value: T) -> Self {
        let this = Self { cell: OnceCell::from(value), is_set: Event::new() };
        this.is_set.set();
        this
    }
}

impl<T: fmt::Debug> fmt::Debug for SetOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetOnce").field("value", &self.get()).finish()
    }
}

/// Future of [`SetOnce::wait`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct SetOnceWait<'a, T> {
    cell: &'a OnceCell<T>,
    caller: Caller,
    wait: EventWait<'a>,
}

impl<'a, T> Future for SetOnceWait<'a, T> {
    type Output = &'a T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'a T> {
        project!(self => this, wait);
        if wait.as_mut().poll(cx).is_pending() {
            hooks::set_wait(this.caller.site(), WaitKind::OnceCell);
            return Poll::Pending;
        }
        Poll::Ready(this.cell.get().expect("the event is set when the cell is full"))
    }
}

impl<T> fmt::Debug for SetOnceWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetOnceWait").field("wait", &self.wait).finish()
    }
}
