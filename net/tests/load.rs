//! Servers under load: many connections at once, and peers that do not read. Server and clients are processes of
//! their own, so that each has the system's limits for itself, and the server's memory can be seen from outside.
#![cfg(target_os = "linux")]

mod common;

use std::io::{self, BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{LONG, child, is_child, raise_descriptor_limit};
use corio_net::{Server, StreamReader, StreamWriter};
use corio_runtime::runtime::Builder;
use corio_runtime::time::timeout;
use corio_sync::prim::{AtomicU64, Ordering, thread};
use socket2::{Domain, SockRef, Socket, Type};

/// The server's threads.
const WORKERS: usize = 2;
/// How many connections are wanted at once.
const MANY: usize = 15_000;
/// How many descriptors each process needs besides those of its connections, generously.
const BESIDES: usize = 200;
/// With fewer descriptors than this there is no load.
const FEWEST: usize = 300;
/// How many clients connect before the first of them is answered: fewer than may wait to be accepted.
const AT_ONCE: usize = 256;
/// What a connection may cost the server, while nothing is buffered.
const KIB_EACH: u64 = 16;

/// How many peers do not read.
const STALLED: usize = 100;
/// How many of them read in the end; the others reset their connections.
const READERS: usize = 2;
/// What the server writes to each of them.
const FLOOD: usize = 64 << 20;
/// In parts of this size.
const PART: usize = 64 << 10;
/// What one of them may cost: the part itself, and a buffer of the writer's high-water mark and one part more.
const KIB_STALLED: u64 = 256;

/// What the server has seen.
#[derive(Debug, Default)]
struct Seen {
    /// Bytes that handlers have written to those who do not read.
    written: AtomicU64,
    /// Handlers that failed since the peer was gone.
    resets: AtomicU64,
    /// Handlers that failed in another way.
    others: AtomicU64,
}

/// Serves one connection, as its first line says.
async fn serve(mut reader: StreamReader, writer: StreamWriter, seen: Arc<Seen>) -> io::Result<()> {
    let line = reader.read_line().await?;
    if line == b"echo\n" {
        loop {
            let data = reader.read(64).await?;
            if data.is_empty() {
                return Ok(());
            }
            writer.write_all(&data).await?;
        }
    }
    // The system is to buffer little of it, in this process's name or any.
    writer.tcp_stream().expect("a TCP connection").set_send_buffer_size(32 << 10)?;
    let part = part();
    for _ in 0..FLOOD / PART {
        if line == b"flood by write_all\n" {
            writer.write_all(&part).await?;
        } else {
            writer.write(&part)?;
            writer.drain().await?;
        }
        // Ordering: Relaxed, a figure for the report.
        seen.written.fetch_add(PART as u64, Ordering::Relaxed);
    }
    writer.close();
    writer.wait_closed().await
}

/// What is written again and again.
fn part() -> Vec<u8> {
    (0..PART).map(|i| (i % 251) as u8).collect()
}

/// The server's process: it says its port, reports whenever a line comes in, and ends with its input.
fn server() {
    raise_descriptor_limit();
    let runtime = Builder::new_multi_thread().worker_threads(WORKERS).build().unwrap();
    runtime.block_on(async {
        let seen = Arc::new(Seen::default());
        let (told, handed) = (seen.clone(), seen.clone());
        let options = Server::builder().backlog(4096).on_error(move |_, error| {
            let counter = match error.kind() {
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => &told.resets,
                _ => &told.others,
            };
            // Ordering: Relaxed, a figure for the report.
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let handler = move |reader, writer| serve(reader, writer, handed.clone());
        let server = options.start("127.0.0.1:0", handler).await.unwrap();
        println!("port {}", server.local_addrs()[0].port());
        let mut input = corio_io::stdin();
        while input.read(&mut [0; 1]).await.unwrap() > 0 {
            // Ordering: Relaxed, figures.
            let figure = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let Seen { written, resets, others } = &*seen;
            let (written, resets, others) = (figure(written), figure(resets), figure(others));
            println!("report {} {written} {resets} {others}", server.clients());
        }
        server.close();
        timeout(LONG, server.wait_closed()).await.unwrap();
    });
}

/// What a server reports.
#[derive(Debug)]
struct Report {
    clients: u64,
    written: u64,
    resets: u64,
    others: u64,
}

/// A server's process, which ends with this.
struct Served {
    process: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    addr: SocketAddr,
}

impl Served {
    /// Starts the server for the test `name`.
    fn start(name: &str) -> Self {
        let mut process = child(name).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = process.stdin.take();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut served = Self { process, input, lines, addr: ([127, 0, 0, 1], 0).into() };
        let port = served.figures("port ")[0];
        served.addr.set_port(u16::try_from(port).unwrap());
        served
    }

    /// The numbers of the next line in which `word` stands.
    fn figures(&mut self, word: &str) -> Vec<u64> {
        let line = self.lines.by_ref().map(Result::unwrap).find(|l| l.contains(word)).unwrap();
        let line = &line[line.find(word).unwrap()..];
        line.split_whitespace().skip(1).map(|number| number.parse().unwrap()).collect()
    }

    fn report(&mut self) -> Report {
        self.input.as_mut().unwrap().write_all(b".").unwrap();
        let [clients, written, resets, others] = self.figures("report ")[..] else {
            panic!("not a report")
        };
        Report { clients, written, resets, others }
    }

    /// Waits until the report is as `wanted`.
    #[track_caller]
    fn wait_for(&mut self, mut wanted: impl FnMut(&Report) -> bool) -> Report {
        let start = Instant::now();
        loop {
            let report = self.report();
            if wanted(&report) {
                return report;
            }
            assert!(start.elapsed() < LONG, "{report:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A line of the system's account of the process, in KiB.
    fn kib(&self, field: &str) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
    }

    /// How many sockets the process has open, and how many other descriptors.
    fn descriptors(&self) -> (usize, usize) {
        let entries = std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap();
        // One may be gone by the time that it is looked at.
        let links = entries.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
        let is_socket = links.map(|link| link.to_string_lossy().starts_with("socket:"));
        let (sockets, others): (Vec<bool>, Vec<bool>) = is_socket.partition(|is| *is);
        (sockets.len(), others.len())
    }

    /// Checks that the process has the descriptors it had `before`, and `more` sockets, once those are closed
    /// whose peers have only now gone.
    #[track_caller]
    fn check_descriptors(&self, before: (usize, usize), more: usize) {
        let (start, mut now) = (Instant::now(), self.descriptors());
        while now.0 != before.0 + more && start.elapsed() < LONG {
            thread::sleep(Duration::from_millis(10));
            now = self.descriptors();
        }
        assert_eq!(now.0, before.0 + more, "sockets");
        // A worker that has had nothing to do before makes itself a selector, of two descriptors.
        assert!(now.1 <= before.1 + 2 * WORKERS, "{now:?} after {before:?}");
    }

    /// Ends the server in good order.
    fn end(mut self) {
        drop(self.input.take());
        let start = Instant::now();
        while start.elapsed() < LONG {
            if let Some(status) = self.process.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the server does not end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How many connections there can be, unless there can be too few.
fn capacity() -> Option<usize> {
    let limit = raise_descriptor_limit();
    if limit < FEWEST {
        println!("skipped: {limit} descriptors are too few, {FEWEST} are needed");
        return None;
    }
    Some(MANY.min(limit - BESIDES))
}

/// A connection whose first line is `line`.
fn connect(addr: SocketAddr, line: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect_timeout(&addr, LONG).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(line).unwrap();
    stream
}

/// Sends each its number and reads it back.
fn echo(clients: &mut [TcpStream], first: usize) {
    for (i, client) in clients.iter_mut().enumerate() {
        client.write_all(&(first + i).to_be_bytes()).unwrap();
    }
    for (i, client) in clients.iter_mut().enumerate() {
        let mut number = [0; size_of::<usize>()];
        client.read_exact(&mut number).unwrap();
        assert_eq!(usize::from_be_bytes(number), first + i);
    }
}

#[test]
fn fifteen_thousand_connections_are_held_at_once() {
    if is_child() {
        return server();
    }
    let Some(count) = capacity() else { return };
    let mut served = Served::start("fifteen_thousand_connections_are_held_at_once");
    // What the first connection costs once and for all is not to be counted.
    echo(&mut [connect(served.addr, b"echo\n")], 0);
    served.wait_for(|report| report.clients == 0);
    let (memory, descriptors) = (served.kib("VmRSS:"), served.descriptors());

    let mut clients = Vec::with_capacity(count);
    while clients.len() < count {
        let first = clients.len();
        let batch = first..count.min(first + AT_ONCE);
        clients.extend(batch.map(|_| connect(served.addr, b"echo\n")));
        echo(&mut clients[first..], first);
    }
    assert_eq!(served.report().clients, count as u64);
    served.check_descriptors(descriptors, count);
    let grown = served.kib("VmRSS:").saturating_sub(memory);
    println!("{count} connections: {grown} KiB, {} bytes each", grown * 1024 / count as u64);
    assert!(grown < KIB_EACH * count as u64, "{grown} KiB for {count} connections");

    // The first of them are served as well as the last, and all at once.
    echo(&mut clients, 1);
    drop(clients);
    let report = served.wait_for(|report| report.clients == 0);
    assert_eq!((report.resets, report.others), (0, 0));
    served.check_descriptors(descriptors, 0);
    served.end();
}

/// A client that asks for a flood, with a small buffer of the system's.
fn stalled(addr: SocketAddr, line: &[u8]) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(32 << 10).unwrap();
    socket.connect_timeout(&addr.into(), LONG).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.write_all(line).unwrap();
    stream
}

#[test]
fn n14_peers_that_do_not_read_cost_no_memory_and_a_reset_is_an_error() {
    if is_child() {
        return server();
    }
    if capacity().is_none() {
        return;
    }
    let name = "n14_peers_that_do_not_read_cost_no_memory_and_a_reset_is_an_error";
    let mut served = Served::start(name);
    echo(&mut [connect(served.addr, b"echo\n")], 0);
    served.wait_for(|report| report.clients == 0);
    let (memory, descriptors) = (served.kib("VmRSS:"), served.descriptors());
    let bound = memory + KIB_STALLED * STALLED as u64;

    let lines: [&[u8]; 2] = [b"flood by write_all\n", b"flood by drain\n"];
    let mut peers: Vec<_> = (0..STALLED).map(|i| stalled(served.addr, lines[i % 2])).collect();
    // Until no handler gets any further.
    let mut before = 0;
    let report = served.wait_for(|report| {
        thread::sleep(Duration::from_millis(300));
        report.written > 0 && report.written == std::mem::replace(&mut before, report.written)
    });
    println!("{report:?}, {} KiB at most after {memory} KiB", served.kib("VmHWM:"));
    assert_eq!(report.clients, STALLED as u64);
    assert!(report.written < (STALLED * FLOOD / 8) as u64, "{report:?}: nobody is held back");
    assert!(served.kib("VmHWM:") < bound, "{} KiB", served.kib("VmHWM:"));
    // Others are served meanwhile.
    echo(&mut [connect(served.addr, b"echo\n")], 1);

    // Most are reset in the middle of a write, of which each handler is told.
    for peer in peers.drain(READERS..) {
        SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    }
    let resets = (STALLED - READERS) as u64;
    let report =
        served.wait_for(|report| report.resets >= resets && report.clients == READERS as u64);
    assert_eq!((report.resets, report.others), (resets, 0));

    // Those who read after all get everything.
    let (expected, mut got) = (part(), vec![0; PART]);
    for mut peer in peers {
        for _ in 0..FLOOD / PART {
            peer.read_exact(&mut got).unwrap();
            assert!(got == expected);
        }
        assert_eq!(peer.read(&mut got).unwrap(), 0);
    }
    let report = served.wait_for(|report| report.clients == 0);
    assert_eq!((report.resets, report.others), (resets, 0));
    assert!(served.kib("VmHWM:") < bound, "{} KiB", served.kib("VmHWM:"));
    served.check_descriptors(descriptors, 0);
    served.end();
}
