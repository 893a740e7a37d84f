//! What is written to a child and read from it.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use corio::io::{AsyncBufReadExt, BufReader};
use corio::process::{Command, Stdio, shell};
use corio::sleep;

use super::{piped, text, within};

/// Written to stdin, read from stdout, and 0 at the end.
#[corio::test]
async fn sp_01_what_is_written_comes_back() {
    let mut cat = piped(Command::new("cat"));
    let mut stdin = cat.stdin.take().unwrap();
    stdin.write_all(b"some data").await.unwrap();
    drop(stdin);
    let mut data = Vec::new();
    within(cat.stdout.as_mut().unwrap().read_to_end(&mut data)).await.unwrap();
    assert_eq!(data, b"some data");
    assert_eq!(within(cat.wait()).await.unwrap().code(), Some(0));
}

/// Both outputs come back; what is not piped is empty.
#[corio::test]
async fn sp_02_communicate_gives_both_outputs() {
    let mut child = piped(shell("cat; echo oops >&2"));
    let output = within(child.communicate("data")).await.unwrap();
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("data", "oops\n"));
    let mut child = shell("echo out").stdout(Stdio::piped()).spawn().unwrap();
    let output = within(child.communicate("")).await.unwrap();
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("out\n", ""));
}

/// Without input stdin is closed, so that a child that reads to the end ends.
#[corio::test]
async fn sp_03_04_communicate_without_input_closes_stdin() {
    let output = within(piped(Command::new("cat")).communicate(Vec::new())).await.unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    let output = within(piped(Command::new("cat")).communicate("")).await.unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

/// A child that ends without having read its input is no error.
#[corio::test]
async fn sp_05_input_that_nobody_reads_is_no_error() {
    for script in ["exit 3", "exec <&-; sleep 0.01; exit 3"] {
        let mut child = piped(shell(script));
        let output = within(child.communicate(vec![b'x'; 1 << 20])).await.unwrap();
        assert_eq!(output.status.code(), Some(3));
    }
}

/// More than the pipes hold, on both, one after the other.
#[corio::test]
async fn sp_06_both_outputs_are_read_at_the_same_time() {
    let script = "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero";
    let output = within(piped(shell(script)).communicate("")).await.unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 300_000));
}

/// Who writes directly hears that nobody reads.
#[corio::test]
async fn sp_07_a_write_to_a_dead_child_fails() {
    let mut child = piped(Command::new("true"));
    let mut stdin = child.stdin.take().unwrap();
    within(child.wait()).await.unwrap();
    let error = within(stdin.write_all(&[0; 1 << 20])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

/// The null device: nothing to read, nothing collected.
#[corio::test]
async fn sp_22_the_null_device() {
    let mut command = shell("cat; echo out; echo err >&2");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = within(command.output()).await.unwrap();
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("", "err\n"));
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let output = within(command.output()).await.unwrap();
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("out\n", ""));
}

/// Both in one pipe, in the order in which they were written.
#[corio::test]
async fn sp_23_stderr_merged_into_stdout() {
    let mut command = shell("echo 1; echo 2 >&2; echo 3");
    let mut child = command.stderr_to_stdout().spawn().unwrap();
    let output = within(child.communicate("")).await.unwrap();
    assert_eq!(text(&output.stdout), "1\n2\n3\n");
    assert!(child.stderr.is_none());
}

/// A child may open its stdin by name.
#[corio::test]
async fn sp_24_the_child_opens_dev_stdin() {
    let output = within(piped(shell("cat /dev/stdin")).communicate("data")).await.unwrap();
    assert_eq!(output.stdout, b"data");
}

/// What does not fit the buffers waits in the pipe, and the child with it; nothing is lost.
#[corio::test]
async fn sp_25_a_slow_reader_loses_nothing() {
    let mut child = piped(shell("i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo $i; done"));
    let mut stdout = BufReader::with_capacity(64, child.stdout.take().unwrap());
    sleep(Duration::from_millis(5)).await;
    for n in 1..=30_000 {
        let mut line = String::new();
        within(stdout.read_line(&mut line)).await.unwrap();
        assert_eq!(line.trim(), n.to_string());
    }
    assert!(within(child.wait()).await.unwrap().success());
}

/// What an ended child has written is there to be read, and then the end.
#[corio::test]
async fn sp_26_what_is_unread_at_the_end_is_read_afterwards() {
    let mut child = piped(shell("head -c 60000 /dev/zero"));
    within(child.handle().wait()).await.unwrap();
    let mut data = Vec::new();
    within(child.stdout.as_mut().unwrap().read_to_end(&mut data)).await.unwrap();
    assert_eq!(data.len(), 60_000);
}

/// The pipes are at their ends afterwards.
#[corio::test]
async fn sp_40_after_communicate_there_is_nothing_to_read() {
    let mut child = piped(shell("echo out"));
    within(child.communicate("")).await.unwrap();
    let mut more = [0; 8];
    assert_eq!(within(child.stdout.as_mut().unwrap().read(&mut more)).await.unwrap(), 0);
    assert!(child.stdin.is_none());
}

/// `communicate` is done when the process has ended and the pipes are closed, whichever comes last.
#[corio::test]
async fn sp_43_communicate_waits_for_the_process_and_for_the_pipes() {
    for script in ["exec >&- 2>&-; sleep 0.05", "sleep 0.05 & exit 0"] {
        let start = Instant::now();
        assert!(within(piped(shell(script)).communicate("")).await.unwrap().status.success());
        assert!(start.elapsed() >= Duration::from_millis(50), "{script}");
    }
}

/// What is piped is there, what is not is not.
#[corio::test]
async fn sp_44_only_what_is_piped_is_there() {
    let mut command = Command::new("true");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    assert!(child.stdin.is_none() && child.stdout.is_some() && child.stderr.is_none());
}

/// A question, an answer, and so on.
#[corio::test]
async fn sp_45_a_conversation() {
    let mut child = piped(shell("while read line; do echo \"<$line>\"; done"));
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for word in ["one", "two", "three"] {
        stdin.write_all(format!("{word}\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(stdout.read_line(&mut answer)).await.unwrap();
        assert_eq!(answer, format!("<{word}>\n"));
    }
}

/// Who writes to a pipe that was closed here gets the signal that says so.
#[corio::test]
async fn sp_48_closing_stdout_is_a_broken_pipe_for_the_child() {
    let mut yes = piped(Command::new("yes"));
    drop(yes.stdout.take());
    assert_eq!(within(yes.wait()).await.unwrap().signal(), Some(13));
}
