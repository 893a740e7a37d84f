//! Locks, channels and queues of the corio async runtime.
//!
//! Nothing here needs a runtime: every primitive knows [`std::task::Waker`] and nothing else, so it
//! works under any executor and from plain threads.

#[doc(hidden)]
pub mod hooks;
#[doc(hidden)]
pub mod prim;
