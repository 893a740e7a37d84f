//! Descriptors that stand for processes. Linux has them; elsewhere these functions say that there is none.

use std::io::Result;
use std::os::fd::OwnedFd;

use corio_runtime::signal::{self, SignalKind};

/// What the system says when the process is not a child, or its status has been taken.
pub(super) const NO_SUCH_CHILD: i32 = rustix::io::Errno::CHILD.raw_os_error();

/// A descriptor for the process `id`, which is a child whose status has not been taken. It is closed in
/// children.
#[cfg(target_os = "linux")]
pub(super) fn open(id: u32) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    // Old kernels, some sandboxes, and a process without descriptors to spare say no: SIGCHLD will do.
    pidfd_open(Pid::from_raw(id as i32)?, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open(_id: u32) -> Option<OwnedFd> {
    None
}

/// Sends a signal to the process of `pidfd`, whose number is `id`.
#[cfg(target_os = "linux")]
pub(super) fn send(pidfd: &OwnedFd, id: u32, kind: SignalKind) -> Result<()> {
    use rustix::process::{Signal, pidfd_send_signal};

    match Signal::from_named_raw(kind.as_raw()) {
        Some(signal) => Ok(pidfd_send_signal(pidfd, signal)?),
        // One of the real-time signals, or a number that the system refuses.
        None => signal::send(id as i32, kind),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn send(_pidfd: &OwnedFd, id: u32, kind: SignalKind) -> Result<()> {
    signal::send(id as i32, kind)
}
