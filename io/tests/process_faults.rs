//! Child processes when something goes wrong: what has gone wrong in other runtimes.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use corio_io::AsyncFd;
use corio_io::process::{Child, Command, SignalKind, Stdio, shell};
use corio_runtime::runtime::{Builder, Runtime};
use corio_runtime::signal::signal;
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{run, spawn};
use corio_sync::prim::thread;

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

fn sleeper() -> Command {
    let mut command = Command::new("sleep");
    command.arg("1000");
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The state and the parent of a process, if there is one with this number.
fn state_of(id: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // `pid (name) state parent ...`
    let mut rest = stat.rsplit_once(") ")?.1.split(' ');
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}

/// Waits until this process has no child of this number, not even a dead one.
fn assert_is_gone(id: u32) {
    let start = Instant::now();
    while let Some((state, parent)) = state_of(id) {
        if parent != std::process::id() {
            return;
        }
        assert!(start.elapsed() < LONG, "process {id} is still there, state {state}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// How many descriptors this process has, when nothing else is under way in it.
fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

// Some tests need a process of their own: this program again, in one of these roles.

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
        .args(["--exact", "role", "--nocapture", "--test-threads=1"])
        .env("CORIO_TEST_ROLE", role)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

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
fn p08_no_descriptor_leaks_into_a_child() {
    // What whoever runs the tests has left open, the three streams, and the folder that is listed.
    let ls = std::process::Command::new("ls").arg("/proc/self/fd").output().unwrap();
    let expected = text(&ls.stdout).lines().count();
    let runtime = multi(2);
    let counts = runtime.block_on(async {
        let mut objects = Vec::new();
        for _ in 0..100 {
            let (one, two) = UnixStream::pair().unwrap();
            let one = AsyncFd::new(one);
            let _ = timeout(Duration::ZERO, one.readable()).await;
            let live = sleeper().stdin(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
            let (sender, receiver) = corio_io::pipe().unwrap();
            objects.push((one, two, live, sender, receiver, signal(SignalKind::alarm()).unwrap()));
        }
        let storm: Vec<_> = (0..4)
            .map(|_| {
                spawn(async {
                    let mut counts = Vec::new();
                    for _ in 0..25 {
                        let mut ls = Command::new("ls");
                        let output = within(ls.arg("/proc/self/fd").output()).await.unwrap();
                        counts.push(text(&output.stdout).lines().count());
                    }
                    counts
                })
            })
            .collect();
        let mut counts = Vec::new();
        for task in storm {
            counts.extend(task.await.unwrap());
        }
        counts
    });
    assert!(counts.iter().all(|count| *count == expected), "{expected}: {counts:?}");
}

#[test]
fn p09_a_child_has_an_empty_signal_mask_and_no_handlers() {
    run(async {
        let _listening = corio_runtime::signal::set([
            SignalKind::hangup(),
            SignalKind::user_defined1(),
            SignalKind::child(),
        ])
        .unwrap();
        let mut command = Command::new("cat");
        let output = within(command.arg("/proc/self/status").output()).await.unwrap();
        let mask = |name: &str| {
            let line = text(&output.stdout).lines().find(|line| line.starts_with(name)).unwrap();
            u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap()
        };
        assert_eq!((mask("SigBlk:"), mask("SigCgt:")), (0, 0));
        let ignored = |kind: SignalKind| mask("SigIgn:") >> (kind.as_raw() - 1) & 1;
        assert_eq!(ignored(SignalKind::pipe()), 0);
    });
}

#[test]
fn p13_what_cannot_be_said_to_the_system_is_refused() {
    for mut command in [
        shell("true\0"),
        Command::new("tr\0ue"),
        Command::new(""),
        {
            let mut command = Command::new("true");
            command.env("A", "a\0");
            command
        },
        {
            let mut command = Command::new("true");
            command.current_dir("/tmp\0");
            command
        },
    ] {
        let error = command.spawn().unwrap_err();
        assert!(error.to_string().starts_with("cannot start `"), "{error}");
    }
    // Arguments are not looked at by anybody.
    run(async {
        let odd = ["-n", "$(exit 1)", "a  b", "'", "\"", "*", "", ";", "\n"];
        let mut printf = Command::new("printf");
        let output = within(printf.arg("[%s]").args(odd).output()).await.unwrap();
        let expected: String = odd.iter().map(|arg| format!("[{arg}]")).collect();
        assert_eq!(text(&output.stdout), expected);
    });
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
        assert_eq!(error.raw_os_error(), None);
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
