//! The standard streams, in programs of their own.
#![cfg(unix)]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Stdio;
use std::time::Duration;

use corio_io::{raw_os_error, stderr, stdin, stdout};
use corio_runtime::time::{sleep, timeout};
use corio_runtime::{run, spawn};
use rustix::fs::OFlags;

#[path = "common/child.rs"]
mod child;
use child::{command, ended};

/// What the children do.
#[test]
fn roles() {
    match child::role().as_deref() {
        None => return,
        Some("pending") => run(async {
            let reader = spawn(async { stdin().read_line(&mut String::new()).await });
            sleep(Duration::from_millis(10)).await;
            assert!(!reader.is_finished());
            println!("<ended>");
        }),
        Some("echo") => run(async {
            // Reads that are given up swallow nothing.
            for _ in 0..3 {
                let mut line = String::new();
                let read =
                    timeout(Duration::from_millis(5), async { stdin().read_line(&mut line).await });
                assert!(read.await.is_err());
            }
            println!("<waiting>");
            // Each line by a handle of its own: what one has too much the next one finds.
            loop {
                let mut line = String::new();
                if stdin().read_line(&mut line).await.unwrap() == 0 {
                    break;
                }
                stdout().write_all(format!("<{}>\n", line.trim_end()).as_bytes()).await.unwrap();
            }
        }),
        Some("lines") => run(async {
            let mut lines = stdin().lines();
            while let Some(line) = lines.next_line().await.unwrap() {
                stdout().write_all(format!("<{line}>\n").as_bytes()).await.unwrap();
            }
        }),
        Some("flood") => flood(),
        Some("broken") => run(async {
            let error = loop {
                if let Err(error) = stdout().write_all(&[b'x'; 5000]).await {
                    break error;
                }
                if let Err(error) = stdout().flush().await {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
            // It is told once; the next one finds out anew.
            stdout().flush().await.unwrap();
            stderr().write_all(b"<broken>\n").await.unwrap();
            stderr().flush().await.unwrap();
            std::process::exit(0);
        }),
        Some("lost") => run(async {
            onto_a_full_device();
            stdout().write_all(b"lost\n").await.unwrap();
        }),
        Some("lost for long") => run(async {
            onto_a_full_device();
            stdout().write_all(b"lost\n").await.unwrap();
            // Long enough for the failure to come before the end; if it is not, nothing else is seen.
            sleep(Duration::from_millis(50)).await;
        }),
        Some("asked by flush") => run(async {
            onto_a_full_device();
            stdout().write_all(b"lost\n").await.unwrap();
            let error = stdout().flush().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StorageFull);
            assert_eq!(raw_os_error(&error), Some(28), "{error:?}");
            stderr().write_all(b"<asked>\n").await.unwrap();
        }),
        Some("asked by a write") => run(async {
            onto_a_full_device();
            let error = loop {
                if let Err(error) = stdout().write_all(b"lost\n").await {
                    break error;
                }
                sleep(Duration::from_millis(1)).await;
            };
            assert_eq!(error.kind(), ErrorKind::StorageFull);
            stderr().write_all(b"<asked>\n").await.unwrap();
        }),
        Some(other) => panic!("unknown role {other}"),
    }
    // libtest's own last words are not wanted.
    std::process::exit(0);
}

/// From now on standard output is a device that is full; libtest has written what it had to say before.
fn onto_a_full_device() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    // SAFETY: the call takes two numbers; `full` is open, and 1 belongs to this test for itself.
    assert_eq!(unsafe { libc::dup2(full.as_raw_fd(), 1) }, 1);
}

/// Tasks, threads with `println!`, and no flush at the end.
fn flood() {
    run(async {
        let printers: Vec<_> = (0..2)
            .map(|t| {
                corio_runtime::spawn_blocking(move || {
                    for i in 0..200 {
                        println!("<p{t} {i} {}>", "-".repeat(60));
                    }
                })
            })
            .collect();
        let writers: Vec<_> = (0..4)
            .map(|t| {
                spawn(async move {
                    for i in 0..200 {
                        let line = format!("<w{t} {i} {}>\n", "=".repeat(3000));
                        stdout().write_all(line.as_bytes()).await.unwrap();
                        if i % 16 == 0 {
                            corio_runtime::yield_now().await;
                        }
                    }
                })
            })
            .collect();
        for task in printers.into_iter().chain(writers) {
            task.await.unwrap();
        }
    });
}

/// The lines in angle brackets: libtest says things, too.
fn marked(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.find('<').map(|at| &line[at..])).collect()
}

/// A pipe that both sides here can look at: the child's end, which it shares with us, and ours.
fn pipe() -> (OwnedFd, std::fs::File) {
    let (sender, receiver) = corio_io::pipe().unwrap();
    let (read, write) = (receiver.into_blocking_fd().unwrap(), sender.into_blocking_fd().unwrap());
    (read, std::fs::File::from(write))
}

fn is_nonblocking(fd: impl AsFd) -> bool {
    rustix::fs::fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK)
}

#[test]
fn b10_aiof_10_a_pending_read_of_stdin_does_not_keep_the_program() {
    let (theirs, ours) = pipe();
    let output = command("roles", "pending").stdin(theirs).output().unwrap();
    // The other end is open all the time.
    drop(ours);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("<ended>"));
}

