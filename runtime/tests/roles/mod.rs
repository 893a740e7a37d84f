//! Roles for programs that have the test `role` at their root, and that hear Ctrl-C whatever runs them.

#[path = "../../../tests/common/roles.rs"]
mod shared;

use shared::InRole;
pub(crate) use shared::{Role, say};

/// Plays the role that this process was started for, if any.
pub(crate) fn play(roles: &[Role]) {
    if shared::own().is_some() {
        // The program that runs the tests may ignore Ctrl-C, and this one would then too.
        // SAFETY: the default action is always allowed.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    }
    shared::play(roles);
}

/// Starts a process in a role and waits until it says `ready`.
pub(crate) fn start(role: &str) -> InRole {
    InRole::start("role", role)
}
