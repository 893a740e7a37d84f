//! Ctrl-C, in a process of its own: this program again, in one of these roles.

use std::os::unix::process::ExitStatusExt;

use corio_runtime::signal::{SignalKind, ctrl_c};
use corio_runtime::time::sleep;
use corio_sync::prim::thread;

use crate::kit::single;
use crate::roles::{self, Role, say};
use crate::support::{LONG, raise};

pub(crate) const ROLES: &[Role] = &[
    ("ctrl_c_once", || {
        single().block_on(async {
            let pressed = ctrl_c();
            say("ready");
            pressed.await.unwrap();
            say("pressed");
            sleep(LONG).await;
        });
    }),
    ("dropped", || {
        drop(ctrl_c());
        say("ready");
        thread::sleep(LONG);
    }),
    ("unseen", || {
        let pressed = ctrl_c();
        raise(SignalKind::interrupt());
        say("ready");
        drop(pressed);
        say("alive");
    }),
];

// ThreadSanitizer holds a signal back while the thread that gets it sleeps in a futex.
#[cfg(not(corio_tsan))]
#[test]
fn g03_the_second_ctrl_c_ends_a_program_that_has_heard_the_first() {
    let mut child = roles::start("ctrl_c_once");
    child.press_ctrl_c();
    assert!(child.says("pressed"));
    child.press_ctrl_c();
    assert_eq!(child.end().signal(), Some(libc::SIGINT));
}

// ThreadSanitizer holds a signal back while the thread that gets it sleeps in a futex.
#[cfg(not(corio_tsan))]
#[test]
fn g03_ctrl_c_ends_a_program_that_has_stopped_to_listen() {
    let child = roles::start("dropped");
    child.press_ctrl_c();
    assert_eq!(child.end().signal(), Some(libc::SIGINT));
}

#[test]
fn g08_a_ctrl_c_that_nobody_has_seen_ends_the_program() {
    let mut child = roles::start("unseen");
    assert!(!child.says("alive"));
    assert_eq!(child.end().signal(), Some(libc::SIGINT));
}
