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
        self.signal("INT");
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
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
    for name in [
        "hello",
        "echo-server",
        "echo-client",
        "chat-server",
        "proxy",
        "tail",
        "parallel-shell",
        "crawler",
        "graceful-shutdown",
        "happy-eyeballs",
        "pipeline",
        "http-hello",
        "file-server",
    ] {
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

#[test]
fn the_crawler_gets_every_page_once() {
    let crawler = output("crawler", &["--pages", "300", "--limit", "8", "--delay", "0"]);
    let report = text(&crawler.stdout);
    assert!(crawler.status.success(), "{report} {}", text(&crawler.stderr));
    assert!(report.contains("\n300 pages, ") && report.contains(" pages/s"), "{report}");
}

#[test]
fn the_crawler_ends_with_its_first_error_and_names_the_page() {
    // Were the others waited for, it would take hours.
    let slow = ["--pages", "100", "--delay", "3600", "--timeout", "0.05"];
    let crawler = output("crawler", &slow);
    assert_eq!(crawler.status.code(), Some(1));
    let error = text(&crawler.stderr);
    assert!(error.contains("/0") && error.contains("timed out after 50ms"), "{error}");

    let crawler = output("crawler", &["--pages", "300", "--broken", "70"]);
    assert_eq!(crawler.status.code(), Some(1));
    let error = text(&crawler.stderr);
    assert!(error.contains("/70") && error.contains("500 It Is Broken"), "{error}");

    let crawler = output("crawler", &["https://127.0.0.1/"]);
    assert_eq!(crawler.status.code(), Some(1));
    assert!(text(&crawler.stderr).contains("`https://127.0.0.1/`"));
}

/// A page that has moved, links to itself, to another site and to a page beside it.
#[test]
fn the_crawler_follows_the_links_of_a_site_and_stays_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}/", listener.local_addr().unwrap());
    let links = format!("{root}a/b");
    let site = std::thread::spawn(move || {
        let mut asked = Vec::new();
        while asked.len() < 3 {
            let mut stream = listener.accept().unwrap().0;
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let path = line.split(' ').nth(1).unwrap().to_owned();
            let answer = match &path[..] {
                "/" => format!("HTTP/1.0 302 Found\r\nLocation: {links}\r\n\r\n"),
                "/a/b" => "HTTP/1.0 200 OK\r\n\r\n<a href=\"/a/b#here\"> <a href=\"c?d\"> \
                           <a href=\"http://127.0.0.1:1/\"> <a href=\"mailto:a@b\"> <a href=\"\"> <a href=\"/a\r\nb\">"
                    .to_owned(),
                _ => "HTTP/1.0 200 OK\r\n\r\nthe end".to_owned(),
            };
            stream.write_all(answer.as_bytes()).unwrap();
            asked.push(path);
        }
        asked
    });
    let crawler = output("crawler", &[&root]);
    assert!(crawler.status.success(), "{}", text(&crawler.stderr));
    assert!(text(&crawler.stdout).contains("\n3 pages, "), "{}", text(&crawler.stdout));
    assert_eq!(site.join().unwrap(), ["/", "/a/b", "/a/c?d"]);
}

#[test]
fn the_server_that_is_told_to_stop_lets_jobs_end_and_says_goodbye() {
    let mut server = Server::start("graceful-shutdown", &["127.0.0.1:0", "--grace", "600"]);
    let mut idle = Worker::start(&server, "0");
    assert_eq!(idle.hear(), "done after 0ns");
    let mut busy = Worker::start(&server, "1");
    server.interrupt();
    server.line_with("stopping: 2 clients, 1 jobs under way");
    assert_eq!(idle.rest(), "goodbye\n");
    assert!(TcpStream::connect(&server.address).is_err());
    assert_eq!(busy.rest(), "done after 1s\ngoodbye\n");
    server.line_with("2 jobs done, 0 cut off");
    server.ends_well();
}

#[test]
fn the_server_that_is_told_to_stop_cuts_off_what_outlasts_the_grace() {
    let mut server = Server::start("graceful-shutdown", &["127.0.0.1:0", "--grace", "0.1"]);
    let mut busy = Worker::start(&server, "600");
    server.signal("TERM");
    assert_eq!(busy.rest(), "goodbye\n");
    server.line_with("0 jobs done, 1 cut off");
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
}

#[test]
fn the_server_that_is_told_to_stop_twice_ends_at_once() {
    let mut server = Server::start("graceful-shutdown", &["127.0.0.1:0", "--grace", "600"]);
    let mut busy = Worker::start(&server, "600");
    server.interrupt();
    server.line_with("stopping: 1 clients, 1 jobs under way");
    server.interrupt();
    assert_eq!(server.child.wait().unwrap().code(), Some(130));
    assert_eq!(busy.rest(), "");
}

/// A client of the server that does jobs.
struct Worker(BufReader<TcpStream>);

