//! Child processes: starting them, talking to them, waiting for them, ending them.
#![cfg(unix)]

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use corio_io::process::{Child, Command, SignalKind, Stdio, shell};
use corio_io::{AsyncBufReadExt, BufReader};
use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{run, spawn, yield_now};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn single() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn multi(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(LONG, future).await.expect("it takes too long")
}

fn sleeper() -> Child {
    Command::new("sleep").arg("1000").spawn().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_child_ends_with_its_status() {
    for runtime in [single(), multi(1), multi(2)] {
        runtime.block_on(async {
            for code in [0, 1, 7, 255] {
                let mut child = shell(format!("exit {code}")).spawn().unwrap();
                assert!(child.id().is_some());
                assert_eq!(within(child.wait()).await.unwrap().code(), Some(code));
                assert_eq!(child.id(), None, "the number may be another's");
                // Again, and without waiting.
                assert_eq!(within(child.wait()).await.unwrap().code(), Some(code));
                assert_eq!(child.try_wait().unwrap().unwrap().code(), Some(code));
                let in_task = spawn(shell(format!("exit {code}")).status());
                assert_eq!(within(in_task).await.unwrap().unwrap().code(), Some(code));
            }
        });
    }
}

#[test]
fn a_dropped_wait_changes_nothing() {
    run(async {
        let mut child = sleeper();
        for _ in 0..3 {
            assert!(timeout(Duration::from_millis(1), child.wait()).await.is_err());
            assert!(child.try_wait().unwrap().is_none());
        }
        child.start_kill().unwrap();
        assert_eq!(within(child.wait()).await.unwrap().signal(), Some(9));
    });
}

#[test]
fn signals_end_a_child_in_their_own_ways() {
    run(async {
        let mut child = sleeper();
        assert_eq!(within(child.kill()).await.unwrap().signal(), Some(9));
        assert_eq!(within(child.kill()).await.unwrap().signal(), Some(9), "it is dead already");
        child.start_kill().unwrap();
        child.terminate().unwrap();

        child = sleeper();
        child.terminate().unwrap();
        assert_eq!(within(child.wait()).await.unwrap().signal(), Some(15));

        child = sleeper();
        let error = child.send_signal(SignalKind::from_raw(1000)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("cannot send signal 1000 to process "), "{error}");
        // Nothing has come of it, and a signal of 0 is a look whether it is there.
        child.send_signal(SignalKind::from_raw(0)).unwrap();
        child.send_signal(SignalKind::hangup()).unwrap();
        assert_eq!(within(child.wait()).await.unwrap().signal(), Some(1));

        // A real-time signal.
        #[cfg(target_os = "linux")]
        {
            child = sleeper();
            child.send_signal(SignalKind::from_raw(40)).unwrap();
            assert_eq!(within(child.wait()).await.unwrap().signal(), Some(40));
        }
    });
}

#[test]
fn stop_asks_first_and_kills_then() {
    run(async {
        let polite = sleeper();
        assert_eq!(within(polite.stop(LONG)).await.unwrap().signal(), Some(15));
        assert_eq!(within(polite.stop(LONG)).await.unwrap().signal(), Some(15));

        let mut deaf = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        deaf.stdout.as_mut().unwrap().read_exact(&mut ready).await.unwrap();
        let status = within(deaf.stop(Duration::from_millis(20))).await.unwrap();
        assert_eq!(status.signal(), Some(9));
    });
}

#[test]
fn handles_wait_and_kill_from_elsewhere() {
    let runtime = multi(2);
    runtime.block_on(async {
        let mut child = sleeper();
        let handle = child.handle();
        assert_eq!(handle.id(), child.id());
        assert!(format!("{child:?}").contains(&handle.id().unwrap().to_string()));
        let killer = spawn(async move { handle.kill().await });
        assert_eq!(within(child.wait()).await.unwrap().signal(), Some(9));
        assert_eq!(within(killer).await.unwrap().unwrap().signal(), Some(9));
    });
    // In another runtime, with a wait that was begun in the first.
    let mut child = sleeper();
    let mut wait = child.wait();
    runtime.block_on(async {
        assert!(timeout(Duration::from_millis(1), &mut wait).await.is_err());
    });
    drop(runtime);
    child.start_kill().unwrap();
    assert_eq!(single().block_on(within(&mut wait)).unwrap().signal(), Some(9));
    assert_eq!(single().block_on(within(wait)).unwrap().signal(), Some(9));
}

#[test]
fn a_line_is_answered_by_a_line() {
    run(async {
        let mut cat =
            Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = cat.stdin.take().unwrap();
        let mut stdout = BufReader::new(cat.stdout.take().unwrap());
        for n in 0..100 {
            stdin.write_all(format!("line {n}\n").as_bytes()).await.unwrap();
            let mut line = String::new();
            within(stdout.read_line(&mut line)).await.unwrap();
            assert_eq!(line, format!("line {n}\n"));
        }
        stdin.close().await.unwrap();
        let mut rest = String::new();
        within(stdout.read_line(&mut rest)).await.unwrap();
        assert_eq!(rest, "");
        assert!(within(cat.wait()).await.unwrap().success());
    });
}

#[test]
fn wait_closes_stdin_and_the_handle_does_not() {
    run(async {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert!(timeout(Duration::from_millis(20), cat.handle().wait()).await.is_err());
        assert!(within(cat.wait()).await.unwrap().success());
        assert!(cat.stdin.is_none());
    });
}

#[test]
fn output_collects_what_was_not_set() {
    run(async {
        let mut command = shell("cat; echo out; echo err >&2; exit 3");
        // Stdin is empty, and the same command can be run again.
        for _ in 0..2 {
            let output = within(command.output()).await.unwrap();
            assert_eq!(output.status.code(), Some(3));
            assert_eq!((text(&output.stdout), text(&output.stderr)), ("out\n", "err\n"));
        }
        command.stderr(Stdio::null());
        let output = within(command.output()).await.unwrap();
        assert_eq!((text(&output.stdout), text(&output.stderr)), ("out\n", ""));
    });
}

#[test]
fn stderr_goes_to_stdout_in_order() {
    run(async {
        let mut command = shell("echo 1; echo 2 >&2; echo 3; echo 4 >&2");
        command.stderr_to_stdout();
        for _ in 0..2 {
            let output = within(command.output()).await.unwrap();
            assert_eq!((text(&output.stdout), text(&output.stderr)), ("1\n2\n3\n4\n", ""));
        }
        let mut child = command.spawn().unwrap();
        assert!(child.stderr.is_none());
        let output = within(child.communicate("")).await.unwrap();
        assert_eq!(text(&output.stdout), "1\n2\n3\n4\n");
    });
}

#[test]
fn a_command_sets_what_the_child_sees() {
    run(async {
        let mut command = Command::new("/bin/sh");
        let folder = std::fs::canonicalize(std::env::temp_dir()).unwrap();
        command
            .args(["-c", "echo \"$0 $1 $A $B $C $HOME\"; pwd -P"])
            .arg("zero")
            .arg("one two")
            .env("A", "a")
            .envs([("B", "b"), ("C", "c")])
            .env_remove("C")
            .env_remove("HOME")
            .current_dir(&folder);
        let output = within(command.output()).await.unwrap();
        let expected = format!("zero one two a b  \n{}\n", folder.display());
        assert_eq!(text(&output.stdout), expected);

        let mut command = Command::new("/usr/bin/env");
        command.env_clear().env("ONLY", "this");
        assert_eq!(text(&within(command.output()).await.unwrap().stdout), "ONLY=this\n");

        let mut named = Command::new("/bin/sh");
        named.arg0("another-name").args(["-c", "echo $0"]);
        assert_eq!(text(&within(named.output()).await.unwrap().stdout), "another-name\n");
        assert_eq!(format!("{named:?}"), format!("{:?}", named.as_std()));
    });
}

#[test]
fn a_group_of_its_own_is_signalled_as_a_whole() {
    run(async {
        // The pipe is closed when all three are gone.
        let script = "sleep 1000 & sleep 1000 & echo ready; wait";
        for how in 0..3 {
            let mut command = shell(script);
            let mut child =
                command.own_group().kill_on_drop(true).stdout(Stdio::piped()).spawn().unwrap();
            let mut stdout = child.stdout.take().unwrap();
            let mut ready = [0; 6];
            within(stdout.read_exact(&mut ready)).await.unwrap();
            match how {
                0 => drop(within(child.kill()).await.unwrap()),
                1 => child.terminate().unwrap(),
                _ => drop(child),
            }
            let mut rest = Vec::new();
            within(stdout.read_to_end(&mut rest)).await.unwrap();
        }
        // A group that was only set gets no signals.
        let mut child = shell("sleep 0.05 & echo ready; wait")
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut ready = [0; 6];
        within(stdout.read_exact(&mut ready)).await.unwrap();
        assert_eq!(within(child.kill()).await.unwrap().signal(), Some(9));
        let mut rest = Vec::new();
        within(stdout.read_to_end(&mut rest)).await.unwrap();
    });
}

#[test]
fn a_cancelled_call_kills_its_child_and_waits_for_its_end() {
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            let limit = Duration::from_millis(30);
            let name = format!("corio-cancelled-{}", std::process::id());
            let file = std::env::temp_dir().join(name);
            for how in 0..3 {
                let mut command = shell("echo $$ > \"$0\"; exec sleep 1000");
                command.arg(&file);
                match how {
                    0 => drop(timeout(limit, command.status()).await.unwrap_err()),
                    1 => drop(timeout(limit, command.output()).await.unwrap_err()),
                    _ => {
                        let task = spawn(command.output());
                        sleep(limit).await;
                        task.cancel();
                        assert!(within(task).await.unwrap_err().is_cancelled());
                    }
                }
                let id = std::fs::read_to_string(&file).unwrap();
                let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.trim()));
                assert!(stat.is_err(), "it is still there: {stat:?}");
            }
            let _ = std::fs::remove_file(&file);
        });
    }
}

