//! When a server serves, where, and for whom.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use corio::net::{Server, TcpStream, open_connection};

use crate::support::{echo, echo_server, settle};

/// A server that does not serve yet has its address and refuses connections.
#[corio::test]
async fn sv_05_06_a_server_that_does_not_serve_yet() {
    let server = Server::builder().paused().start("127.0.0.1:0", echo).await.unwrap();
    let addr = server.local_addrs()[0];
    assert!(!server.is_serving());
    let error = TcpStream::connect(addr).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    server.start_serving().unwrap();
    server.start_serving().unwrap();
    assert!(server.is_serving());
    TcpStream::connect(addr).await.unwrap();
}

/// `serve_forever` begins to serve, and ends the server when it is cancelled.
#[corio::test]
async fn sv_07_08_serve_forever_until_it_is_cancelled() {
    let server = Server::builder().paused().start("127.0.0.1:0", echo).await.unwrap();
    let addr = server.local_addrs()[0];
    let server = Arc::new(server);
    let serving = {
        let server = server.clone();
        corio::spawn(async move { server.serve_forever().await })
    };
    let (mut reader, writer) = loop {
        match open_connection(addr).await {
            Ok(pair) => break pair,
            Err(_) => corio::yield_now().await,
        }
    };
    writer.write(b"hello").unwrap();
    assert_eq!(reader.read_exact(5).await.unwrap(), b"hello");
    serving.cancel();
    assert!(serving.await.unwrap_err().is_cancelled());
    assert!(!server.is_serving());
    assert!(server.local_addrs().is_empty());
    assert_eq!(server.clients(), 0, "the task was not done before its clients were");
    assert_eq!(reader.read(1).await.unwrap(), b"");
    TcpStream::connect(addr).await.unwrap_err();
}

/// Only one may serve forever, and only while the server is open.
#[corio::test]
async fn sv_09_only_one_serves_forever() {
    let server = Arc::new(echo_server().await);
    let serving = {
        let server = server.clone();
        corio::spawn(async move { server.serve_forever().await })
    };
    settle().await;
    assert!(server.serve_forever().await.is_err());
    assert!(server.is_serving(), "the second one has ended nothing");
    server.close();
    serving.await.unwrap().unwrap();
    assert_eq!(server.serve_forever().await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

/// Each address has its socket, and its real port.
#[corio::test]
async fn sv_23_24_each_address_has_its_port() {
    let server =
        Server::builder().also_on("127.0.0.1:0").unwrap().start("127.0.0.1:0", echo).await.unwrap();
    let addrs = server.local_addrs();
    assert_eq!(addrs.len(), 2);
    assert!(addrs.iter().all(|addr| addr.port() != 0) && addrs[0] != addrs[1]);
    for addr in addrs {
        let (mut reader, writer) = open_connection(addr).await.unwrap();
        writer.write(b"x").unwrap();
        assert_eq!(reader.read_exact(1).await.unwrap(), b"x");
    }
}

/// The backlog is what the system is told: of many only some wait for a server that does not accept.
#[corio::test]
async fn sv_25_the_backlog_bounds_who_waits() {
    let server = Server::builder().backlog(1).start("127.0.0.1:0", echo).await.unwrap();
    let addr = server.local_addrs()[0];
    // No task has a turn between, so nobody accepts.
    let mut connected = Vec::new();
    for _ in 0..8 {
        match std::net::TcpStream::connect_timeout(&addr, Duration::from_millis(20)) {
            Ok(stream) => connected.push(stream),
            Err(_) => break,
        }
    }
    assert!((1..8).contains(&connected.len()), "{}", connected.len());
}

/// A server that runs on its own goes on without its handle.
#[corio::test]
async fn sv_26_a_detached_server_goes_on() {
    let server = echo_server().await;
    let addr = server.local_addrs()[0];
    server.detach();
    let (mut reader, writer) = open_connection(addr).await.unwrap();
    writer.write(b"x").unwrap();
    assert_eq!(reader.read_exact(1).await.unwrap(), b"x");
}

/// Every worker can have a socket of its own, on one port.
#[test]
fn a_socket_for_every_worker() {
    let runtime = corio::runtime::Builder::new_multi_thread().worker_threads(3).build().unwrap();
    runtime.block_on(async {
        let server = Server::builder()
            .accept_on_every_worker(true)
            .start("127.0.0.1:0", echo)
            .await
            .unwrap();
        let addrs = server.local_addrs();
        assert_eq!(addrs.len(), 3);
        assert!(addrs.iter().all(|addr| addr == &addrs[0]));
        for _ in 0..50 {
            let (mut reader, writer) = open_connection(addrs[0]).await.unwrap();
            writer.write(b"x").unwrap();
            assert_eq!(reader.read_exact(1).await.unwrap(), b"x");
        }
    });
}
