//! The ends of children: waited for or not, their own or not, early and late.

use std::fs::File;
use std::io::ErrorKind;
use std::time::Duration;

use corio_io::process::{Child, Command, SignalKind, Stdio, shell};
use corio_runtime::time::sleep;
use corio_runtime::{run, spawn};
use corio_sync::prim::thread;

use crate::kit::{assert_is_gone, multi, single, sleeper, state_of, within};

#[test]
fn p01_no_zombie_is_left_of_dropped_children() {
    let mut ids = Vec::new();
    let mut note = |child: &Child| ids.push(child.id().unwrap());
    // Outside of a runtime, inside, with and without being killed, ended or not.
    for _ in 0..100 {
        note(&Command::new("true").spawn().unwrap());
        note(&sleeper().kill_on_drop(true).spawn().unwrap());
    }
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            for n in 0..200 {
                let mut command = if n % 2 == 0 { Command::new("true") } else { sleeper() };
                let child = command.kill_on_drop(n % 2 == 1).spawn().unwrap();
                note(&child);
                if n % 3 == 0 {
                    sleep(Duration::from_millis(1)).await;
                }
            }
        });
    }
    ids.into_iter().for_each(assert_is_gone);
}

#[test]
fn p01_a_child_that_outlives_its_runtime_goes_on_and_is_reaped() {
    let mut child = None;
    single().block_on(async {
        let (sender, receiver) = corio_io::pipe().unwrap();
        let sleeps = shell("sleep 0.05; echo done")
            .stdout(Stdio::try_from(sender).unwrap())
            .spawn()
            .unwrap();
        child = Some((sleeps.id().unwrap(), receiver.into_blocking_fd().unwrap()));
    });
    let (id, receiver) = child.unwrap();
    assert_eq!(std::io::read_to_string(File::from(receiver)).unwrap(), "done\n");
    assert_is_gone(id);
}

#[test]
fn p02_the_children_of_other_code_stay_theirs() {
    let mut others = std::process::Command::new("sh").args(["-c", "exit 5"]).spawn().unwrap();
    run(async {
        for _ in 0..50 {
            drop(Command::new("true").spawn().unwrap());
            within(Command::new("true").status()).await.unwrap();
        }
    });
    assert_eq!(others.wait().unwrap().code(), Some(5));
}

#[test]
fn p03_an_end_before_the_wait_or_in_its_middle_is_not_missed() {
    for runtime in [single(), multi(2)] {
        runtime.block_on(async {
            for n in 0..300 {
                let mut child = Command::new("true").spawn().unwrap();
                let waits: Vec<_> = (0..3).map(|_| spawn(child.wait())).collect();
                match n % 3 {
                    0 => {}
                    1 => while child.try_wait().unwrap().is_none() {},
                    _ => sleep(Duration::from_micros(n * 5)).await,
                }
                for wait in waits {
                    assert!(within(wait).await.unwrap().unwrap().success());
                }
                assert!(within(child.wait()).await.unwrap().success());
            }
        });
    }
}

#[test]
fn p04_nothing_is_sent_once_the_number_may_be_anothers() {
    run(async {
        let mut child = Command::new("true").spawn().unwrap();
        let id = child.id().unwrap();
        // Dead, but nobody has noticed: the number is still its own.
        while state_of(id).unwrap().0 != 'Z' {
            sleep(Duration::from_micros(100)).await;
        }
        child.send_signal(SignalKind::terminate()).unwrap();
        assert!(within(child.wait()).await.unwrap().success(), "it ended before the signal");
        assert_eq!(child.id(), None);
        let error = child.send_signal(SignalKind::terminate()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let expected = format!("cannot send SIGTERM: process {id} has ended (exit status: 0)");
        assert_eq!(error.to_string(), expected);
    });
}

#[test]
fn p15_killed_at_the_end_of_everything_and_after() {
    let mut ids = Vec::new();
    let mut start = || {
        let child = sleeper().kill_on_drop(true).spawn().unwrap();
        ids.push(child.id().unwrap());
        child
    };
    for runtime in [single(), multi(2)] {
        // Dropped by a task when its runtime ends; within its main future; and after the end.
        let (in_task, in_main, after) = (start(), start(), start());
        let handle = in_task.handle();
        runtime.block_on(async move {
            let mut in_task = in_task;
            drop(spawn(async move { in_task.wait().await }));
            let _in_main = in_main;
            sleep(Duration::from_millis(1)).await;
        });
        drop(runtime);
        assert_eq!(handle.id(), None, "the end of the runtime waits for it");
        drop(after);
    }
    // In a runtime's shutdown that does not wait.
    let runtime = multi(1);
    let mut child = start();
    drop(runtime.spawn(async move { child.wait().await }));
    runtime.shutdown_background();
    // In a thread-local, which goes when its thread has nothing else any more.
    thread_local!(static KEPT: std::cell::RefCell<Option<Child>> = None.into());
    let child = start();
    thread::spawn(move || KEPT.set(Some(child))).join().unwrap();
    ids.into_iter().for_each(assert_is_gone);
}
