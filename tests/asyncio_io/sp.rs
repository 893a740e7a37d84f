//! SP: child processes.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use corio::io::{AsyncBufReadExt, BufReader};
use corio::process::{Child, Command, SignalKind, Stdio, shell};
use corio::{gather, sleep, spawn, timeout};

use super::support::LONG;

async fn within<F: Future>(future: F) -> F::Output {
    timeout(LONG, future).await.expect("it takes too long")
}

/// A child whose streams are all piped, and which is killed when the test is over.
fn piped(mut command: Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// A child that does not end by itself.
fn sleeper() -> Child {
    Command::new("sleep").arg("1000").kill_on_drop(true).spawn().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Waits until a child is dead, without noticing it: the system knows, corio does not.
async fn dead(child: &Child) {
    let stat = format!("/proc/{}/stat", child.id().unwrap());
    while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
        sleep(Duration::from_micros(100)).await;
    }
}

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

/// Ten at once, and again: all the same.
#[corio::test]
async fn sp_08_all_waits_give_the_same_status() {
    let mut child = piped(shell("read line; exit 7"));
    let handle = child.handle();
    let waits: Vec<_> = (0..10).map(|_| spawn(handle.wait())).collect();
    sleep(Duration::from_millis(1)).await;
    drop(child.stdin.take());
    for wait in waits {
        assert_eq!(within(wait).await.unwrap().unwrap().code(), Some(7));
    }
    assert_eq!(within(child.wait()).await.unwrap().code(), Some(7));
}

/// A code, or the number of a signal.
#[corio::test]
async fn sp_09_a_status_is_a_code_or_a_signal() {
    let status = within(shell("exit 42").status()).await.unwrap();
    assert_eq!((status.code(), status.signal()), (Some(42), None));
    let status = within(shell("kill -USR1 $$").status()).await.unwrap();
    assert_eq!((status.code(), status.signal()), (None, Some(10)));
}

/// There is no status before the end, and one when the end has been noticed.
#[corio::test]
async fn sp_10_there_is_no_status_before_the_end() {
    let mut child = piped(Command::new("cat"));
    assert!(child.try_wait().unwrap().is_none() && child.id().is_some());
    within(child.wait()).await.unwrap();
    assert_eq!(child.try_wait().unwrap().unwrap().code(), Some(0));
    assert!(child.id().is_none());
}

/// Each of the three ways to signal ends it with its signal.
#[corio::test]
async fn sp_11_kill_terminate_and_send_signal_end_it() {
    let mut child = sleeper();
    assert_eq!(within(child.kill()).await.unwrap().signal(), Some(9));
    child = sleeper();
    child.terminate().unwrap();
    assert_eq!(within(child.wait()).await.unwrap().signal(), Some(15));
    child = sleeper();
    // Not the hangup, which a child ignores if these tests run under `nohup`.
    child.send_signal(SignalKind::user_defined1()).unwrap();
    assert_eq!(within(child.wait()).await.unwrap().signal(), Some(10));
}

/// Once the end was noticed, a signal has nobody to go to. What asks for the end has what it wants.
#[corio::test]
async fn sp_12_a_signal_after_the_end_is_an_error() {
    let mut child = piped(Command::new("true"));
    within(child.wait()).await.unwrap();
    let error = child.send_signal(SignalKind::hangup()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    child.terminate().unwrap();
    assert_eq!(within(child.kill()).await.unwrap().code(), Some(0), "it was not killed");
}

/// Between its death and its notice a signal does nothing, and the status stays the true one.
#[corio::test]
async fn sp_13_a_signal_to_a_dead_child_changes_nothing() {
    let mut child = piped(shell("exit 5"));
    dead(&child).await;
    child.send_signal(SignalKind::hangup()).unwrap();
    child.terminate().unwrap();
    child.start_kill().unwrap();
    assert_eq!(within(child.wait()).await.unwrap().code(), Some(5));
}

/// A signal sent just when the child ends comes in time or too late; the status says which.
#[corio::test]
async fn sp_14_a_signal_that_races_with_the_end() {
    for n in 0..30 {
        let mut child = piped(shell("sleep 0.01; exit 7"));
        sleep(Duration::from_micros(9_000 + 150 * n)).await;
        match child.send_signal(SignalKind::terminate()) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
        }
        let status = within(child.wait()).await.unwrap();
        assert!(status.code() == Some(7) || status.signal() == Some(15), "{status}");
    }
}

/// Only the wait ends.
#[corio::test]
async fn sp_15_a_cancelled_wait_leaves_the_child_alone() {
    let mut child = sleeper();
    let wait = spawn(child.wait());
    sleep(Duration::from_millis(1)).await;
    wait.cancel();
    assert!(within(wait).await.unwrap_err().is_cancelled());
    assert!(child.try_wait().unwrap().is_none());
    assert_eq!(within(child.kill()).await.unwrap().signal(), Some(9));
}

/// The child of a call that is cancelled is killed and reaped before the cancellation is done.
#[corio::test]
async fn sp_16_a_cancelled_call_leaves_no_child() {
    let mut sleeper = sleeper();
    let child = sleeper.handle();
    let task = spawn(async move { sleeper.wait().await });
    sleep(Duration::from_millis(1)).await;
    task.cancel();
    assert!(within(task).await.unwrap_err().is_cancelled());
    assert_eq!(child.id(), None, "it has been reaped");
    assert_eq!(child.try_wait().unwrap().unwrap().signal(), Some(9));
}

/// Dropping a running child kills it, if that was asked for; else it goes on.
#[corio::test]
async fn sp_18_dropping_a_child_kills_it_if_asked_to() {
    let child = sleeper();
    let handle = child.handle();
    drop(child);
    assert_eq!(within(handle.wait()).await.unwrap().signal(), Some(9));
    let child = shell("sleep 0.02; exit 3").spawn().unwrap();
    let handle = child.handle();
    drop(child);
    assert_eq!(within(handle.wait()).await.unwrap().code(), Some(3));
}

/// Dropping one that is dead, noticed or not, changes nothing.
#[corio::test]
async fn sp_19_47_dropping_a_dead_child_changes_nothing() {
    for is_noticed in [false, true] {
        let child = piped(shell("exit 6"));
        let handle = child.handle();
        dead(&child).await;
        if is_noticed {
            assert!(child.try_wait().unwrap().is_some());
        }
        drop(child);
        assert_eq!(handle.try_wait().unwrap().unwrap().code(), Some(6));
    }
}

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

/// A killed shell is dead, whatever it has started goes on with.
#[corio::test]
async fn sp_31_a_killed_shell_has_ended_though_others_have_its_pipe() {
    let child = shell("sleep 0.3; sleep 0.3").stdout(Stdio::piped()).spawn().unwrap();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(within(child.kill()).await.unwrap().signal(), Some(9));
}

/// `wait` is for the process. That another one still has the pipe is no matter of its.
#[corio::test]
async fn sp_32_wait_returns_when_the_process_has_ended() {
    let mut child = piped(shell("sleep 1000 & echo $!"));
    assert!(within(child.wait()).await.unwrap().success());
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    within(stdout.read_line(&mut line)).await.unwrap();
    // The pipe is open still.
    let mut rest = String::new();
    let more = timeout(Duration::from_millis(10), stdout.read_line(&mut rest));
    assert!(more.await.is_err());
    within(shell(format!("kill {line}")).status()).await.unwrap();
}

/// A child that nobody reads from does not end, and `wait` does not pretend so.
#[corio::test]
async fn sp_33_wait_waits_for_a_child_that_nobody_reads_from() {
    let mut child = piped(shell("head -c 300000 /dev/zero"));
    assert!(timeout(Duration::from_millis(30), child.wait()).await.is_err());
    let output = within(child.communicate("")).await.unwrap();
    assert_eq!(output.stdout.len(), 300_000);
}

/// Each of ten gets its own output.
#[corio::test]
async fn sp_34_several_children_at_once() {
    let calls = (0..10).map(|n| async move {
        let mut child = piped(Command::new("cat"));
        within(child.communicate(format!("number {n}"))).await.unwrap()
    });
    let outputs = gather(calls).await;
    for (n, output) in outputs.into_iter().enumerate() {
        assert_eq!(text(&output.stdout), format!("number {n}"));
    }
}

/// Those that end at the same moment are told apart.
#[corio::test]
async fn sp_35_the_statuses_of_one_moment() {
    let mut children: Vec<_> =
        (0..20).map(|n| piped(shell(format!("read line; exit {n}")))).collect();
    let waits: Vec<_> = children.iter().map(|child| spawn(child.handle().wait())).collect();
    sleep(Duration::from_millis(1)).await;
    children.iter_mut().for_each(|child| drop(child.stdin.take()));
    for (n, wait) in waits.into_iter().enumerate() {
        assert_eq!(within(wait).await.unwrap().unwrap().code(), Some(n as i32));
    }
}

/// Any thread will do.
#[test]
fn sp_37_children_on_any_thread() {
    let threads: Vec<_> = (0..4)
        .map(|n| {
            std::thread::spawn(move || {
                corio::run(async move {
                    let line = format!("exit {n}");
                    within(shell(line).status()).await.unwrap().code()
                })
            })
        })
        .collect();
    for (n, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), Some(n as i32));
    }
}

