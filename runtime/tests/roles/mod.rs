//! Roles for programs that have the test `role` at their root.

#[path = "../../../tests/common/roles.rs"]
mod shared;

use shared::InRole;
pub(crate) use shared::{Role, play, say};

/// Starts a process in a role and waits until it says `ready`.
pub(crate) fn start(role: &str) -> InRole {
    InRole::start("role", role)
}
