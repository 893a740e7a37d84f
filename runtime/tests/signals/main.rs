//! Signals, sent by the process to itself.
//!
//! A signal is the whole process's, so the tests take turns.

#[path = "../kit/mod.rs"]
mod kit;
#[path = "../roles/mod.rs"]
mod roles;
mod support;

mod ctrl_c;
mod handlers;
mod listening;
mod storms;

/// Does nothing, except in a process that `roles::start` has started.
#[test]
fn role() {
    roles::play(ctrl_c::ROLES);
}
