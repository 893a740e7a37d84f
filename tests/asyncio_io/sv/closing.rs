//! The end: close, wait_closed, the end of the scope and of the runtime.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use corio::net::{StreamReader, StreamWriter, TcpStream, open_connection, start_server};
use corio::sync::Event;

use crate::support::{LONG, MUCH, echo_server, settle};

/// `close` ends a `serve_forever`.
#[corio::test]
async fn sv_10_close_ends_serve_forever() {
    let server = echo_server().await;
    let closing = async {
        settle().await;
        server.close();
    };
    let (served, ()) = corio::join!(server.serve_forever(), closing);
    served.unwrap();
}

/// `close` refuses connections at once, and leaves those that are there alone. Twice is once.
#[corio::test]
async fn sv_11_12_close_refuses_new_connections_only() {
    let server = echo_server().await;
    let addr = server.local_addrs()[0];
    let (mut reader, writer) = open_connection(addr).await.unwrap();
    writer.write(b"before").unwrap();
    assert_eq!(reader.read_exact(6).await.unwrap(), b"before");
    server.close();
    assert!(std::net::TcpStream::connect(addr).is_err(), "with no turn of any task between");
    server.close();
    assert!(server.local_addrs().is_empty());
    writer.write(b"after").unwrap();
    assert_eq!(reader.read_exact(5).await.unwrap(), b"after");
}

/// It is not closed before it is closed, clients or not.
#[corio::test]
async fn sv_13_15_wait_closed_waits_for_the_close() {
    let server = echo_server().await;
    assert!(corio::timeout(Duration::from_millis(1), server.wait_closed()).await.is_err());
    drop(open_connection(server.local_addrs()[0]).await.unwrap());
    while server.clients() > 0 {
        corio::yield_now().await;
    }
    let waiting = async {
        server.wait_closed().await;
        assert!(!server.is_serving());
    };
    let closing = async {
        settle().await;
        assert!(server.is_serving());
        server.close();
    };
    corio::join!(waiting, closing);
}

/// It waits for the last connection, and then never again.
#[corio::test]
async fn sv_14_17_wait_closed_waits_for_the_last_connection() {
    let server = Arc::new(echo_server().await);
    let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    writer.write(b"x").unwrap();
    reader.read_exact(1).await.unwrap();
    server.close();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let server = server.clone();
            corio::spawn(async move { server.wait_closed().await })
        })
        .collect();
    settle().await;
    assert!(waiting.iter().all(|task| !task.is_finished()));
    drop((reader, writer));
    for task in waiting {
        task.await.unwrap();
    }
    server.wait_closed().await;
}

/// A connection that comes or goes at the moment of the close is no race.
#[test]
fn sv_16_a_close_beside_a_connection_never_hangs() {
    let runtime = corio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        for round in 0..200 {
            let server = echo_server().await;
            let addr = server.local_addrs()[0];
            let client = corio::spawn(async move {
                if let Ok((mut reader, writer)) = open_connection(addr).await {
                    let _ = writer.write(b"x");
                    let _ = reader.read(1).await;
                }
            });
            for _ in 0..round % 7 {
                corio::yield_now().await;
            }
            server.close();
            server.close_clients();
            corio::timeout(LONG, server.wait_closed()).await.unwrap();
            client.await.unwrap();
        }
    });
}