impl Worker {
    /// Asks for a job, and waits until it has begun.
    fn start(server: &Server, seconds: &str) -> Self {
        let mut worker = Self(BufReader::new(server.connect()));
        worker.0.get_mut().write_all(format!("{seconds}\n").as_bytes()).unwrap();
        assert!(worker.hear().starts_with("working for "));
        worker
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// What comes before the connection is ended.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }
}

#[test]
fn happy_eyeballs_moves_on_at_once_when_an_address_is_refused() {
    let live = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (listener, port) = (TcpListener::bind(live).unwrap(), live.port());
    // The families take turns, and IPv6 begins; there nobody listens. A delay would take an hour.
    let names = [&live.to_string()[..], &format!("[::1]:{port}"), "--delay", "3600"];
    let happy = output("happy-eyeballs", &[&names[..], &["--timeout", "60"]].concat());
    let lines = text(&happy.stdout);
    assert!(happy.status.success(), "{lines} {}", text(&happy.stderr));
    let said: Vec<_> = lines.lines().map(|line| line.split_once("s  ").unwrap().1).collect();
    let [first, refused, second, connected] = said[..] else { panic!("{lines}") };
    assert_eq!(first, format!("trying [::1]:{port}"));
    assert!(refused.starts_with(&format!("cannot connect to [::1]:{port}")), "{refused}");
    assert_eq!(
        [second, connected],
        ["trying", "connected to"].map(|said| format!("{said} {live}"))
    );
    drop(listener);
}

/// A listener whose queue is full, so that it does not answer; with what fills it.
fn hole() -> (TcpListener, Vec<TcpStream>) {
    let listener = corio::run(async {
        let socket = corio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.listen(0).unwrap().into_std()
    });
    let address = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300));
    let filled = std::iter::from_fn(|| connect().ok()).collect();
    (listener, filled)
}

#[test]
fn happy_eyeballs_goes_on_beside_an_address_that_does_not_answer() {
    let (hole, _filled) = hole();
    let hole = hole.local_addr().unwrap().to_string();
    let live = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = live.local_addr().unwrap().to_string();
    let happy = output("happy-eyeballs", &[&hole, &address, "--delay", "0.05"]);
    let lines = text(&happy.stdout);
    assert!(happy.status.success(), "{lines} {}", text(&happy.stderr));
    let said: Vec<_> = lines.lines().map(|line| line.split_once("s  ").unwrap().1).collect();
    let expected =
        [format!("trying {hole}"), format!("trying {address}"), format!("connected to {address}")];
    assert_eq!(said, expected);

    let happy = output("happy-eyeballs", &[&hole, "--timeout", "0.2"]);
    assert_eq!(happy.status.code(), Some(1));
    let error = text(&happy.stderr);
    assert!(error.contains("nothing else answered within 200ms"), "{error}");
}

#[test]
fn the_pipeline_loses_nothing_in_its_queues() {
    let pipeline = output("pipeline", &["--items", "1000", "--workers", "3", "--queue", "2"]);
    let report = text(&pipeline.stdout);
    assert!(pipeline.status.success(), "{report} {}", text(&pipeline.stderr));
    for stage in ["read", "parse", "test"] {
        assert!(report.contains(&format!("{stage}: closed after 1000 items\n")), "{report}");
    }
    assert!(report.contains("1000 numbers, 168 of them prime, in "), "{report}");
}

#[test]
fn the_pipeline_ends_with_the_first_error_and_holds_up_who_is_ahead() {
    let path = std::env::temp_dir().join(format!("corio-pipeline-{}", std::process::id()));
    let mut lines: Vec<_> = (1..=1000).map(|n| n.to_string()).collect();
    lines[9] = "x".to_owned();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let name = path.to_str().unwrap();
    let pipeline = output("pipeline", &[name, "--workers", "1", "--queue", "1"]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(pipeline.status.code(), Some(1));
    let error = text(&pipeline.stderr);
    assert!(error.contains("line 10: `x`: invalid digit"), "{error}");

    let report = text(&pipeline.stdout);
    let count = |stage: &str| {
        let start = format!("{stage}: closed after ");
        let line = report.lines().find_map(|line| line.strip_prefix(&start)).expect(stage);
        line.strip_suffix(" items").unwrap().parse::<u64>().unwrap()
    };
    // Ten were taken (the last perhaps before it was counted), and one waits in the queue: the reader could
    // not get further ahead.
    assert!((9..=11).contains(&count("read")), "{report}");
    assert_eq!(count("parse"), 9, "{report}");
    assert!(count("test") <= 9, "{report}");
}

#[test]
fn the_pipeline_runs_its_cleanups_on_ctrl_c() {
    let mut pipeline = example("pipeline")
        .args(["--items", &u32::MAX.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(pipeline.stdout.take().unwrap()).lines().map(Result::unwrap);
    // By then every stage has begun: one that has not has nothing to clean up.
    assert!(lines.next().unwrap().starts_with("the first came through after "));
    let kill = format!("kill -INT {}", pipeline.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(pipeline.wait().unwrap().code(), Some(130));
    let mut closed: Vec<_> =
        lines.map(|line| line.split_once(": closed after ").unwrap().0.to_owned()).collect();
    closed.sort();
    assert_eq!(closed, ["parse", "read", "test"]);
}
