//! What the tests here share.
#![allow(dead_code, reason = "no test needs all of it")]

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use corio::net::{IncompleteRead, LimitOverrun, Server, StreamReader, StreamWriter, stream_pair};

/// Far longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// More than the system's buffers take.
pub(crate) const MUCH: usize = 8 << 20;

pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A reader, and the writer that feeds it.
pub(crate) fn fed() -> (StreamWriter, StreamReader) {
    let (ours, theirs) = corio::io::duplex(1 << 20);
    let (reader, unused) = stream_pair(theirs);
    let (_, writer) = stream_pair(ours);
    // Its end would be an end of the other direction, which nobody reads.
    drop(unused);
    (writer, reader)
}

/// A reader with a limit, and the writer that feeds it.
pub(crate) fn fed_with_limit(limit: usize) -> (StreamWriter, StreamReader) {
    let (writer, mut reader) = fed();
    reader.set_limit(limit).unwrap();
    (writer, reader)
}

/// A reader of exactly these bytes.
pub(crate) fn holding(data: &'static [u8]) -> StreamReader {
    StreamReader::new(data)
}

/// Lets other tasks run until they wait.
pub(crate) async fn settle() {
    for _ in 0..20 {
        corio::yield_now().await;
    }
}

/// What a read that was cut short had read, and what it wanted.
pub(crate) fn cut(error: &io::Error) -> (Vec<u8>, Option<usize>) {
    let cut = IncompleteRead::of(error).unwrap_or_else(|| panic!("not cut short: {error}"));
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    (cut.partial().to_vec(), cut.expected())
}

/// How much stands before a separator that did not come in time.
pub(crate) fn consumed(error: &io::Error) -> usize {
    let overrun = LimitOverrun::of(error).unwrap_or_else(|| panic!("no overrun: {error}"));
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    overrun.consumed()
}

/// The two ends of a TCP connection, as streams: the client's, then the server's.
pub(crate) async fn tcp() -> ((StreamReader, StreamWriter), (StreamReader, StreamWriter)) {
    let listener = corio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let client = corio::net::open_connection(addr).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (client, server.into_streams())
}

/// The two ends of a TCP connection whose system buffers are small.
pub(crate) async fn narrow_tcp() -> ((StreamReader, StreamWriter), (StreamReader, StreamWriter)) {
    let listener = corio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = corio::net::TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(64 * 1024).unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    server.set_recv_buffer_size(64 * 1024).unwrap();
    server.set_send_buffer_size(64 * 1024).unwrap();
    (client.into_streams(), server.into_streams())
}

/// Resets a TCP connection: the other side sees an error.
pub(crate) fn reset(reader: StreamReader, writer: StreamWriter) {
    writer.abort();
    drop((reader, writer));
}

/// A server that sends back what it gets.
pub(crate) async fn echo_server() -> Server {
    corio::net::start_server("127.0.0.1:0", echo).await.unwrap()
}

pub(crate) async fn echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let data = reader.read(64 * 1024).await?;
        if data.is_empty() {
            return Ok(());
        }
        writer.write_all(&data).await?;
    }
}

/// A path for a socket that is no one else's, and is removed with this.
pub(crate) struct SocketPath(pub(crate) PathBuf);

impl SocketPath {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("corio-{name}-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
