//! What cannot be had from outside: systems without descriptors for processes, descriptors that are ready
//! without need, and the view of a process that was forked off.

use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio_runtime::time::{sleep, timeout};
use corio_runtime::{run, spawn, yield_now};
use corio_sync::hooks::Site;
use corio_sync::prim::thread;

use super::shared::Shared;
use super::wait::Wait;
use super::{Command, SignalKind, Stdio, reaper, shell};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// As on a system that has no pidfd.
fn without_pidfd(mut command: Command) -> Command {
    command.pidfd = false;
    command
}

fn sleeper() -> Command {
    let mut command = Command::new("sleep");
    command.arg("1000");
    command
}

/// Waits until there is no process with this number, or it is no child of this one.
fn assert_is_gone(id: u32) {
    let start = std::time::Instant::now();
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // `pid (name) state parent ...`
        let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let parent = rest.split(' ').nth(1).unwrap_or_default();
        if parent != std::process::id().to_string() {
            return;
        }
        assert!(start.elapsed() < LONG, "still there: {stat}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn without_pidfd_sigchld_tells() {
    run(async {
        for _ in 0..50 {
            let mut child = without_pidfd(shell("exit 3")).spawn().unwrap();
            assert_eq!(timeout(LONG, child.wait()).await.unwrap().unwrap().code(), Some(3));
        }
        let mut children: Vec<_> =
            (0..20).map(|_| without_pidfd(sleeper()).spawn().unwrap()).collect();
        let waits: Vec<_> = children.iter_mut().map(|child| spawn(child.wait())).collect();
        yield_now().await;
        for child in &children {
            child.terminate().unwrap();
        }
        for wait in waits {
            let status = timeout(LONG, wait).await.unwrap().unwrap().unwrap();
            assert_eq!(status.signal(), Some(15));
        }
    });
}

#[test]
fn p02_without_pidfd_the_children_of_others_stay_theirs() {
    let mut others = std::process::Command::new("sh").args(["-c", "exit 5"]).spawn().unwrap();
    run(async {
        for _ in 0..20 {
            let status = without_pidfd(shell("exit 1")).status();
            assert_eq!(timeout(LONG, status).await.unwrap().unwrap().code(), Some(1));
        }
    });
    assert_eq!(others.wait().unwrap().code(), Some(5));
}

#[test]
fn p01_without_pidfd_dropped_children_are_reaped() {
    let mut ids = Vec::new();
    for _ in 0..10 {
        let child = without_pidfd(shell("sleep 0.01")).spawn().unwrap();
        ids.push(child.id().unwrap());
    }
    // With one that has a descriptor among them.
    ids.push(shell("sleep 0.01").spawn().unwrap().id().unwrap());
    let mut killed = without_pidfd(sleeper()).kill_on_drop(true).spawn().unwrap();
    killed.stdin = None;
    ids.push(killed.id().unwrap());
    drop(killed);
    ids.into_iter().for_each(assert_is_gone);
}

#[test]
fn without_pidfd_a_killed_child_is_waited_for_by_the_task() {
    run(async {
        let mut command = without_pidfd(sleeper());
        let child = command.kill_on_drop(true).spawn().unwrap();
        let (handle, id) = (child.handle(), child.id().unwrap());
        spawn(async move { drop(child) }).await.unwrap();
        // It has ended when the task is done, and has been waited for.
        assert_eq!(handle.id(), None);
        assert_eq!(handle.try_wait().unwrap().unwrap().signal(), Some(9));
        assert!(handle.send_signal(SignalKind::terminate()).is_err());
        assert_is_gone(id);
    });
}

#[test]
fn communicate_needs_no_pidfd() {
    run(async {
        let mut command = without_pidfd(Command::new("cat"));
        let mut cat = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = vec![b'x'; 1 << 20];
        let output = timeout(LONG, cat.communicate(input.clone())).await.unwrap().unwrap();
        assert_eq!(output.stdout, input);
    });
}

#[test]
fn a_wait_outside_of_every_runtime_is_woken_by_sigchld() {
    struct Unpark(corio_sync::prim::Parker);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut child = shell("exit 4").spawn().unwrap();
    let mut wait = child.wait();
    let unpark = Arc::new(Unpark(corio_sync::prim::Parker::new()));
    let waker = Waker::from(unpark.clone());
    let status = loop {
        match std::pin::Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(status) => break status.unwrap(),
            Poll::Pending => assert!(unpark.0.park_timeout(LONG), "nobody has told"),
        }
    };
    assert_eq!(status.code(), Some(4));
}

/// A child whose descriptor is not its own, but becomes readable when the other end is written to.
fn with_false_pidfd() -> (Arc<Shared>, UnixStream, u32) {
    let std = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let id = std.id();
    let (pidfd, other) = UnixStream::pair().unwrap();
    let mut shared = Shared::new(std, false, false);
    shared.pidfd = Some(pidfd.into());
    (Arc::new(shared), other, id)
}

#[test]
fn p05_a_descriptor_that_is_ready_without_need_is_waited_for_again() {
    run(async {
        let (child, mut event, id) = with_false_pidfd();
        let mut wait = Wait::new(child.clone(), Site::caller());
        for _ in 0..3 {
            event.write_all(b"x").unwrap();
            assert!(timeout(Duration::from_millis(5), &mut wait).await.is_err());
        }
        corio_runtime::signal::send(id as i32, SignalKind::kill()).unwrap();
        let events = spawn(async move {
            loop {
                event.write_all(b"x").unwrap();
                sleep(Duration::from_millis(1)).await;
            }
        });
        assert_eq!(timeout(LONG, wait).await.unwrap().unwrap().signal(), Some(9));
        events.cancel();
    });
}

#[test]
fn p05_the_reaper_takes_no_false_alarm_for_an_end() {
    let (child, mut event, id) = with_false_pidfd();
    event.write_all(b"x").unwrap();
    reaper::leave(&child);
    thread::sleep(Duration::from_millis(30));
    assert_eq!(child.id(), Some(id), "it lives");
    corio_runtime::signal::send(id as i32, SignalKind::kill()).unwrap();
    assert_is_gone(id);
}

#[test]
fn g07_in_a_forked_process_the_parents_children_are_strangers() {
    let std = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let id = std.id();
    let mut shared = Shared::new(std, false, true);
    shared.parent = 1;
    for error in [
        shared.try_wait().unwrap_err(),
        shared.send(SignalKind::kill()).unwrap_err(),
        shared.ask_to_end(SignalKind::kill()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("forked"), "{error}");
    }
    let shared = Arc::new(shared);
    reaper::leave(&shared);
    reaper::wait_for_end(&shared, Site::caller());
    // None of it has done anything to the child.
    let mut shared = Arc::try_unwrap(shared).unwrap();
    shared.parent = std::process::id();
    assert_eq!(shared.try_wait().unwrap(), None);
    shared.send(SignalKind::kill()).unwrap();
    let shared = Arc::new(shared);
    reaper::leave(&shared);
    assert_is_gone(id);
}
