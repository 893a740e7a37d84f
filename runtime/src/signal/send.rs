//! Sending signals.
//!
//! The invariants of the file:
//! - **N1** `kill` takes two numbers, and reads and writes nothing of this process.

use std::io;

use libc::{c_int, pid_t};

use super::{SignalKind, disposition};

/// Sends a signal to this process.
///
/// When it returns, the signal has had its effect: listeners find it at their next poll. (A thread that
/// blocks the signal leaves it to the others.)
///
/// # Errors
///
/// When the kind's number is no signal.
///
/// # Examples
///
/// ```
/// use corio_runtime::signal::{self, SignalKind};
///
/// # corio_runtime::run(async {
/// let mut hangups = signal::signal(SignalKind::hangup())?;
/// signal::raise(SignalKind::hangup())?;
/// hangups.recv().await;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias("raise_signal", "kill"))]
pub fn raise(kind: SignalKind) -> io::Result<()> {
    disposition::raise(kind.as_raw())
        .map_err(|error| io::Error::new(error.kind(), format!("cannot raise {kind}: {error}")))
}

/// Sends a signal to the process `target`, or, if it is negative, to the process group `-target`.
///
/// For `corio-io`, which knows that the number still belongs to a child.
///
/// # Errors
///
/// Those of the system's `kill`.
#[doc(hidden)]
pub fn send(target: pid_t, kind: SignalKind) -> io::Result<()> {
    let signal: c_int = kind.as_raw();
    // SAFETY: the call takes two numbers (N1).
    if unsafe { libc::kill(target, signal) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