/// The text form shows the number.
#[corio::test]
async fn sp_39_it_prints_its_id() {
    let child = sleeper();
    assert!(format!("{child:?}").contains(&format!("id: {}", child.id().unwrap())));
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

/// The end of a runtime ends the children that were to be killed, and waits for it.
#[test]
fn sp_41_the_end_of_a_runtime_with_a_child_alive() {
    let (sender, receiver) = std::sync::mpsc::channel();
    corio::run(async move {
        let mut child = sleeper();
        sender.send(child.handle()).unwrap();
        drop(spawn(async move { child.wait().await }));
        sleep(Duration::from_millis(1)).await;
    });
    let handle = receiver.recv().unwrap();
    assert_eq!(handle.id(), None);
    assert_eq!(handle.try_wait().unwrap().unwrap().signal(), Some(9));
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

/// While it runs, asking gives none, as often as one asks.
#[corio::test]
async fn sp_46_there_is_no_status_while_it_runs() {
    let child = sleeper();
    for _ in 0..10 {
        assert!(child.try_wait().unwrap().is_none());
        sleep(Duration::from_micros(100)).await;
    }
}

/// Who writes to a pipe that was closed here gets the signal that says so.
#[corio::test]
async fn sp_48_closing_stdout_is_a_broken_pipe_for_the_child() {
    let mut yes = piped(Command::new("yes"));
    drop(yes.stdout.take());
    assert_eq!(within(yes.wait()).await.unwrap().signal(), Some(13));
}

/// Linux has descriptors for processes, and they are used: one a child, gone with it.
#[cfg(target_os = "linux")]
#[corio::test]
async fn sp_50_a_child_is_watched_by_its_descriptor() {
    let watches = |id: u32| {
        let fds = std::fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
        let infos = fds.filter_map(|fd| std::fs::read_to_string(fd.path()).ok());
        infos.filter(|info| info.contains(&format!("Pid:\t{id}\n"))).count()
    };
    let mut child = sleeper();
    let id = child.id().unwrap();
    assert_eq!(watches(id), 1);
    let wait = spawn(child.wait());
    sleep(Duration::from_millis(1)).await;
    assert_eq!(watches(id), 2, "the wait has its own");
    within(child.kill()).await.unwrap();
    within(wait).await.unwrap().unwrap();
    drop(child);
    assert_eq!(watches(id), 0);
}
