//! How a child ends, who is told, and what signals do.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use corio::io::{AsyncBufReadExt, BufReader};
use corio::process::{Command, SignalKind, Stdio, shell};
use corio::{gather, sleep, spawn, timeout};

use super::{dead, piped, sleeper, text, within};

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

/// While it runs, asking gives none, as often as one asks.
#[corio::test]
async fn sp_46_there_is_no_status_while_it_runs() {
    let child = sleeper();
    for _ in 0..10 {
        assert!(child.try_wait().unwrap().is_none());
        sleep(Duration::from_micros(100)).await;
    }
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
