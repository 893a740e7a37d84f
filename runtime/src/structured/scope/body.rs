//! The body of a scope, without its type.
//!
//! A body's type depends on the lifetime of the scope that it is given. The compiler cannot see that a
//! future is `Send` if it holds one of a type that is known for any lifetime only, and does not accept
//! such a type as a `dyn Future + 's` either. So the body goes into a box that knows neither type nor
//! lifetime, and a trait says of each body that it is `Send`.
//!
//! The invariants of the file:
//! - **Y1** `Body::future` comes from `Box::leak` of a box with the `Fut` for which
//!   `poll` and `free` were made, and is freed once, when the `Body` is dropped.
//! - **Y2** `Fut` is `Send`: `ScopeBody` is implemented for no other.
//! - **Y3** Whoever called `start` keeps the `Body` within the life of what the future borrows.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// A body of a [`scope`](super::scope), which is `Send`. Implemented for async closures that take a
/// [`Scope`](super::Scope).
pub trait ScopeBody<S, T>: sealed::Sealed<S, T> {
    /// Starts the body.
    ///
    /// # Safety
    ///
    /// The caller drops what it gets before anything goes that the body has borrowed.
    #[doc(hidden)]
    unsafe fn start(self, scope: S) -> Body<T>;
}

mod sealed {
    use super::Future;

    pub trait Sealed<S, T> {}

    impl<S, T, F, Fut> Sealed<S, T> for F
    where
        F: FnOnce(S) -> Fut,
        Fut: Future<Output = T> + Send,
    {
    }
}

impl<S, T, F, Fut> ScopeBody<S, T> for F
where
    F: FnOnce(S) -> Fut,
    Fut: Future<Output = T> + Send,
{
    unsafe fn start(self, scope: S) -> Body<T> {
        Body::new(self(scope))
    }
}

/// A future of some `Send` type.
pub struct Body<T> {
    future: NonNull<()>,
    poll: unsafe fn(NonNull<()>, &mut Context<'_>) -> Poll<T>,
    free: unsafe fn(NonNull<()>),
}

// SAFETY: it is nothing but a future that is `Send` (Y2).
unsafe impl<T> Send for Body<T> {}

impl<T> Body<T> {
    fn new<Fut: Future<Output = T> + Send>(future: Fut) -> Self {
        let future = NonNull::from(Box::leak(Box::new(future))).cast();
        Self { future, poll: poll::<Fut>, free: free::<Fut> }
    }
}

/// # Safety
///
/// `future` is a `Fut` in a box that is pinned there (Y1).
unsafe fn poll<Fut: Future>(future: NonNull<()>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
    // SAFETY: the caller's promise; it is freed where it lies.
    unsafe { Pin::new_unchecked(future.cast::<Fut>().as_mut()) }.poll(cx)
}

/// # Safety
///
/// `future` is a `Fut` in a box, which nobody uses again (Y1).
unsafe fn free<Fut>(future: NonNull<()>) {
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(future.cast::<Fut>().as_ptr()) });
}

impl<T> Future for Body<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // SAFETY: the pointer is alive and of the type of `poll` (Y1, Y3), and `self` is borrowed
        // uniquely.
        unsafe { (self.poll)(self.future, cx) }
    }
}

impl<T> Drop for Body<T> {
    fn drop(&mut self) {
        // SAFETY: of the type of `free`, and freed here only (Y1, Y3).
        unsafe { (self.free)(self.future) };
    }
}

impl<T> fmt::Debug for Body<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}
