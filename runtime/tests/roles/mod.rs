//! Tests of what ends a process: the test program starts itself again, to play a role.
#![allow(dead_code, reason = "not every test program that has this module needs all of it")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use corio_sync::prim::thread;

const ROLE: &str = "CORIO_TEST_ROLE";

/// A name, and what the process that plays the role does.
pub(crate) type Role = (&'static str, fn());

/// Plays the role that this process was started for, if any. Called by a test with the name `role`.
pub(crate) fn play(roles: &[Role]) {
    let Ok(role) = std::env::var(ROLE) else { return };
    // The program that runs the tests may ignore Ctrl-C, and this one would then too.
    // SAFETY: the default action is always allowed.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    // Whatever becomes of the test, no process is left behind.
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(300));
        std::process::exit(1);
    });
    let (_, run) = roles.iter().find(|(name, _)| *name == role).expect("a role of the list");
    run();
}

/// Prints a line for [`InRole::says`].
pub(crate) fn say(line: &str) {
    // The test harness would keep what `println!` writes.
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{line}").unwrap();
    out.flush().unwrap();
}

/// A process that plays a role.
pub(crate) struct InRole {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl InRole {
    /// Starts it and waits until it says `ready`.
    pub(crate) fn start(role: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "role", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut this = Self { child, lines };
        assert!(this.says("ready"), "{role} ended before it was ready");
        this
    }

    /// Waits for a line; `false` if the process ends without it.
    pub(crate) fn says(&mut self, line: &str) -> bool {
        self.lines.any(|said| said.unwrap() == line)
    }

    /// Sends SIGINT.
    pub(crate) fn press_ctrl_c(&self) {
        // SAFETY: the call takes two numbers, and the child has not been waited for: the id is its.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, libc::SIGINT) }, 0);
    }

    /// Waits for its end, pressing Ctrl-C again and again.
    pub(crate) fn press_until_it_ends(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            self.press_ctrl_c();
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Gives it a line on its stdin.
    pub(crate) fn answer(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}
