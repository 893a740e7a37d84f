//! Foreign code must not unwind through the run loop.

/// Ends the process when it is dropped by unwinding.
///
/// Every call of foreign code from the run loop is caught where it is made. If something unwinds all
/// the same, thread-locals would point at what is no longer there, and a task would be left half
/// polled: there is nothing sound to go on with.
pub(crate) struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        crate::say::say(format_args!(
            "a panic got into the run loop, which cannot go on: this is a bug of corio"
        ));
        std::process::abort();
    }
}

impl AbortOnUnwind {
    /// Runs `f`, which must not unwind.
    #[inline]
    pub(crate) fn during<R>(f: impl FnOnce() -> R) -> R {
        let guard = Self;
        let result = f();
        std::mem::forget(guard);
        result
    }
}