#[test]
fn aiof_10_reads_that_are_given_up_swallow_nothing_and_leave_the_mode_alone() {
    let (theirs, mut ours) = pipe();
    let shared = theirs.try_clone().unwrap();
    let mut child = command("roles", "echo").stdin(theirs).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("<waiting>") {
        said.clear();
        assert_ne!(lines.read_line(&mut said).unwrap(), 0);
    }
    assert!(!is_nonblocking(&shared), "the child changed the mode of the pipe");
    ours.write_all(b"one\ntwo\nthree").unwrap();
    drop(ours);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(marked(&rest), ["<one>", "<two>", "<three>"]);
    assert!(ended(child).success());
}

#[test]
fn stdin_may_be_a_file_a_socket_or_nothing() {
    let text = "first\nsecond\nthird\n";
    let path = std::env::temp_dir().join(format!("corio-stdin-{}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
    far.write_all(text.as_bytes()).unwrap();
    drop(far);
    for input in [OwnedFd::from(file), OwnedFd::from(near)] {
        let output = command("roles", "lines").stdin(input).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(marked(&said), ["<first>", "<second>", "<third>"]);
    }
    let output = command("roles", "lines").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(marked(&String::from_utf8(output.stdout).unwrap()).is_empty());
    std::fs::remove_file(path).unwrap();
}

#[test]
fn aiof_10_lines_of_many_tasks_do_not_mix_and_all_come_out() {
    let output = command("roles", "flood").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines = marked(&said);
    for line in &lines {
        let fill = if line.contains("<w") { 3000 } else { 60 };
        let filled = line.bytes().filter(|b| *b == b'=' || *b == b'-').count();
        assert!(line.ends_with('>') && filled == fill, "a torn line: {line}");
    }
    assert_eq!(lines.len(), 6 * 200);
    // Each writer's lines are in order.
    let first: Vec<_> = lines.iter().filter(|line| line.contains("<w0 ")).collect();
    assert!(first.iter().enumerate().all(|(i, line)| line.contains(&format!("<w0 {i} "))));
}

#[test]
fn a_reader_that_has_gone_is_a_plain_error() {
    let mut child =
        command("roles", "broken").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // libtest's own words go out first: it cannot do without a reader.
    let mut stdout = child.stdout.take().unwrap();
    let mut byte = [0];
    while byte != *b"x" {
        stdout.read_exact(&mut byte).unwrap();
    }
    drop(stdout);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("<broken>"), "{said}");
    assert!(ended(child).success());
}

/// What could not be written is never lost without a word: who asks is told, or people are.
#[cfg(target_os = "linux")]
#[test]
fn what_a_full_device_does_not_take_is_told() {
    for (role, asked) in [
        ("lost", false),
        ("lost for long", false),
        ("asked by flush", true),
        ("asked by a write", true),
    ] {
        let mut child = command("roles", role);
        let child = child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(ended(child).success(), "{role}: {said}");
        let told = said.contains("0 of 5 bytes were written to standard output, then: ");
        assert_eq!((told, said.contains("<asked>")), (!asked, asked), "{role}: {said}");
    }
}

/// Terminals: a pseudo-terminal, raw, so that lines are not waited for.
fn terminal() -> (OwnedFd, OwnedFd) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(&name, flags, rustix::fs::Mode::empty()).unwrap();
    let mut modes = rustix::termios::tcgetattr(&slave).unwrap();
    modes.make_raw();
    rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &modes).unwrap();
    (master, slave)
}

#[test]
fn aiof_10_a_terminal_is_left_as_it_was() {
    let (master, slave) = terminal();
    let output = command("roles", "pending").stdin(slave.try_clone().unwrap()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("<ended>"));
    assert!(!is_nonblocking(&slave), "the shell would find it in another mode");

    let mut child = command("roles", "echo")
        .stdin(slave.try_clone().unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("<waiting>") {
        said.clear();
        assert_ne!(lines.read_line(&mut said).unwrap(), 0);
    }
    assert!(!is_nonblocking(&slave));
    let mut master = std::fs::File::from(master);
    master.write_all(b"typed\nmore\n").unwrap();
    for expected in ["<typed>\n", "<more>\n"] {
        said.clear();
        lines.read_line(&mut said).unwrap();
        assert_eq!(said, expected);
    }
    // Hanging up is the end of the input.
    drop(master);
    assert!(ended(child).success());
}

#[test]
fn pp_13_a_terminal_is_read_and_written_by_turns() {
    use corio_io::pipe::{Receiver, Sender};
    let (master, slave) = terminal();
    let mut master = std::fs::File::from(master);
    run(async {
        let mut sender = Sender::try_from(slave.try_clone().unwrap()).unwrap();
        let mut receiver = Receiver::try_from(slave).unwrap();
        for round in [b"one", b"two", b"six"] {
            let mut three = [0; 3];
            master.write_all(round).unwrap();
            receiver.read_exact(&mut three).await.unwrap();
            assert_eq!(&three, round);
            sender.write_all(round).await.unwrap();
            master.read_exact(&mut three).unwrap();
            assert_eq!(&three, round);
        }
        // The other side of a terminal that is closed is the end, not an error.
        let mut master = Receiver::try_from(OwnedFd::from(master)).unwrap();
        drop((sender, receiver));
        assert_eq!(master.read(&mut [0; 8]).await.unwrap(), 0);
    });
}
