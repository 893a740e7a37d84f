//! What goes wrong in other runtimes, tried on this one. The ids in the names are those of the table
//! in `docs/faults.md`.

#![allow(clippy::async_yields_async, reason = "handles that leave their task are the point")]

#[path = "../kit/mod.rs"]
mod kit;
#[path = "../roles/mod.rs"]
mod roles;
mod support;

mod clocks;
mod drops;
mod ends;
mod threads;
mod wakeups;

use crate::kit::{multi, single};
use crate::roles::{Role, say};

const ROLES: &[Role] = &[
    ("is stopped, single", || wakeups::is_stopped(&single())),
    ("is stopped, multi", || wakeups::is_stopped(&multi(2))),
    ("sleeps late", clocks::sleeps_late),
    ("has no threads", || {
        say("ready");
        threads::has_no_threads();
    }),
    ("exits", ends::exits_from_a_task),
    ("busy panic hook", ends::has_a_busy_panic_hook),
];

/// Does nothing, except in a process that was started for a role.
#[test]
fn role() {
    roles::play(ROLES);
}
