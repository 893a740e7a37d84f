//! Descriptors of any kind: their modes, pipes, a wait for several, a write.
//!
//! The invariants of the file:
//! - **F1** A descriptor that is passed is borrowed for the call, and so is all memory, with its length.
//! - **F2** A descriptor that the system has just made belongs to nobody else.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use libc::{c_int, c_short};

use super::{check, millis};

/// The access mode and the flags of an open file: `O_RDONLY`, `O_NONBLOCK`, and so on.
///
/// # Errors
///
/// Those of the system's `fcntl`.
pub fn status_flags(fd: BorrowedFd<'_>) -> io::Result<c_int> {
    // SAFETY: the descriptor is open, and the call has no further argument (F1).
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) }).map(|flags| flags as c_int)
}

/// Sets the flags of an open file; its access mode stays as it is.
///
/// # Errors
///
/// Those of the system's `fcntl`.
pub fn set_status_flags(fd: BorrowedFd<'_>, flags: c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open, and the argument is a number (F1).
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags) }).map(drop)
}

/// Makes a pipe: the end to read from, the end to write to. Both are non-blocking, and closed in child processes.
///
/// # Errors
///
/// Those of the system: no descriptor is left.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: there is room for two descriptors (F1).
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) })?;
    #[cfg(target_vendor = "apple")]
    // SAFETY: as above.
    check(unsafe { libc::pipe(ends.as_mut_ptr()) })?;
    // SAFETY: the system has just made them (F2).
    let ends = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    #[cfg(target_vendor = "apple")]
    for end in &ends {
        // The system has no call that does it all at once.
        // SAFETY: the descriptor is open, and the argument is a number (F1).
        check(unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) })?;
        use std::os::fd::AsFd;
        set_status_flags(end.as_fd(), status_flags(end.as_fd())? | libc::O_NONBLOCK)?;
    }
    let [read, write] = ends;
    Ok((read, write))
}

/// A descriptor to wait for, and what came of it.
#[derive(Debug)]
#[repr(transparent)]
pub struct PollFd<'fd> {
    raw: libc::pollfd,
    fd: PhantomData<BorrowedFd<'fd>>,
}

impl<'fd> PollFd<'fd> {
    /// Waits until there is something to be read, or an end or an error to be found.
    pub fn readable(fd: BorrowedFd<'fd>) -> Self {
        Self::new(fd, libc::POLLIN)
    }

    /// Waits until there is room for a write, or an error to be found.
    pub fn writable(fd: BorrowedFd<'fd>) -> Self {
        Self::new(fd, libc::POLLOUT)
    }

    fn new(fd: BorrowedFd<'fd>, events: c_short) -> Self {
        let raw = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
        Self { raw, fd: PhantomData }
    }

    /// Whether the last [`poll`] found it ready.
    pub fn is_ready(&self) -> bool {
        self.raw.revents != 0
    }
}

/// Waits until some of `fds` are ready or `timeout`, counted in milliseconds, is over; says how many are.
///
/// # Errors
///
/// Those of the system's `poll`; [`Interrupted`](io::ErrorKind::Interrupted) by a signal.
pub fn poll(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<usize> {
    let count = fds.len() as libc::nfds_t;
    // SAFETY: the elements have the layout of the system's, and there are so many (F1).
    check(unsafe { libc::poll(fds.as_mut_ptr().cast(), count, millis(timeout)) })
}

/// Writes some of `bytes`; says how many.
///
/// # Errors
///
/// Those of the system's `write`.
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the descriptor is open, and the memory is borrowed, with its length (F1).
    check(unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) })
}
