//! Descriptors that stand for processes. Linux has them; elsewhere these functions say that there is none.

use std::io::Result;
#[cfg(target_os = "linux")]
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use corio_runtime::signal::{self, SignalKind};

/// What the system says when the process is not a child, or its status has been taken.
pub(super) const NO_SUCH_CHILD: i32 = libc::ECHILD;

/// A descriptor for the process `id`, which is a child whose status has not been taken. It is closed in
/// children.
#[cfg(target_os = "linux")]
pub(super) fn open(id: u32) -> Option<OwnedFd> {
    // Old kernels, some sandboxes, and a process without descriptors to spare say no: SIGCHLD will do.
    corio_runtime::sys::open_process(id as i32).ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open(_id: u32) -> Option<OwnedFd> {
    None
}

/// Sends a signal to the process of `pidfd`, whose number is `id`.
pub(super) fn send(pidfd: &OwnedFd, id: u32, kind: SignalKind) -> Result<()> {
    #[cfg(target_os = "linux")]
    match corio_runtime::sys::signal_process(pidfd.as_fd(), kind.as_raw()) {
        // A sandbox that lets descriptors be opened, and not be used.
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {}
        result => return result,
    }
    #[cfg(not(target_os = "linux"))]
    let _ = pidfd;
    signal::send(id as i32, kind)
}
