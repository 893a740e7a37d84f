//! Tests of what ends a process: the test program starts itself again, to play a role.
#![allow(dead_code, reason = "no program uses all of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

const ROLE: &str = "CORIO_TEST_ROLE";

/// What becomes of Ctrl-C in the process is what the one that starts it has chosen.
pub(crate) const KEEPS_CTRL_C: &str = "CORIO_TEST_KEEPS_CTRL_C";

/// A process that does not end by itself fails its test.
const LIMIT: Duration = Duration::from_secs(60);

/// A name, and what the process that plays the role does.
pub(crate) type Role = (&'static str, fn());

/// The role that this process was started for, if any.
pub(crate) fn own() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Plays the role that this process was started for, if any. Called by a test that does nothing else.
pub(crate) fn play(roles: &[Role]) {
    let Some(role) = own() else { return };
    if std::env::var_os(KEEPS_CTRL_C).is_none() {
        // The tests may run where Ctrl-C is ignored, as a shell's programs in the background do, and this
        // process would ignore it, too.
        // SAFETY: the default action is always allowed.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    }
    std::thread::spawn(|| {
        std::thread::sleep(LIMIT);
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

/// Has the shell send an interrupt to a process.
pub(crate) fn interrupt(process: u32) {
    let kill = format!("kill -INT {process}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// A process that plays a role.
pub(crate) struct InRole {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl InRole {
    /// Starts it, by the test with the path `test`, and waits until it says `ready`.
    pub(crate) fn start(test: &str, role: &str) -> Self {
        Self::start_by(Command::new(std::env::current_exe().unwrap()), test, role)
    }

    /// The same, by a `program` that does something before it becomes this one.
    pub(crate) fn start_by(mut program: Command, test: &str, role: &str) -> Self {
        let command = program
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut this = Self { child, lines };
        assert!(this.says("ready"), "{role} ended before it was ready");
        this
    }

    /// The same, with what it says on stderr for [`end_with_errors`](Self::end_with_errors).
    pub(crate) fn start_heard(test: &str, role: &str) -> Self {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.stderr(Stdio::piped());
        Self::start_by(program, test, role)
    }

    /// Waits for a line; `false` if the process ends without it.
    pub(crate) fn says(&mut self, line: &str) -> bool {
        self.lines.any(|said| said.unwrap() == line)
    }

    pub(crate) fn press_ctrl_c(&self) {
        interrupt(self.child.id());
    }

    /// Gives it a line on its stdin.
    pub(crate) fn answer(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Waits for its end, pressing Ctrl-C again and again.
    pub(crate) fn press_until_it_ends(mut self) -> ExitStatus {
        while self.child.try_wait().unwrap().is_none() {
            self.press_ctrl_c();
            std::thread::sleep(Duration::from_millis(5));
        }
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Waits for its end; gives its status, and what it has said on stderr.
    pub(crate) fn end_with_errors(mut self) -> (ExitStatus, String) {
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.end(), errors)
    }
}

impl Drop for InRole {
    fn drop(&mut self) {
        // Whatever has become of the test, it leaves no process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
