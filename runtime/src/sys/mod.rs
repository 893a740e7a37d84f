//! Calls of the system that std does not have, without `unsafe` for the crates above, which forbid it.
//!
//! Each function is one call and knows nothing of tasks. A descriptor comes in borrowed, so it is open for as
//! long as the call lasts, and what the system opens goes out owned. The reactor, signals and threads have
//! theirs where they are used.

#[cfg(target_os = "linux")]
mod epoll;
mod fds;
#[cfg(target_os = "linux")]
mod files;
mod memory;
#[cfg(target_os = "linux")]
mod processes;

#[cfg(target_os = "linux")]
pub use epoll::{Epoll, Event, Events, eventfd};
pub use fds::{PollFd, pipe, poll, set_status_flags, status_flags, write};
#[cfg(target_os = "linux")]
pub use files::{Stat, file_system, open_cached, read_cached, send_file, stat, stat_cached};
#[cfg(target_os = "linux")]
pub use memory::prefer_large_pages;
pub use memory::{find_byte, read_within};
#[cfg(target_os = "linux")]
pub use processes::{open_process, peer_credentials, signal_process};

use std::io;
use std::time::Duration;

use libc::c_int;

/// The result of a call that answers with a number, or with -1 and `errno`.
fn check<N: TryInto<usize>>(answer: N) -> io::Result<usize> {
    answer.try_into().map_err(|_| io::Error::last_os_error())
}

/// A timeout in milliseconds, for the calls that count so. It is rounded up: nobody is woken early and looks in
/// vain. -1 is for ever.
pub(crate) fn millis(timeout: Option<Duration>) -> c_int {
    let Some(timeout) = timeout else { return -1 };
    c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
}

#[cfg(all(test, not(corio_loom)))]
mod tests;