#[test]
fn a_child_that_was_told_to_stay_survives_its_call() {
    run(async {
        let mut command = shell("sleep 0.05; echo done");
        let (sender, mut receiver) = corio_io::pipe().unwrap();
        command.stdout(Stdio::try_from(sender).unwrap()).kill_on_drop(false);
        assert!(timeout(Duration::from_millis(1), command.status()).await.is_err());
        command.stdout(Stdio::null());
        let mut said = String::new();
        within(receiver.read_to_string(&mut said)).await.unwrap();
        assert_eq!(said, "done\n");
    });
}

#[test]
fn many_children_at_once_are_told_apart() {
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..60)
                .map(|n| {
                    spawn(async move {
                        let mut child = shell(format!("cat; echo {n} >&2; exit {n}"))
                            .stdin(Stdio::piped())
                            .stdout(Stdio::piped())
                            .stderr(Stdio::piped())
                            .spawn()
                            .unwrap();
                        within(child.communicate(format!("{n}"))).await.unwrap()
                    })
                })
                .collect();
            for (n, task) in tasks.into_iter().enumerate() {
                let output = task.await.unwrap();
                assert_eq!(output.status.code(), Some(n as i32));
                assert_eq!(text(&output.stdout), n.to_string());
                assert_eq!(text(&output.stderr), format!("{n}\n"));
            }
        });
    }
}

#[test]
fn what_it_waits_for_is_shown() {
    run(async {
        let mut child = sleeper();
        let task = spawn(child.wait());
        let output = spawn(shell("exec sleep 1000").output());
        sleep(Duration::from_millis(5)).await;
        yield_now().await;
        let dump = corio_runtime::introspect::dump();
        assert_eq!(dump.matches("waiting on process at").count(), 2, "{dump}");
        output.cancel();
        child.start_kill().unwrap();
        within(task).await.unwrap().unwrap();
    });
}

#[test]
fn futures_are_send_and_print() {
    fn check<T: Send + Sync + std::fmt::Debug>(value: &T) -> String {
        format!("{value:?}")
    }
    run(async {
        let mut command = Command::new("true");
        assert_eq!(check(&command), "\"true\"");
        let mut child = command.spawn().unwrap();
        assert!(check(&child).starts_with("Child { handle: ChildHandle { id: "));
        check(&child.wait());
        check(&child.handle());
        check(&child.kill());
        check(&child.communicate(""));
        check(&command.status());
        check(&command.output());
        within(child.wait()).await.unwrap();
        assert!(check(&child.handle()).contains("ended"));
    });
}
