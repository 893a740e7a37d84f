//! The server that is told to stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::program::Server;

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
