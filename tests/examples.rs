//! Every example, run as a user runs it: as a program of its own, ended by Ctrl-C.
//!
//! A plain `cargo test` builds them first; before `cargo test --test examples`, run
//! `cargo build --examples`.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// The example `name`, which `cargo test` has built beside this test.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let folder: PathBuf = test.ancestors().nth(2).unwrap().join("examples");
    let program = folder.join(name);
    assert!(program.exists(), "{} is not there: run `cargo build --examples`", program.display());
    Command::new(program)
}

/// Runs an example that ends by itself.
fn output(name: &str, args: &[&str]) -> Output {
    example(name).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An example that serves until it is interrupted.
struct Server {
    child: Child,
    lines: mpsc::Receiver<String>,
    address: String,
}

impl Server {
    fn start(name: &str, args: &[&str]) -> Self {
        let mut child = example(name).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                let _ = sender.send(line);
            }
        });
        let mut server = Self { child, lines, address: String::new() };
        server.address = server.line_with("listening on ").replace("listening on ", "");
        server
    }

    /// Waits for a line of output that contains `part`.
    fn line_with(&self, part: &str) -> String {
        let mut others = Vec::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(LONG) else {
                panic!("the output has no line with {part:?}, but {others:?}");
            };
            if line.contains(part) {
                return line;
            }
            others.push(line);
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// What Ctrl-C does.
    fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// The exit status, which must be 0.
    fn ends_well(&mut self) {
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only if the test has failed: otherwise the server has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends `bytes` and checks that they come back.
fn check_echo(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
    let mut answer = vec![0; bytes.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, bytes);
}

#[test]
fn all_explain_themselves() {
    for name in
        ["hello", "echo-server", "echo-client", "chat-server", "proxy", "tail", "parallel-shell"]
    {
        let help = output(name, &["--help"]);
        assert!(help.status.success());
        assert!(text(&help.stdout).starts_with(name), "{}", text(&help.stdout));

        let wrong = output(name, &["--nonsense"]);
        assert_eq!(wrong.status.code(), Some(1));
        assert!(text(&wrong.stderr).contains("--nonsense"), "{}", text(&wrong.stderr));
    }
}

#[test]
fn tail_prints_the_last_lines_and_follows() {
    let path = std::env::temp_dir().join(format!("corio-tail-{}", std::process::id()));
    std::fs::write(&path, "1\n2\n3\n4\n").unwrap();
    let input = std::fs::File::open(&path).unwrap();
    let last = example("tail").args(["--lines", "2"]).stdin(input).output().unwrap();
    assert_eq!(text(&last.stdout), "3\n4\n");

    let name = path.to_str().unwrap();
    let mut tail =
        example("tail").args([name, "--lines", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "4");
    let mut log = std::fs::File::options().append(true).open(&path).unwrap();
    log.write_all(b"appended\n").unwrap();
    assert_eq!(next(), "appended");
    // Renamed away and replaced, as a log is.
    let old = path.with_extension("old");
    std::fs::rename(&path, &old).unwrap();
    std::fs::write(&path, "another\n").unwrap();
    assert_eq!(next(), "another");
    // Cut.
    std::fs::write(&path, "cut\n").unwrap();
    assert_eq!(next(), "cut");
    let kill = format!("kill -INT {}", tail.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert!(tail.wait().unwrap().success());
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(&old).unwrap();
}

#[test]
fn hello_greets_the_quick_one_first() {
    let hello = output("hello", &["Ada"]);
    assert!(hello.status.success());
    let lines = text(&hello.stdout);
    assert_eq!(
        lines.lines().collect::<Vec<_>>(),
        ["Hello, Ada!", "Good morning, Ada!", "Said \"Hello\" and \"Good morning\"."]
    );
}

#[test]
fn parallel_shell_prints_what_ends_first_first() {
    let shell = output("parallel-shell", &["--jobs", "2", "sleep 0.5; echo slow", "echo quick"]);
    assert!(shell.status.success(), "{}", text(&shell.stderr));
    let lines = text(&shell.stdout);
    let said: Vec<_> = lines.lines().filter(|line| !line.contains(" after ")).collect();
    assert_eq!(said, ["$ echo quick", "quick", "$ sleep 0.5; echo slow", "slow"]);
}

#[test]
fn parallel_shell_ends_with_the_first_failure() {
    let shell = output("parallel-shell", &["sleep 1000", "echo hello >&2; exit 3", "sleep 1000"]);
    assert_eq!(shell.status.code(), Some(1));
    assert!(text(&shell.stdout).contains("hello\n"), "{}", text(&shell.stdout));
    let error = text(&shell.stderr);
    assert!(error.contains("`echo hello >&2; exit 3`: exit status: 3"), "{error}");
}

#[test]
fn parallel_shell_leaves_nothing_behind_on_ctrl_c() {
    let file = std::env::temp_dir().join(format!("corio-parallel-shell-{}", std::process::id()));
    let line = format!("sleep 1000 & echo $$ $! > '{}'; wait", file.display());
    let mut shell = example("parallel-shell").args([&line, "sleep 1000"]).spawn().unwrap();
    let wait = |what: &str, is_so: &dyn Fn() -> bool| {
        let start = std::time::Instant::now();
        while !is_so() {
            assert!(start.elapsed() < LONG, "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let ids = || std::fs::read_to_string(&file).unwrap_or_default();
    wait("the line does not run", &|| ids().ends_with('\n'));
    let ids = ids();
    let kill = |args: &str| Command::new("sh").args(["-c", &format!("kill {args} 2>&-")]).status();
    assert!(kill(&format!("-INT {}", shell.id())).unwrap().success());
    assert_eq!(shell.wait().unwrap().code(), Some(130));
    for id in ids.split_whitespace() {
        wait("it is still there", &|| !kill(&format!("-0 {id}")).unwrap().success());
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn the_echo_server_survives_a_reset_and_ends_on_ctrl_c() {
    let mut server = Server::start("echo-server", &["127.0.0.1:0"]);
    let mut client = server.connect();
    check_echo(&mut client, b"hello");
    let large: Vec<u8> = (0..100_000_u32).map(|i| i as u8).collect();
    check_echo(&mut client, &large);

    // Closing with unread input resets the connection.
    let mut rude = server.connect();
    rude.write_all(b"bye").unwrap();
    rude.peek(&mut [0; 3]).unwrap();
    drop(rude);

    let load = ["--connections", "10", "--size", "100", "--seconds", "1"];
    let client_program = output("echo-client", &[&[&server.address[..]], &load[..]].concat());
    let report = text(&client_program.stdout);
    assert!(client_program.status.success(), "{report} {}", text(&client_program.stderr));
    for part in ["requests/s", "p50", "p90", "p99", "p99.9", "max", "0 errors"] {
        assert!(report.contains(part), "{report}");
    }

    check_echo(&mut client, b"still there");
    server.interrupt();
    server.line_with("stopping: 1 ");
    // The connection is ended from the other side, and not by a reset.
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    assert!(server.line_with(" echoed").starts_with("12 connections, "));
    server.ends_well();
    assert!(TcpStream::connect(&server.address).is_err());
}

/// Ten thousand, or as many as the limit on open files allows this process and the server.
fn many() -> usize {
    let limit = Command::new("sh").args(["-c", "ulimit -n"]).output().unwrap();
    match text(&limit.stdout).trim() {
        "unlimited" => 10_000,
        limit => limit.parse::<usize>().unwrap().saturating_sub(200).clamp(100, 10_000),
    }
}

#[test]
fn the_echo_server_holds_ten_thousand_connections_and_ends_each_without_an_error() {
    let mut server = Server::start("echo-server", &["127.0.0.1:0"]);
    let count = many();
    let mut clients: Vec<_> = (0..count).map(|_| server.connect()).collect();
    // All of them have something under way at once.
    for (i, client) in clients.iter_mut().enumerate() {
        client.write_all(&(i as u64).to_be_bytes()).unwrap();
    }
    for (i, client) in clients.iter_mut().enumerate() {
        let mut answer = [0; 8];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(u64::from_be_bytes(answer), i as u64);
    }
    server.interrupt();
    server.line_with(&format!("stopping: {count} "));
    for client in &mut clients {
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0, "an end, and no reset");
    }
    let bytes = 8 * count;
    let summary = format!("{count} connections, 0 of them failed, {bytes} bytes echoed");
    assert_eq!(server.line_with(" echoed"), summary);
    server.ends_well();
}

#[test]
fn clients_that_stall_end_one_side_or_send_a_byte_at_a_time_harm_nobody() {
    let mut server = Server::start("echo-server", &["127.0.0.1:0"]);

    // It sends as long as the server takes anything, and reads nothing.
    let mut stalled = server.connect();
    stalled.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut sent = 0;
    let block = vec![7; 64 * 1024];
    while let Ok(count) = stalled.write(&block) {
        sent += count;
    }
    assert!(sent < 64 << 20, "the server takes without an end what it cannot give back");

    let mut slow = server.connect();
    slow.set_nodelay(true).unwrap();
    for byte in 0..200 {
        check_echo(&mut slow, &[byte]);
    }
    let mut half = server.connect();
    half.write_all(b"all of this").unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    half.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"all of this");

    // Who stalled gets everything when it reads at last.
    stalled.shutdown(Shutdown::Write).unwrap();
    let mut received = 0;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match stalled.read(&mut buffer).unwrap() {
            0 => break,
            count => received += count,
        }
    }
    assert_eq!(received, sent);

    server.interrupt();
    server.line_with("stopping: ");
    assert_eq!(slow.read(&mut [0; 1]).unwrap(), 0);
    assert!(server.line_with(" echoed").starts_with("3 connections, 0 of them failed"));
    server.ends_well();
}

#[test]
fn a_client_without_a_server_says_so() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = port.to_string();
    let client = output("echo-client", &[&address, "--connections", "3", "--seconds", "0.1"]);
    assert_eq!(client.status.code(), Some(1));
    let errors = text(&client.stderr);
    assert!(errors.contains("3 connections failed") && errors.contains(&address), "{errors}");
}

#[test]
fn a_server_that_cannot_listen_names_the_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for bad in [&address[..], "nonsense", "127.0.0.1:70000"] {
        let server = output("echo-server", &[bad]);
        assert_eq!(server.status.code(), Some(1));
        assert!(text(&server.stderr).contains(bad), "{}", text(&server.stderr));
    }
}

/// One end of the chat.
struct Chatter(BufReader<TcpStream>);

impl Chatter {
    /// Enters the chat, once `server` has asked for the name.
    fn enter(server: &Server, name: &str) -> Self {
        let mut chatter = Self(BufReader::new(server.connect()));
        assert_eq!(chatter.hear(), "your name?");
        chatter.say(name);
        chatter
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

#[test]
fn the_chat_passes_lines_on_and_drops_who_does_not_read() {
    let mut server = Server::start("chat-server", &["127.0.0.1:0"]);
    let mut ada = Chatter::enter(&server, "Ada");
    server.line_with("* Ada is here");
    let mut bob = Chatter::enter(&server, "Bob");
    assert_eq!(ada.hear(), "* Bob is here");
    ada.say("Hello, Bob");
    assert_eq!(bob.hear(), "Ada: Hello, Bob");

    let mut other_ada = Chatter::enter(&server, "Ada");
    assert_eq!(other_ada.hear(), "this name is taken");

    let deaf = Chatter::enter(&server, "Deaf");
    assert_eq!(ada.hear(), "* Deaf is here");
    assert_eq!(bob.hear(), "* Deaf is here");
    // In step with Bob, so that only the one who never reads falls behind.
    let long = "x".repeat(4000);
    while bob_hears_a_line_of(&mut ada, &mut bob, &long) {}
    drop(deaf);

    drop(bob);
    while ada.hear() != "* Bob has left" {}
    server.interrupt();
    server.line_with("closing, with 1 clients");
    server.ends_well();
}

/// Whether Bob hears what Ada says, and not that somebody has left.
fn bob_hears_a_line_of(ada: &mut Chatter, bob: &mut Chatter, line: &str) -> bool {
    ada.say(line);
    match bob.hear() {
        heard if heard == "* Deaf has left" => false,
        heard => {
            assert_eq!(heard, format!("Ada: {line}"));
            true
        }
    }
}

#[test]
fn the_proxy_keeps_a_half_close_and_counts() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = target.local_addr().unwrap().to_string();
    let mut server = Server::start("proxy", &["127.0.0.1:0", &address]);

    let answer = std::thread::spawn(move || {
        let mut stream = target.accept().unwrap().0;
        let mut question = Vec::new();
        // Ends only if the client's half-close comes through.
        stream.read_to_end(&mut question).unwrap();
        stream.write_all(b"twice ").unwrap();
        stream.write_all(&question).unwrap();
    });
    let mut client = server.connect();
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "twice question");
    answer.join().unwrap();
    assert!(server.line_with("bytes up").ends_with(": 8 bytes up, 14 bytes down"));

    // The target is gone now: the client's connection ends, the proxy does not.
    let mut refused = server.connect();
    let _ = refused.read(&mut [0; 1]);
    assert!(server.line_with("cannot connect to").contains(&address));

    server.interrupt();
    assert_eq!(server.line_with("in all"), "in all 8 bytes up, 14 bytes down");
    server.ends_well();
}
