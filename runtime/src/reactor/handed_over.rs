//! Descriptors that a supervisor has opened for this process (`LISTEN_FDS`, as of systemd's protocol).
//!
//! - **H1** A descriptor is taken only if the environment says that it was handed to this very process.
//! - **H2** They are taken once: a second call finds nothing. Nobody else in the process owns them, since they
//!   were there before it began.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use corio_sync::prim::Ordering;
use corio_sync::prim::statics::AtomicBool;

/// The first of them, by the protocol.
const FIRST: RawFd = 3;

/// Takes the descriptors, each with its name, which may be empty. Later calls give none.
///
/// They are closed on exec from now on.
///
/// # Errors
///
/// When the environment speaks of descriptors that are not open, or is not understood; it names the variable.
pub fn take_handed_over() -> io::Result<Vec<(String, OwnedFd)>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let Some(count) = announced()? else { return Ok(Vec::new()) };
    let range = FIRST..FIRST.saturating_add(count);
    for fd in range.clone() {
        set_cloexec(fd)?;
    }
    // Ordering: Relaxed, whoever is first takes them; they publish nothing.
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let take = |fd| {
        // SAFETY: it is open, was handed to this process (H1), and is taken once (H2).
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        (names.next().unwrap_or_default().to_owned(), owned)
    };
    Ok(range.map(take).collect())
}

/// How many descriptors the environment says are for this process.
fn announced() -> io::Result<Option<RawFd>> {
    let (Some(pid), Some(count)) = (number("LISTEN_PID")?, number("LISTEN_FDS")?) else {
        return Ok(None);
    };
    // A child of the one that they were for inherits the variables, but not the descriptors.
    if pid.unsigned_abs() != std::process::id() {
        return Ok(None);
    }
    Ok(Some(count))
}

fn number(variable: &str) -> io::Result<Option<i32>> {
    let Some(text) = std::env::var_os(variable) else { return Ok(None) };
    let number = text.to_str().and_then(|text| text.parse().ok()).filter(|number| *number >= 0);
    number.map(Some).ok_or_else(|| {
        let what = format!("the variable {variable} is {text:?}, which is not a number");
        io::Error::new(io::ErrorKind::InvalidInput, what)
    })
}

fn set_cloexec(fd: RawFd) -> io::Result<()> {
    // SAFETY: the call looks the number up, and touches no memory.
    if unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        let error = io::Error::last_os_error();
        let what = format!("LISTEN_FDS speaks of descriptor {fd}, which cannot be used: {error}");
        return Err(io::Error::new(error.kind(), what));
    }
    Ok(())
}
