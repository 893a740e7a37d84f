//! A value that is made once, when it is first asked for.
//!
//! The invariants of the file:
//! - **C1** While `full` is false the slot is touched only by the holder of the one permit, who sets
//!   `full` after it has written the value.
//! - **C2** While `full` is true the slot holds the value and is only read, until `&mut self` or the
//!   drop.
#![allow(unsafe_code, reason = "a shared slot that is written once: C1 and C2 are above")]

mod lazy;

#[cfg(all(test, corio_loom))]
mod loom;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::blocking;
use crate::hooks::{self, Caller, WaitKind};
use crate::prim::{AtomicBool, Ordering, UnsafeCell, const_fn};
use crate::semaphore::Semaphore;

pub use lazy::Lazy;

/// A cell that is filled once, by whoever comes first.
///
/// # Examples
///
/// ```
/// use corio_sync::OnceCell;
///
/// let cell = OnceCell::new();
/// assert_eq!(cell.get(), None);
/// # let next = async {
/// let value = cell.get_or_init(|| async { 7 }).await;
/// assert_eq!(*value, 7);
/// # };
/// # let mut next = std::pin::pin!(next);
/// # let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(next.as_mut().poll(&mut cx).is_ready());
/// assert_eq!(cell.set(8).unwrap_err().into_inner(), 8);
/// ```
pub struct OnceCell<T> {
    /// The value is there.
    full: AtomicBool,
    value: UnsafeCell<Option<T>>,
    /// One permit to fill the cell; closed when that is done.
    turn: Semaphore,
}

// SAFETY: the cell owns its value; sending it sends that.
unsafe impl<T: Send> Send for OnceCell<T> {}
// SAFETY: `&OnceCell` shares the value, and `set` and the initialisers send one in.
unsafe impl<T: Send + Sync> Sync for OnceCell<T> {}

// A panic while the value is made leaves no value; std's `OnceLock` has the same bounds.
impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for OnceCell<T> {}

/// Why [`OnceCell::set`] did not take a value; it holds the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SetError<T> {
    /// The cell has a value.
    AlreadyInitialized(T),
    /// Somebody is making the value right now.
    Initializing(T),
}

impl<T> SetError<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        match self {
            Self::AlreadyInitialized(value) | Self::Initializing(value) => value,
        }
    }
}

impl<T> fmt::Debug for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyInitialized(_) => "AlreadyInitialized(..)",
            Self::Initializing(_) => "Initializing(..)",
        })
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyInitialized(_) => "the cell has a value: `get` gives it",
            Self::Initializing(_) => "the cell's value is being made: `get_or_init` waits for it",
        })
    }
}

impl<T> std::error::Error for SetError<T> {}

impl<T> OnceCell<T> {
    const_fn! {
        /// Makes an empty cell.
        #[doc(alias = "const_new")]
        pub fn new() -> Self {
            Self {
                full: AtomicBool::new(false),
                value: UnsafeCell::new(None),
                turn: Semaphore::new(1),
            }
        }
    }

    /// Whether the value is there.
    #[inline]
    pub fn initialized(&self) -> bool {
        // Ordering: Acquire sees the value. Pairs with the Release in `fill`.
        self.full.load(Ordering::Acquire)
    }

    /// The value, if it is there.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if !self.initialized() {
            return None;
        }
        // SAFETY: full, so the slot is only read as long as `self` is borrowed (C2).
        self.value.with(|v| unsafe { (*v).as_ref() })
    }

    /// The value, which nobody else can reach now.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: `&mut self` excludes everybody else.
        self.value.with_mut(|v| unsafe { (*v).as_mut() })
    }

    /// Puts a value in.
    ///
    /// # Errors
    ///
    /// [`SetError`] with the value, when the cell has one or one is being made.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        if self.initialized() {
            return Err(SetError::AlreadyInitialized(value));
        }
        match self.turn.try_acquire() {
            Ok(permit) => {
                // Closed for ever once it is full.
                permit.forget();
                self.fill(value);
                Ok(())
            }
            Err(_) if self.initialized() => Err(SetError::AlreadyInitialized(value)),
            Err(_) => Err(SetError::Initializing(value)),
        }
    }

    /// Fills the cell; the caller has the permit, and keeps it for ever.
    fn fill(&self, value: T) -> &T {
        // SAFETY: not full, and the caller has the one permit (C1).
        self.value.with_mut(|v| unsafe { *v = Some(value) });
        // Ordering: Release publishes the value. Pairs with the Acquire in `initialized`.
        self.full.store(true, Ordering::Release);
        self.turn.close();
        self.get().expect("it was just filled")
    }

    /// The value; makes it with `init` if nobody has, waits if somebody does.
    ///
    /// If the one who makes it is cancelled or panics, the next one makes it. An `init` that asks the
    /// same cell for its value waits for ever.
    ///
    /// # Cancel safety
    ///
    /// Safe, but what `init` has done so far is dropped, and the next caller begins anew.
    #[track_caller]
    pub fn get_or_init<F, Fut>(&self, init: F) -> impl Future<Output = &T>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        let caller = Caller::here();
        async move {
            let init = || async { Ok::<T, Infallible>(init().await) };
            match self.init_at(caller, init).await {
                Ok(value) => value,
                Err(never) => match never {},
            }
        }
    }

    /// The value, blocking this thread while somebody makes it; makes it with `init` if nobody has.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        hooks::forbid_blocking("OnceCell::blocking_get_or_init");
        blocking::block_on(self.get_or_init(async || init()))
    }

    /// The value; makes it with `init` if nobody has, waits if somebody does.
    ///
    /// # Errors
    ///
    /// That of `init`; the cell stays empty, and the next one makes the value.
    ///
    /// # Cancel safety
    ///
    /// Safe, but what `init` has done so far is dropped, and the next caller begins anew.
    #[track_caller]
    pub fn get_or_try_init<F, Fut, E>(&self, init: F) -> impl Future<Output = Result<&T, E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.init_at(Caller::here(), init)
    }

    async fn init_at<F, Fut, E>(&self, caller: Caller, init: F) -> Result<&T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        // Nearly always nobody else makes it, and then there is no wait to prepare.
        let permit = match self.turn.try_acquire() {
            Ok(permit) => permit,
            Err(_) => match self.turn.acquire_at(caller, WaitKind::OnceCell).await {
                Ok(permit) => permit,
                Err(_) => return Ok(self.get().expect("closed when full")),
            },
        };
        let value = init().await?;
        permit.forget();
        Ok(self.fill(value))
    }

    /// Takes the value out.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out and leaves the cell empty.
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        let cell = Self::new();
        cell.turn.forget_permits(1);
        cell.fill(value);
        cell
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    fn clone(&self) -> Self {
        self.get().cloned().map_or_else(Self::new, Self::from)
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell").field("value", &self.get()).finish()
    }
}
