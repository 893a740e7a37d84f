//! What needs a process of its own: this program again, in a role.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use corio_io::process::{Command, SignalKind, Stdio, shell};
use corio_io::raw_os_error;
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{run, spawn};

use crate::kit::{assert_is_gone, multi, open_descriptors, single, sleeper, text, within};

const ROLES: [(&str, fn()); 5] = [
    ("no_descriptors", no_descriptors),
    ("sigchld_is_ignored", sigchld_is_ignored),
    ("failed_starts_leave_nothing", failed_starts_leave_nothing),
    ("many_children_and_few_descriptors", many_children_and_few_descriptors),
    ("nothing_is_left_after_the_end", nothing_is_left_after_the_end),
];

/// Does nothing, except in a process that `in_role` has started.
#[test]
fn role() {
    if let Ok(role) = std::env::var("CORIO_TEST_ROLE") {
        let (_, run) = ROLES.iter().find(|(name, _)| *name == role).unwrap();
        run();
    }
}

/// Has a line of shell run this program (its `"$@"`) in a role.
fn in_role(role: &str, line: &str) {
    let output = std::process::Command::new("/bin/sh")
        .args(["-c", line, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "alone::role", "--nocapture", "--test-threads=1"])
        .env("CORIO_TEST_ROLE", role)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn p14_a_failed_start_leaves_nothing() {
    in_role("failed_starts_leave_nothing", r#"exec "$@""#);
}

fn failed_starts_leave_nothing() {
    run(async {
        let folder = std::env::temp_dir();
        let busy = folder.join(format!("corio-busy-{}", std::process::id()));
        std::fs::copy("/bin/true", &busy).unwrap();
        let _writer = File::options().append(true).open(&busy).unwrap();
        let mut command = Command::new("true");
        let missing_folder = command.current_dir("/no/such/folder");
        let mut many = Command::new("true");
        let too_long = many.arg("x".repeat(16 << 20));
        let mut errors = Vec::new();
        let before = open_descriptors();
        for _ in 0..10 {
            for command in [
                &mut Command::new("/no/such/program"),
                &mut Command::new("no-such-program-either"),
                &mut Command::new("/etc/passwd"),
                &mut Command::new(&folder),
                &mut Command::new(&busy),
                &mut *missing_folder,
                &mut *too_long,
            ] {
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                errors.push(command.spawn().unwrap_err());
                errors.push(within(command.output()).await.unwrap_err());
                errors.push(within(command.status()).await.unwrap_err());
                errors.push(command.stderr_to_stdout().spawn().unwrap_err());
            }
        }
        assert_eq!(open_descriptors(), before);
        for (error, expected) in errors.iter().step_by(4).zip([
            (ErrorKind::NotFound, "cannot start `/no/such/program`: "),
            (ErrorKind::NotFound, "cannot start `no-such-program-either`: "),
            (ErrorKind::PermissionDenied, "cannot start `/etc/passwd`: "),
            (ErrorKind::PermissionDenied, "cannot start `/"),
            (ErrorKind::ExecutableFileBusy, "cannot start `/"),
            (ErrorKind::NotFound, "cannot start `true` in /no/such/folder: "),
            (ErrorKind::ArgumentListTooLong, "cannot start `true`: "),
        ]) {
            assert_eq!(error.kind(), expected.0, "{error}");
            assert!(error.to_string().starts_with(expected.1), "{error}");
        }
        let _ = std::fs::remove_file(&busy);
    });
    let children = std::fs::read_to_string("/proc/thread-self/children").unwrap();
    assert_eq!(children, "");
}

/// P16: so it is in a program that ignores SIGCHLD, as in one that waits for any child.
#[test]
fn sp_36_a_status_that_was_taken_by_others_is_an_error() {
    in_role("sigchld_is_ignored", r#"exec env --ignore-signal=CHLD "$@""#);
}

fn sigchld_is_ignored() {
    run(async {
        let mut child = Command::new("true").spawn().unwrap();
        for _ in 0..2 {
            let error = within(child.wait()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.to_string().contains("is lost"), "{error}");
        }
        let error = child.send_signal(SignalKind::terminate()).unwrap_err();
        assert!(error.to_string().contains("is lost"), "{error}");
        let error = within(shell("exit 3").output()).await.unwrap_err();
        assert!(error.to_string().contains("ignores SIGCHLD"), "{error}");
        drop(sleeper().kill_on_drop(true).spawn().unwrap());
    });
}

#[test]
fn without_descriptors_children_are_still_waited_for_and_reaped() {
    in_role("no_descriptors", r#"ulimit -n 200; exec "$@""#);
}

fn no_descriptors() {
    let ids = single().block_on(async {
        // The runtime has what it needs.
        sleep(Duration::from_millis(1)).await;
        let mut rest = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            rest.push(file);
        }
        let mut child = shell("exit 3").spawn().unwrap();
        let mut killed = sleeper().spawn().unwrap();
        killed.start_kill().unwrap();
        let ids = [
            Command::new("true").spawn().unwrap().id().unwrap(),
            sleeper().kill_on_drop(true).spawn().unwrap().id().unwrap(),
        ];
        assert_eq!(within(child.wait()).await.unwrap().code(), Some(3));
        assert_eq!(within(killed.wait()).await.unwrap().signal(), Some(9));
        let error = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap_err();
        assert_eq!((error.raw_os_error(), raw_os_error(&error)), (None, Some(libc::EMFILE)));
        assert!(error.to_string().starts_with("cannot start `cat`: "), "{error}");
        ids
    });
    ids.into_iter().for_each(assert_is_gone);
}

#[test]
fn two_hundred_children_at_once_and_descriptors_for_half_of_them() {
    in_role("many_children_and_few_descriptors", r#"ulimit -n 400; exec "$@""#);
}

fn many_children_and_few_descriptors() {
    for runtime in [single(), multi(2)] {
        let done = runtime.block_on(async {
            let mut tasks = Vec::new();
            for n in 0..200 {
                let mut command = shell("cat; exit 3");
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                match command.kill_on_drop(true).spawn() {
                    // All of them have their pipes open until the last has been started.
                    Ok(child) => tasks.push((n, child)),
                    Err(error) => {
                        assert!(error.to_string().contains("Too many open files"), "{error}");
                    }
                }
            }
            let tasks: Vec<_> = tasks
                .into_iter()
                .map(|(n, mut child)| {
                    spawn(async move {
                        let output = within(child.communicate(format!("{n}"))).await.unwrap();
                        assert_eq!(text(&output.stdout), format!("{n}"));
                        assert_eq!(output.status.code(), Some(3));
                    })
                })
                .collect();
            let done = tasks.len();
            for task in tasks {
                task.await.unwrap();
            }
            done
        });
        assert!((50..200).contains(&done), "{done}");
        // And afterwards all is well again.
        assert!(runtime.block_on(Command::new("true").output()).unwrap().status.success());
    }
}

#[test]
fn nothing_is_open_when_all_is_over() {
    in_role("nothing_is_left_after_the_end", r#"exec "$@""#);
}

fn nothing_is_left_after_the_end() {
    let round = || {
        multi(2).block_on(async {
            for n in 0..20 {
                within(Command::new("cat").output()).await.unwrap();
                let limit = Duration::from_micros(n * 300);
                let _ = timeout(limit, shell("cat; exec sleep 1000").output()).await;
                drop(sleeper().stdin(Stdio::piped()).kill_on_drop(true).spawn().unwrap());
                let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
                let wait = child.handle().wait();
                let _ = timeout(limit, wait).await;
                within(child.wait()).await.unwrap();
            }
        });
    };
    round();
    let before = open_descriptors();
    round();
    round();
    assert_eq!(open_descriptors(), before);
}
