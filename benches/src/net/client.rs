//! The load generator: one thread, bare epoll, each connection with one request under way.
//!
//! It checks every answer, so that a server that loses, repeats or mixes bytes cannot look fast.
//!
//! The server's CPU time is read from the kernel by process id, before the first request of the
//! window and after its last answer. The kernel brings another process's clock up to date when that
//! process goes to sleep, so both readings are taken while no request is under way.

use super::would_block;
use crate::hist::Histogram;
use crate::sample::Sample;
use crate::sys::{self, Epoll, Events, Watch};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// After so many connections one request is made, so that the server's queue of connections that
/// it has not accepted yet never overflows.
const CONNECT_BURST: usize = 64;
/// Connections that one source address makes before the next one takes over.
const PER_SOURCE: usize = 10_000;
/// A window is closed after this long even when too few requests were answered.
const PATIENCE: Duration = Duration::from_secs(20);
/// The time that the server has to go to sleep before its clock is read.
const SETTLE: Duration = Duration::from_millis(2);

/// What to ask of which server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// The server's port on 127.0.0.1.
    pub(crate) port: u16,
    /// The server's process.
    pub(crate) server: u32,
    /// Bytes of a request and of its answer.
    pub(crate) size: usize,
    /// Connections.
    pub(crate) connections: usize,
    /// How long the window is open; zero closes it as soon as every connection had an answer.
    pub(crate) window: Duration,
}

/// What a load does with its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Request after request on the same connections.
    Echo,
    /// A new connection for each request.
    Churn,
    /// One request on each connection, then silence: measures the memory that it takes.
    Idle,
}

impl Mode {
    /// Finds a mode by its name on the command line.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        match name {
            "echo" => Ok(Self::Echo),
            "churn" => Ok(Self::Churn),
            "idle" => Ok(Self::Idle),
            _ => Err(format!("no load is called {name:?}; there are echo, churn and idle")),
        }
    }
}

/// Puts the load on the server.
pub(crate) fn run(mode: Mode, load: Load) -> io::Result<Sample> {
    match mode {
        Mode::Echo => echo(load, false),
        Mode::Churn => echo(load, true),
        Mode::Idle => idle(load),
    }
}

fn idle(load: Load) -> io::Result<Sample> {
    let mut answer = vec![0; load.size];
    // The first connection pays for what the server makes once.
    let mut open = vec![connect(load.port, 0)?];
    ask_and_wait(&mut open[0], &mut answer)?;
    let (before, cpu) = (sys::resident_bytes(load.server)?, sys::cpu_time(load.server)?);
    let begin = Instant::now();
    for index in 0..load.connections {
        let mut stream = connect(load.port, index)?;
        ask_and_wait(&mut stream, &mut answer)?;
        open.push(stream);
    }
    let (wall, cpu) = (begin.elapsed(), sys::cpu_time(load.server)? - cpu);
    let grown = sys::resident_bytes(load.server)?.saturating_sub(before);
    let sample = Sample::timed(load.connections as u64, open.len() as u64 - 1, wall, cpu);
    Ok(Sample { bytes: Some(grown as f64 / load.connections as f64), ..sample })
}

fn connect(port: u16, index: usize) -> io::Result<TcpStream> {
    let source = Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + (index / PER_SOURCE) as u32);
    let stream = sys::connect_from(source, port)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One round trip on a socket that still blocks.
fn ask_and_wait(stream: &mut TcpStream, answer: &mut [u8]) -> io::Result<()> {
    let request = vec![b'?'; answer.len()];
    stream.write_all(&request)?;
    stream.read_exact(answer)?;
    if answer == request { Ok(()) } else { Err(io::Error::other("the answer is not the request")) }
}

struct Connection {
    stream: TcpStream,
    /// Bytes of the current request that were sent, and of its answer that came back.
    sent: usize,
    received: usize,
    /// When the current request began.
    begun: Instant,
    /// The number of the current request: the first byte of each of its chunks is made from it.
    turn: u8,
}

