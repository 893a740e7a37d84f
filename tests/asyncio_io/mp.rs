//! MP: child processes, as multiprocessing has them.

use std::collections::HashSet;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use corio::io::{AsyncBufReadExt, BufReader};
use corio::process::{Command, Stdio, shell};
use corio::{finally, gather, sleep, spawn, timeout};

use super::roles::{in_role, in_role_by_shell};
use super::support::LONG;

corio::context_var! { static PLACE: String = "nowhere".to_owned(); }

async fn within<F: Future>(future: F) -> F::Output {
    timeout(LONG, future).await.expect("it takes too long")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Waits until there is no process with this number.
async fn gone(id: &str) {
    let probe = async {
        while shell(format!("kill -0 {id} 2>&1")).output().await.unwrap().status.success() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    within(probe).await;
}

/// Five at once: five results, by `await`, of five processes that are not this one.
#[corio::test]
async fn mp_01_five_children_give_five_results() {
    let outputs = within(gather((0..5).map(|_| shell("echo $$").output()))).await;
    let mut ids: HashSet<_> =
        outputs.into_iter().map(|output| text(&output.unwrap().stdout).to_owned()).collect();
    ids.insert(format!("{}\n", std::process::id()));
    assert_eq!(ids.len(), 6);
}

/// A code, or the signal: each end is told from the others.
#[corio::test]
async fn mp_02_how_a_child_has_ended() {
    for (script, code, signal) in [
        ("true", Some(0), None),
        ("exit 3", Some(3), None),
        ("kill -ABRT $$", None, Some(6)),
        ("kill -KILL $$", None, Some(9)),
        ("kill -TERM $$", None, Some(15)),
    ] {
        let status = within(shell(script).status()).await.unwrap();
        assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
    }
}

/// Cancelled: asked first, killed after the grace, and done when the child is reaped.
#[corio::test]
async fn mp_04_a_cancelled_task_ends_its_child_first() {
    for (script, signal) in [
        ("echo ready; exec sleep 1000", 15),
        ("trap '' TERM; echo ready; while :; do sleep 0.01; done", 9),
    ] {
        let mut child = shell(script).stdout(Stdio::piped()).spawn().unwrap();
        within(child.stdout.as_mut().unwrap().read_exact(&mut [0; 6])).await.unwrap();
        let handle = child.handle();
        let ending = child.handle();
        let task = spawn(finally(async move { child.wait().await }, move || async move {
            ending.stop(Duration::from_millis(20)).await.unwrap();
        }));
        sleep(Duration::from_millis(1)).await;
        task.cancel();
        assert!(within(task).await.unwrap_err().is_cancelled());
        assert_eq!(handle.id(), None, "nothing is left of it");
        assert_eq!(handle.try_wait().unwrap().unwrap().signal(), Some(signal));
    }
}

pub(crate) fn parent_of_a_reader() {
    corio::run(async {
        // The child ends when its stdin does.
        let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        println!("\nchild {}", cat.id().unwrap());
        let stdin = cat.stdin.take();
        cat.handle().wait().await.unwrap();
        drop(stdin);
    });
}

/// A child that reads from its parent ends when that is killed, since the pipe is nobody else's.
#[corio::test]
async fn mp_05_a_child_notices_that_its_parent_is_dead() {
    let mut parent = in_role("parent of a reader").spawn().unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap());
    let child = loop {
        let mut line = String::new();
        assert_ne!(within(lines.read_line(&mut line)).await.unwrap(), 0);
        if let Some(child) = line.strip_prefix("child ") {
            break child.trim().to_owned();
        }
    };
    assert_eq!(within(parent.kill()).await.unwrap().signal(), Some(9));
    gone(&child).await;
}

/// The fiftieth child inherits as much as the first, with any number of streams and files open here.
#[cfg(target_os = "linux")]
#[corio::test]
async fn mp_07_no_child_inherits_more_than_another() {
    let mut open = Vec::new();
    let mut counts = HashSet::new();
    for _ in 0..50 {
        let output = within(shell("ls /proc/self/fd | wc -l").output()).await.unwrap();
        counts.insert(text(&output.stdout).to_owned());
        open.push((
            corio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
            std::fs::File::open("/dev/null").unwrap(),
            Command::new("cat").stdin(Stdio::piped()).kill_on_drop(true).spawn().unwrap(),
        ));
    }
    assert_eq!(counts.len(), 1, "{counts:?}");
}

pub(crate) fn standard_streams_are_closed() {
    corio::run(async {
        let output = within(shell("echo out; echo err >&2; exit 3").output()).await.unwrap();
        let said = (text(&output.stdout), text(&output.stderr), output.status.code());
        assert_eq!(said, ("out\n", "err\n", Some(3)));
        assert!(within(Command::new("true").status()).await.unwrap().success());
    });
}

/// A program whose own standard streams are closed starts children as any other does.
#[corio::test]
async fn mp_08_closed_standard_streams_are_no_hindrance() {
    for line in [r#"exec "$@" <&-"#, r#"exec "$@" >&-"#, r#"exec "$@" <&- >&- 2>&-"#] {
        let mut parent = in_role_by_shell("standard streams are closed", line);
        let status = within(parent.stdout(Stdio::null()).status()).await.unwrap();
        assert!(status.success(), "{line}: {status}");
    }
}

/// A hundred at once.
#[corio::test]
async fn mp_09_a_hundred_children_at_once() {
    let statuses = within(gather((0..100).map(|n| shell(format!("exit {n}")).status()))).await;
    for (n, status) in statuses.into_iter().enumerate() {
        assert_eq!(status.unwrap().code(), Some(n as i32));
    }
}

/// The wait for a child beside a timer and a socket, and by several tasks.
#[corio::test]
async fn mp_10_a_child_beside_a_timer_and_a_socket() {
    let listener = corio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let handle = child.handle();
    let others: Vec<_> = (0..3).map(|_| spawn(handle.wait())).collect();
    let mut wait = handle.wait();
    let mut rounds = 0;
    let status = loop {
        corio::select! {
            status = &mut wait => break status.unwrap(),
            _ = listener.accept() => panic!("nobody connects"),
            _ = sleep(Duration::from_millis(1)) => rounds += 1,
        }
        if rounds == 5 {
            drop(child.stdin.take());
        }
    };
    assert!(status.success() && rounds >= 5);
    for other in others {
        assert_eq!(within(other).await.unwrap().unwrap(), status);
    }
}

/// The same status as often as one asks; with no time at all, the answer that there is none yet.
#[corio::test]
async fn mp_11_waiting_twice_and_without_time() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    assert!(timeout(Duration::ZERO, child.handle().wait()).await.is_err());
    let first = within(child.wait()).await.unwrap();
    assert_eq!(timeout(Duration::ZERO, child.wait()).await.unwrap().unwrap(), first);
}

/// What this program has buffered is not written by the child, too, and what the child has is flushed.
#[corio::test]
async fn mp_14_no_output_is_doubled_or_lost() {
    print!("not the child's");
    let output = within(shell("printf 'no newline'").output()).await.unwrap();
    std::io::stdout().flush().unwrap();
    assert_eq!(text(&output.stdout), "no newline");
}

pub(crate) fn a_runtime_of_its_own() {
    corio::run(async {
        let place = spawn(async { PLACE.get() }).await.unwrap();
        println!("\nplace {place}");
        // With children of its own.
        let output = shell("echo grandchild").output().await.unwrap();
        print!("{}", text(&output.stdout));
    });
}

/// A child that runs corio, too, has a runtime and variables of its own.
#[corio::test]
async fn mp_17_a_child_has_a_runtime_of_its_own() {
    let output = PLACE.scope("here".to_owned(), in_role("a runtime of its own").output());
    let output = within(output).await.unwrap();
    assert!(output.status.success());
    let said = text(&output.stdout);
    assert!(said.contains("\nplace nowhere\ngrandchild\n"), "{said}");
}