/// `close_clients` sends what is buffered and ends the connections; handlers see the end.
#[corio::test]
async fn sv_18_close_clients_ends_the_connections() {
    let ends = Arc::new(AtomicUsize::new(0));
    let server = {
        let ends = ends.clone();
        start_server("127.0.0.1:0", move |mut reader, writer| {
            let ends = ends.clone();
            async move {
                writer.write(&vec![7; MUCH])?;
                assert_eq!(reader.read(1).await?, b"");
                ends.fetch_add(1, SeqCst);
                Ok(())
            }
        })
        .await
        .unwrap()
    };
    let (mut reader, _writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    reader.read_exact(1).await.unwrap();
    server.close();
    server.close_clients();
    let reading = corio::spawn(async move { reader.read_to_end().await });
    server.wait_closed().await;
    assert_eq!(reading.await.unwrap().unwrap().len(), MUCH - 1);
    assert_eq!(ends.load(SeqCst), 1);
}

/// A client that reads nothing holds up `close_clients`, and not `abort_clients`.
#[corio::test]
async fn sv_19_20_abort_does_not_wait_for_a_client_that_reads_nothing() {
    let server = start_server("127.0.0.1:0", |mut reader, writer| async move {
        writer.write(&vec![7; MUCH])?;
        assert_eq!(reader.read(1).await?, b"");
        Ok(())
    })
    .await
    .unwrap();
    let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    reader.read_exact(1).await.unwrap();
    server.close();
    server.close_clients();
    assert!(corio::timeout(Duration::from_millis(50), server.wait_closed()).await.is_err());
    server.abort_clients();
    corio::timeout(LONG, server.wait_closed()).await.unwrap();
    assert_eq!(reader.read_to_end().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    drop(writer);
}

/// Leaving the scope of a server ends it, handlers, cleanups and all.
#[corio::test]
async fn sv_21_leaving_the_scope_ends_the_server() {
    let cleaned = Arc::new(AtomicUsize::new(0));
    let addr = {
        let cleaned = cleaned.clone();
        let task = corio::spawn(async move {
            let server = start_server("127.0.0.1:0", move |reader, writer| {
                let cleaned = cleaned.clone();
                corio::finally(
                    async move {
                        let _both = (reader, writer);
                        pending::<()>().await;
                    },
                    move || async move {
                        settle().await;
                        cleaned.fetch_add(1, SeqCst);
                    },
                )
            })
            .await
            .unwrap();
            let addr = server.local_addrs()[0];
            let client = open_connection(addr).await.unwrap();
            while server.clients() == 0 {
                corio::yield_now().await;
            }
            settle().await;
            drop(server);
            drop(client);
            addr
        });
        task.await.unwrap()
    };
    assert_eq!(cleaned.load(SeqCst), 1);
    TcpStream::connect(addr).await.unwrap_err();
}

/// A wait that is cancelled leaves the server closed, and its connections alone.
#[corio::test]
async fn sv_22_a_cancelled_wait_leaves_it_closed() {
    let server = echo_server().await;
    let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    writer.write(b"a").unwrap();
    reader.read_exact(1).await.unwrap();
    server.close();
    assert!(corio::timeout(Duration::from_millis(1), server.wait_closed()).await.is_err());
    assert!(!server.is_serving());
    writer.write(b"b").unwrap();
    assert_eq!(reader.read_exact(1).await.unwrap(), b"b");
}

/// The end of the runtime ends server and connections.
#[test]
fn the_end_of_the_runtime_ends_the_server() {
    let runtime = corio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let (server, addr, client) = runtime.block_on(async {
        let server = echo_server().await;
        let addr = server.local_addrs()[0];
        let client = std::net::TcpStream::connect(addr).unwrap();
        while server.clients() == 0 {
            corio::yield_now().await;
        }
        (server, addr, client)
    });
    drop(runtime);
    assert!(std::net::TcpStream::connect(addr).is_err());
    client.set_read_timeout(Some(LONG)).unwrap();
    assert_eq!(io::Read::read(&mut &client, &mut [0; 1]).unwrap(), 0);
    drop(server);
}

/// A handler may give its connection away: the server waits for it all the same.
#[corio::test]
async fn the_server_waits_for_a_connection_that_was_given_away() {
    let (kept, done) = (Arc::new(Event::new()), Arc::new(Event::new()));
    let server = {
        let (kept, done) = (kept.clone(), done.clone());
        start_server("127.0.0.1:0", move |reader: StreamReader, writer: StreamWriter| {
            let (kept, done) = (kept.clone(), done.clone());
            async move {
                drop(corio::spawn(async move {
                    kept.set();
                    done.wait().await;
                    writer.write_all(b"late").await.unwrap();
                    drop((reader, writer));
                }));
            }
        })
        .await
        .unwrap()
    };
    let (mut reader, _writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    kept.wait().await;
    server.close();
    assert!(corio::timeout(Duration::from_millis(5), server.wait_closed()).await.is_err());
    done.set();
    assert_eq!(reader.read_to_end().await.unwrap(), b"late");
    corio::timeout(LONG, server.wait_closed()).await.unwrap();
}