/// Loads the server from an epoll loop; with `churn`, each request has its own connection.
fn echo(load: Load, churn: bool) -> io::Result<Sample> {
    let mut generator = Generator {
        load,
        epoll: Epoll::new()?,
        request: vec![0; load.size],
        answer: vec![0; load.size.max(1 << 16)],
        opened: 0,
        answered: 0,
        wrong: 0,
        hist: Histogram::new(),
    };
    let mut connections = Vec::with_capacity(load.connections);
    let mut answer = vec![0; load.size];
    for index in 0..load.connections {
        let mut stream = generator.open()?;
        if index % CONNECT_BURST == CONNECT_BURST - 1 {
            ask_and_wait(&mut stream, &mut answer)?;
        }
        connections.push(Connection {
            stream,
            sent: 0,
            received: 0,
            begun: Instant::now(),
            turn: index as u8,
        });
    }
    for (key, connection) in connections.iter().enumerate() {
        generator.watch(connection, key)?;
    }
    generator.measure(&mut connections, churn)
}

struct Generator {
    load: Load,
    epoll: Epoll,
    request: Vec<u8>,
    answer: Vec<u8>,
    opened: usize,
    answered: u64,
    wrong: u64,
    hist: Histogram,
}

impl Generator {
    fn open(&mut self) -> io::Result<TcpStream> {
        self.opened += 1;
        connect(self.load.port, self.opened)
    }

    fn watch(&self, connection: &Connection, key: usize) -> io::Result<()> {
        connection.stream.set_nonblocking(true)?;
        self.epoll.add(&connection.stream, key, Watch::Edges)
    }

    /// The warm-up, then the window.
    fn measure(mut self, connections: &mut [Connection], churn: bool) -> io::Result<Sample> {
        let each_once = connections.len() as u64;
        self.turn(connections, churn, self.load.window / 4, each_once)?;
        (self.answered, self.wrong) = (0, 0);
        self.hist.clear();
        std::thread::sleep(SETTLE);
        let cpu = sys::cpu_time(self.load.server)?;
        let wall = self.turn(connections, churn, self.load.window, 2 * each_once)?;
        std::thread::sleep(SETTLE);
        let cpu = sys::cpu_time(self.load.server)? - cpu;
        let right = self.hist.len() - self.wrong;
        let sample = Sample::timed(self.answered, right, wall, cpu);
        Ok(Sample { hist: Some(self.hist), ..sample })
    }

    /// Begins a request on each connection and goes on for at least `time` and until `enough` were
    /// answered; then begins no more and waits for the answers that are due. Returns how long it took.
    fn turn(
        &mut self,
        connections: &mut [Connection],
        churn: bool,
        time: Duration,
        enough: u64,
    ) -> io::Result<Duration> {
        let begin = Instant::now();
        let stop = self.answered + enough;
        let mut events = Events::with_capacity(1024);
        let mut ready = Vec::new();
        let mut under_way = connections.len();
        for connection in connections.iter_mut() {
            self.begin(connection)?;
        }
        while under_way > 0 {
            self.epoll.wait(&mut events, 100, |event| {
                ready.push(event);
                Ok(())
            })?;
            let elapsed = begin.elapsed();
            let last = elapsed >= PATIENCE || (elapsed >= time && self.answered >= stop);
            if elapsed >= 2 * PATIENCE {
                return Err(io::Error::other(format!("{under_way} answers never came")));
            }
            for event in ready.drain(..) {
                let connection = &mut connections[event.key];
                if event.writable && connection.sent < self.load.size {
                    self.send(connection)?;
                }
                if !(event.readable && self.receive(connection)?) {
                    continue;
                }
                if churn {
                    // The old stream is closed here, which also ends its registration.
                    connection.stream = self.open()?;
                    self.watch(connection, event.key)?;
                }
                if last {
                    under_way -= 1;
                } else {
                    self.begin(connection)?;
                }
            }
        }
        Ok(begin.elapsed())
    }

