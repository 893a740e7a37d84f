//! The system calls of the reactor, each behind a gate that tests can count and fail.

use std::io;
use std::os::fd::RawFd;

use mio::unix::SourceFd;
use mio::{Registry, Token, Waker};

use super::readiness::Interest;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{Buffer, Selector};

#[cfg(any(test, not(target_os = "linux")))]
mod other;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{Buffer, Selector};

#[cfg(test)]
pub(crate) mod faults;

/// The calls that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Makes the selector (`epoll_create1`, `kqueue`).
    Create,
    /// Makes the waker (`eventfd2` and its registration).
    MakeWaker,
    /// Adds a descriptor (`epoll_ctl` ADD).
    Add,
    /// Takes a descriptor out (`epoll_ctl` DEL).
    Remove,
    /// Waits for events (`epoll_pwait2`, `epoll_wait`, `kevent`).
    Wait,
    /// The `epoll_pwait2` in it.
    #[cfg(target_os = "linux")]
    PreciseWait,
    /// Wakes a sleeper (a write to the eventfd).
    Wake,
}

/// Where a test's fault plan steps in; nothing in other builds.
#[inline(always)]
pub(crate) fn gate(_call: Call) -> io::Result<()> {
    #[cfg(test)]
    faults::step(_call)?;
    Ok(())
}

/// Makes the waker of a selector.
pub(crate) fn make_waker(registry: &Registry, token: Token) -> io::Result<Waker> {
    gate(Call::MakeWaker)?;
    Waker::new(registry, token)
}

/// Adds `fd` to the selector, edge-triggered.
pub(crate) fn add(
    registry: &Registry,
    fd: RawFd,
    token: Token,
    interest: Interest,
) -> io::Result<()> {
    gate(Call::Add)?;
    registry.register(&mut SourceFd(&fd), token, to_mio(interest))
}

/// Takes `fd` out of the selector.
pub(crate) fn remove(registry: &Registry, fd: RawFd) -> io::Result<()> {
    gate(Call::Remove)?;
    registry.deregister(&mut SourceFd(&fd))
}

/// Makes a sleeping wait return.
pub(crate) fn wake(waker: &Waker) -> io::Result<()> {
    gate(Call::Wake)?;
    waker.wake()
}

fn to_mio(interest: Interest) -> mio::Interest {
    // Urgent data stops reads short; only the event for it tells (see `URGENT`).
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let read = mio::Interest::READABLE | mio::Interest::PRIORITY;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let read = mio::Interest::READABLE;
    match interest {
        Interest::Read => read,
        Interest::Write => mio::Interest::WRITABLE,
        Interest::Both => read | mio::Interest::WRITABLE,
    }
}
