//! Waiting a moment for a lock that another thread holds, before joining its line.
//!
//! A lock is mostly held for less time than it takes to join a line, and far less than a thread takes to
//! go to sleep and come back. And a fair lock that has a line is handed over at every release, from
//! thread to thread, for as long as both come back for it before the other is done: a convoy, in which
//! each turn costs a wake-up. So whoever finds a lock taken, and nobody in the line, tries again for a
//! few microseconds, ever less often; what a thread learns of that keeps it from trying in vain.

use std::ops::ControlFlow;

use crate::prim::Linger;

thread_local! {
    static LINGER: Linger = const { Linger::new() };
}

/// Attempts for a few microseconds to take a lock; tells whether it was got. `attempt` breaks with whether
/// it got the lock, or whether it is no use to go on, because others wait in line.
#[cold]
pub(crate) fn contend(attempt: impl Fn() -> ControlFlow<bool>) -> bool {
    LINGER.try_with(|linger| linger.contend(attempt)).unwrap_or(false)
}
