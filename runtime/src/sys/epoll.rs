//! The kernel's selector for those who want one of their own, level-triggered. (The reactor's is mio's.)
//!
//! The invariants of the file:
//! - **E1** A descriptor that is passed is borrowed for the call.
//! - **E2** A descriptor that the system has just made belongs to nobody else.
//! - **E3** The system is told how many events there is room for, and says how many it wrote.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use libc::c_int;

use super::{check, millis};

/// An epoll instance.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

/// A descriptor is ready.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// What it was added with.
    pub token: u64,
    /// `EPOLLIN` and so on.
    pub flags: u32,
}

/// Room for the events of one wait, and the events.
pub struct Events(Vec<libc::epoll_event>);

impl Events {
    /// Room for at most `most` events.
    pub fn with_capacity(most: usize) -> Self {
        Self(Vec::with_capacity(most.max(1)))
    }

    /// What the last wait found.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Event> {
        self.0.iter().map(|event| Event { token: event.u64, flags: event.events })
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Epoll {
    /// Makes one that watches nothing.
    ///
    /// # Errors
    ///
    /// When the system has no descriptor left.
    pub fn new() -> io::Result<Self> {
        // SAFETY: a number goes in.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the system has just made it (E2).
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd as c_int) }))
    }

    /// Watches a descriptor.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) when it is watched,
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) when it cannot be; else those of the system.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64, flags: c_int) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, flags)
    }

    /// Changes the token and the flags of a descriptor.
    ///
    /// # Errors
    ///
    /// [`NotFound`](io::ErrorKind::NotFound) when it is not watched; else those of the system.
    pub fn modify(&self, fd: BorrowedFd<'_>, token: u64, flags: c_int) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, flags)
    }

    /// Watches a descriptor no longer.
    ///
    /// # Errors
    ///
    /// [`NotFound`](io::ErrorKind::NotFound) when it is not watched; else those of the system.
    pub fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }

    fn control(&self, what: c_int, fd: BorrowedFd<'_>, token: u64, flags: c_int) -> io::Result<()> {
        let mut event = libc::epoll_event { events: flags as u32, u64: token };
        // SAFETY: both descriptors are open, and the event is on this stack (E1).
        check(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), what, fd.as_raw_fd(), &raw mut event) })
            .map(drop)
    }

    /// Waits until there are events or `timeout`, counted in milliseconds and rounded up, is over.
    ///
    /// # Errors
    ///
    /// Those of the system's `epoll_wait`; [`Interrupted`](io::ErrorKind::Interrupted) by a signal.
    pub fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let room = c_int::try_from(events.0.capacity()).unwrap_or(c_int::MAX);
        let timeout = millis(timeout);
        events.0.clear();
        // SAFETY: the descriptor is open, and there is room for so many events (E3).
        let count = check(unsafe {
            libc::epoll_wait(self.0.as_raw_fd(), events.0.as_mut_ptr(), room, timeout)
        })?;
        // SAFETY: the system wrote so many (E3).
        unsafe { events.0.set_len(count) };
        Ok(())
    }
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A counter that can be waited for: non-blocking, and closed in child processes.
///
/// # Errors
///
/// When the system has no descriptor left.
pub fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: numbers go in.
    let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
    // SAFETY: the system has just made it (E2).
    Ok(unsafe { OwnedFd::from_raw_fd(fd as c_int) })
}
