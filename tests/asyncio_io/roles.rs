//! This program again, in a process of its own, to play a role.

use std::os::unix::process::ExitStatusExt;

use corio::process::{Command, ExitStatus, Stdio};

const ROLE: &str = "CORIO_TEST_ROLE";

/// A name, and what the process that plays the role does.
type Role = (&'static str, fn());

const ROLES: [Role; 5] = [
    ("parent of a reader", super::mp::parent_of_a_reader),
    ("standard streams are closed", super::mp::standard_streams_are_closed),
    ("a runtime of its own", super::mp::a_runtime_of_its_own),
    ("main is cancelled", super::syssig::main_is_cancelled),
    ("main ends by itself", super::syssig::main_ends_by_itself),
];

/// Does nothing, except in a process that [`in_role`] has started.
#[test]
fn role() {
    if let Ok(role) = std::env::var(ROLE) {
        let (_, run) = ROLES.iter().find(|(name, _)| *name == role).expect("a role of the list");
        run();
    }
}

/// A command that plays a role, with its output piped.
pub(crate) fn in_role(role: &str) -> Command {
    in_role_by(Command::new(std::env::current_exe().unwrap()), role)
}

/// The same, run by a line of shell as its `"$@"`.
pub(crate) fn in_role_by_shell(role: &str, line: &str) -> Command {
    let mut shell = corio::process::shell(line);
    shell.arg("sh").arg(std::env::current_exe().unwrap());
    in_role_by(shell, role)
}

fn in_role_by(mut command: Command, role: &str) -> Command {
    command
        .args(["--exact", "roles::role", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The signal that has ended a process, or its exit status.
pub(crate) fn signal_or_code(status: ExitStatus) -> (Option<i32>, Option<i32>) {
    (status.signal(), status.code())
}
