//! The pipes between a child and its parent: full, left open by others, cut off.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use corio_io::process::{Command, Stdio, shell};
use corio_runtime::time::sleep;
use corio_runtime::{run, spawn};

use crate::kit::{multi, single, sleeper, text, within};

#[test]
fn p06_full_pipes_on_all_sides_do_not_stop_it() {
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            let mut child = shell("head -c 1048576 /dev/zero >&2; cat; head -c 1048576 /dev/zero")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let output = within(child.communicate(vec![b'x'; 1 << 20])).await.unwrap();
            assert_eq!((output.stdout.len(), output.stderr.len()), (2 << 20, 1 << 20));
            assert!(output.stdout[..1 << 20].iter().all(|byte| *byte == b'x'));
            // Without input, and a child that reads to the end of it.
            let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
            assert!(within(cat.communicate("")).await.unwrap().status.success());
        });
    }
}

#[test]
fn p07_processes_left_behind_with_the_pipe_do_not_hold_up_what_does_not_need_it() {
    run(async {
        let script = "sleep 1000 & echo $!";
        let mut child = shell(script).stdout(Stdio::piped()).spawn().unwrap();
        assert!(within(child.wait()).await.unwrap().success());
        let output = within(child.communicate("").drain_for(Duration::ZERO)).await.unwrap();
        let first = text(&output.stdout).trim().to_owned();

        let mut child = shell(script).stdout(Stdio::piped()).spawn().unwrap();
        let drain = child.communicate("").drain_for(Duration::from_millis(20));
        let output = within(drain).await.unwrap();
        let second = text(&output.stdout).trim().to_owned();

        // Otherwise it is until they close it, as in a shell.
        let waiting = spawn(shell("sleep 1000 & echo $!").own_group().output());
        sleep(Duration::from_millis(50)).await;
        assert!(!waiting.is_finished());
        waiting.cancel();
        within(waiting).await.unwrap_err();
        let line = "sleep 0.02 & exit 0";
        let started = Instant::now();
        within(shell(line).output()).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(20));

        within(shell(format!("kill {first} {second}")).status()).await.unwrap();
    });
}

#[test]
fn p07_a_flood_from_one_left_behind_does_not_hold_up_the_end() {
    run(async {
        let flood = "echo first; while :; do echo y; done & echo $! >&2";
        let output = shell(flood).output().drain_for(Duration::from_millis(10));
        let output = within(output).await.unwrap();
        assert!(text(&output.stdout).starts_with("first\n"));
        // The pipe is closed, which has ended it; if it has not been noticed yet, this is certain.
        let id = text(&output.stderr).trim();
        within(shell(format!("kill -9 {id} 2>&1")).output()).await.unwrap();
    });
}

#[test]
fn kill_9_in_the_middle_of_communicate() {
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            // It reads some of the input, has answered, and does neither any more.
            let mut child = shell("head -c 1000; exec sleep 1000")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let handle = child.handle();
            let killer = spawn(async move {
                sleep(Duration::from_millis(30)).await;
                handle.start_kill().unwrap();
            });
            let output = within(child.communicate(vec![b'x'; 1 << 20])).await.unwrap();
            assert_eq!(output.status.signal(), Some(9));
            assert_eq!(output.stdout.len(), 1000);
            killer.await.unwrap();
        });
    }
}

#[test]
fn a_child_that_writes_too_much_is_an_error_and_nothing_is_left_of_it() {
    run(async {
        let mut yes = Command::new("yes");
        let error = within(yes.output().max_length(100_000)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("stdout is longer than 100000 bytes"), "{error}");
        let exact = shell("head -c 1000 /dev/zero").output().max_length(1000);
        assert_eq!(within(exact).await.unwrap().stdout.len(), 1000);

        let mut child = yes.stdout(Stdio::piped()).spawn().unwrap();
        within(child.communicate("").max_length(1000)).await.unwrap_err();
        assert!(child.id().is_some(), "ending it is the caller's business");
        drop(child.stdout.take());
        assert_eq!(within(child.wait()).await.unwrap().signal(), Some(13));

        let mut child = sleeper().kill_on_drop(true).spawn().unwrap();
        let error = within(child.communicate("input")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}
