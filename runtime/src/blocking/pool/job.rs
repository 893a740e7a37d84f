//! A call to be made on a thread that may block.
//!
//! The invariant of the file:
//! - **J1** `data` belongs to the job, and exactly one of `run` and `refuse` is called with it, once.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// One call: a pointer and what to do with it, so that a task's cell can be its own job without another
/// allocation. A job that is dropped instead of run is refused.
pub(crate) struct Job {
    data: NonNull<()>,
    run: unsafe fn(NonNull<()>),
    refuse: unsafe fn(NonNull<()>),
    /// The end of the pool does not wait for the call.
    pub(crate) may_be_left: bool,
}

// SAFETY: `Job::new` demands that `data` may be used on any thread.
unsafe impl Send for Job {}

impl Job {
    /// A job that calls `run` or, if it is given up, `refuse`, with `data`.
    ///
    /// # Safety
    ///
    /// Either function may be called with `data`, once, on any thread (J1).
    pub(crate) unsafe fn new(
        data: NonNull<()>,
        run: unsafe fn(NonNull<()>),
        refuse: unsafe fn(NonNull<()>),
    ) -> Self {
        Self { data, run, refuse, may_be_left: false }
    }

    /// A job that calls `f`, or drops it.
    #[cfg(test)]
    pub(crate) fn from_fn<F: FnOnce() + Send + 'static>(f: F) -> Self {
        /// # Safety
        ///
        /// `data` is the box of `from_fn`, and ours.
        unsafe fn unbox<F>(data: NonNull<()>) -> Box<F> {
            // SAFETY: made by `Box::leak` below from an `F`, and used once (J1).
            unsafe { Box::from_raw(data.cast().as_ptr()) }
        }
        /// # Safety
        ///
        /// As `unbox`.
        unsafe fn run<F: FnOnce()>(data: NonNull<()>) {
            // SAFETY: says the caller.
            let f = unsafe { unbox::<F>(data) };
            f();
        }
        /// # Safety
        ///
        /// As `unbox`.
        unsafe fn refuse<F>(data: NonNull<()>) {
            // SAFETY: says the caller.
            drop(unsafe { unbox::<F>(data) });
        }
        let data = NonNull::from(Box::leak(Box::new(f))).cast();
        // SAFETY: `F` is `Send` and `'static`, and the job owns the box.
        unsafe { Self::new(data, run::<F>, refuse::<F>) }
    }

    /// Makes the call.
    pub(crate) fn run(self) {
        let this = ManuallyDrop::new(self);
        // SAFETY: the one call, since `Drop` is kept from running (J1).
        unsafe { (this.run)(this.data) }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // SAFETY: the one call, since `run` keeps `Drop` from running (J1).
        unsafe { (self.refuse)(self.data) }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("data", &self.data).finish()
    }
}