    /// Begins the next request.
    fn begin(&mut self, connection: &mut Connection) -> io::Result<()> {
        connection.turn = connection.turn.wrapping_add(1);
        (connection.sent, connection.received) = (0, 0);
        connection.begun = Instant::now();
        self.send(connection)
    }

    fn send(&mut self, connection: &mut Connection) -> io::Result<()> {
        mark(&mut self.request, connection.turn);
        while connection.sent < self.request.len() {
            match connection.stream.write(&self.request[connection.sent..]) {
                Ok(n) => connection.sent += n,
                Err(error) if would_block(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes what there is of the answer; returns whether it is complete.
    fn receive(&mut self, connection: &mut Connection) -> io::Result<bool> {
        let size = self.load.size;
        if connection.received == size {
            // Nothing is due. Should the server send too much, the next answer's marks tell.
            return Ok(false);
        }
        while connection.received < size {
            // Asking for more than is due shows an answer that is too long, and an answer that
            // fills less than was asked for shows without another call that nothing is left.
            let n = match connection.stream.read(&mut self.answer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(error) if would_block(&error) => return Ok(false),
                Err(error) => return Err(error),
            };
            let place = connection.received;
            if place + n > size || !is_marked(&self.answer[..n], place, connection.turn) {
                self.wrong += 1;
            }
            connection.received += n;
            if connection.received < size && n < self.answer.len() {
                return Ok(false);
            }
        }
        self.hist.record(connection.begun.elapsed().as_nanos() as u64);
        self.answered += 1;
        Ok(true)
    }
}

/// The distance of the marks in a request.
const CHUNK: usize = 64;

/// Makes `request` tell its number: the first byte of each chunk depends on both.
fn mark(request: &mut [u8], turn: u8) {
    for (index, chunk) in request.chunks_mut(CHUNK).enumerate() {
        chunk[0] = turn ^ index as u8;
    }
}

/// Whether `bytes`, found at `place` of an answer, carry the marks of request `turn`.
fn is_marked(bytes: &[u8], place: usize, turn: u8) -> bool {
    let first = place.next_multiple_of(CHUNK);
    (first..place + bytes.len())
        .step_by(CHUNK)
        .all(|at| bytes[at - place] == turn ^ (at / CHUNK) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::limit;
    use std::sync::mpsc;

    #[test]
    fn marks_tell_requests_and_places_apart() {
        let mut request = vec![0; 300];
        mark(&mut request, 9);
        assert!(is_marked(&request, 0, 9));
        assert!(is_marked(&request[100..], 100, 9));
        assert!(!is_marked(&request, 0, 8));
        assert!(!is_marked(&request[64..], 0, 9), "a lost chunk shows");
    }

    /// Starts the bare server in this process and returns its port. The thread ends with the test.
    fn server() -> u16 {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            limit::echo(4096, |port| sender.send(port).map_err(io::Error::other))
        });
        receiver.recv().unwrap()
    }

    fn load(size: usize, connections: usize) -> Load {
        Load {
            port: server(),
            server: std::process::id(),
            size,
            connections,
            window: Duration::from_millis(20),
        }
    }

    #[test]
    fn every_answer_is_counted_and_right() {
        for (size, connections) in [(64, 1), (1024, 100), (200_000, 3)] {
            let sample = run(Mode::Echo, load(size, connections)).unwrap();
            assert!(sample.ops >= 2 * connections as u64, "{size} x {connections}: {sample:?}");
            assert_eq!(sample.count, sample.ops);
        }
    }

    #[test]
    fn churn_makes_a_connection_for_each_request() {
        let sample = run(Mode::Churn, load(64, 4)).unwrap();
        assert!(sample.ops >= 8 && sample.count == sample.ops, "{sample:?}");
    }

    #[test]
    fn idle_connections_all_get_an_answer() {
        let sample = run(Mode::Idle, load(64, 20)).unwrap();
        assert_eq!((sample.ops, sample.count), (20, 20));
    }
}
