//! Child processes: start them, talk to them, wait for them, end them.
//!
//! *How do I run a program?*
//!
//! | I want to | use |
//! |---|---|
//! | run it and know whether it worked | [`Command::status`] |
//! | run it and have its output | [`Command::output`] |
//! | give it input, too | [`Child::communicate`] |
//! | talk to it, line by line | [`Command::spawn`], and the pipes in the [`Child`] |
//! | run a line of shell | [`shell`] |
//! | end it politely, and then for certain | [`ChildHandle::stop`] |
//! | end it from another task | [`Child::handle`] |
//! | end all that it has started, too | [`Command::own_group`] |
//!
//! asyncio's `create_subprocess_exec`, `create_subprocess_shell` and `Process`.
//!
//! # What is left of a child
//!
//! Nothing. The exit status of each child is taken when it ends, whether somebody waits, its [`Child`] was
//! dropped, or the runtime is long gone. A child that is killed because its `Child` was dropped (see
//! [`Command::kill_on_drop`]) has ended before the task that dropped it is done. And a signal is sent
//! only as long as the process id is certain to be the child's own.
//!
//! # How the end is noticed
//!
//! On Linux each child has a descriptor (a pidfd) that becomes readable; a wait is a wait for that, in the
//! reactor. Elsewhere, on kernels older than 5.3, where there is no runtime, and when there is no
//! descriptor left, SIGCHLD tells that *some* child has ended, and those that are waited for are looked
//! at. Children of other code in the program are left alone either way.
//!
//! # Examples
//!
//! A conversation with a program:
//!
//! ```
//! use corio_io::process::{Command, Stdio};
//! use corio_io::{AsyncBufReadExt, BufReader};
//!
//! # corio_runtime::run(async {
//! let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
//! let mut stdin = child.stdin.take().expect("it is piped");
//! let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
//! for question in ["one\n", "two\n"] {
//!     stdin.write_all(question.as_bytes()).await?;
//!     let mut answer = String::new();
//!     stdout.read_line(&mut answer).await?;
//!     assert_eq!(answer, question);
//! }
//! drop(stdin);
//! assert!(child.wait().await?.success());
//! # Ok::<(), std::io::Error>(()) }).unwrap();
//! ```

mod child;
mod command;
mod communicate;
mod pidfd;
mod reaper;
mod shared;
mod status;
mod wait;

pub use child::{Child, ChildHandle, Kill};
pub use command::Command;
pub use communicate::Communicate;
pub use corio_runtime::signal::SignalKind;
pub use status::Status;
pub use std::process::{ExitStatus, Output, Stdio};
pub use wait::Wait;

use std::ffi::OsStr;

/// A command that runs a line of shell: `/bin/sh -c line`.
///
/// Whatever is put into the line is read by the shell: text that comes from others can say anything there.
/// Give it to a program as arguments of a [`Command`] instead, or to the shell's line as
/// `shell("... \"$1\"").arg("sh").arg(text)`.
///
/// # Examples
///
/// ```
/// use corio_io::process::shell;
///
/// # corio_runtime::run(async {
/// let output = shell("echo one; echo two | tr a-z A-Z").output().await?;
/// assert_eq!(output.stdout, b"one\nTWO\n");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias("create_subprocess_shell", "system"))]
pub fn shell(line: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    command
}

#[cfg(test)]
mod tests;
