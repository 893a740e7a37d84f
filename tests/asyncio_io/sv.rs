//! Server.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::Duration;

use corio::net::{Server, StreamReader, StreamWriter, TcpStream, open_connection, start_server};
use corio::sync::Event;

use crate::support::{LONG, echo, echo_server, settle};

/// More than the system's buffers take.
const MUCH: usize = 8 << 20;

/// A handler may return nothing, or a result, and has both sides.
#[corio::test]
async fn sv_01_handlers_of_both_kinds() {
    let plain = start_server("127.0.0.1:0", |mut reader, writer| async move {
        let line = reader.read_line().await.unwrap();
        writer.write(&line).unwrap();
    });
    let failing = start_server("127.0.0.1:0", |mut reader, writer| async move {
        let line = reader.read_line().await?;
        writer.write_all(&line).await?;
        Ok(())
    });
    for server in [plain.await.unwrap(), failing.await.unwrap()] {
        let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
        writer.write(b"hello\n").unwrap();
        assert_eq!(reader.read_to_end().await.unwrap(), b"hello\n");
    }
}

/// An error of a handler is told once, with the peer, and ends that connection alone.
#[corio::test]
async fn sv_02_a_handler_that_fails_ends_its_connection() {
    let (sender, errors) = mpsc::channel();
    let server = Server::builder()
        .on_error(move |name, error| sender.send((name.to_owned(), error.to_string())).unwrap())
        .start("127.0.0.1:0", |mut reader, writer| async move {
            if reader.read_line().await? == b"fail\n" {
                return Err(io::Error::other("as wanted"));
            }
            writer.write_all(b"fine\n").await
        })
        .await
        .unwrap();
    let addr = server.local_addrs()[0];
    let (mut bad_reader, bad_writer) = open_connection(addr).await.unwrap();
    bad_writer.write(b"fail\n").unwrap();
    assert_eq!(bad_reader.read_line().await.unwrap(), b"");
    let (mut reader, writer) = open_connection(addr).await.unwrap();
    writer.write(b"go\n").unwrap();
    assert_eq!(reader.read_line().await.unwrap(), b"fine\n");
    let (name, error) = errors.recv().unwrap();
    assert!(name.contains(&bad_writer.local_addr().unwrap().to_string()), "{name}");
    assert_eq!(error, "as wanted");
    assert!(errors.try_recv().is_err());
}

/// A handler that is cancelled ends its connection, and nobody is told.
#[corio::test]
async fn sv_03_a_cancelled_handler_is_silent() {
    let (sender, errors) = mpsc::channel();
    let server = Server::builder()
        .on_error(move |_, error| sender.send(error.to_string()).unwrap())
        .start("127.0.0.1:0", |_reader, _writer| async { pending::<io::Result<()>>().await })
        .await
        .unwrap();
    let (mut reader, _writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    settle().await;
    server.cancel_clients();
    assert_eq!(reader.read(1).await.unwrap(), b"");
    assert!(errors.try_recv().is_err());
    assert!(server.is_serving());
}

/// A handler that panics, even before its future is made, costs its connection only; the runtime tells.
#[test]
fn sv_04_a_handler_that_panics_ends_its_connection() {
    let (sender, panics) = mpsc::channel();
    let runtime = corio::runtime::Builder::new_current_thread()
        .on_panic(move |panic| sender.send(format!("{panic:?}")).unwrap())
        .build()
        .unwrap();
    let server_addr = runtime.block_on(async {
        let server = start_server("127.0.0.1:0", |mut reader: StreamReader, _writer| {
            assert!(reader.limit() > 0);
            async move {
                match &reader.read_line().await?[..] {
                    b"panic\n" => panic!("as wanted"),
                    _ => Ok(()),
                }
            }
        })
        .await
        .unwrap();
        let addr = server.local_addrs()[0];
        for line in [&b"panic\n"[..], b"fine\n"] {
            let (mut reader, writer) = open_connection(addr).await.unwrap();
            writer.write(line).unwrap();
            assert_eq!(reader.read(1).await.unwrap(), b"");
        }
        assert!(server.is_serving());
        addr
    });
    drop(runtime);
    let told = panics.recv().unwrap();
    assert!(told.contains("connection from 127.0.0.1:"), "{told}");
    assert!(panics.try_recv().is_err());
    assert_ne!(server_addr.port(), 0);
}

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

/// The limit and the marks are those of each connection.
#[corio::test]
async fn sv_27_limit_and_marks_are_each_connections() {
    let server = Server::builder()
        .limit(5)
        .write_limits(100, 10)
        .start("127.0.0.1:0", |mut reader, writer| async move {
            assert_eq!(writer.write_limits(), (100, 10));
            let answer = match reader.read_line().await {
                Ok(_) => b"fits",
                Err(_) => b"long",
            };
            writer.write_all(answer).await
        })
        .await
        .unwrap();
    for (line, answer) in [(&b"12345\n"[..], b"fits"), (b"123456\n", b"long")] {
        let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
        writer.write(line).unwrap();
        assert_eq!(reader.read_to_end().await.unwrap(), answer);
    }
    let error = Server::builder().limit(0).start("127.0.0.1:0", echo).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

corio::context_var! {
    static WHO: &'static str = "nobody";
}

/// Handlers have the context of whoever started the server.
#[corio::test]
async fn sv_30_handlers_have_the_context_of_the_creator() {
    let server = WHO
        .scope("the creator", async {
            start_server("127.0.0.1:0", |_reader, writer| async move {
                writer.write_all(WHO.get().as_bytes()).await
            })
            .await
            .unwrap()
        })
        .await;
    let (mut reader, _writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    assert_eq!(reader.read_to_end().await.unwrap(), b"the creator");
}

/// A client that has gone before its handler begins is an end or an error to that handler, no more.
#[corio::test]
async fn sv_31_a_client_that_has_gone_already() {
    let (sender, ends) = mpsc::channel();
    let server = start_server("127.0.0.1:0", move |mut reader, _writer| {
        let sender = sender.clone();
        async move {
            sender.send(reader.read(1).await.unwrap_or_default()).unwrap();
        }
    })
    .await
    .unwrap();
    // Within one turn: the server has not accepted it when it goes.
    drop(std::net::TcpStream::connect(server.local_addrs()[0]).unwrap());
    let end = loop {
        match ends.try_recv() {
            Ok(end) => break end,
            Err(_) => corio::yield_now().await,
        }
    };
    assert_eq!(end, b"");
    server.close();
    server.wait_closed().await;
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
