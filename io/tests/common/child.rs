//! Tests that are programs: a test starts itself again as a child, with a role to play.
#![allow(dead_code, reason = "no test needs all of it")]

use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

const ROLE: &str = "CORIO_TEST_ROLE";

/// The role of this process, if it is such a child.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// The command that starts this test program with a role, running only the test `name`.
pub(crate) fn command(name: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

/// Waits for the end of a child that should end soon; a minute is far too long.
pub(crate) fn ended(mut child: Child) -> ExitStatus {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begin.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("the child did not end by itself");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
