//! What is started, with which options.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use corio::process::{Command, Stdio, shell};

use super::{piped, sleeper, text, within};

/// The error comes from the call, says why, and leaves no descriptor open.
#[corio::test]
async fn sp_20_a_program_that_cannot_be_started_is_an_error() {
    let error = Command::new("/no/such/program").spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("/no/such/program"), "{error}");
    let error = Command::new("/etc/passwd").stdin(Stdio::piped()).spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let error = within(shell("true").current_dir("/no/such").output()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// The writing end is nobody's but ours: not the child's own, and not that of the next child.
#[corio::test]
async fn sp_21_stdin_is_inherited_by_no_child() {
    let mut cat = piped(Command::new("cat"));
    let other = piped(Command::new("cat"));
    let output = within(cat.communicate("data")).await.unwrap();
    assert_eq!(output.stdout, b"data");
    assert!(other.try_wait().unwrap().is_none());
}

/// Programs, arguments and folders may be paths.
#[corio::test]
async fn sp_28_paths_are_programs_and_arguments() {
    let mut command = Command::new(Path::new("/bin/echo"));
    command.arg(PathBuf::from("/some/path")).current_dir(PathBuf::from("/"));
    let output = within(command.output()).await.unwrap();
    assert_eq!(text(&output.stdout), "/some/path\n");
}

/// Environment, folder and process group are the child's.
#[corio::test]
async fn sp_29_the_options_are_honoured() {
    let mut command = shell("echo $VALUE; pwd; ps -o pgid= -p $$; echo $$");
    let folder = std::fs::canonicalize(std::env::temp_dir()).unwrap();
    command.env("VALUE", "some value").current_dir(&folder).process_group(0);
    let output = within(command.output()).await.unwrap();
    let lines: Vec<_> = text(&output.stdout).lines().map(str::trim).collect();
    assert_eq!(lines[..2], ["some value", folder.to_str().unwrap()]);
    assert!(lines.len() == 4 && lines[2] == lines[3], "{lines:?}");
}

/// The shell's own exit status.
#[corio::test]
async fn sp_30_a_line_of_shell_ends_with_its_status() {
    assert_eq!(within(shell("exit 7").status()).await.unwrap().code(), Some(7));
}

/// The text form shows the number.
#[corio::test]
async fn sp_39_it_prints_its_id() {
    let child = sleeper();
    assert!(format!("{child:?}").contains(&format!("id: {}", child.id().unwrap())));
}
