//! What a child has from its parent, and what it has not.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use corio_io::AsyncFd;
use corio_io::process::{Command, SignalKind, Stdio, shell};
use corio_runtime::signal::signal;
use corio_runtime::time::timeout;
use corio_runtime::{run, spawn};

use crate::kit::{multi, sleeper, text, within};

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
    // std has another program in its place, which nobody has given.
    let error = Command::new("tr\0ue").spawn().unwrap_err().to_string();
    assert!(error.starts_with("cannot start `tr\\0ue`: "), "{error}");
    // Arguments are not looked at by anybody.
    run(async {
        let odd = ["-n", "$(exit 1)", "a  b", "'", "\"", "*", "", ";", "\n"];
        let mut printf = Command::new("printf");
        let output = within(printf.arg("[%s]").args(odd).output()).await.unwrap();
        let expected: String = odd.iter().map(|arg| format!("[{arg}]")).collect();
        assert_eq!(text(&output.stdout), expected);
    });
}
