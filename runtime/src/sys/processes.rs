//! Processes on Linux: descriptors that stand for them, and who is at the other end of a socket.
//!
//! The invariants of the file:
//! - **P1** A descriptor that is passed is borrowed for the call, and so is memory, with its length; the other
//!   arguments are numbers or null.
//! - **P2** A descriptor that the system has just made belongs to nobody else.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use libc::{c_int, pid_t};

use super::check;

/// Opens a descriptor that stands for the process `id`, closed in child processes.
///
/// # Errors
///
/// Those of the system's `pidfd_open`, which Linux has since 5.3.
pub fn open_process(id: pid_t) -> io::Result<OwnedFd> {
    // SAFETY: numbers only (P1).
    let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, id, 0) })?;
    // SAFETY: the system has just made it (P2).
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Sends a signal to the process that a descriptor stands for.
///
/// # Errors
///
/// Those of the system's `pidfd_send_signal`.
pub fn signal_process(process: BorrowedFd<'_>, signal: c_int) -> io::Result<()> {
    let no_details = ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open, and the rest are numbers and null (P1).
    check(unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, no_details, 0)
    })
    .map(drop)
}

/// Who was at the other end of a Unix socket when it was connected.
///
/// # Errors
///
/// Those of the system's `getsockopt`.
pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<libc::ucred> {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and there is room for so many bytes, all values of which are numbers (P1).
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut size,
        )
    })?;
    Ok(peer)
}
