//! A value that knows how it is made.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::OnceCell;
use crate::blocking;
use crate::hooks;
use crate::prim::const_fn;

/// What makes a [`Lazy`] in a static.
type Init<T> = fn() -> Pin<Box<dyn Future<Output = T> + Send>>;

/// A value that is made by a future when it is first asked for.
///
/// # Examples
///
/// ```
/// use corio_sync::Lazy;
///
/// static ANSWER: Lazy<u32> = Lazy::new(|| Box::pin(async { 42 }));
///
/// # let next = async {
/// assert_eq!(*ANSWER.get().await, 42);
/// # };
/// # let mut next = std::pin::pin!(next);
/// # let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(next.as_mut().poll(&mut cx).is_ready());
/// assert_eq!(ANSWER.try_get(), Some(&42));
/// ```
pub struct Lazy<T, F = Init<T>> {
    cell: OnceCell<T>,
    init: F,
}

impl<T, F> Lazy<T, F> {
    const_fn! {
        /// A value that `init` will make.
        pub fn new(init: F) -> Self {
            Self { cell: OnceCell::new(), init }
        }
    }

    /// The value, if it was made.
    pub fn try_get(&self) -> Option<&T> {
        self.cell.get()
    }
}

impl<T, F, Fut> Lazy<T, F>
where
    F: Fn() -> Fut,
    Fut: Future<Output = T>,
{
    /// The value; makes it if nobody has, waits if somebody does.
    ///
    /// # Cancel safety
    ///
    /// Safe, but what was done so far to make it is dropped, and the next caller begins anew.
    #[track_caller]
    pub fn get(&self) -> impl Future<Output = &T> {
        self.cell.get_or_init(&self.init)
    }

    /// The value, blocking this thread while it is made.
    ///
    /// # Panics
    ///
    /// When called inside a task.
    #[track_caller]
    pub fn blocking_get(&self) -> &T {
        hooks::forbid_blocking("Lazy::blocking_get");
        blocking::block_on(self.get())
    }
}

impl<T: fmt::Debug, F> fmt::Debug for Lazy<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lazy").field("value", &self.try_get()).finish()
    }
}
